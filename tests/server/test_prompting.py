"""Prompting stages through the running server."""

import httpx
import openai
import pytest

from tests.server.questions import MESSAGES, MODEL, QUESTION, chat, completion, response

pytestmark = pytest.mark.vllm
CHAT = "/v1/chat/completions"
CUE = "Let's think step by step."


def staged(stage: str, strategy: str = "greedy") -> dict[str, object]:
    return {"strategy": strategy, "prompting": stage}


def test_step_by_step_is_the_request_with_its_words_added(http: httpx.Client) -> None:
    """Sending the cue by hand gives the same prompt and the same greedy reply."""
    messages = [{"role": "user", "content": f"{QUESTION}\n\n{CUE}"}]
    by_hand = http.post(CHAT, json=chat(messages=messages, temperature=0)).json()
    by_stage = http.post(CHAT, json=chat(decoding=staged("step_by_step"))).json()
    assert by_stage["choices"][0]["message"] == by_hand["choices"][0]["message"]
    assert by_stage["usage"] == by_hand["usage"]


def test_what_stands_before_the_question_stays(http: httpx.Client) -> None:
    system = {"role": "system", "content": "Be brief."}
    asked = [{"type": "text", "text": QUESTION}]
    reply = http.post(
        CHAT,
        json=chat(
            messages=[system, {"role": "user", "content": asked}], decoding=staged("step_by_step")
        ),
    ).json()
    by_hand = http.post(
        CHAT,
        json=chat(
            messages=[system, {"role": "user", "content": f"{QUESTION}\n\n{CUE}"}], temperature=0
        ),
    ).json()
    assert reply["choices"][0]["message"] == by_hand["choices"][0]["message"]
    assert reply["usage"] == by_hand["usage"]


def test_begun_reply_is_continued_after_the_stages_words(http: httpx.Client) -> None:
    flags = {"add_generation_prompt": False, "continue_final_message": True}
    begun = {"role": "assistant", "content": "The answer is"}
    by_stage, by_hand = (
        http.post(CHAT, json=chat(messages=[user, begun], **how, **flags)).json()
        for user, how in (
            (MESSAGES[0], {"decoding": staged("step_by_step")}),
            ({"role": "user", "content": f"{QUESTION}\n\n{CUE}"}, {"temperature": 0}),
        )
    )
    assert by_stage["choices"][0]["message"] == by_hand["choices"][0]["message"]
    assert by_stage["usage"] == by_hand["usage"]


def test_completion_goes_on_from_the_cue(http: httpx.Client) -> None:
    """A base model's `A:` is followed by the cue, as in the paper."""
    decoding = {**staged("step_by_step"), "prompt_template": "qa"}
    body = completion(prompt=QUESTION, decoding=decoding)
    by_stage = http.post("/v1/completions", json=body).json()
    prompt = f"Q: {QUESTION}\nA: {CUE}"
    by_hand = http.post(
        "/v1/completions", json=completion(prompt=prompt, temperature=0, stop=["\nQ:"])
    ).json()
    assert by_stage["choices"][0]["text"] == by_hand["choices"][0]["text"]
    assert by_stage["usage"] == by_hand["usage"]


@pytest.mark.parametrize("strategy", ["greedy", "cot_decoding", "majority_vote"])
def test_step_back_reports_and_counts_its_first_call(http: httpx.Client, strategy: str) -> None:
    reply = http.post(CHAT, json=chat(decoding=staged("step_back", strategy))).json()
    report = reply["decoding"]
    own = sum(candidate["num_tokens"] for candidate in report["candidates"])
    assert report["prompting"]["stage"] == "step_back"
    assert report["prompting"]["num_tokens"] > 0
    aborted = (report["stopped"] or {"num_aborted_tokens": 0})["num_aborted_tokens"]
    assert report["num_tokens"] == own + aborted + report["prompting"]["num_tokens"]
    assert reply["usage"]["completion_tokens"] == report["num_tokens"]


def test_stage_streams(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(
        model=MODEL,
        messages=MESSAGES,  # type: ignore[arg-type]  # plain dicts
        extra_body={"decoding": staged("analogical")},
    )
    stream = client.chat.completions.create(
        model=MODEL,
        messages=MESSAGES,  # type: ignore[arg-type]  # plain dicts
        stream=True,
        extra_body={"decoding": staged("analogical")},
    )
    text = "".join(c.choices[0].delta.content or "" for c in stream if c.choices)  # type: ignore[union-attr]  # the stream's overload
    assert text == whole.choices[0].message.content != ""


def test_responses_take_a_stage(http: httpx.Client) -> None:
    by_stage = http.post("/v1/responses", json=response(decoding=staged("step_by_step"))).json()
    parts = [{"type": "input_text", "text": QUESTION}]
    listed = [{"type": "message", "role": "user", "content": parts}]
    by_list = http.post(
        "/v1/responses", json=response(input=listed, decoding=staged("step_by_step"))
    ).json()
    by_hand = http.post(
        "/v1/responses", json=response(input=f"{QUESTION}\n\n{CUE}", temperature=0)
    ).json()
    texts = [r["output"][0]["content"][0]["text"] for r in (by_stage, by_list, by_hand)]
    assert texts[0] == texts[1] == texts[2]
    assert by_stage["usage"]["input_tokens"] == by_hand["usage"]["input_tokens"]


def test_question_that_the_stage_makes_too_long_is_a_400(http: httpx.Client) -> None:
    long = "duck " * 1990
    body = chat(messages=[{"role": "user", "content": long}], decoding=staged("analogical"))
    reply = http.post(CHAT, json=body | {"max_tokens": 5})
    assert reply.status_code == httpx.codes.BAD_REQUEST, reply.text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, chat(messages=[{"role": "assistant", "content": "8"}])),
        ("/v1/completions", completion(prompt=[5, 6, 7])),
    ],
    ids=["no user", "token ids"],
)
def test_stage_wants_a_question_in_words(
    http: httpx.Client, path: str, body: dict[str, object]
) -> None:
    reply = http.post(path, json=body | {"decoding": staged("step_back")})
    assert reply.status_code == httpx.codes.BAD_REQUEST
    assert reply.json()["error"]["param"] == "decoding.prompting"
    assert "step_back" in reply.json()["error"]["message"]


def test_unknown_stage_is_a_400(http: httpx.Client) -> None:
    reply = http.post(CHAT, json=chat(decoding=staged("hum")))
    assert reply.status_code == httpx.codes.BAD_REQUEST
    assert reply.json()["error"]["param"] == "decoding.prompting"
