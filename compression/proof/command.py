"""`winnow compress prove` and `… report`, and the arguments of any command that proves."""

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from compression.checkpoint import FIGURE, POCKET, REPORT, name_of, resolve
from compression.errors import CompressionError, UnusableInput
from compression.progress import Bars
from compression.proof.figures import Proof
from compression.proof.gate import refusal
from compression.proof.options import DECODERS, ProofOptions, Serving
from compression.proof.plot import NoPlots, check_plot, draw_proofs
from compression.proof.proving import prove
from compression.proof.report import read_proof, render_comparison, render_proof, write_proof
from compression.samples import bundled_text

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_REFUSED = 3
NONE = "none"

PROVE = """\
Measure a compressed checkpoint beside its original: bytes, load time, perplexity, KL divergence and
top-1 agreement on held-out text, tokens/s in turns, and right answers by decoder. A table goes to
stdout, winnow_report.json and winnow_report.png to the compressed checkpoint's folder.

The two are loaded at the same time: on an accelerator let each have its part, such as
-- --gpu-memory-utilization 0.45. What stands after -- are flags of vllm serve, for both.

exit code: 0 done, 1 failed, 2 a flag, file or checkpoint that cannot be used,
3 the drop of accuracy is above --max-accuracy-drop, 130 interrupted
"""


def add_proof_arguments(parser: argparse.ArgumentParser) -> None:
    """What `proof_options` reads."""
    add = parser.add_argument
    add("--text", metavar="FILE", help="held-out text: JSONL of {text}, {question, solution} or "
        "{messages}, 'pocket' or 'none' (default: pocket's for pocket, else none)")  # fmt: skip
    add("--dataset", metavar="FILE", help="questions as winnow eval takes them: a file, 'pocket' "
        "or 'none' (default: pocket's for pocket, else none)")  # fmt: skip
    add("--split", help="of --dataset pocket")
    add("--decoders", nargs="+", default=list(DECODERS), metavar="DECODER",
        help="as winnow eval takes them (default %(default)s)")  # fmt: skip
    add("--limit", type=_count, metavar="N", help="ask the first so many questions (default: all)")
    add("--max-tokens", type=_count, default=512, help="of a path (default %(default)s)")
    add("--concurrency", type=_count, default=8, help="requests at once (default %(default)s)")
    add("--rounds", type=_count, default=7, help="of speed (default %(default)s)")
    add("--top-k", type=_count, default=64, help="tokens that distributions are compared by; no "
        "more than --max-logprobs (default %(default)s)")  # fmt: skip
    add("--max-accuracy-drop", type=_points, metavar="POINTS",
        help="exit with 3 if any decoder loses more points of accuracy")  # fmt: skip
    add("--plot", type=Path, metavar="FILE",
        help="draw the figure there (default: in the compressed checkpoint's folder)")  # fmt: skip


def proof_options(options: argparse.Namespace, original: Path, serving: Serving) -> ProofOptions:
    """The options of a proof, from the command line.

    Raises:
        UnusableInput: two flags contradict each other, or the plot cannot be drawn.
    """
    default = POCKET if name_of(original) == POCKET else NONE
    text, dataset = options.text or default, options.dataset or default
    if options.split is not None and dataset != POCKET:
        raise UnusableInput(f"--split {options.split} goes with --dataset pocket, not {dataset}")
    if options.max_accuracy_drop is not None and dataset == NONE:
        raise UnusableInput(
            f"--max-accuracy-drop {options.max_accuracy_drop:g} needs a --dataset to measure "
            "accuracy on"
        )
    if options.plot is not None:
        check_plot(options.plot)
    return ProofOptions(
        serving=serving,
        text=None if text == NONE else bundled_text() if text == POCKET else Path(text),
        dataset=None if dataset == NONE else dataset,
        split=options.split,
        decoders=tuple(options.decoders),
        num_questions=options.limit,
        max_tokens=options.max_tokens,
        concurrency=options.concurrency,
        num_rounds=options.rounds,
        top_k=options.top_k,
    )


def prove_and_tell(
    original: Path, compressed: Path, options: ProofOptions, plot: Path | None
) -> Proof:
    """Prove with progress on stderr, keep the report and the figure, and print the table.

    Raises:
        CompressionError: nothing was kept.
    """
    with Bars() as bars:
        proof = prove(original, compressed, options, bars.tell)
    write_proof(proof, compressed)
    print(render_proof(proof))
    if proof.tasks:
        try:
            draw_proofs(plot or compressed / FIGURE, [proof])
        except NoPlots as reason:
            print(f"winnow compress: no figure: {reason}", file=sys.stderr)
    return proof


def prove_command(arguments: Sequence[str], serving: Serving) -> int:
    """The exit code.

    Raises:
        CompressionError: told by the caller.
    """
    parser = argparse.ArgumentParser(
        prog="winnow compress prove",
        description=PROVE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("original", metavar="ORIGINAL", help="a folder or 'pocket'")
    parser.add_argument("compressed", metavar="COMPRESSED", help="a folder")
    add_proof_arguments(parser)
    given = parser.parse_args(arguments)
    original, compressed = resolve(given.original), resolve(given.compressed)
    options = proof_options(given, original, serving)
    proof = prove_and_tell(original, compressed, options, given.plot)
    print(f"kept in {compressed / REPORT}", file=sys.stderr)
    if given.max_accuracy_drop is not None:
        said = refusal(proof, given.max_accuracy_drop)
        if said is not None:
            print(f"winnow compress: {said}", file=sys.stderr)
            return EXIT_REFUSED
    return 0


def report_command(arguments: Sequence[str]) -> int:
    """The exit code.

    Raises:
        CompressionError: told by the caller.
    """
    parser = argparse.ArgumentParser(
        prog="winnow compress report",
        description="What compressed checkpoints cost and gain, by the reports in their folders.",
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw accuracy against size and "
                        "speed, .png or .svg")  # fmt: skip
    options = parser.parse_args(arguments)
    proofs = [read_proof(folder) for folder in options.folders]
    print(render_proof(proofs[0]) if len(proofs) == 1 else render_comparison(proofs))
    if options.plot is not None:
        draw_proofs(options.plot, proofs)
    return 0


def exit_code(failure: CompressionError) -> int:
    return EXIT_USAGE if isinstance(failure, UnusableInput) else EXIT_FAILED


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 on, got {text!r}")
    return int(text)


def _points(text: str) -> float:
    try:
        points = float(text)
    except ValueError:
        points = math.nan
    if not 0 <= points <= 100:
        raise argparse.ArgumentTypeError(f"must be points in 0..100, got {text!r}")
    return points
