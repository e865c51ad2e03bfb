"""The Helm chart, rendered by helm itself."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import SecretStr

from server.ray_serve.options import RayOptions
from server.settings import PREFIX, Settings

CHART = Path(__file__).parents[2] / "docker" / "helm" / "winnow"
FETCHED = Path(sys.prefix, "helm")
"""Where `make test` puts helm, which need not be installed."""
RELEASE, NAMESPACE = "model", "llm"
FROM_SECRETS = {
    f"{PREFIX}{name}".upper()
    for name, field in Settings.model_fields.items()
    if SecretStr in (field.annotation, *get_args(field.annotation))
}
ON_VOLUMES = {"WINNOW_KEYS", "WINNOW_STORE"}
BY_FLAGS = {"WINNOW_HOST", "WINNOW_PORT"}  # the chart gives them

Manifest = dict[str, Any]  # Kubernetes' JSON


class Refused(Exception):
    """What helm said of values that it did not take."""


def helm(*arguments: str, stdin: str = "") -> str:
    """Its standard output; skips the test where there is no helm.

    Raises:
        Refused: it failed.
    """
    path = shutil.which("helm", path=os.pathsep.join((os.environ["PATH"], str(FETCHED))))
    if path is None:
        pytest.skip("no helm on PATH, nor where `make test` unpacks it")
    run = subprocess.run([path, *arguments], input=stdin, capture_output=True, text=True)
    if run.returncode != 0:
        raise Refused(run.stderr)
    return run.stdout


def render(values: dict[str, Any] | None = None, *files: Path) -> list[Manifest]:
    """What the chart makes of the values, which win over those of the files.

    Raises:
        Refused: the chart does not take them.
    """
    named = [argument for file in files for argument in ("--values", str(file))]
    text = helm(
        *("template", RELEASE, str(CHART), "--namespace", NAMESPACE, *named, "--values", "-"),
        stdin=json.dumps(values or {}),
    )
    return [manifest for manifest in yaml.safe_load_all(text) if manifest is not None]


def of_kind(manifests: list[Manifest], kind: str) -> Manifest:
    (found,) = [manifest for manifest in manifests if manifest["kind"] == kind]
    return found


def kinds(manifests: list[Manifest]) -> set[str]:
    return {manifest["kind"] for manifest in manifests}


def container(manifests: list[Manifest]) -> dict[str, Any]:
    """The Deployment's."""
    (only,) = of_kind(manifests, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert isinstance(only, dict)
    return only


def variables(one: dict[str, Any]) -> dict[str, Any]:
    """A container's environment: values, or where they come from."""
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in one["env"]}


def ray_schema() -> dict[str, Any]:
    """Likewise of `ray.args`, which with the model and its flags are those of the application."""
    properties: dict[str, Any] = {"model": False, "flags": False}
    for name, field in RayOptions.model_json_schema()["properties"].items():
        if name not in properties:
            dropped = ("title", "description", "default", "additionalProperties")
            properties[name] = {key: value for key, value in field.items() if key not in dropped}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def settings_schema() -> dict[str, Any]:
    """What values.schema.json has to say of `settings`: all but what is secret or on a volume."""
    properties = {}
    for name, field in Settings.model_json_schema()["properties"].items():
        variable = f"{PREFIX}{name}".upper()
        if variable in FROM_SECRETS | ON_VOLUMES | BY_FLAGS:
            continue
        (typed,) = [one for one in field.get("anyOf", [field]) if one.get("type") != "null"]
        kept = {
            key: value
            for key, value in typed.items()
            if key not in ("title", "description", "default", "format")
        }
        properties[variable] = {"description": field["description"], **kept}
    return {"type": "object", "additionalProperties": False, "properties": properties}
