"""One hostile request, as the bytes that are sent, and what has to come back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

Headers = Mapping[str, str]
NO_HEADERS: Headers = MappingProxyType({})
HANG_S = 10.0


@dataclass(frozen=True)
class Target:
    """`key` is an ordinary one; `body_timeout_s` is when the server cuts off a slow sender."""

    host: str
    port: int
    model: str
    key: str | None = None
    body_timeout_s: float = 30.0


@dataclass(frozen=True)
class Reply:
    """`headers` have lower-case names; where one is repeated the last is kept."""

    status: int
    headers: Headers = field(default_factory=dict)
    body: bytes = b""

    @property
    def is_stream(self) -> bool:
        return "text/event-stream" in self.headers.get("content-type", "")


@dataclass(frozen=True)
class Outcome:
    """The replies of all connections. `num_cut` connections ended without the replies awaited."""

    replies: tuple[Reply, ...]
    num_cut: int = 0


@dataclass(frozen=True)
class Pause:
    seconds: float


Script = tuple[bytes | Pause, ...]
"""What a connection sends, in order."""

Expectation = Callable[[Outcome], str | None]
"""What is wrong with an outcome; None where nothing is."""


@dataclass(frozen=True)
class Case:
    """Every one of `num_connections` connections sends `script` and awaits `num_replies`.

    With `leaves` it closes when all is sent, and awaits nothing. Past `deadline_s` it hangs.
    """

    group: str
    name: str
    script: Script
    expect: Expectation
    num_replies: int = 1
    num_connections: int = 1
    leaves: bool = False
    deadline_s: float = HANG_S
