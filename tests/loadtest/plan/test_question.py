"""What each decoder asks of the engine, counted by hand: prompts of 100 tokens, paths of 20, and
blocks of 16, so that a path after the first computes (16 + 1) / 2 = 8.5 tokens of its prompt."""

import pytest

from loadtest.plan.question import Lengths, question_of

LENGTHS = Lengths(prompt_tokens=100, path_tokens=20, deviation=5, block_size=16)


@pytest.mark.parametrize("strategy", ["plain", "greedy"])
def test_one_path_computes_its_prompt(strategy: str) -> None:
    question = question_of(strategy, 1, LENGTHS)
    assert (question.num_paths, question.generated_tokens) == (1, 20)
    assert question.computed_tokens == 100


@pytest.mark.parametrize("strategy", ["majority_vote", "best_of_n"])
def test_samples_share_the_prompt(strategy: str) -> None:
    question = question_of(strategy, 16, LENGTHS)
    assert (question.num_paths, question.most_paths) == (16, 16)
    assert question.generated_tokens == 16 * 20
    assert question.computed_tokens == 100 + 15 * 8.5


def test_cot_decoding_probes_and_then_continues_forced_tokens() -> None:
    question = question_of("cot_decoding", 10, LENGTHS)
    assert [stage.num_paths for stage in question.stages] == [1, 10]
    assert question.generated_tokens == 1 + 10 * 19
    assert question.computed_tokens == 100 + 10 * 8.5
    assert question.most_paths == 10


@pytest.mark.parametrize(("num_samples", "stages"), [(32, [16, 16]), (6, [4, 2]), (2, [2])])
def test_deepconf_warms_up_first(num_samples: int, stages: list[int]) -> None:
    question = question_of("deepconf", num_samples, LENGTHS)
    assert [stage.num_paths for stage in question.stages] == stages
    assert question.computed_tokens == 100 + (num_samples - 1) * 8.5


def test_universal_vote_reads_all_samples_in_the_end() -> None:
    question = question_of("universal_vote", 4, LENGTHS)
    assert question.generated_tokens == 4 * 20 + 64
    assert question.computed_tokens == (100 + 3 * 8.5) + (100 + 4 * 20)


def test_prompt_shorter_than_half_a_block_is_computed_by_every_path() -> None:
    short = Lengths(prompt_tokens=5, path_tokens=20, deviation=0, block_size=16)
    assert question_of("majority_vote", 3, short).computed_tokens == 15


def test_what_the_cache_really_left_can_be_told() -> None:
    question = question_of("majority_vote", 3, LENGTHS)  # 117 tokens
    told = question.computing(234)
    assert told.computed_tokens == pytest.approx(234)
    assert told.stages[0].first_tokens == pytest.approx(200)
