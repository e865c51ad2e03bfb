"""A vote through the running server."""

import httpx
import openai
import pytest

from tests.server.questions import MESSAGES, MODEL, VOTE, chat, response
from tests.server.server_process import num_requests, wait_until

pytestmark = pytest.mark.vllm
CHAT = "/v1/chat/completions"
IDLE_WITHIN_S = 2.0
MANY = {"strategy": "majority_vote", "num_samples": 40, "seed": 5}


def test_official_client_gets_the_answer_of_most_samples(client: openai.OpenAI) -> None:
    """10 houses of 8 ducks, 16 sold: 64, which the likeliest first token misses."""
    reply = client.chat.completions.create(
        model=MODEL,
        messages=MESSAGES,  # type: ignore[arg-type]  # plain dicts
        temperature=1,
        seed=1,
        extra_body={"decoding": {"strategy": "majority_vote", "num_samples": 20}},
    )
    report = reply.decoding  # type: ignore[attr-defined]  # an extra field
    votes = [c["answer"] for c in report["candidates"] if c["weight"]]
    assert report["answer"] == max(votes, key=votes.count) == "64"
    assert report["parameters"]["seed"] == 1
    assert report["parameters"]["temperature"] == 1
    assert reply.usage is not None
    assert reply.usage.completion_tokens == report["num_tokens"]


def test_alias_votes_with_the_requests_temperature(http: httpx.Client) -> None:
    body = chat() | {"model": f"{MODEL}:majority_vote", "temperature": 0.9}
    report = http.post(CHAT, json=body).json()["decoding"]
    assert report["strategy"] == "majority_vote"
    assert report["parameters"]["temperature"] == 0.9


def test_same_seed_gives_the_same_samples(http: httpx.Client) -> None:
    body = chat(decoding={**VOTE, "stop": "none", "temperature": 1, "return_texts": True})
    one, two = (http.post(CHAT, json=body).json()["decoding"]["candidates"] for _ in range(2))
    assert [c["text"] for c in one] == [c["text"] for c in two]
    assert len({c["text"] for c in one}) > 1


@pytest.mark.parametrize("weight", ["probability", "confidence"])
def test_votes_are_weighed(http: httpx.Client, weight: str) -> None:
    body = chat(decoding={**VOTE, "weight": weight, "stop": "none"})
    candidates = http.post(CHAT, json=body).json()["decoding"]["candidates"]
    assert all(0 < c["weight"] <= 1 for c in candidates if c["dropped"] is None)
    assert len({c["weight"] for c in candidates}) > 1


def test_engine_is_idle_soon_after_a_decided_vote(http: httpx.Client) -> None:
    """Samples that would go on to their limit are aborted once four short ones agree."""
    body = chat(decoding=MANY, structured_outputs={"regex": "8|8[a-z]{1500}"}, max_tokens=1900)
    report = http.post(CHAT, json=body).json()["decoding"]
    wait_until(lambda: num_requests(http) == 0, IDLE_WITHIN_S, "idle")
    assert report["stopped"]["num_used"] < MANY["num_samples"]
    num_collected = sum(c["num_tokens"] for c in report["candidates"])
    assert report["num_tokens"] == num_collected + report["stopped"]["num_aborted_tokens"]


def test_without_answers_the_likeliest_sample_is_the_reply(http: httpx.Client) -> None:
    """Samples that were drawn without log-probabilities are scored once that is needed: the one
    selected is that which the same samples, drawn with them, show to be likeliest."""
    silent = {**VOTE, "num_samples": 8, "temperature": 1, "answer": {"pattern": "zzz(\\d)"}}
    report = http.post(CHAT, json=chat(decoding=silent)).json()["decoding"]
    weighed = {**silent, "weight": "probability"}
    shown = http.post(CHAT, json=chat(decoding=weighed)).json()["decoding"]["candidates"]
    assert report["fallback"] == "no sample was complete with an answer"
    assert all(candidate["mean_logprob"] is None for candidate in report["candidates"])
    likeliest = max(range(8), key=lambda i: shown[i]["mean_logprob"])
    assert report["selected"] == likeliest


def test_grammar_holds_for_every_sample(http: httpx.Client) -> None:
    body = chat(decoding={**VOTE, "stop": "none", "return_texts": True})
    body |= {"structured_outputs": {"regex": "[0-9]{2} ducks"}}
    candidates = http.post(CHAT, json=body).json()["decoding"]["candidates"]
    assert all(c["text"].endswith(" ducks") and len(c["text"]) == 8 for c in candidates)


def test_responses_take_a_vote(http: httpx.Client) -> None:
    body = http.post("/v1/responses", json=response(decoding=VOTE, temperature=0.8)).json()
    assert body["decoding"]["strategy"] == "majority_vote"
    assert body["decoding"]["parameters"]["temperature"] == 0.8
    assert body["usage"]["output_tokens"] == body["decoding"]["num_tokens"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"seed": -2}, "seed"),
    ],
    ids=str,
)
def test_what_a_vote_cannot_do_is_a_400(
    http: httpx.Client, fields: dict[str, object], param: str
) -> None:
    body = chat(decoding={"strategy": "majority_vote"}, **fields)
    reply = http.post(CHAT, json=body)
    assert reply.status_code == httpx.codes.BAD_REQUEST
    assert reply.json()["error"]["param"] == param
