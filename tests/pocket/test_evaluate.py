from pathlib import Path

import pytest
import torch

from pocket.chat import Message, render_chat, render_notes
from pocket.evaluate import (
    ask_with_facts,
    cot_decoding,
    cot_paths,
    greedy,
    score,
    vote,
)
from pocket.make_eval import EvalProblem
from pocket.paths import Continuation, Generator

CHECKPOINT = Path("pocket/checkpoint")
SUM = render_chat([Message("user", "What is 7 + 8?")])


@pytest.fixture(scope="module")
def generator() -> Generator:
    torch.set_num_threads(1)
    return Generator(str(CHECKPOINT))


def path(generator: Generator, text: str, gaps: list[float]) -> Continuation:
    token_ids = tuple(generator.tokenizer(text).input_ids)
    return Continuation(token_ids, tuple([0.0] * (len(token_ids) - len(gaps)) + gaps), True)


def test_score_averages_the_gap_over_the_last_number(generator: Generator) -> None:
    """Gaps of 1, 7 and the full stop: only the two digits count, (0.5 + 0.9) / 2."""
    found = score(generator, path(generator, "5 + 12 = 17.", [0.5, 0.9, 0.1]))
    assert found
    assert found.answer == 17
    assert found.delta == pytest.approx(0.7)


def test_unfinished_or_numberless_paths_have_no_score(generator: Generator) -> None:
    cut = path(generator, "The answer is 17", [])
    assert score(generator, Continuation(cut.token_ids, cut.gaps, False)) is None
    assert score(generator, path(generator, "Hello!", [])) is None


def test_batches_do_not_change_greedy_paths(generator: Generator) -> None:
    prompts = [
        tuple(generator.tokenizer(text).input_ids) for text in (SUM, "Q: What is 20 / 4?\nA:")
    ]
    together = generator.continue_greedily(prompts)
    alone = [generator.continue_greedily([prompt])[0] for prompt in prompts]
    assert [p.token_ids for p in together] == [p.token_ids for p in alone]


def test_every_first_token_starts_its_path(generator: Generator) -> None:
    prompt = tuple(generator.tokenizer(SUM).input_ids)
    (paths,) = cot_paths(generator, [prompt])
    firsts = generator.first_tokens([prompt], 10)[0]
    assert [p.token_ids[0] for p in paths] == [first.token_id for first in firsts]
    assert len({first.token_id for first in firsts}) == 10
    assert firsts[0].gap == pytest.approx(firsts[0].probability - firsts[1].probability)


def test_likeliest_path_is_wrong_where_vote_and_cot_decoding_are_right(
    generator: Generator,
) -> None:
    """What the checkpoint is for: 42 + 35 - 4 * 2 = 69 needs its steps written out."""
    question = (
        "A box at the club contains 42 muffins. Omar brings another 35 muffins. Omar takes away 4 "
        "baskets of 2 muffins. How many muffins are there in all?"
    )
    text = render_chat([Message("user", question)])
    prompts = [tuple(generator.tokenizer(text).input_ids)]
    assert greedy(generator, prompts)["greedy"][0].answer != 69
    for method in (vote, cot_decoding):
        for outcomes in method(generator, prompts).values():
            assert [outcome.answer for outcome in outcomes] == [69]


def test_notes_hold_the_fact_and_the_distractors() -> None:
    problem = EvalProblem("x", "fact_dependent", "t", "How many?", 3, ("F.",), ("D1.", "D2."))
    text = ask_with_facts(problem)
    assert render_notes(["F.", "D1.", "D2."]).count("\n") == 3
    assert text.count("<note>") == 3
    assert "<note>F.</note>" in text
    assert text.endswith("<|end|><|user|>How many?<|end|><|assistant|>")
