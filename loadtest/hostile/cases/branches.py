"""Requests that would have the engine run more than it can."""

from collections.abc import Iterator
from typing import Any

from loadtest.hostile.case import Case, Target
from loadtest.hostile.cases.requests import COMPLETIONS, RESPONSES, Group, completion, response
from loadtest.hostile.expectations import answered, handled, refused

BAD_COUNTS: tuple[Any, ...] = (0, -1, 129, 10_000, 10**9, 2**70, 1.5, "many", [])  # any JSON
LONG = 100_000


def cases(target: Target) -> Iterator[Case]:
    group = Group("branches", target)
    for count in BAD_COUNTS:
        yield group.chat(f"n = {_shown(count)}", refused(), n=count, temperature=1)
        fields = completion(target, n=count, temperature=1)
        yield group.post(f"completion with n = {_shown(count)}", COMPLETIONS, fields, refused())
    for count in (10_000, 2**70):
        name = f"beam search of {_shown(count)}"
        yield group.chat(name, refused(), use_beam_search=True, n=count)
        fields = completion(target, use_beam_search=True, n=count)
        yield group.post(f"completion by {name}", COMPLETIONS, fields, refused())
        fields = completion(target, best_of=count)
        yield group.post(f"best_of = {_shown(count)}", COMPLETIONS, fields, handled)
        yield group.chat(f"chat's best_of = {_shown(count)}", handled, best_of=count)
    for strategy in ("majority_vote", "universal_vote", "deepconf", "best_of_n"):
        for count in (129, 10_000, 2**70):
            decoding = {"strategy": strategy, "num_samples": count}
            yield group.chat(
                f"{strategy} of {_shown(count)}", refused(), decoding=decoding, temperature=None
            )
    for count in (129, 10_000, 2**70):
        decoding = {"strategy": "cot_decoding", "k": count}
        yield group.chat(f"cot_decoding of {_shown(count)}", refused(), decoding=decoding)
    yield from _products(group, target)
    yield group.chat("n = 2 is fine", answered, n=2, temperature=1)


def _products(group: Group, target: Target) -> Iterator[Case]:
    """Each factor is within its bounds, or nearly; the product is not."""
    yield group.chat("n = 128 of a million tokens", refused(), n=128, max_tokens=10**6)
    prompts: dict[str, dict[str, Any]] = {  # a completion's fields
        "2,000 prompts": {"prompt": ["a"] * 2000},
        "50,000 prompts": {"prompt": ["a"] * 50_000},
        "100 prompts, n = 100": {"prompt": ["a"] * 100, "n": 100, "temperature": 1},
        "5,000 prompts of tokens": {"prompt": [[5]] * 5000},
        "1,000 prompts, n = 128": {"prompt": ["a"] * 1000, "n": 128, "temperature": 1},
    }
    for name, fields in prompts.items():
        yield group.post(name, COMPLETIONS, completion(target, **fields), refused())
    broken: dict[str, Any] = {  # what stands for `prompt`
        "no prompts": [],
        "prompts of prompts of prompts": [[["a"]]],
        "a number": 5,
        "an object": {"a": 1},
        "null in a list": ["a", None],
        "texts and tokens mixed": ["a", [5]],
        "an empty list of tokens": [[]],
        "fractions": [0.5],
    }
    for name, prompt in broken.items():
        yield group.post(
            f"prompt: {name}", COMPLETIONS, completion(target, prompt=prompt), refused()
        )
    more: dict[str, dict[str, Any]] = {  # a completion's fields
        "prompt_embeds garbage": {"prompt": None, "prompt_embeds": "AAAA"},
        "prompt_embeds a pickle": {"prompt": None, "prompt_embeds": "gASVAAAAAAAAAAA="},
        "prompt_embeds a list": {"prompt": None, "prompt_embeds": [1, 2]},
        "logprobs = 10^6": {"logprobs": 10**6},
        "logprobs = -2": {"logprobs": -2},
        "max_tokens = 10^6": {"max_tokens": 10**6},
        "longer than the context": {"prompt": "apples " * 20_000},
    }
    for name, fields in more.items():
        yield group.post(
            f"completion: {name}", COMPLETIONS, completion(target, **fields), refused()
        )
    odd: dict[str, dict[str, Any]] = {  # likewise
        "suffix of 100 KB": {"suffix": "s" * LONG},
        "echo": {"echo": True},
        "an empty prompt": {"prompt": ""},
        "a prompt of flags": {"prompt": [True]},
        "128 prompts": {"prompt": ["a"] * 128, "max_tokens": 1},
    }
    for name, fields in odd.items():
        yield group.post(f"completion: {name}", COMPLETIONS, completion(target, **fields), handled)
    decoded = completion(target, prompt=["a", "b"], decoding={"strategy": "cot_decoding"})
    yield group.post("two prompts with a decoder", COMPLETIONS, decoded, refused())
    decoding = {"strategy": "majority_vote", "num_samples": 100_000}
    many = response(target, decoding=decoding)
    yield group.post("a response voted on by 100,000", RESPONSES, many, refused())


def _shown(count: Any) -> str:  # any JSON
    return "2^70" if count == 2**70 else f"{count}"
