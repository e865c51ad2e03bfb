"""Numbers that are no numbers, too large, or out of range."""

from collections.abc import Iterator
from itertools import product
from typing import Any

from loadtest.hostile.case import Case, Target
from loadtest.hostile.cases.requests import (
    CHAT,
    COMPLETIONS,
    MESSAGES,
    RESPONSES,
    Group,
    anthropic,
    chat,
    completion,
    response,
)
from loadtest.hostile.expectations import answered, handled, refused
from loadtest.hostile.wire import as_json

OUT_OF_RANGE: dict[str, tuple[Any, ...]] = {  # any JSON
    "temperature": (-1, -1e308, 1e308, "hot", [1], {}),
    "top_p": (-0.1, 0, 1.5, 1e300, "a", []),
    "top_k": (-2, 2**63, 2**70, -(2**70), 1.5, "all"),
    "min_p": (-1, 2, 1e308, {}),
    "frequency_penalty": (-3, 3, 1e308, "x"),
    "presence_penalty": (-3, 3, -1e308, []),
    "repetition_penalty": (0, -1, "x"),
    "max_tokens": (0, -1, 10**6, 2**63, 2**70, 1.5, "ten", []),
    "max_completion_tokens": (0, -5, 2**70, {}),
    "min_tokens": (-1, 5, 2**70, "a"),
    "seed": (2**63, 2**70, -(2**70), 1.5, "a"),
    "logprobs": (2, "many", []),
    "top_logprobs": (-2, 65, 10**6, 2**70, "a"),
    "prompt_logprobs": (-2, 10**6, 2**70, "a"),
    "truncate_prompt_tokens": (-2, 2**70, "a"),
    "priority": (-1, -(2**63), -1.5, True, 2**31 - 1, 2**63 - 1, 2**70, "high", []),
    "thinking_token_budget": (-2, 2**70, "a"),
    "stream_interval": (0, -1, 2**70, "a"),
    "length_penalty": ("a", []),
}
LARGE_BUT_SANE: dict[str, tuple[Any, ...]] = {  # any JSON
    "temperature": (5, 1e-300, "0.5"),
    "top_k": (-1, 0, 10**6, 2**31),
    "repetition_penalty": (1e-300, 1e300),
    "seed": (-1, 2**63 - 1, -(2**63)),
    "top_p": (1e-300,),
    "priority": (0, 1),
    "stream_interval": (10**6,),
    "logprobs": (0, "true"),
}
TOKENS_OUT_OF_VOCABULARY = (-1, 10**6, 2**31, 2**63, 2**70)

IN_FORCE: dict[str, dict[str, Any]] = {  # a request's fields
    "top_logprobs": {"logprobs": True},
    "top_k": {"temperature": 1},
}
"""Beside which a field is looked at."""


def cases(target: Target) -> Iterator[Case]:
    group = Group("sampling", target)
    for field, values in OUT_OF_RANGE.items():
        for value in values:
            fields = {**IN_FORCE.get(field, {}), field: value}
            yield group.chat(f"{field} = {_shown(value)}", refused(), **fields)
    for field, values in LARGE_BUT_SANE.items():
        for value in values:
            fields = {**IN_FORCE.get(field, {}), field: value}
            yield group.chat(f"{field} = {_shown(value)}", handled, **fields)
    for token in TOKENS_OUT_OF_VOCABULARY:
        yield group.chat(f"logit_bias of token {token}", refused(), logit_bias={str(token): 1})
        yield group.chat(f"allowed token {token}", refused(), allowed_token_ids=[token])
        yield group.chat(f"stop at token {token}", handled, stop_token_ids=[token])
        yield group.post(
            f"prompt of token {token}", COMPLETIONS, completion(target, prompt=[token]), refused()
        )
        yield group.chat(
            f"log-probability of token {token}", refused(), logprobs=True, logprob_token_ids=[token]
        )
    yield from _token_lists(group, target)
    yield from _priorities(group, target)
    for first, second in product((0, 2**70), (-1, "a")):
        name = f"top_k {_shown(first)} and min_p {second}"
        yield group.chat(name, refused(), top_k=first, min_p=second)
    yield group.chat("everything at its edge", answered, temperature=2, top_p=1, top_k=1, min_p=1)


def _priorities(group: Group, target: Target) -> Iterator[Case]:
    """Priorities that put a client before all others, in whatever place vLLM looks for them."""
    for value in ("-1", "-99999999999999999999", "2147483647", "high", "", "1.5"):
        yield group.post(
            f"X-Vllm-Priority {value!r}",
            CHAT,
            chat(target),
            refused(),
            {"X-Vllm-Priority": value},
        )
    yield group.chat("priority a number in quotes", refused(), priority="-1")
    hidden = as_json(chat(target, priority=-1)).replace(b"priority", b"prior\\u0069ty")
    yield group.post("priority = -1 in escapes", CHAT, hidden, refused())
    for path, body in (
        (COMPLETIONS, completion(target, priority=-1)),
        (RESPONSES, response(target, priority=-1)),
        (MESSAGES, anthropic(target, priority=-1)),
    ):
        yield group.post(f"priority = -1 for {path}", path, body, refused())


def _token_lists(group: Group, target: Target) -> Iterator[Case]:
    refusals: dict[str, Any] = {  # a request's fields
        "logit_bias of 50,000": {"logit_bias": {str(i): 1 for i in range(50_000)}},
        "logit_bias NaN as a text": {"logit_bias": {"5": "NaN"}},
        "logit_bias of words": {"logit_bias": {"word": 1}},
        "logit_bias a list": {"logit_bias": [1, 2]},
        "logit_bias nested": {"logit_bias": {"5": {"6": 1}}},
        "allowed_token_ids empty": {"allowed_token_ids": []},
        "allowed_token_ids of 100,000": {"allowed_token_ids": list(range(100_000))},
        "allowed_token_ids of texts": {"allowed_token_ids": ["a"]},
        "allowed_token_ids an object": {"allowed_token_ids": {"5": 1}},
        "stop of 50,000": {"stop": [f"s{i}" for i in range(50_000)]},
        "stop of objects": {"stop": [{}]},
        "stop a number": {"stop": 5},
        "stop empty text": {"stop": ""},
        "stop list with an empty text": {"stop": ["a", ""]},
        "stop_token_ids of 100,000": {"stop_token_ids": list(range(100_000))},
        "stop_token_ids of texts": {"stop_token_ids": ["a"]},
        "bad_words of 50,000": {"bad_words": [f"w{i}" for i in range(50_000)]},
        "bad_words of numbers": {"bad_words": [1]},
        "bad_words a text": {"bad_words": "a"},
        "bad_words empty text": {"bad_words": [""]},
        "logprob_token_ids of 100,000": {
            "logprobs": True,
            "logprob_token_ids": list(range(100_000)),
        },
    }
    yield from group.chats(refusals, refused())
    long = "x" * 500_000
    yield group.chat("logit_bias = 1e300", handled, logit_bias={"5": 1e300})
    yield group.chat("a stop text of 500 KB", handled, stop=[long])
    yield group.chat("a bad word of 500 KB", handled, bad_words=[long])
    yield group.chat("an allowed token, 5,000 times", handled, allowed_token_ids=[5] * 5000)
    yield group.post(
        "a prompt of 200,000 tokens",
        COMPLETIONS,
        completion(target, prompt=[5] * 200_000),
        refused(),
    )


def _shown(value: Any) -> str:  # any JSON
    return f"2^{value.bit_length() - 1}" if isinstance(value, int) and value > 10**7 else f"{value}"
