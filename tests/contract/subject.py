"""What the contract suite needs of an engine under test."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from decoding.engine import Engine, Prompt


@dataclass(frozen=True)
class Subject:
    """`engine` answers `prompt` and ends it by itself within `prompt.max_tokens`.

    `endless` answers the same prompt without an end in sight. `num_running` counts the paths
    that the engine is busy with. `sample` is a text that the engine can encode. `hurried` gives an
    endless one whose deadline passes once a path has said something, or soon after.
    """

    engine: Engine
    endless: Engine
    prompt: Prompt
    sample: str
    num_running: Callable[[], int]
    hurried: Callable[[], AbstractAsyncContextManager[Engine]]
