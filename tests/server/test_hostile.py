"""All hostile cases against a server with a key: each is refused or answered, none hangs."""

from pathlib import Path

import pytest

from loadtest.hostile.cases import all_cases
from loadtest.hostile.report import failure_list
from loadtest.hostile.runner import run_cases
from loadtest.hostile.wire import target_at
from tests.server.server_process import running_server

pytestmark = pytest.mark.vllm
KEY = "sk-hostile"
BODY_TIMEOUT_S = 2.0


async def test_hostile_input_does_no_harm(tmp_path: Path) -> None:
    environment = {"WINNOW_BODY_TIMEOUT_S": f"{BODY_TIMEOUT_S}", "WINNOW_HEAD_TIMEOUT_S": "2"}
    log = tmp_path / "server.log"
    with running_server("pocket", log, "--api-key", KEY, environment=environment) as server:
        target = target_at(server.url, "pocket", KEY, BODY_TIMEOUT_S)
        cases = all_cases(target)
        results = await run_cases(target, cases)
    assert failure_list(results) == ""
    assert len(results) > len(cases)
