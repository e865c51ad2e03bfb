import re
from typing import Any

import pytest

from decoding.catalog import DECODERS
from decoding.decoders.cot_decoding import CoTDecoding
from decoding.decoders.greedy import Greedy
from decoding.decoders.majority_vote import MajorityVote
from decoding.sampled import MAX_SEED
from server.errors import MAX_MESSAGE_CHARS, InvalidRequest, shown
from server.wire import choose_decoder, split_alias, unknown_model

SERVED = {"pocket", "org/model", "odd:greedy"}
MAX_PATHS = 64


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("pocket", ("pocket", None)),
        ("pocket:greedy", ("pocket", "greedy")),
        ("org/model:cot_decoding", ("org/model", "cot_decoding")),
        ("odd:greedy", ("odd:greedy", None)),  # a model of that name is served
        ("odd:greedy:cot_decoding", ("odd:greedy", "cot_decoding")),
        ("pocket:beam", ("pocket:beam", None)),
        ("nope:greedy", ("nope:greedy", None)),
        (":greedy", (":greedy", None)),
        ("pocket:", ("pocket:", None)),
    ],
)
def test_alias_is_a_served_model_and_a_strategy(model: str, expected: tuple[str, object]) -> None:
    assert split_alias(model, SERVED) == expected


def test_no_field_and_no_alias_is_no_decoder() -> None:
    assert choose_decoder(None, None, MAX_PATHS) is None


def test_alias_alone_takes_the_defaults() -> None:
    assert choose_decoder(None, "cot_decoding", MAX_PATHS) == CoTDecoding()


def test_field_alone_names_strategy_and_parameters() -> None:
    value = {"strategy": "cot_decoding", "k": 4, "selection": "max"}
    assert choose_decoder(value, None, MAX_PATHS) == CoTDecoding(k=4, selection="max")


def test_alias_names_the_strategy_that_the_field_leaves_out() -> None:
    assert choose_decoder({"answer": "number"}, "greedy", MAX_PATHS) == Greedy(answer="number")


@pytest.mark.parametrize(("k", "limit"), [(64, 64), (1, 1)])
def test_as_many_paths_as_the_limit_are_allowed(k: int, limit: int) -> None:
    decoder = choose_decoder({"strategy": "cot_decoding", "k": k}, None, limit)
    assert decoder == CoTDecoding(k=k)


def test_one_path_more_than_the_limit_is_refused() -> None:
    with pytest.raises(InvalidRequest) as failure:
        choose_decoder({"strategy": "cot_decoding", "k": 6}, None, 5)
    assert failure.value.param == "decoding.k"
    assert failure.value.message == "k must be in 1..5, got 6"


def test_defaults_over_the_limit_are_refused_too() -> None:
    with pytest.raises(InvalidRequest, match=r"1\.\.5, got 10"):
        choose_decoder(None, "cot_decoding", 5)


def test_contradiction_of_alias_and_field_names_both() -> None:
    with pytest.raises(InvalidRequest, match=r'"greedy".*"cot_decoding"') as failure:
        choose_decoder({"strategy": "greedy"}, "cot_decoding", MAX_PATHS)
    assert failure.value.param == "decoding.strategy"


@pytest.mark.parametrize("value", [[], "greedy", 0, False, ""], ids=repr)
def test_what_is_not_an_object_is_refused(value: object) -> None:
    with pytest.raises(InvalidRequest, match="must be an object") as failure:
        choose_decoder(value, None, MAX_PATHS)
    assert failure.value.param == "decoding"


def test_union_of_kind_and_pattern_reports_the_branch_that_was_meant() -> None:
    with pytest.raises(InvalidRequest) as failure:
        choose_decoder({"strategy": "greedy", "answer": {"pattern": "("}}, None, MAX_PATHS)
    assert failure.value.param == "decoding.answer.pattern"


def test_key_that_is_no_text_is_refused_by_the_field() -> None:
    with pytest.raises(InvalidRequest) as failure:
        choose_decoder({"strategy": "greedy", "\ud800": 1}, None, MAX_PATHS)
    assert failure.value.param == "decoding"
    assert failure.value.message.isprintable()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("ä", '"ä"'),
        (3, "3"),
        (None, "null"),
        ([True, 0.5], "[true, 0.5]"),
        ("\ud800", r'"\ud800"'),
        ("x" * 100, '"' + "x" * 78 + "…"),
        (10**5000, "<int>"),
    ],
    ids=["text", "number", "null", "list", "half a character", "long text", "endless number"],
)
def test_values_are_shown_at_bearable_length(value: object, expected: str) -> None:
    assert shown(value) == expected


def test_model_that_is_not_served_is_told_of_those_that_are() -> None:
    said = unknown_model("nope", ["a", "b"], has_decoders=True)
    assert said.startswith(
        'model "nope" is not served; /v1/models lists "a", "b", each also as MODEL:STRATEGY: greedy'
    )
    assert unknown_model("nope", ["a"], has_decoders=False).endswith('lists "a"')
    assert "and 7 more" in unknown_model("nope", map(str, range(10)), has_decoders=True)
    long_names = [f"{i}" * 200 for i in range(9)]
    assert len(unknown_model("n" * 200, long_names, has_decoders=True)) <= MAX_MESSAGE_CHARS


VOTE = {"strategy": "majority_vote"}


def test_vote_takes_over_the_requests_own_sampling_fields() -> None:
    given = {"temperature": 0.3, "top_p": 0.9, "top_k": 40, "seed": 7, "max_tokens": 9}
    decoder = choose_decoder(VOTE, None, MAX_PATHS, given)
    assert decoder == MajorityVote(temperature=0.3, top_p=0.9, top_k=40, seed=7)
    assert choose_decoder(None, "majority_vote", MAX_PATHS, given) == decoder


@pytest.mark.parametrize("top_k", [0, -1])
def test_value_that_switches_top_k_off_is_none(top_k: int) -> None:
    assert choose_decoder(VOTE, None, MAX_PATHS, {"top_k": top_k}) == MajorityVote()


def test_what_decoding_says_goes_before_the_requests_own_sampling_fields() -> None:
    value = {**VOTE, "temperature": 0.5, "seed": -1}
    decoder = choose_decoder(value, None, MAX_PATHS, {"temperature": 1, "seed": 7, "top_p": 0.9})
    assert decoder == MajorityVote(temperature=0.5, top_p=0.9)


def test_temperature_of_0_leaves_a_vote_its_own() -> None:
    for value, alias in ((VOTE, None), (None, "majority_vote")):
        decoder = choose_decoder(value, alias, MAX_PATHS, {"temperature": 0, "top_p": 0.9})
        assert decoder == MajorityVote(top_p=0.9)


def test_seed_of_minus_1_is_none() -> None:
    assert choose_decoder(VOTE, None, MAX_PATHS, {"seed": -1}) == MajorityVote()
    assert choose_decoder({**VOTE, "seed": -1}, None, MAX_PATHS) == MajorityVote()


def test_other_decoders_do_not_take_sampling_fields_over() -> None:
    given = {"temperature": 0, "seed": 7}
    assert choose_decoder({"strategy": "greedy"}, None, MAX_PATHS, given) == Greedy()


@pytest.mark.parametrize(
    ("value", "given", "param", "message"),
    [
        (
            {"num_samples": 1},
            {},
            "decoding.num_samples",
            'num_samples must be in 2..64, got 1; use "greedy" for one',
        ),
        ({"num_samples": 0}, {}, "decoding.num_samples", "num_samples must be in 2..64, got 0"),
        (
            {"num_samples": 10**9},
            {},
            "decoding.num_samples",
            "num_samples must be in 2..64, got 1000000000",
        ),
        (
            {"temperature": 0},
            {},
            "decoding.temperature",
            "temperature must be above 0, got 0: at 0 all samples are the same; "
            'use "greedy" for one',
        ),
        (
            {},
            {"seed": -2},
            "seed",
            "seed: input should be greater than or equal to 0, got -2",
        ),
        (
            {"seed": MAX_SEED + 1},
            {},
            "decoding.seed",
            f"seed: input should be less than or equal to {MAX_SEED}, got {MAX_SEED + 1}",
        ),
        (
            {"stop": "window", "threshold": 0.9},
            {},
            "decoding.threshold",
            'threshold: is of stop "beta" alone; leave it out, got 0.9',
        ),
        (
            {"window": 5},
            {},
            "decoding.window",
            'window: is of stop "window" alone; leave it out, got 5',
        ),
        (
            {"stop": "none", "min_votes": 5},
            {},
            "decoding.min_votes",
            'min_votes: has no effect with stop "none"; leave it out, got 5',
        ),
        (
            {"num_samples": 4, "min_votes": 5},
            {},
            "decoding.min_votes",
            "min_votes: must be at most num_samples, 4, got 5",
        ),
        (
            {"weight": "votes"},
            {},
            "decoding.weight",
            'weight: input should be "count", "probability" or "confidence", got "votes"',
        ),
        (
            {"models": "pocket"},
            {},
            "decoding.models",
            'models: input should be a valid list, got "pocket"',
        ),
        (
            {"models": ["pocket"]},
            {},
            "decoding.models",
            'models: list should have at least 2 items, not 1, got ["pocket"]',
        ),
        (
            {"retrieval": "notes"},
            {},
            "decoding.retrieval",
            'retrieval: input should be a valid object, got "notes"',
        ),
        (
            {"answer": "colour"},
            {},
            "decoding.answer",
            'answer: input should be "auto", "number", "option", "yes_no", "boxed" or "text" or a '
            'valid object, got "colour"',
        ),
        ({"seed": True}, {}, "decoding.seed", "seed: input should be a valid integer, got true"),
        ({"": None}, {}, "decoding", None),
    ],
)
def test_vote_out_of_range_is_refused_with_a_way_out(
    value: dict[str, object], given: dict[str, object], param: str, message: str | None
) -> None:
    with pytest.raises(InvalidRequest) as failure:
        choose_decoder({**VOTE, **value}, None, MAX_PATHS, given)
    assert failure.value.param == param
    assert message in (None, failure.value.message)


VALUES: tuple[Any, ...] = (  # any JSON
    *(5, -1, 1.5, "a", "", True, None, [], {}, [5], ["a"], [[5]], [{}], {"a": 5}, [None]),
    *({"pattern": 5}, ["a", "b", 5]),
)


@pytest.mark.parametrize("strategy", DECODERS)
def test_no_refusal_speaks_of_pythons_types(strategy: str) -> None:
    said = []
    for name in DECODERS[strategy].model_fields:
        for value in VALUES:
            try:
                choose_decoder({"strategy": strategy, name: value}, None, MAX_PATHS)
            except InvalidRequest as refusal:
                said.append(refusal.message.partition(", got ")[0])
    assert len(said) > 50
    python = re.compile(r"\b([Tt]uple|[Dd]ict\w*|None\w*|str|int|bool|True|False|instance)\b")
    assert [message for message in said if python.search(message)] == []
