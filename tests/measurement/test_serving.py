"""Both sides of a benchmark get what `winnow serve` would add, so neither profits from it."""

import os

import pytest

from measurement.serving import ENVIRONMENT, FEW_CORES, serving
from server.defaults import CPU_FLAGS, apply_environment, with_default_flags


@pytest.mark.parametrize("is_cpu", [True, False])
def test_flags_and_environment_are_winnows_defaults(
    monkeypatch: pytest.MonkeyPatch, is_cpu: bool
) -> None:
    monkeypatch.setattr(os, "environ", {"VLLM_PLUGINS": "winnow"})
    monkeypatch.setattr(os, "cpu_count", lambda: FEW_CORES)
    explicit = serving("some/model", is_cpu=is_cpu, num_cores=FEW_CORES)
    defaults: dict[str, str] = {}
    apply_environment(defaults, is_cpu=is_cpu)
    del defaults["VLLM_PLUGINS"]
    assert explicit.environment == {**defaults, "WINNOW_STORE": ENVIRONMENT["WINNOW_STORE"]}
    ours = ["--worker-cls", CPU_FLAGS["--worker-cls"]] if is_cpu else []
    assert with_default_flags(explicit.arguments, is_cpu=is_cpu) == [*explicit.arguments, *ours]


def test_variable_that_the_user_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {"OMP_NUM_THREADS": "2"})
    environment = serving("some/model", is_cpu=True, num_cores=FEW_CORES).environment
    assert environment["OMP_NUM_THREADS"] == "2"


def test_pocket_is_served_from_its_folder_under_its_name() -> None:
    explicit = serving("pocket", is_cpu=True, num_cores=FEW_CORES)
    assert explicit.model == "pocket"
    assert os.path.isfile(os.path.join(explicit.checkpoint, "config.json"))
