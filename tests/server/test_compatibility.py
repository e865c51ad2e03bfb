from typing import Any

import pytest

from decoding.decoder import Decoder
from decoding.decoders.cot_decoding import CoTDecoding
from decoding.decoders.deepconf import DeepConf
from decoding.decoders.greedy import Greedy
from decoding.decoders.majority_vote import MajorityVote
from decoding.retrieval import Retrieval
from server.compatibility import (
    INCLUDED_LOGPROBS,
    NEUTRAL,
    NEUTRAL_WHEN_FANNED_OUT,
    NEUTRAL_WHEN_FORCED,
    NEUTRAL_WHEN_GREEDY,
    NEUTRAL_WITH_PROMPTING,
    NEUTRAL_WITHOUT_GRAMMARS,
    overridden_by,
    refuse_contradictions,
    sampling_of,
)
from server.errors import InvalidRequest

DECODERS = pytest.mark.parametrize("decoder", [Greedy(), CoTDecoding()], ids=lambda d: d.strategy)


def refused(decoder: Decoder, **given: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as failure:
        refuse_contradictions(decoder, given)
    return failure.value


@DECODERS
@pytest.mark.parametrize("field", NEUTRAL)
def test_field_that_would_be_ignored_is_refused(decoder: Decoder, field: str) -> None:
    error = refused(decoder, **{field: 7})
    assert error.param == field
    assert f'"{decoder.strategy}"' in error.message
    assert error.message.endswith("got 7")


@pytest.mark.parametrize("field", NEUTRAL_WHEN_FANNED_OUT)
def test_log_probabilities_of_one_of_several_paths_are_refused(field: str) -> None:
    for decoder in (CoTDecoding(), MajorityVote()):
        assert refused(decoder, **{field: 7}).param == field
    refuse_contradictions(Greedy(), {field: 7})


def test_only_included_log_probabilities_are_refused() -> None:
    entries = ["reasoning.encrypted_content", "file_search_call.results"]
    refuse_contradictions(CoTDecoding(), {"include": entries})
    error = refused(CoTDecoding(), include=[*entries, INCLUDED_LOGPROBS])
    assert error.param == "include"
    assert INCLUDED_LOGPROBS in error.message
    refuse_contradictions(Greedy(), {"include": [INCLUDED_LOGPROBS]})


@pytest.mark.parametrize("field", NEUTRAL_WHEN_FORCED)
def test_field_that_restarts_behind_a_forced_token_is_refused_by_branching(field: str) -> None:
    assert refused(CoTDecoding(), **{field: 7}).param == field
    for decoder in (Greedy(), MajorityVote()):
        refuse_contradictions(decoder, {field: 7})


@pytest.mark.parametrize("field", NEUTRAL_WITHOUT_GRAMMARS)
def test_grammar_is_refused_where_it_would_change_what_is_read(field: str) -> None:
    for decoder in (CoTDecoding(), DeepConf(), MajorityVote(weight="confidence")):
        assert refused(decoder, **{field: 7}).param == field
        assert refused(decoder, response_format={"type": "json_object"}).param == "response_format"
    for other in (Greedy(), MajorityVote()):
        refuse_contradictions(other, {field: 7, "response_format": {"type": "json_object"}})


@pytest.mark.parametrize("field", NEUTRAL_WITH_PROMPTING)
def test_prompt_that_a_stage_makes_is_not_cut(field: str) -> None:
    retrieval = Retrieval(collection="facts")
    for decoder in (Greedy(prompting="step_by_step"), Greedy(retrieval=retrieval)):
        assert refused(decoder, **{field: 7}).param == field
    refuse_contradictions(Greedy(), {field: 7})


def test_way_out_of_log_probabilities_is_one_that_the_api_has() -> None:
    """0 log-probabilities of a completion are those of the tokens taken."""
    assert refused(MajorityVote(), prompt="Q", logprobs=0).message.endswith("leave it out, got 0")
    refuse_contradictions(MajorityVote(), {"messages": [], "logprobs": False})


@DECODERS
@pytest.mark.parametrize("field", NEUTRAL_WHEN_GREEDY)
def test_sampling_field_is_set_aside_by_what_is_greedy(decoder: Decoder, field: str) -> None:
    refuse_contradictions(decoder, {field: 0.7})
    assert overridden_by(decoder, {field: 0.7, "seed": 5, "max_tokens": 9}) == {field: 0.7}


@DECODERS
def test_sampling_field_that_asks_for_nothing_is_not_set_aside(decoder: Decoder) -> None:
    for field, values in NEUTRAL_WHEN_GREEDY.items():
        for value in (*values, None):
            assert overridden_by(decoder, {field: value}) == {}


def test_sampling_field_is_followed_by_a_vote() -> None:
    given = {"temperature": 0.3, "top_p": 0.9, "top_k": 40, "seed": 7}
    assert sampling_of(MajorityVote, given) == given
    decoder = MajorityVote(**given)
    assert overridden_by(decoder, {**given, "min_p": 0.1}) == {}
    refuse_contradictions(decoder, {**given, "min_p": 0.1})


@pytest.mark.parametrize("temperature", [0, 0.0])
def test_temperature_of_0_is_set_aside_by_what_samples(temperature: float) -> None:
    given = {"temperature": temperature, "top_k": -1, "seed": -1}
    assert sampling_of(MajorityVote, given) == {}
    assert overridden_by(MajorityVote(), given) == {"temperature": 0}


def test_sampling_field_that_differs_from_the_decoders_own_is_set_aside() -> None:
    decoder = MajorityVote(temperature=0.7, seed=3)
    assert overridden_by(decoder, {"temperature": 1, "seed": 3, "top_p": 1}) == {
        "temperature": 1,
        "top_p": 1,
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (field, value)
        for table in (
            *(NEUTRAL, NEUTRAL_WHEN_GREEDY, NEUTRAL_WHEN_FANNED_OUT),
            *(NEUTRAL_WHEN_FORCED, NEUTRAL_WITHOUT_GRAMMARS, NEUTRAL_WITH_PROMPTING),
        )
        for field, values in table.items()
        for value in (*values, None)
    ],
)
def test_neutral_value_is_accepted(field: str, value: object) -> None:
    refuse_contradictions(CoTDecoding(prompting="step_by_step"), {field: value})


def test_zero_logprobs_still_ask_for_logprobs() -> None:
    assert refused(CoTDecoding(), logprobs=0).param == "logprobs"


def test_message_gives_the_way_out() -> None:
    message = refused(CoTDecoding(), frequency_penalty=5).message
    assert "leave it out or send 0, got 5" in message


@pytest.mark.parametrize("prompt", ["a", ["a"], [1, 2, 3], [[1, 2]], []], ids=repr)
def test_one_prompt_is_accepted(prompt: object) -> None:
    refuse_contradictions(CoTDecoding(), {"prompt": prompt})


@pytest.mark.parametrize("prompt", [["a", "b"], [[1], [2]]], ids=repr)
def test_several_prompts_are_refused(prompt: object) -> None:
    error = refused(CoTDecoding(), prompt=prompt)
    assert error.param == "prompt"
    assert error.message.endswith("got 2")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("response_format", {"type": "json_object"}),
        ("response_format", {"type": "structural_tag"}),
        ("text", {"format": {"type": "json_schema", "schema": {}}}),
    ],
)
def test_grammar_is_refused_by_branching_alone(field: str, value: object) -> None:
    error = refused(CoTDecoding(), **{field: value})
    assert error.param == field
    assert 'use "greedy"' in error.message
    refuse_contradictions(Greedy(), {field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("response_format", {"type": "text"}),
        ("text", {"format": {"type": "text"}}),
        ("text", {"verbosity": "low"}),
        ("text", None),
    ],
)
def test_plain_text_format_is_accepted(field: str, value: object) -> None:
    refuse_contradictions(CoTDecoding(), {field: value})
