"""A process of vLLM's ends without a search for cycles in all that it holds."""

import atexit
import gc
from collections.abc import Callable, Iterator

import pytest

pytestmark = pytest.mark.vllm
MANY = 100_000


@pytest.fixture(autouse=True)
def _thawed_after(vllm_environment: None) -> Iterator[None]:
    yield
    gc.unfreeze()


def test_engine_is_shut_down_without_a_search_of_its_objects(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from vllm.v1.engine.core import EngineCore, EngineCoreProc

    from server.vllm_adapter import ending

    at_exit: list[Callable[[], object]] = []
    monkeypatch.setattr(atexit, "register", at_exit.append)
    monkeypatch.setattr(gc, "unfreeze", gc.unfreeze)  # put back after the test
    monkeypatch.setattr(EngineCoreProc, "shutdown", EngineCoreProc.shutdown)
    seen: list[int] = []

    def shutdown(engine: EngineCore) -> None:
        gc.unfreeze()  # as vLLM does, before it collects
        seen.append(len(gc.get_objects()))

    monkeypatch.setattr(EngineCore, "shutdown", shutdown)
    held: list[list[int]] = [[] for _ in range(MANY)]
    ending.end_quickly()
    assert at_exit == [gc.freeze]
    assert len(gc.get_objects()) > MANY
    EngineCoreProc.shutdown(object.__new__(EngineCoreProc))
    assert seen[0] < MANY
    assert len(held) == MANY
