"""Programs that ask a server through a client library, each in its own environment."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.server.questions import MODEL, QUESTION
from tests.server.server_process import ServerProcess

Json = dict[str, Any]
PROGRAMS = Path(__file__).with_name("programs")
ENVIRONMENTS = Path(sys.prefix, "clients")
README = Path(__file__).parents[2] / "README.md"
SECTION = re.compile(r"^## Clients\n(?P<text>.+?)^## ", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"^```(?P<language>\w+)\n(?P<code>.+?)^```", re.DOTALL | re.MULTILINE)
TIMEOUT_S = 600
SETTINGS = {
    "MODEL": MODEL,
    "QUESTION": QUESTION,
    "OPENAI_API_KEY": "none",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",  # it sends traces to OpenAI
    "LITELLM_LOCAL_MODEL_COST_MAP": "true",  # it fetches prices
}


def python_folder() -> Path:
    """The environment with the packages of PyPI."""
    return _made(ENVIRONMENTS / "python")


def node_folder() -> Path:
    """The folder with the packages of npm."""
    if shutil.which("npm") is None:
        pytest.skip("no npm")
    return _made(ENVIRONMENTS / "node" / "node_modules").parent


def _made(path: Path) -> Path:
    if not path.exists():
        pytest.fail(f"no {path}: `make clients` sets it up")
    return path


def snippets(language: str) -> list[str]:
    """The code of the README's section on clients."""
    section = SECTION.search(README.read_text())
    assert section is not None
    found = CODE.finditer(section["text"])
    return [piece["code"] for piece in found if piece["language"] == language]


def run(command: Sequence[str | Path], server: ServerProcess, **options: Any) -> str:  # subprocess'
    """What the command prints, asking this server as OpenAI's clients find it."""
    done = subprocess.run(
        command,
        env={**_inherited(), **SETTINGS, "OPENAI_BASE_URL": f"{server.url}/v1"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        **options,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _inherited() -> dict[str, str]:
    """The environment without our packages. Theirs are compiled as they are first imported."""
    ours = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if name not in ours}


def replies_of_python(python: Path, server: ServerProcess, *clients: str) -> Json:
    """Replies by client. `readme` runs the code that stdin has."""
    command = (python, PROGRAMS / "ask.py", *clients)
    replies: Json = json.loads(run(command, server, input=json.dumps(snippets("python"))))
    return replies


def replies_of_node(server: ServerProcess) -> Json:
    """Replies by client. Node looks for packages where a program from stdin runs."""
    with (PROGRAMS / "ask_node.mjs").open() as program:
        command = ("node", "--input-type=module")
        replies: Json = json.loads(run(command, server, cwd=node_folder(), stdin=program))
    return replies
