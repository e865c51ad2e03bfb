"""Podman, which builds and runs images without a daemon, and the image of docker/Dockerfile.cpu."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from measurement.machine import free_port

ROOT = Path(__file__).parents[2]
TOOLS = ("podman", "buildah", "runc", "mmdebstrap")
BASE = "localhost/winnow-test-base"
IMAGE = "localhost/winnow-test:cpu"
BUILD_TIMEOUT_S = 1500
COMMAND_TIMEOUT_S = 120
# Under the defaults of old versions: crun, and networks by plugins that Debian does not install.
CONFIG = """
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=30000:30000"]
[engine]
runtime = "runc"
[network]
network_backend = "netavark"
"""


@dataclass(frozen=True)
class Podman:
    """`environment` names a configuration of the tests' own."""

    environment: dict[str, str]

    def run(
        self, *command: str, timeout_s: float = COMMAND_TIMEOUT_S, is_checked: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Any of its commands, or of its companions'."""
        done = subprocess.run(
            command,
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert not is_checked or done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done

    def inspect(self, what: str) -> dict[str, Any]:  # its JSON
        (found,) = json.loads(self.run("podman", "inspect", what).stdout)
        return dict(found)


def podman(folder: Path) -> Podman:
    """Skips the test where it cannot build and run here."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"no {', '.join(missing)} on PATH: see tests/docker/install_podman.sh")
    if os.getuid() != 0:
        pytest.skip("a base image is made by root alone")
    config = folder / "containers.conf"
    config.write_text(CONFIG)
    found = Podman({**os.environ, "CONTAINERS_CONF": str(config)})
    make_base(found, folder)
    publish = ("-p", f"127.0.0.1:{free_port()}:8000")
    probe = found.run("podman", "run", "--rm", *publish, BASE, "true", is_checked=False)
    if probe.returncode != 0:
        pytest.skip(f"no container runs here: {probe.stderr.strip()[-300:]}")
    return found


def make_base(podman: Podman, folder: Path) -> None:
    """Debian's base system: what the registry's image holds, which may be out of reach."""
    if podman.run("podman", "image", "exists", BASE, is_checked=False).returncode == 0:
        return
    archive = folder / "base.tar"
    made = podman.run(
        *("mmdebstrap", "--mode=root", "--variant=minbase", "--include=ca-certificates"),
        *("bookworm", str(archive)),
        timeout_s=600,
        is_checked=False,
    )
    if made.returncode != 0:
        pytest.skip(f"no base image can be made here: {made.stderr.strip()[-300:]}")
    podman.run("podman", "import", str(archive), BASE, timeout_s=600)


def build(podman: Podman, folder: Path) -> None:
    """With what this machine itself needs to reach packages: in a secret and in mounts, none of
    which may be in the image."""
    wheels = wheel_folders()
    certificates = os.environ.get("SSL_CERT_DIR")
    settings = {
        "UV_FIND_LINKS": ",".join(wheels),
        **{name: value for name, value in os.environ.items() if name in PASSED_ON},
    }
    secret = folder / "environment"
    secret.write_text("".join(f"{name}={value}\n" for name, value in settings.items() if value))
    mounts = [*wheels, *([certificates] if certificates else [])]
    podman.run(
        *("buildah", "bud", "--isolation", "chroot", "--format", "docker", "--network", "host"),
        *("--build-arg", f"BASE_IMAGE={BASE}", "--build-arg", "REVISION=tested"),
        *("--secret", f"id=environment,src={secret}"),
        *(part for one in mounts for part in ("-v", f"{one}:{one}:ro")),
        *("-f", "docker/Dockerfile.cpu", "-t", IMAGE, "."),
        timeout_s=BUILD_TIMEOUT_S,
    )


PASSED_ON = ("SSL_CERT_FILE", "PIP_CERT", "PIP_INDEX_URL", "UV_DEFAULT_INDEX", "HTTPS_PROXY")


def wheel_folders() -> list[str]:
    """Those that pip knows on this machine, as in the Makefile."""
    asked = [sys.executable, "-m", "pip", "config", "get", "global.find-links"]
    known = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    given = f"{known} {os.environ.get('PIP_FIND_LINKS', '')}".split()
    return sorted({one for one in given if Path(one).is_dir()})


@dataclass(frozen=True)
class Container:
    """A running one, with its port published."""

    podman: Podman
    name: str
    url: str

    def is_ready(self) -> bool:
        assert self.state["Running"], self.logs()
        try:
            return httpx.get(f"{self.url}/ready", timeout=5).is_success
        except httpx.TransportError:
            return False

    @property
    def state(self) -> dict[str, Any]:
        return dict(self.podman.inspect(self.name)["State"])

    def sh(self, script: str, *, is_checked: bool = True) -> str:
        command = ("podman", "exec", self.name, "sh", "-euc", script)
        return self.podman.run(*command, is_checked=is_checked).stdout

    def is_healthy(self) -> bool:
        """By the image's own HEALTHCHECK."""
        command = ("podman", "healthcheck", "run", self.name)
        return self.podman.run(*command, is_checked=False).returncode == 0

    def logs(self) -> str:
        done = self.podman.run("podman", "logs", self.name)
        return done.stdout + done.stderr

    def wait(self, timeout_s: float) -> int:
        """The exit code."""
        done = self.podman.run("podman", "wait", self.name, timeout_s=timeout_s)
        return int(done.stdout)


@contextmanager
def running(podman: Podman, *options: Sequence[str] | str) -> Iterator[Container]:
    port = free_port()
    name = f"winnow-test-{port}"
    podman.run(
        *("podman", "run", "--detach", "--name", name, "-p", f"127.0.0.1:{port}:8000"),
        *("--read-only", "--tmpfs", "/tmp:rw,exec,mode=1777", "--cap-drop", "ALL"),
        *("--security-opt", "no-new-privileges", "--shm-size", "1g"),
        *(str(one) for one in options),
        IMAGE,
    )
    try:
        yield Container(podman, name, f"http://127.0.0.1:{port}")
    finally:
        podman.run("podman", "rm", "--force", "--time", "0", name, is_checked=False)
