"""`winnow compress CHECKPOINT`, `… list` and `… show`."""

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from compression.calibration import Calibration, read_calibration
from compression.capacity import check_disk, check_memory
from compression.checkpoint import check_folder, expanded, is_quantized, resolve
from compression.errors import ProofFailed, UnusableInput
from compression.listing import recipe_table
from compression.load_check import load_failure
from compression.progress import Bars
from compression.proof.command import (
    EXIT_REFUSED,
    add_proof_arguments,
    proof_options,
    prove_and_tell,
)
from compression.proof.gate import refusal as gate_refusal
from compression.proof.options import ProofOptions, Serving
from compression.proof.proving import check_inputs
from compression.pruning.recipe import Heal, Prune
from compression.recipes import RECIPES, Recipe, load_recipe, to_yaml
from compression.record import Order, fingerprint
from compression.run import check_groups, make
from compression.serving_support import hardware_here, refusal
from compression.staging import Staging, check_names, staged
from compression.steps import ToolStep, needs_text
from compression.weights import Weight, read_weights

COMPRESS = """\
Make a smaller or faster checkpoint of another, and prove what it costs and gains.

winnow compress list [CHECKPOINT] shows the recipes, winnow compress show NAME one of them as YAML,
to be changed and given as --recipe FILE.yaml. The work goes on beside DIR, in DIR.partial; the same
command goes on with what was interrupted. What stands after -- are flags of vllm serve, for the
proof.

exit code: 0 done, 1 failed, 2 a flag, file, recipe or checkpoint that cannot be used,
3 the drop of accuracy is above --max-accuracy-drop: there is no DIR, but a DIR.rejected,
130 interrupted
"""


def compress_command(arguments: Sequence[str], serving: Serving) -> int:
    """The exit code.

    Raises:
        CompressionError: told by the caller.
    """
    given = _parser().parse_args(arguments)
    source, out = resolve(given.checkpoint), expanded(given.out)
    recipe = load_recipe(given.recipe)
    check_folder(source)
    options = proof_options(given, source, serving)
    check_inputs(options)
    if given.no_proof:
        _check_nothing_to_prove(given, "is left out by --no-proof")
    _check_source(source, out, recipe)
    unserved = refusal(recipe, hardware_here())
    if unserved is not None and not given.force:
        raise UnusableInput(f"recipe {given.recipe}: {unserved}; --force to make it all the same")
    if unserved is not None:
        _check_nothing_to_prove(given, f"cannot be made: {unserved}")
    weights = read_weights(source)
    check_disk(out, weights, recipe)
    if not given.force:
        check_memory(weights, recipe)
    order = Order(source, out, recipe, _calibration(given.calibration, source, recipe))
    with staged(out, fingerprint(order)) as staging:
        with Bars() as bars:
            made = make(order, staging, serving.environment, bars.tell)
        if unserved is not None or given.no_proof:
            return _publish_unproved(staging, made, serving, unserved)
        return _prove_and_publish(staging, made, order, options, given)


def list_command(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="winnow compress list", description="The recipes, and what each needs and gives."
    )
    parser.add_argument("checkpoint", nargs="?", metavar="CHECKPOINT", help="for sizes in bytes: "
                        "a folder or 'pocket'")  # fmt: skip
    given = parser.parse_args(arguments)
    weights: tuple[Weight, ...] | None = None
    if given.checkpoint is not None:
        folder = resolve(given.checkpoint)
        check_folder(folder)
        weights = read_weights(folder)
    hardware = hardware_here()
    print(recipe_table(hardware, weights))
    print(f"here: {hardware}")
    return 0


def show_command(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="winnow compress show", description="A recipe as YAML, with every field."
    )
    parser.add_argument("recipe", metavar="NAME", help=f"{', '.join(RECIPES)}, or a file")
    print(to_yaml(load_recipe(parser.parse_args(arguments).recipe)), end="")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="winnow compress",
        description=COMPRESS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("checkpoint", metavar="CHECKPOINT", help="a folder or 'pocket'")
    add("--recipe", required=True, help="a name that winnow compress list shows, or a YAML file")
    add("--out", required=True, metavar="DIR", help="folder to make; its parent must be there")
    add("--calibration", type=Path, metavar="FILE", help="text to calibrate by and heal with: "
        "JSONL of {text}, {question, solution} or {messages} (pocket has its own)")  # fmt: skip
    add("--force", action="store_true", help="also what vLLM cannot serve on this machine, or what "
        "memory may not suffice for")  # fmt: skip
    add("--no-proof", action="store_true", help="only look whether vLLM loads it and writes")
    add_proof_arguments(parser)
    return parser


def _check_source(source: Path, out: Path, recipe: Recipe) -> None:
    """What can be known before the work."""
    check_names(out)
    if out.resolve().is_relative_to(source.resolve()):
        raise UnusableInput(f"--out {out}: lies in the checkpoint's own folder")
    if is_quantized(source):
        raise UnusableInput(f"checkpoint {source}: is quantized already; give its original")
    if any(isinstance(step, Prune | Heal) for step in recipe.steps):
        from compression.pruning.checkpoint import check_config  # imports torch

        check_config(source)
    for step in recipe.steps:
        if isinstance(step, ToolStep):
            check_groups(step, source)
        if isinstance(step, Heal) and step.lora_rank is not None and not find_spec("peft"):
            raise UnusableInput("lora_rank needs peft: pip install 'winnow[lora]'")


def _check_nothing_to_prove(given: argparse.Namespace, why: str) -> None:
    """Check that no flag is for the proof, if there will be none.

    Raises:
        UnusableInput: one is.
    """
    parser = argparse.ArgumentParser()
    add_proof_arguments(parser)
    for name, default in vars(parser.parse_args([])).items():
        if getattr(given, name) != default:
            flag = name.replace("_", "-")
            raise UnusableInput(f"--{flag} is for the proof, which {why}")


def _calibration(given: Path | None, source: Path, recipe: Recipe) -> Calibration | None:
    if any(map(needs_text, recipe.steps)):
        return read_calibration(given, source)
    if given is not None:
        raise UnusableInput(f"--calibration {given}: this recipe reads no text; leave it out")
    return None


def _publish_unproved(staging: Staging, made: Path, serving: Serving, unserved: str | None) -> int:
    failure = load_failure(made, serving)
    if failure is not None and unserved is None:
        raise ProofFailed(f"{failure}; what was made stays in {made}")
    staging.publish()
    print(f"made {staging.out}, not proved")
    if failure is not None:
        print(f"winnow compress: as was to be expected, {failure}", file=sys.stderr)
    return 0


def _prove_and_publish(
    staging: Staging,
    made: Path,
    order: Order,
    options: ProofOptions,
    given: argparse.Namespace,
) -> int:
    try:
        proof = prove_and_tell(order.source, made, options, given.plot)
    except ProofFailed as failure:
        raise ProofFailed(f"{failure}; what was made stays in {made}, unproved") from None
    if given.max_accuracy_drop is not None:
        said = gate_refusal(proof, given.max_accuracy_drop)
        if said is not None:
            staging.reject()
            print(f"winnow compress: {said}", file=sys.stderr)
            print(f"keep {order.source}; what was made is in {staging.rejected}", file=sys.stderr)
            return EXIT_REFUSED
    staging.publish()
    print(f"made {staging.out}", file=sys.stderr)
    return 0
