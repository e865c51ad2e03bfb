"""Requests that are small and ask for replies that are large: refused, or built aside."""

from collections.abc import Iterator
from typing import Any

from loadtest.hostile.case import Case, Target
from loadtest.hostile.cases.requests import CHAT, COMPLETIONS, RESPONSES, Group, completion
from loadtest.hostile.expectations import answered, handled, refused

PROMPT = [5, 6, 7, 8] * 300
MANY = [PROMPT] * 64


def cases(target: Target) -> Iterator[Case]:
    group = Group("large replies", target)
    for name, fields in _too_large().items():
        body = completion(target, **fields)
        yield group.post(f"completion: {name}", COMPLETIONS, body, refused())
    for name, fields in _large().items():
        body = completion(target, **fields)
        yield group.post(f"completion: {name}", COMPLETIONS, body, answered)
    sampled = {"temperature": 1, "ignore_eos": True, "logprobs": True}
    yield group.chat(
        "top 20 of 64 x 300", refused(), **sampled, n=64, max_tokens=300, top_logprobs=20
    )
    yield group.chat("top 20 of 4 x 200", answered, **sampled, n=4, max_tokens=200, top_logprobs=20)
    chosen = [*range(100, 228)]  # of many vocabularies the bytes
    yield group.chat(
        "128 chosen tokens of 64 x 100",
        refused(),
        **{**sampled, "n": 64, "max_tokens": 100, "logprob_token_ids": chosen},
    )
    yield group.chat(
        "128 chosen tokens of 64 x 15",
        answered,
        **{**sampled, "n": 64, "max_tokens": 15, "logprob_token_ids": chosen},
    )
    logprobs = {"include": ["message.output_text.logprobs"], "top_logprobs": 20}
    body = {"model": target.model, "input": "Hi", "max_output_tokens": 200, **logprobs}
    yield group.post("response's top 20 of 200", RESPONSES, body, answered)
    for size in (100_000, 480_000):
        for strings in (False, True):
            body = {"model": target.model, "prompt": "a " * size, "return_token_strs": strings}
            yield group.post(f"/tokenize {size}, pieces {strings}", "/tokenize", body, handled)
    body = {"model": target.model, "tokens": [5] * 320_000}
    yield group.post("/detokenize 320,000", "/detokenize", body, handled)
    message = {"role": "user", "content": "a"}
    many: dict[str, Any] = {"model": target.model, "max_tokens": 1}
    yield group.post("25,000 messages", CHAT, {**many, "messages": [message] * 25_000}, refused())
    parts = [{"type": "text", "text": "a"}] * 20_000
    body = {**many, "messages": [{"role": "user", "content": parts}]}
    yield group.post("20,000 parts", CHAT, body, refused())
    yield group.post("240,000 lists", CHAT, {**many, "messages": [[]] * 240_000}, refused())
    yield group.chat("100,000 stop strings", refused(), stop=["ab"] * 100_000)


def _too_large() -> dict[str, dict[str, Any]]:
    return {
        "prompt_logprobs of 64 prompts": {"prompt": MANY, "prompt_logprobs": 20},
        "prompt_logprobs of 64 choices": {"prompt": PROMPT, "prompt_logprobs": 20, "n": 64},
        "echo of 64 prompts": {"prompt": MANY, "echo": True, "logprobs": 20},
        "echo in a stream": {"prompt": PROMPT, "echo": True, "logprobs": 60, "stream": True},
    }


def _large() -> dict[str, dict[str, Any]]:
    return {
        "prompt_logprobs of 1,200 tokens": {"prompt": PROMPT, "prompt_logprobs": 20},
        "echo of 1,200 tokens": {"prompt": PROMPT, "echo": True, "logprobs": 20},
        "echo in a short stream": {"prompt": PROMPT, "echo": True, "logprobs": 5, "stream": True},
    }
