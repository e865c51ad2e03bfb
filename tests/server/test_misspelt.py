from typing import Any

import pytest

from decoding.decoders.cot_decoding import CoTDecoding
from decoding.decoders.majority_vote import MajorityVote
from server.errors import InvalidRequest
from server.misspelt import meant_by, refuse_misplaced, refuse_misspelt, refuse_unknown

COT = {"strategy": "cot_decoding"}
FRONT_ENDS = [
    *("audio", "background_tasks", "bad_words", "bootstrap_host", "bootstrap_room"),
    *("cache_prompt", "cache_salt", "chat_id", "citations", "documents", "dynatemp_range"),
    *("enable_thinking", "encoding", "encoding_format", "features", "files", "filter_ids"),
    *("function_call", "functions", "guided_decoding", "guided_decoding_backend"),
    *("guided_json", "ignore_eos", "include", "json_schema", "keep_alive", "metadata", "min_p"),
    *("mirostat", "modalities", "model_item", "moderation", "nvext", "num_ctx", "options"),
    *("parallel_tool_calls", "params", "plugins", "prediction", "presence_penalty"),
    *("prompt_cache_key", "provider", "reasoning", "reasoning_effort", "repetition_penalty"),
    *("request_id", "route", "safety_identifier", "seed", "service_tier", "session_id"),
    *("stop_token_ids", "store", "stream_options", "thinking", "tool_ids", "top_a", "top_k"),
    *("transforms", "truncate", "typical_p", "usage", "user", "verbosity"),
    *("web_search_options",),
]
"""What stock clients and front ends send that vLLM does not know, and the like."""


def refused(fields: dict[str, Any]) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as failure:
        refuse_unknown(fields)
    return failure.value


@pytest.mark.parametrize(
    "name",
    [
        *("Decoding", "DECODING", "decoder", "decode", "decodings", "strategy", "Strategy"),
        *("decoding_strategy", "decodingStrategy", "decoding-strategy", "decoding_params"),
        *("decodng", "deocding", "decdoing", "dcoding", "decodding", "dekoding", " decoding"),
    ],
)
@pytest.mark.parametrize("value", [COT, "cot_decoding", "greedy", True, 5], ids=str)
def test_misspelt_decoding_is_told_the_right_name(name: str, value: object) -> None:
    error = refused({"chat_id": "a", name: value})
    assert error.param == name
    assert error.message.endswith("did you mean `decoding`?")


@pytest.mark.parametrize(
    "name", ["Timeout_s", "timeout", "timeoutS", "time_out_s", "tiemout_s", "timeout_ms"]
)
def test_misspelt_timeout_is_told_the_right_name(name: str) -> None:
    assert refused({name: 20}).message.endswith("did you mean `timeout_s`?")


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_what_stock_clients_send_is_let_through(name: str) -> None:
    refuse_unknown({name: {"a": "greedy"}})
    assert meant_by(name) is None


def test_literal_extra_body_is_told_where_its_content_belongs() -> None:
    error = refused({"extra_body": {"decoding": COT}})
    assert error.param == "extra_body"
    assert 'send "decoding" there' in error.message
    refuse_unknown({"extra_body": {}})


@pytest.mark.parametrize("value", [COT, {"decoding": COT}, "cot_decoding", "best_of_n"], ids=str)
def test_decoder_under_any_other_name_is_refused(value: object) -> None:
    assert refused({"winnow": value}).message.endswith("did you mean `decoding`?")
    refuse_unknown({"metadata": value})  # a client's own notes


def test_content_is_not_looked_at_where_the_route_may_know_the_field() -> None:
    refuse_misspelt({"prompt": "cot_decoding", "comment": COT})
    with pytest.raises(InvalidRequest):
        refuse_misspelt({"Decoding": COT})


def test_null_asks_for_nothing() -> None:
    refuse_unknown({"Decoding": None, "strategy": None, "timeout": None, "extra_body": None})


def test_own_fields_are_no_misspellings() -> None:
    refuse_unknown({"decoding": COT, "timeout_s": 5})


def test_parameter_beside_decoding_is_told_where_it_belongs() -> None:
    with pytest.raises(InvalidRequest) as failure:
        refuse_misplaced({"k": 5}, CoTDecoding())
    assert failure.value.param == "k"
    assert '{"strategy": "cot_decoding", "k": …}' in failure.value.message
    refuse_misplaced({"k": 5, "top_k": 5, "seed": 1}, MajorityVote())


def test_only_so_many_fields_are_looked_at() -> None:
    refuse_unknown({**{f"x{i}": 1 for i in range(1000)}, "Decoding": COT})
