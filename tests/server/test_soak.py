"""All decoders at once, and clients that leave: the server neither fails nor grows nor goes on."""

from pathlib import Path

import pytest

from loadtest.soak import soak
from tests.server.server_process import running_server

pytestmark = pytest.mark.vllm

SECONDS = 60.0
"""A third of what `python -m loadtest.soak` takes."""
CONCURRENCY = 16


async def test_server_is_sound_after_a_soak(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    with running_server("pocket", log) as server:
        figures = await soak(server.url, server.process.pid, "pocket", SECONDS, CONCURRENCY)
    assert figures.complaints == [], figures
    assert figures.num_left > 0
    assert figures.statuses["200"] > CONCURRENCY
