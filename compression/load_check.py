"""Does vLLM load a checkpoint here, and write a token?"""

from pathlib import Path

from compression.errors import ProofFailed
from compression.proof.engine import running_engine
from compression.proof.options import Serving

PROMPT = [[0, 0, 0, 0]]


def load_failure(checkpoint: Path, serving: Serving) -> str | None:
    """Why not; None where it does."""
    try:
        with running_engine(checkpoint, serving.flags, serving.environment) as engine:
            engine.time(PROMPT, 1)
    except ProofFailed as failure:
        return str(failure)
    return None
