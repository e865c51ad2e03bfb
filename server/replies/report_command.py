"""`winnow report`: what the kept replies say of each decoder on each model."""

import argparse
import json
import math
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from retrieval.store import CollectionError
from server.collections.opening import open_library
from server.escaping import escaped, escaped_json, say
from server.replies.log import Source
from server.replies.opening import open_reply_log
from server.replies.page import NoPlots, render_page
from server.replies.summary import JudgedReply, Summary, judged, summarise
from server.settings import WrongSetting, load_settings

EXIT_OK, EXIT_ERROR = 0, 2
UNITS_S = {"m": 60.0, "h": 3600.0, "d": 86_400.0}
HEADER = (
    *("decoder", "model", "asked by", "replies", "judged", "right (95 %)", "calibration error"),
    *("tokens", "tokens a right answer", "cost a right answer", "p50 ms", "p95 ms", "no answer"),
    "fallbacks",
)
NUM_NAMES = 3
ASKED_BY: dict[Source, str] = {"user": "users", "canary": "canaries"}


def main(arguments: list[str]) -> int:
    """The exit code."""
    options = _parser().parse_args(arguments)
    try:
        settings = load_settings()
        if options.store is not None:
            settings = settings.model_copy(update={"store": options.store})
        library = open_library(settings)
        try:
            now = time.time()
            found = open_reply_log(library.store).replies(now - options.since, now - options.until)
        finally:
            library.close()
        replies = judged(found)
        summaries = summarise(replies, options.price)
        rows = [_row(one) for one in summaries]
        print(_table(rows))
        if options.json:
            options.json.write_text(json.dumps([asdict(s) for s in summaries], indent=1))
        if options.replies:
            options.replies.write_text("".join(map(_line, replies)))
        if options.html:
            options.html.write_text(render_page(HEADER, rows, summaries, replies))
    except (WrongSetting, CollectionError, NoPlots, OSError) as failure:
        say(f"winnow: error: {failure}", sys.stderr)
        return EXIT_ERROR
    return EXIT_OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="winnow report",
        description="How often the decoders' replies were right, of those that were judged.",
    )
    add = parser.add_argument
    add("--store", help="a file or postgresql:// URL (WINNOW_STORE)")
    add(
        "--since",
        type=_ago,
        default="30d",
        help="how long ago to begin: 90m, 12h, 7d (default 30d)",
    )
    add("--until", type=_ago, default="0d", help="end so long ago (default 0d)")
    add("--json", type=Path, help="write the figures there")
    add("--html", type=Path, help="write a page with plots there")
    add("--replies", type=Path, help="write the replies themselves there, one a line as JSON")
    add("--price", type=_price, help="of a million generated tokens, for the cost")
    return parser


def _ago(text: str) -> float:
    found = re.fullmatch(r"(\d+)([mhd])", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"must be a time such as 90m, 12h or 7d, got {text!r}")
    return int(found[1]) * UNITS_S[found[2]]


def _price(text: str) -> float:
    try:
        price = float(text)
    except ValueError:
        price = math.nan
    if not 0 <= price < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number of 0 or more, got {text!r}")
    return price


def _line(one: JudgedReply) -> str:
    """The reply as a line of JSON, without its tenant.

    `is_right` is by feedback, or by the request's own reference if there is none.
    """
    reply = asdict(one.reply)
    del reply["tenant"]
    return escaped_json(json.dumps(reply | {"is_right": one.is_right}, ensure_ascii=False)) + "\n"


def _row(one: Summary) -> tuple[str, ...]:
    accuracy = one.accuracy
    right = (
        "-"
        if accuracy is None
        else f"{100 * accuracy.value:.1f} % ({100 * accuracy.low:.1f}–{100 * accuracy.high:.1f})"
    )
    return (
        escaped(one.strategy),
        escaped(one.model),
        ASKED_BY[one.source],
        str(one.num_replies),
        str(one.num_judged),
        right,
        "-" if one.calibration_error is None else f"{one.calibration_error:.3f}",
        f"{one.mean_tokens:.0f}",
        "-" if one.tokens_per_right_answer is None else f"{one.tokens_per_right_answer:.0f}",
        "-" if one.cost_per_right_answer is None else f"{one.cost_per_right_answer:.3g}",
        f"{one.p50_ms:.0f}",
        f"{one.p95_ms:.0f}",
        f"{100 * one.share_without_answer:.1f} %",
        f"{100 * one.share_of_fallbacks:.1f} %",
    )


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[i]) for row in (HEADER, *rows)) for i in range(len(HEADER))]
    lines = (HEADER, ["-" * width for width in widths], *rows)
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i < NUM_NAMES else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
