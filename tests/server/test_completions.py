import httpx
import openai
import pytest

from tests.server.questions import COT, GREEDY, MODEL, PROMPT, QUESTION, Json, completion

pytestmark = pytest.mark.vllm
PATH = "/v1/completions"


def post(http: httpx.Client, **fields: object) -> Json:
    reply = http.post(PATH, json=completion(**fields))
    assert reply.status_code == httpx.codes.OK, reply.text
    content: Json = reply.json()
    return content


def test_official_client_gets_text_and_report(client: openai.OpenAI) -> None:
    reply = client.completions.create(
        model=MODEL,
        prompt=PROMPT,
        max_tokens=40,
        extra_body={"decoding": {**COT, "return_texts": True}},
    )
    report = reply.decoding  # type: ignore[attr-defined]  # an extra field
    assert reply.object == "text_completion"
    assert reply.choices[0].text == report["candidates"][report["selected"]]["text"]
    assert reply.usage is not None
    assert reply.usage.completion_tokens == report["num_tokens"]


def test_greedy_says_what_plain_vllm_says_at_temperature_zero(http: httpx.Client) -> None:
    plain, greedy = post(http, temperature=0), post(http, decoding=GREEDY)
    assert greedy["choices"][0]["text"] == plain["choices"][0]["text"] != ""
    assert "decoding" not in plain


def test_a_prompt_may_be_token_ids(http: httpx.Client) -> None:
    tokens = http.post("/tokenize", json={"model": MODEL, "prompt": PROMPT}).json()["tokens"]
    as_text, as_ids = post(http, decoding=COT), post(http, decoding=COT, prompt=tokens)
    assert as_ids["choices"][0]["text"] == as_text["choices"][0]["text"]
    assert as_ids["usage"] == as_text["usage"]


def test_a_list_of_one_prompt_is_one_prompt(http: httpx.Client) -> None:
    alone, listed = post(http, decoding=COT), post(http, decoding=COT, prompt=[PROMPT])
    assert listed["choices"] == alone["choices"]


def test_qa_template_wraps_the_prompt(http: httpx.Client) -> None:
    by_hand = post(http, prompt=f"Q: {QUESTION}\nA:", decoding=COT)
    templated = post(http, prompt=QUESTION, decoding={**COT, "prompt_template": "qa"})
    assert templated["usage"]["prompt_tokens"] == by_hand["usage"]["prompt_tokens"]
    assert templated["decoding"]["parameters"]["prompt_template"] == "qa"
    assert templated["choices"][0]["text"] == by_hand["choices"][0]["text"].partition("\nQ:")[0]


def test_qa_template_needs_a_text(http: httpx.Client) -> None:
    reply = http.post(
        PATH, json=completion(prompt=[5, 6], decoding={**COT, "prompt_template": "qa"})
    )
    assert reply.status_code == httpx.codes.BAD_REQUEST
    assert reply.json()["error"]["param"] == "prompt"
    assert "must be a text" in reply.json()["error"]["message"]
