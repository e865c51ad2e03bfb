"""compose.yaml and the Dockerfiles, by tools that know their rules, and against what is there."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.settings import PREFIX, Settings, load_settings

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "compose.yaml"
DOCKERFILES = ("docker/Dockerfile", "docker/Dockerfile.cpu")
INTERPOLATED = re.compile(r"\$\{(\w+):-([^}]*)\}")

Json = dict[str, Any]


@pytest.fixture(scope="module")
def compose() -> Json:
    """As Compose reads it where nothing is set."""
    text = INTERPOLATED.sub(lambda found: found[2], COMPOSE.read_text())
    loaded: Json = yaml.safe_load(text)
    return loaded


def tool(name: str) -> str:
    path = shutil.which(name, path=str(Path(sys.executable).parent))
    assert path is not None, f"no {name} in this environment"
    return path


@pytest.mark.parametrize("name", DOCKERFILES)
def test_hadolint_is_content(name: str) -> None:
    done = subprocess.run([tool("hadolint"), ROOT / name], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_compose_conforms_to_its_specification(compose: Json, tmp_path: Path) -> None:
    read = tmp_path / "compose.json"  # with what Compose fills in filled in
    read.write_text(json.dumps(compose))
    schema = "vendor.compose-spec"
    command = [tool("check-jsonschema"), "--builtin-schema", schema, read]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_files_that_are_mounted_are_there(compose: Json) -> None:
    mounted = [
        volume.partition(":")[0]
        for service in compose["services"].values()
        for volume in service["volumes"]
    ]
    files = {one for one in mounted if one.startswith("./docker/")}
    assert len(files) >= 5
    # A certificate is the user's, who makes the folder.
    missing = [one for one in files - {"./docker/tls"} if not (ROOT / one).exists()]
    assert missing == []


@pytest.mark.parametrize("profile", ["cpu", "gpu"])
def test_profile_has_one_server_and_all_that_stands_around_it(compose: Json, profile: str) -> None:
    services = {k: v for k, v in compose["services"].items() if profile in v["profiles"]}
    assert set(services) == {f"winnow-{profile}", "nginx", "prometheus", "grafana"}
    server = services[f"winnow-{profile}"]
    assert server["networks"]["winnow"]["aliases"] == ["winnow"]  # nginx and Prometheus ask it
    assert server["read_only"] is True
    assert server["cap_drop"] == ["ALL"]
    assert "ports" not in server  # nginx alone is reached from outside
    assert all("winnow" in service["networks"] for service in services.values())


def test_container_is_given_longer_than_it_drains(compose: Json) -> None:
    from server.defaults import FLAGS

    for name in ("winnow-cpu", "winnow-gpu"):
        grace = compose["services"][name]["stop_grace_period"]
        assert float(grace.removesuffix("s")) > float(FLAGS["--shutdown-timeout"])


def test_settings_that_are_passed_are_settings(compose: Json) -> None:
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    passed = {
        name
        for service in compose["services"].values()
        for name in service.get("environment", {})
        if name.startswith(PREFIX)
    }
    assert passed
    assert passed <= known
    for name in DOCKERFILES:
        set_in_image = set(re.findall(r"(WINNOW_\w+)=", (ROOT / name).read_text()))
        assert set_in_image <= known


@pytest.mark.parametrize("name", ["winnow-cpu", "winnow-gpu"])
def test_server_takes_its_settings_where_nothing_is_set(
    compose: Json, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in compose["services"][name]["environment"].items():
        if value is not None:  # else Compose passes it on if it is set, and nothing if not
            monkeypatch.setenv(variable, value)
    assert load_settings().keys is None


def test_images_are_named_by_version(compose: Json) -> None:
    images = [service["image"] for service in compose["services"].values()]
    foreign = [one for one in images if not one.startswith("winnow:")]
    assert len(foreign) == 3
    assert all(re.search(r":v?\d+\.\d+", one) for one in foreign)


def test_grafana_is_given_the_dashboard_and_prometheus(compose: Json) -> None:
    folder = ROOT / "docker/monitoring/grafana"
    (source,) = yaml.safe_load((folder / "datasources/prometheus.yml").read_text())["datasources"]
    (provider,) = yaml.safe_load((folder / "dashboards/winnow.yml").read_text())["providers"]
    assert source["url"] == "http://prometheus:9090"
    targets = [volume.split(":")[1] for volume in compose["services"]["grafana"]["volumes"]]
    dashboard = f"{provider['options']['path']}/winnow.json"
    assert dashboard in targets
