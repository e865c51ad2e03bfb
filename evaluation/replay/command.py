"""`winnow replay FILE.jsonl`: voting, weighting and stopping over recorded samples."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from decoding.decoders.majority_vote import MajorityVote
from evaluation.replay.plots import draw_accuracy_curve
from evaluation.replay.recordings import UnreadableRecording, read_recordings
from evaluation.replay.replay import Mean, Point, Replay, accuracy_curve, replay
from measurement.plots import NoPlots
from measurement.tables import format_table

EXIT_USAGE = 2
LIVE_FIELDS = frozenset(
    {
        *("strategy", "prompt_template", "prompting", "return_texts"),
        *("temperature", "top_p", "top_k", "seed", "models", "launch"),
    }
)
"""What matters when samples are drawn, not when they are counted."""

DESCRIPTION = """\
Run a decoder's own code over recorded samples, without a model. A line of FILE is
  {"id", "question", "gold", "samples": [{"text", "logprob"?, "confidence"?, "answer"?}, …]}
`gold` may be a list; a ready `answer` is used instead of extraction.
"""


def main(arguments: Sequence[str]) -> int:
    """The exit code; 2 for a file or a flag that cannot be used, said in one line."""
    options = _parser().parse_args(arguments)
    try:
        decoder = _decoder(options)
        recordings = read_recordings(options.file, options.answer_field)
        figure = asyncio.run(replay(decoder, recordings))
        curve = asyncio.run(accuracy_curve(decoder, recordings)) if options.plot else []
        if options.plot:
            draw_accuracy_curve(options.plot, curve, figure)
    except (UnreadableRecording, NoPlots) as failure:
        print(f"winnow replay: error: {failure}", file=sys.stderr)
        return EXIT_USAGE
    if options.json:
        print(json.dumps(_as_json(figure, curve), ensure_ascii=False, indent=1))
    else:
        print(_table(figure, len(recordings)))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="winnow replay",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("file", type=Path, metavar="FILE", help="recorded samples, JSONL")
    add("--strategy", choices=["majority_vote"], default="majority_vote", help="the decoder")
    add("--answer-field", help="the samples' field with ready answers (default: answer)")
    add("--json", action="store_true", help="print JSON instead of a table")
    add("--plot", type=Path, help="draw accuracy against samples there (.png or .svg)")
    group = parser.add_argument_group("the decoder's parameters")
    for name, field in MajorityVote.model_fields.items():
        if name not in LIVE_FIELDS:
            flag = f"--{name.replace('_', '-')}"
            group.add_argument(
                flag, dest=name, type=_value, metavar="VALUE",
                help=f"{field.description} (default {field.default})",
            )  # fmt: skip
    return parser


def _value(text: str) -> Any:  # a number, true or false as JSON has them; else the text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _decoder(options: argparse.Namespace) -> MajorityVote:
    given = {
        name: value
        for name in MajorityVote.model_fields.keys() - LIVE_FIELDS
        if (value := getattr(options, name)) is not None
    }
    try:
        return MajorityVote.model_validate(given)
    except ValidationError as failure:
        error = failure.errors(include_url=False)[0]
        name = str(error["loc"][0]).replace("_", "-")
        reason = error["msg"].removeprefix("Value error, ")
        raise UnreadableRecording(f"--{name} {error['input']}: {reason}") from None


def _as_json(figure: Replay, curve: Sequence[Point]) -> dict[str, Any]:  # JSON
    return asdict(figure) | ({"curve": [asdict(point) for point in curve]} if curve else {})


def _table(figure: Replay, num_problems: int) -> str:
    share = figure.accuracy
    rows = [
        ("problems", str(num_problems), ""),
        ("right", _percent(share.value), f"{_percent(share.low)} – {_percent(share.high)}"),
        ("samples used", f"{figure.num_used.value:.3f}", _range(figure.num_used)),
        (
            "tokens saved",
            _percent(figure.tokens_saved.value),
            f"{_percent(figure.tokens_saved.low)} – {_percent(figure.tokens_saved.high)}",
        ),
    ]
    shown = " ".join(f"{name}={value}" for name, value in _counted(figure.parameters).items())
    return f"{shown}\n{format_table(('', 'value', '95 % interval'), rows)}"


def _counted(parameters: dict[str, Any]) -> dict[str, Any]:  # JSON values
    return {k: v for k, v in parameters.items() if k == "strategy" or k not in LIVE_FIELDS}


def _percent(value: float) -> str:
    return f"{100 * value:.2f} %"


def _range(mean: Mean) -> str:
    return f"{mean.low:.3f} – {mean.high:.3f}"
