"""What is kept of a reply, and of what was said about it; where it is kept.

Methods of a `ReplyLog` block and may be called from any thread; what they write is on disk when
they return.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Source = Literal["user", "canary"]
"""Who asked: a user, or the server itself with a problem of the operator's."""


@dataclass(frozen=True, slots=True)
class LoggedReply:
    """A reply of a decoder. `is_right` is by the request's own reference, None without one;
    `created_at` is in seconds since 1970. `prompt` is the question, where the operator has it
    kept."""

    id: str
    tenant: str
    model: str
    strategy: str
    answer: str | None
    confidence: float | None
    agreement: float | None
    fallback: str | None
    num_tokens: int
    seconds: float
    is_right: bool | None
    created_at: float
    source: Source = "user"
    prompt: str | None = None

    @property
    def sureness(self) -> float | None:
        """Confidence where it was measured, else agreement; in 0..1."""
        return self.agreement if self.confidence is None else self.confidence


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a client said of a reply, by its id; `reference` is the right answer where it was
    given."""

    reply_id: str
    is_right: bool
    reference: str | None = None
    comment: str | None = None


class ReplyLog(Protocol):
    def write(self, replies: Sequence[LoggedReply]) -> None:
        """One whose id is there already is left as it is."""
        ...

    def find(self, tenant: str, reply_id: str) -> LoggedReply | None: ...

    def judge(self, verdict: Verdict, created_at: float) -> bool:
        """Whether the verdict is new; the same one again is not.

        Raises:
            JudgedOtherwise: the reply has another one.
        """
        ...

    def forget(self, before: float) -> int:
        """Delete replies that are older, with their verdicts; how many there were."""
        ...

    def replies(self, since: float, until: float) -> list[tuple[LoggedReply, Verdict | None]]:
        """Return the replies of all tenants from `since` until before `until`, by time."""
        ...
