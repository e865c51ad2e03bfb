"""What came of the cases, as a table and a list of failures."""

from collections.abc import Mapping, Sequence

from loadtest.hostile.runner import Result
from measurement.tables import format_table


def group_table(results: Mapping[str, Sequence[Result]]) -> str:
    """A row a group; for every server the cases passed and failed and the longest stall."""
    header = ["group"]
    for server in results:
        header += [f"{server} passed", "failed", "longest stall ms"]
    groups = dict.fromkeys(one.group for those in results.values() for one in those)
    rows = [(group, *_cells(results, group)) for group in groups]
    return format_table(header, [*rows, ("all", *_cells(results, None))])


def failure_list(results: Sequence[Result]) -> str:
    return "\n".join(
        f"{one.group} / {one.name}: {one.failure}" for one in results if one.failure is not None
    )


def _cells(results: Mapping[str, Sequence[Result]], group: str | None) -> list[str]:
    cells = []
    for those in results.values():
        own = [one for one in those if group in (None, one.group)]
        num_failed = sum(one.failure is not None for one in own)
        stall_ms = 1000 * max((one.stall_s for one in own), default=0.0)
        cells += [str(len(own) - num_failed), str(num_failed), f"{stall_ms:.0f}"]
    return cells
