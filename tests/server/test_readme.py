"""The README's example runs and comes to the answer that the README shows."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from tests.server.server_process import ServerProcess

README = Path(__file__).parents[2] / "README.md"
EXAMPLE = re.compile(r"```python\n(?P<code>.+?)```\n.*?```\n(?P<output>.+?)```", re.DOTALL)


@pytest.mark.vllm
def test_example_comes_to_the_answer_it_shows(server: ServerProcess) -> None:
    example = EXAMPLE.search(README.read_text())
    assert example is not None
    code = example["code"].replace("http://localhost:8000", server.url)
    assert server.url in code
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, str(README), "exec"), {})
    plain, cot, answer = printed.getvalue().splitlines()
    shown = example["output"].splitlines()
    # Which of several openings is surest, and the wrong number, may differ between processors.
    assert answer == shown[-1]
    gold = answer.split()[1].rstrip(",")
    assert cot.endswith(f"The answer is {gold}.")
    assert not plain.endswith(f" {gold}.")
