"""Prometheus' rules and settings, by its own tool. What they ought to do is in rules_test.yml."""

import subprocess
from pathlib import Path

import pytest

from tests.docker.prometheus_process import binary

MONITORING = Path(__file__).parents[2] / "docker" / "monitoring"


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", "prometheus.yml"),
        ("check", "rules", "rules.yml"),
        ("test", "rules", "rules_test.yml"),
    ],
    ids=" ".join,
)
def test_promtool_is_content(arguments: tuple[str, ...]) -> None:
    run = subprocess.run(
        [binary("promtool"), *arguments], cwd=MONITORING, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "SUCCESS" in run.stdout
