import os

import pytest

from server.defaults import (
    CPU_ENVIRONMENT,
    CPU_FLAGS,
    ENVIRONMENT,
    SMALL_CPU_ENVIRONMENT,
    UnusableFlag,
    apply_environment,
    check_origins,
    with_default_flags,
)


@pytest.fixture
def few_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)


@pytest.mark.usefixtures("few_cores")
def test_small_cpu_gets_every_default() -> None:
    environment: dict[str, str] = {}
    apply_environment(environment, is_cpu=True)
    del environment["VLLM_PLUGINS"]
    assert environment == ENVIRONMENT | CPU_ENVIRONMENT | SMALL_CPU_ENVIRONMENT


def test_many_cores_keep_vllms_threading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 32)
    environment: dict[str, str] = {}
    apply_environment(environment, is_cpu=True)
    assert environment.keys() & SMALL_CPU_ENVIRONMENT.keys() == set()
    assert environment.keys() >= CPU_ENVIRONMENT.keys()


@pytest.mark.usefixtures("few_cores")
def test_gpu_build_gets_no_cpu_defaults() -> None:
    environment: dict[str, str] = {}
    apply_environment(environment, is_cpu=False)
    assert environment.keys() == {*ENVIRONMENT, "VLLM_PLUGINS"}


@pytest.mark.usefixtures("few_cores")
def test_what_the_user_set_stays() -> None:
    own = dict.fromkeys(ENVIRONMENT | CPU_ENVIRONMENT | SMALL_CPU_ENVIRONMENT, "theirs")
    environment = dict(own)
    apply_environment(environment, is_cpu=True)
    assert {name: environment[name] for name in own} == own


def test_plugins_are_named_beside_the_users() -> None:
    environment = {"VLLM_PLUGINS": "mine,other"}
    apply_environment(environment, is_cpu=False)
    assert environment["VLLM_PLUGINS"] == "mine,other,winnow,winnow_amx,winnow_ending"


def test_users_empty_allow_list_allows_ours_alone() -> None:
    environment = {"VLLM_PLUGINS": ""}
    apply_environment(environment, is_cpu=False)
    assert environment["VLLM_PLUGINS"] == "winnow,winnow_amx,winnow_ending"


def test_without_an_allow_list_what_loads_by_itself_still_loads() -> None:
    environment: dict[str, str] = {}
    apply_environment(environment, is_cpu=False)
    allowed = environment["VLLM_PLUGINS"].split(",")
    assert {"winnow", "winnow_amx", "winnow_ending", "lora_filesystem_resolver"} <= set(allowed)
    assert len(allowed) == len(set(allowed))


def test_applying_twice_is_applying_once() -> None:
    once: dict[str, str] = {}
    apply_environment(once, is_cpu=True)
    twice = dict(once)
    apply_environment(twice, is_cpu=True)
    assert twice == once


def test_cpu_flags_are_added_behind_the_users() -> None:
    arguments = with_default_flags(["m", "--port", "1"], is_cpu=True)
    assert arguments[:3] == ["m", "--port", "1"]
    assert set(CPU_FLAGS) <= set(arguments)
    assert arguments[arguments.index("--block-size") + 1] == "32"
    assert arguments[arguments.index("--max-logprobs") + 1] == "64"


def test_gpu_gets_no_cpu_flags() -> None:
    assert set(CPU_FLAGS) & set(with_default_flags(["m"], is_cpu=False)) == set()


@pytest.mark.parametrize(
    "given", [["--block-size", "64"], ["--block-size=64"], ["--block_size=64"]], ids=str
)
def test_users_flag_wins_however_it_is_written(given: list[str]) -> None:
    arguments = with_default_flags(["m", *given], is_cpu=True)
    assert sum(a.replace("_", "-").startswith("--block-size") for a in arguments) == 1


def test_users_refusal_of_eager_mode_wins() -> None:
    assert "--enforce-eager" not in with_default_flags(["m", "--no-enforce-eager"], is_cpu=True)


def test_origins_are_as_browsers_write_them() -> None:
    check_origins(["http://localhost:3000", "*", "null", "chrome-extension://abc"])
    for wrong in (["http://localhost:3000/"], ["localhost:3000"], "http://localhost", [5], None):
        with pytest.raises(UnusableFlag, match="--allowed-origins must be a JSON list"):
            check_origins(wrong)
