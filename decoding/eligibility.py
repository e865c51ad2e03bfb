"""Which paths may be selected; pure."""

from decoding.answers import Answer
from decoding.path import Path
from decoding.report import Dropped


def drop_reason(
    path: Path,
    answer: Answer | None,
    *,
    needs_answer: bool = True,
    may_be_truncated: bool = False,
) -> Dropped | None:
    """Why a path cannot be selected, None when it can.

    One that the deadline cut off never can, `may_be_truncated` or not: where it was cut is a matter
    of the machine's load.
    """
    if path.is_timed_out:
        return "timeout"
    if not path.text.strip():
        return "empty"
    if path.finish_reason != "stop" and not may_be_truncated:
        return "truncated"
    return None if answer or not needs_answer else "no_answer"
