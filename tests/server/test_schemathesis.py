"""Our OpenAPI document read by schemathesis, which asks all that it allows and much that it does
not: nothing of it is the server's failure."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.server.server_process import ServerProcess

pytestmark = pytest.mark.vllm

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
# The rest of the document are other routes of vLLM.
OURS = (
    r"^/(v1/(models.*|chat/completions|completions|responses|messages|messages/count_tokens"
    r"|feedback|collections.*)|tokenize|detokenize|health|ready|version|load)$"
)
TIMEOUT_S = 240


def test_no_request_of_any_mode_is_a_failure_of_the_server(
    server: ServerProcess, tmp_path: Path
) -> None:
    command = [
        *(SCHEMATHESIS, "run", f"{server.url}/openapi.json"),
        *("--mode", "all", "--phases", "coverage,fuzzing", "--checks", "not_a_server_error"),
        *("--include-path-regex", OURS, "--max-examples", "3", "--generation-deterministic"),
        *("--no-shrink", "--continue-on-failure", "--request-timeout", "30", "--max-time", "40"),
    ]
    run = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "selected" in run.stdout
