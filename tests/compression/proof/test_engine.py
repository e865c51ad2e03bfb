"""What a process around a checkpoint says when it ends."""

import os
import sys
from pathlib import Path

import pytest

from compression.errors import ProofFailed
from compression.proof.engine import running_engine

ENDS = """
import os, sys, time
os.close(1)
time.sleep(0.5)
sys.exit({said!r})
"""


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("ValueError: no room", "no room"),
        (
            "AttributeError: '_OpNamespace' '_C' object has no attribute 'cpu_gemm_wna16'",
            "it has no cpu_gemm_wna16 for this processor",
        ),
    ],
)
def test_reason_that_comes_after_the_end_of_the_replies_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, told: str
) -> None:
    (tmp_path / "ends.py").write_text(ENDS.format(said=said))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    (tmp_path / "python").write_text(f"#!/bin/sh\nexec {sys.orig_argv[0]} {tmp_path}/ends.py\n")
    (tmp_path / "python").chmod(0o755)
    with (
        pytest.raises(ProofFailed, match=f"checkpoint m: vLLM ended: {told}$"),
        running_engine(Path("m"), (), os.environ),
    ):
        pass
