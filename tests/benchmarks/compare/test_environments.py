"""The peers' environments."""

import re
from pathlib import Path
from typing import get_args

import pytest

from benchmarks.compare.environments import (
    Tool,
    environments,
    peer_environment,
    requirements,
    version,
)

TOOLS: tuple[Tool, ...] = get_args(Tool)


@pytest.mark.parametrize("tool", TOOLS)
def test_pins_are_exact_and_name_no_place(tool: Tool) -> None:
    lines = requirements(tool).splitlines()
    assert lines
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.!]+", line)] == []


@pytest.mark.parametrize("tool", TOOLS)
def test_version_is_the_one_that_is_asked_for(tool: Tool) -> None:
    folder = Path(__file__).parents[3] / "benchmarks" / "compare" / "environments"
    asked = (folder / f"{tool}.in").read_text().splitlines()[0]
    assert asked.endswith(f"=={version(tool)}")


def test_environments_are_removed_on_leaving() -> None:
    with environments(None) as tools:
        (tools.root / "its_hub").mkdir()
        folder = tools.root
    assert not folder.exists()


def test_folder_that_is_to_be_kept_stays(tmp_path: Path) -> None:
    with environments(tmp_path / "kept") as tools:
        (tools.root / "its_hub").mkdir()
    assert (tmp_path / "kept" / "its_hub").is_dir()


def test_our_packages_are_none_of_a_peers() -> None:
    inherited = {"PYTHONPATH": "here", "VIRTUAL_ENV": "ours", "LANG": "C"}
    assert peer_environment(inherited, HF_HUB_OFFLINE="1") == {"LANG": "C", "HF_HUB_OFFLINE": "1"}
