from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest

from tests.server.questions import COT, GREEDY, MESSAGES, MODEL, held_out

pytestmark = pytest.mark.vllm

NUM_QUESTIONS = 40


def ask(client: openai.OpenAI, content: str, decoding: dict[str, Any] | None) -> Any:
    return client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": content}],
        max_tokens=200,
        temperature=0,
        extra_body={"decoding": decoding} if decoding else None,
    )


def test_cot_decoding_replies_with_the_selected_candidate(client: openai.OpenAI) -> None:
    reply = ask(client, MESSAGES[0]["content"], {**COT, "return_texts": True})
    report = reply.decoding
    selected = report["candidates"][report["selected"]]
    assert reply.choices[0].message.content == selected["text"]
    assert reply.choices[0].message.role == "assistant"
    assert reply.choices[0].finish_reason == selected["finish_reason"] == "stop"
    assert report["answer"] == selected["answer"]
    assert report["confidence"] == selected["confidence"]
    assert len(report["candidates"]) == 3
    assert 0 < report["agreement"] <= 1
    assert report["fallback"] is None


def test_report_names_strategy_and_parameters_as_run(client: openai.OpenAI) -> None:
    report = ask(client, MESSAGES[0]["content"], {**COT, "selection": "max"}).decoding
    assert report["strategy"] == "cot_decoding"
    assert report["parameters"] == {
        "k": 3,
        "selection": "max",
        "answer": "auto",
        "return_texts": False,
    }
    assert set(report["phases_ms"]) == {"probe", "paths", "select"}
    assert all(milliseconds >= 0 for milliseconds in report["phases_ms"].values())
    assert [candidate["text"] for candidate in report["candidates"]] == [None] * 3


def test_usage_counts_the_tokens_of_every_path(client: openai.OpenAI) -> None:
    reply = ask(client, MESSAGES[0]["content"], COT)
    num_tokens = sum(candidate["num_tokens"] for candidate in reply.decoding["candidates"])
    assert reply.usage.completion_tokens == reply.decoding["num_tokens"] == num_tokens
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + num_tokens
    plain = ask(client, MESSAGES[0]["content"], None)
    assert reply.usage.prompt_tokens == plain.usage.prompt_tokens
    assert num_tokens > plain.usage.completion_tokens


def test_greedy_says_what_plain_vllm_says_at_temperature_zero(client: openai.OpenAI) -> None:
    plain, greedy = (ask(client, MESSAGES[0]["content"], d) for d in (None, GREEDY))
    assert greedy.choices[0].message.content == plain.choices[0].message.content
    assert greedy.usage == plain.usage
    assert greedy.decoding["strategy"] == "greedy"
    assert not hasattr(plain, "decoding")


def test_one_path_says_what_greedy_says(client: openai.OpenAI) -> None:
    greedy, alone = (
        ask(client, MESSAGES[0]["content"], d)
        for d in (GREEDY, {"strategy": "cot_decoding", "k": 1})
    )
    assert alone.choices[0].message.content == greedy.choices[0].message.content
    assert alone.usage.completion_tokens == greedy.usage.completion_tokens


def test_the_same_request_gives_the_same_reply(client: openai.OpenAI) -> None:
    one, two = (ask(client, MESSAGES[0]["content"], {**COT, "k": 10}) for _ in range(2))
    assert one.choices[0].message.content == two.choices[0].message.content
    answers = [[c["answer"] for c in reply.decoding["candidates"]] for reply in (one, two)]
    assert answers[0] == answers[1]


def test_system_message_and_earlier_turns_are_part_of_the_prompt(client: openai.OpenAI) -> None:
    turns = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Tom has 3 pens."},
        {"role": "assistant", "content": "Yes."},
        *MESSAGES,
    ]
    short, long = (
        client.chat.completions.create(
            model=MODEL,
            messages=messages,  # type: ignore[arg-type]  # plain dicts
            max_tokens=40,
            extra_body={"decoding": COT},
        )
        for messages in (MESSAGES, turns)
    )
    assert long.usage.prompt_tokens > short.usage.prompt_tokens


def test_cot_decoding_is_right_far_more_often_than_greedy(client: openai.OpenAI) -> None:
    """The bundled checkpoint reproduces the paper's effect; figures are in the benchmark."""
    questions = held_out(NUM_QUESTIONS)

    def num_right(decoding: dict[str, Any]) -> int:
        with ThreadPoolExecutor(4) as pool:
            replies = pool.map(lambda q: ask(client, q["question"], decoding), questions)
            golds = (str(question["gold"]) for question in questions)
            return sum(r.decoding["answer"] == gold for r, gold in zip(replies, golds, strict=True))

    cot, greedy = num_right({"strategy": "cot_decoding"}), num_right(GREEDY)
    assert len(questions) == NUM_QUESTIONS
    assert cot >= 0.8 * NUM_QUESTIONS
    assert cot - greedy > 0.3 * NUM_QUESTIONS
