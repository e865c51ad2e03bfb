"""Questions so long that a decoder's own prompts do not fit: told, or done without, never cut."""

import httpx
import openai
import pytest
from openai.types.responses import ResponseErrorEvent

from tests.server.events import read_stream
from tests.server.questions import MODEL, QUESTION, Json, chat, completion, response

pytestmark = pytest.mark.vllm
CHAT = "/v1/chat/completions"
STEP_BACK = {"strategy": "greedy", "prompting": "step_back"}
UNIVERSAL = {"strategy": "universal_vote", "num_samples": 3, "temperature": 1.3, "seed": 1}
SELF_JUDGED = {"strategy": "best_of_n", "verifier": "self_judge", "num_samples": 3, "seed": 1}


@pytest.fixture(scope="module")
def long_question(http: httpx.Client) -> str:
    """It leaves room for a reply, and none for what decoders would add."""
    text = f"{'T' * 1900} {QUESTION}"
    reply = http.post("/tokenize", json={"model": MODEL, "messages": asking(text)["messages"]})
    room = reply.json()["max_model_len"] - reply.json()["count"]
    longer = f"{'T' * (1900 + room - 45)} {QUESTION}"
    reply = http.post("/tokenize", json={"model": MODEL, "messages": asking(longer)["messages"]})
    assert 20 < reply.json()["max_model_len"] - reply.json()["count"] < 50
    return longer


def asking(text: str, **fields: object) -> Json:
    return chat(messages=[{"role": "user", "content": text}], **fields) | {"max_tokens": 20}


def test_stage_without_room_is_a_400(http: httpx.Client, long_question: str) -> None:
    reply = http.post(CHAT, json=asking(long_question, decoding=STEP_BACK))
    assert reply.status_code == httpx.codes.BAD_REQUEST
    error = reply.json()["error"]
    assert error["param"] == "decoding.prompting"
    assert error["message"].startswith('prompting "step_back" finds no room')


def test_streamed_chat_tells_of_it_in_an_error_chunk(
    http: httpx.Client, long_question: str
) -> None:
    stream = read_stream(http, CHAT, asking(long_question, decoding=STEP_BACK))
    assert 'prompting "step_back" finds no room' in stream.chunks[-1]["error"]["message"]


def test_streamed_response_tells_of_it_in_an_error_event(
    client: openai.OpenAI, long_question: str
) -> None:
    stream = client.responses.create(
        model=MODEL, input=long_question, stream=True, extra_body={"decoding": STEP_BACK}
    )
    *before, last = list(stream)
    assert isinstance(last, ResponseErrorEvent)
    assert (last.code, last.param) == ("invalid_prompt", "decoding.prompting")
    assert last.message.startswith('prompting "step_back" finds no room')
    assert last.sequence_number == len(before)


def test_selection_without_room_leaves_the_first_sample(
    http: httpx.Client, long_question: str
) -> None:
    report = http.post(CHAT, json=asking(long_question, decoding=UNIVERSAL)).json()["decoding"]
    assert report["selection"] is None
    assert report["fallback"] in (
        "the samples are too long for a selection; the first is the reply",
        "no sample was complete",
    )


def test_judge_without_room_gives_no_verdict(http: httpx.Client, long_question: str) -> None:
    report = http.post(CHAT, json=asking(long_question, decoding=SELF_JUDGED)).json()["decoding"]
    num_complete = sum(c["dropped"] != "truncated" for c in report["candidates"])
    assert report["unscored"] == ({"no_verdict": num_complete} if num_complete else {})
    assert report["fallback"] is not None


@pytest.mark.parametrize(
    ("path", "body", "rule"),
    [
        (CHAT, chat(messages=[{"role": "system", "content": "8"}]), "messages must hold a user"),
        ("/v1/completions", completion(prompt=[5, 6, 7]), "prompt must be one text"),
        ("/v1/completions", completion(prompt=[[5, 6, 7]]), "prompt must be one text"),
        ("/v1/responses", response(input=[]), "input must hold a user message"),
    ],
    ids=["chat", "token ids", "list of token ids", "response"],
)
@pytest.mark.parametrize(
    ("decoding", "field"),
    [(SELF_JUDGED, "verifier"), (UNIVERSAL, "strategy"), (STEP_BACK, "prompting")],
    ids=["self_judge", "universal_vote", "step_back"],
)
def test_request_without_a_question_names_the_field_that_wants_one(
    http: httpx.Client, path: str, body: Json, rule: str, decoding: Json, field: str
) -> None:
    reply = http.post(path, json=body | {"decoding": decoding})
    assert reply.status_code == httpx.codes.BAD_REQUEST
    error = reply.json()["error"]
    assert error["param"] == f"decoding.{field}"
    assert f'{field} "{decoding[field]}" needs a question in words: {rule}' in error["message"]


def test_list_of_one_prompt_is_that_prompt(http: httpx.Client) -> None:
    decoding = {"strategy": "greedy", "prompting": "step_by_step", "prompt_template": "qa"}
    one, listed = (
        http.post("/v1/completions", json=completion(prompt=prompt, decoding=decoding)).json()
        for prompt in (QUESTION, [QUESTION])
    )
    assert one["choices"] == listed["choices"]
