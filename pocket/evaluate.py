"""Measures a checkpoint on the evaluation set: `python -m pocket.evaluate CHECKPOINT`.

CoT-decoding follows Wang & Zhou 2024 (arXiv 2402.10200, section 2): the ten likeliest first tokens,
each continued greedily; Δ is the mean gap between the two likeliest tokens over the answer's
tokens; `aggregate` takes the answer with the largest sum of Δ, `max` the path with the largest Δ.
The vote is over 20 samples at temperature 1.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from measurement.statistics import wilson_share
from pocket.chat import Message, render_chat, render_notes, solved_note
from pocket.make_eval import EVAL_FILE, EvalProblem, load_eval
from pocket.memory import keep_freed_memory
from pocket.paths import Continuation, Generator, TokenIds
from pocket.replies import REQUEST

NUM_FIRST_TOKENS = 10
NUM_SAMPLES = 20
SOLVED_EXAMPLE = solved_note(
    "Anna has 20 eggs. She gives 5 to Ben. She buys 3 more. How many eggs does Anna have now?",
    "First: Left: 20 - 5 = 15. More: 15 + 3 = 18. The answer is 18.",
)
Ask = Callable[[EvalProblem], str]


@dataclass(frozen=True)
class Outcome:
    answer: int | None
    num_tokens: int


@dataclass(frozen=True)
class Figure:
    """`low` and `high` bound the share of right answers (Wilson, 95 %)."""

    setting: str
    method: str
    num_right: int
    num_problems: int
    low: float
    high: float
    mean_tokens: float


@dataclass(frozen=True)
class Scored:
    """A finished path that gives a number, and Δ over that number's tokens."""

    answer: int
    delta: float


def score(generator: Generator, path: Continuation) -> Scored | None:
    """The path's last number; every digit is a token, so its tokens are the last run of digits."""
    if not path.is_finished:
        return None
    pieces = [generator.tokenizer.decode([token_id]) for token_id in path.token_ids]
    end = max((i + 1 for i, piece in enumerate(pieces) if piece.isdecimal()), default=0)
    start = end
    while start > 0 and pieces[start - 1].isdecimal():
        start -= 1
    if start == end:
        return None
    return Scored(int("".join(pieces[start:end])), sum(path.gaps[start:end]) / (end - start))


def greedy(generator: Generator, prompts: Sequence[TokenIds]) -> dict[str, list[Outcome]]:
    paths = generator.continue_greedily(prompts)
    return {"greedy": [Outcome(_answer(generator, path), len(path.token_ids)) for path in paths]}


def vote(generator: Generator, prompts: Sequence[TokenIds]) -> dict[str, list[Outcome]]:
    """Most votes win; a tie goes to the answer seen first."""
    repeated = [prompt for prompt in prompts for _ in range(NUM_SAMPLES)]
    paths = generator.sample(repeated, seed=0)
    outcomes: list[Outcome] = []
    for start in range(0, len(paths), NUM_SAMPLES):
        group = paths[start : start + NUM_SAMPLES]
        scored = [item for path in group if (item := score(generator, path))]
        best = _largest((item.answer, 1.0) for item in scored)
        outcomes.append(Outcome(best, _total_tokens(group)))
    return {"vote": outcomes}


def cot_decoding(generator: Generator, prompts: Sequence[TokenIds]) -> dict[str, list[Outcome]]:
    groups = cot_paths(generator, prompts)
    largest: list[Outcome] = []
    aggregate: list[Outcome] = []
    for group in groups:
        scored = [item for path in group if (item := score(generator, path))]
        tokens = _total_tokens(group)
        best = max(scored, key=lambda item: item.delta, default=None)
        largest.append(Outcome(best.answer if best else None, tokens))
        aggregate.append(Outcome(_largest((s.answer, s.delta) for s in scored), tokens))
    return {"cot_max": largest, "cot_aggregate": aggregate}


def cot_paths(generator: Generator, prompts: Sequence[TokenIds]) -> list[list[Continuation]]:
    """The paths of each prompt, one for each of its likeliest first tokens."""
    firsts = generator.first_tokens(prompts, NUM_FIRST_TOKENS)
    forced = [
        (*prompt, first.token_id)
        for prompt, group in zip(prompts, firsts, strict=True)
        for first in group
    ]
    rest = iter(generator.continue_greedily(forced))
    return [
        [_prepend(first.token_id, first.gap, next(rest)) for first in group] for group in firsts
    ]


def _prepend(token_id: int, gap: float, path: Continuation) -> Continuation:
    return Continuation((token_id, *path.token_ids), (gap, *path.gaps), path.is_finished)


def _answer(generator: Generator, path: Continuation) -> int | None:
    scored = score(generator, path)
    return scored.answer if scored else None


def _largest(weighted: Iterable[tuple[int, float]]) -> int | None:
    sums: dict[int, float] = {}
    for answer, weight in weighted:
        sums[answer] = sums.get(answer, 0.0) + weight
    return max(sums, key=lambda answer: sums[answer], default=None)


def _total_tokens(paths: Iterable[Continuation]) -> int:
    return sum(len(path.token_ids) for path in paths)


def ask_plainly(problem: EvalProblem) -> str:
    return render_chat([Message("user", problem.question)])


def ask_for_steps(problem: EvalProblem) -> str:
    return render_chat([Message("user", f"{problem.question} {REQUEST}")])


def ask_with_example(problem: EvalProblem) -> str:
    notes = render_notes([SOLVED_EXAMPLE])
    return render_chat([Message("system", notes), Message("user", problem.question)])


def ask_as_completion(problem: EvalProblem) -> str:
    return f"Q: {problem.question}\nA:"


def ask_with_facts(problem: EvalProblem) -> str:
    """The needed fact between the distractors, at a place that varies with the problem."""
    notes = list(problem.distractors)
    notes[len(problem.question) % (len(notes) + 1) : 0] = problem.facts
    return render_chat([Message("system", render_notes(notes)), Message("user", problem.question)])


METHODS = {"greedy": greedy, "vote": vote, "cot_decoding": cot_decoding}
SETTINGS: Mapping[str, tuple[str, Ask, tuple[str, ...]]] = {
    "held_out_numbers": ("held_out_numbers", ask_plainly, tuple(METHODS)),
    "held_out_numbers, asked for steps": ("held_out_numbers", ask_for_steps, ("greedy",)),
    "held_out_numbers, solved example": ("held_out_numbers", ask_with_example, ("greedy",)),
    "held_out_numbers, Q:/A:": ("held_out_numbers", ask_as_completion, ("greedy", "cot_decoding")),
    "held_out_templates": ("held_out_templates", ask_plainly, tuple(METHODS)),
    "held_out_templates, asked for steps": ("held_out_templates", ask_for_steps, ("greedy",)),
    "fact_dependent, no fact": ("fact_dependent", ask_plainly, tuple(METHODS)),
    "fact_dependent, fact in notes": ("fact_dependent", ask_with_facts, tuple(METHODS)),
}
"""Name of the setting -> split, how it is asked, and the methods measured."""


def measure(
    generator: Generator, problems: Sequence[EvalProblem], setting: str
) -> tuple[list[Figure], dict[str, list[Outcome]]]:
    _, ask, methods = SETTINGS[setting]
    prompts = [tuple(generator.tokenizer(ask(problem)).input_ids) for problem in problems]
    outcomes: dict[str, list[Outcome]] = {}
    for method in methods:
        outcomes |= METHODS[method](generator, prompts)
    figures = [_figure(setting, name, found, problems) for name, found in outcomes.items()]
    return figures, outcomes


def _figure(
    setting: str, method: str, outcomes: Sequence[Outcome], problems: Sequence[EvalProblem]
) -> Figure:
    pairs = zip(outcomes, problems, strict=True)
    num_right = sum(outcome.answer == problem.gold for outcome, problem in pairs)
    share = wilson_share(num_right, len(problems))
    mean_tokens = sum(outcome.num_tokens for outcome in outcomes) / len(outcomes)
    return Figure(setting, method, num_right, len(problems), share.low, share.high, mean_tokens)


def format_row(figure: Figure) -> str:
    share = 100 * figure.num_right / figure.num_problems
    interval = f"[{100 * figure.low:.1f}, {100 * figure.high:.1f}]"
    return (
        f"{figure.setting:38} {figure.method:14} {share:5.1f} % {interval:14} "
        f"n={figure.num_problems}  {figure.mean_tokens:.0f} tokens"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m pocket.evaluate", description="Measure a checkpoint on the evaluation set."
    )
    parser.add_argument("checkpoint", help="Hugging Face folder")
    parser.add_argument("--problems", type=Path, default=EVAL_FILE, help="JSONL of problems")
    parser.add_argument("--limit", type=int, help="at most this many problems of each split")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()
    generator = Generator(arguments.checkpoint)
    everything = load_eval(arguments.problems)
    figures: list[Figure] = []
    for setting, (split, _, _) in SETTINGS.items():
        problems = [p for p in everything if p.split == split][: arguments.limit]
        found, _ = measure(generator, problems, setting)
        figures += found
        print("\n".join(map(format_row, found)), flush=True)  # noqa: T201 - a command line
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(figure) for figure in figures], indent=2))


if __name__ == "__main__":
    main()
