"""The decoders that judge their samples, through the running server."""

import httpx
import openai
import pytest

from tests.server.events import read_stream
from tests.server.questions import (
    MESSAGES,
    MODEL,
    QUESTION,
    VOTE,
    Json,
    chat,
    completion,
    response,
)
from tests.server.server_process import num_generated_tokens, num_requests, wait_until

pytestmark = pytest.mark.vllm
CHAT = "/v1/chat/completions"
IDLE_WITHIN_S = 2.0
BEST = {"strategy": "best_of_n", "num_samples": 20, "temperature": 1, "seed": 1}
CONFIDENT = {"strategy": "deepconf", "num_samples": 20, "temperature": 1, "seed": 1}
UNIVERSAL = {"strategy": "universal_vote", "num_samples": 4, "temperature": 1, "seed": 1}


def post(http: httpx.Client, body: Json) -> Json:
    reply = http.post(CHAT, json=body)
    assert reply.status_code == httpx.codes.OK, reply.text
    content: Json = reply.json()
    return content


def report_of(http: httpx.Client, decoding: Json, **fields: object) -> Json:
    body = post(http, chat(decoding=decoding, **fields))
    report: Json = body["decoding"]
    assert body["usage"]["completion_tokens"] == report["num_tokens"]
    return report


LONG_WINDED = {"max_tokens": 300, "ignore_eos": True}


@pytest.mark.parametrize(
    ("decoding", "fields"),
    [
        ({**CONFIDENT, "num_warmup": 2, "min_votes": 1, "keep_percent": 50, "window": 1}, {}),
        ({**CONFIDENT, "temperature": 1.5, "consensus": 1, "window": 4}, LONG_WINDED),
        ({"strategy": "majority_vote", "num_samples": 20, "temperature": 1, "seed": 1}, {}),
        ({**VOTE, "answer": {"pattern": "zzz(\\d)"}}, {}),
        ({**VOTE, "prompting": "step_back"}, {}),
        ({**BEST, "verifier": "self_judge", "num_samples": 4}, {}),
        (UNIVERSAL, {}),
    ],
    ids=lambda value: str(value)[:60],
)
@pytest.mark.parametrize("stream", [False, True])
def test_usage_is_what_the_engine_generated(
    http: httpx.Client, decoding: Json, fields: Json, stream: bool
) -> None:
    """Samples that are aborted on their way, or just before they are read, included."""
    body = chat(decoding=decoding, **fields)
    for _ in range(3):
        before = num_generated_tokens(http)
        reply = read_stream(http, CHAT, body).chunks[-1] if stream else post(http, body)
        wait_until(lambda: num_requests(http) == 0, IDLE_WITHIN_S, "idle")
        assert reply["decoding"]["num_tokens"] == num_generated_tokens(http) - before


def test_best_of_n_takes_a_reply_whose_equations_hold(client: openai.OpenAI) -> None:
    """10 houses of 8 ducks, 16 sold: 64, which the likeliest first token misses."""
    reply = client.chat.completions.create(
        model=MODEL,
        messages=MESSAGES,  # type: ignore[arg-type]  # plain dicts
        extra_body={"decoding": BEST},
    )
    report = reply.decoding  # type: ignore[attr-defined]  # an extra field
    assert report["answer"] == "64"
    assert report["candidates"][report["selected"]]["score"] == 1.0
    assert report["parameters"]["verifier"] == "equations"
    assert "=" in (reply.choices[0].message.content or "")
    assert sum(report["unscored"].values()) == sum(
        c["dropped"] == "unscored" for c in report["candidates"]
    )


def test_self_judge_asks_the_model_of_each_complete_reply(http: httpx.Client) -> None:
    """One token a verdict, whatever the verdict of so small a model; and one for each sample that
    is scored where none has a verdict."""
    report = report_of(http, {**BEST, "verifier": "self_judge", "num_samples": 4})
    judged = [c for c in report["candidates"] if c["dropped"] in (None, "unscored")]
    own = sum(c["num_tokens"] for c in report["candidates"])
    assert len(judged) > 0
    num_scored = len(judged) if report["fallback"] else 0
    assert report["num_tokens"] == own + len(judged) + num_scored


def test_deepconf_filters_by_the_engines_distributions(http: httpx.Client) -> None:
    report = report_of(http, {**CONFIDENT, "mode": "offline", "keep_percent": 50})
    kept = [c for c in report["candidates"] if c["dropped"] is None]
    fallen = [c for c in report["candidates"] if c["dropped"] == "low_confidence"]
    assert report["answer"] == "64"
    assert len(kept) > 4
    assert len(fallen) > 4
    assert min(c["score"] for c in kept) >= report["threshold"] > max(c["score"] for c in fallen)


def test_deepconf_aborts_inside_the_stream(http: httpx.Client) -> None:
    """Of samples that go on for long, those that lose confidence end early, and nothing runs on."""
    decoding = {**CONFIDENT, "temperature": 1.5, "num_samples": 40, "num_warmup": 8}
    decoding |= {"keep_percent": 50, "consensus": 1, "window": 4, "return_texts": True}
    report = report_of(http, decoding, max_tokens=300, ignore_eos=True)
    wait_until(lambda: num_requests(http) == 0, IDLE_WITHIN_S, "idle")
    aborted = [c for c in report["candidates"] if c["finish_reason"] == "abort"]
    assert len(aborted) > 4
    assert max(c["num_tokens"] for c in aborted) < 300
    assert all(c["dropped"] == "low_confidence" and c["weight"] == 0 for c in aborted)
    assert all(c["finish_reason"] != "abort" for c in report["candidates"][:8])


def test_deepconf_says_the_same_twice(http: httpx.Client) -> None:
    decoding = {**CONFIDENT, "mode": "offline"}
    one, two = (report_of(http, decoding) for _ in range(2))
    assert one["answer"] == two["answer"]
    assert one["threshold"] == pytest.approx(two["threshold"], rel=1e-3)


def test_universal_vote_asks_once_and_falls_back_in_the_open(http: httpx.Client) -> None:
    """So small a model names no response: the first is the reply, and the report says so."""
    report = report_of(http, UNIVERSAL)
    own = sum(c["num_tokens"] for c in report["candidates"])
    assert report["selection"] is not None
    assert report["num_tokens"] > own
    assert report["fallback"] == "the selection named no sample; the first is the reply"
    assert (report["agreement"], report["confidence"]) == (None, None)


def test_selection_is_free_of_the_requests_grammar(http: httpx.Client) -> None:
    grammar = {"structured_outputs": {"regex": "[0-9]{2}"}}
    report = report_of(http, {**UNIVERSAL, "return_texts": True}, **grammar)
    assert all(len(c["text"]) == 2 for c in report["candidates"])
    assert len(report["selection"]) > 2


@pytest.mark.parametrize("decoding", [BEST, CONFIDENT, UNIVERSAL], ids=lambda d: d["strategy"])
def test_streamed_and_whole_say_the_same(client: openai.OpenAI, decoding: Json) -> None:
    whole = client.chat.completions.create(
        model=MODEL,
        messages=MESSAGES,  # type: ignore[arg-type]  # plain dicts
        extra_body={"decoding": decoding},
    )
    stream = client.chat.completions.create(
        model=MODEL,
        messages=MESSAGES,  # type: ignore[arg-type]  # plain dicts
        stream=True,
        extra_body={"decoding": decoding},
    )
    text = "".join(c.choices[0].delta.content or "" for c in stream if c.choices)  # type: ignore[union-attr]  # the stream's overload
    assert text == whole.choices[0].message.content != ""


@pytest.mark.parametrize("decoding", [BEST, CONFIDENT, UNIVERSAL], ids=lambda d: d["strategy"])
def test_the_other_apis_take_them_too(http: httpx.Client, decoding: Json) -> None:
    body = http.post("/v1/responses", json=response(decoding=decoding)).json()
    assert body["decoding"]["strategy"] == decoding["strategy"]
    body = http.post("/v1/completions", json=completion(decoding=decoding)).json()
    assert body["decoding"]["strategy"] == decoding["strategy"]
    alias = chat() | {"model": f"{MODEL}:{decoding['strategy']}"}
    assert http.post(CHAT, json=alias).json()["decoding"]["strategy"] == decoding["strategy"]


@pytest.mark.parametrize(
    ("decoding", "fields", "param", "says"),
    [
        ({**BEST, "verifier": "nope"}, {}, "decoding.verifier", '"equations", "self_judge"'),
        ({**BEST, "verifier": "http"}, {}, "decoding.verifier", "no WINNOW_VERIFIER_URL"),
        ({**BEST, "num_samples": 1}, {}, "decoding.num_samples", 'use "greedy"'),
        ({**BEST, "num_samples": 10**9}, {}, "decoding.num_samples", "2..64"),
        ({**UNIVERSAL, "num_samples": 0}, {}, "decoding.num_samples", "2..64"),
        ({**CONFIDENT, "temperature": 0}, {}, "decoding.temperature", 'use "greedy"'),
        ({**CONFIDENT, "num_warmup": 21}, {}, "decoding.num_warmup", "num_samples, 20"),
        ({**CONFIDENT, "keep_percent": 0}, {}, "decoding.keep_percent", "greater than 0"),
        (
            {"strategy": "majority_vote", "weight": "confidence"},
            {"logprobs": False},
            "logprobs",
            'weight "confidence" is made of log-probabilities',
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_they_cannot_do_is_a_400(
    http: httpx.Client, decoding: Json, fields: Json, param: str, says: str
) -> None:
    reply = http.post(CHAT, json=chat(decoding=decoding, **fields))
    assert reply.status_code == httpx.codes.BAD_REQUEST
    assert reply.json()["error"]["param"] == param
    assert says in reply.json()["error"]["message"]


def test_question_is_kept_for_the_verifier(http: httpx.Client) -> None:
    """Plain text is continued as it stands and asked about as it stands."""
    body = completion(prompt=QUESTION, decoding={**BEST, "verifier": "self_judge"})
    assert http.post("/v1/completions", json=body).status_code == httpx.codes.OK
