"""`decoding` broken in every way. A server that has no decoders ignores or refuses it."""

from collections.abc import Iterator
from typing import Any

from loadtest.hostile.case import Case, Target
from loadtest.hostile.cases.requests import MESSAGES, Group, anthropic
from loadtest.hostile.expectations import answered, handled, refused

COT: dict[str, Any] = {"strategy": "cot_decoding", "k": 2}  # a decoder's parameters
VOTE: dict[str, Any] = {"strategy": "majority_vote", "num_samples": 2}  # likewise


def cases(target: Target) -> Iterator[Case]:
    group = Group("decoding", target)
    for name, value in _broken().items():
        yield group.chat(name, refused(), decoding=value, temperature=None)
    for name, value in _missing().items():
        yield group.chat(name, refused(400, 404), decoding=value, temperature=None)
    for name, value in _odd().items():
        yield group.chat(name, handled, decoding=value, temperature=None)
        yield group.chat(
            f"streamed: {name}", handled, decoding=value, temperature=None, stream=True
        )
    for name, fields in _contradictions().items():
        yield group.chat(name, refused(), **fields)
    for name, fields in _set_aside().items():
        yield group.chat(name, answered, **fields)
    for name, value in _misspelt().items():
        yield group.chat(f"misspelt: {name[:20]}", refused(), **{name: value})
        yield group.post(
            f"misspelt in a message: {name[:20]}",
            MESSAGES,
            anthropic(target, **{name: value}),
            refused(),
        )
    alias = f"{target.model}:cot_decoding"
    asked: dict[str, dict[str, Any]] = {
        "an alias": {"model": alias},
        "a time limit": {"timeout_s": 5},
    }
    for name, extra in asked.items():
        body = anthropic(target, **extra)
        yield group.post(f"{name} in a message", MESSAGES, body, refused())
    for path, body in _elsewhere(target, alias).items():
        yield group.post(f"an alias: {path}", path, body, answered)


def _broken() -> dict[str, Any]:  # any JSON
    nested: Any = "x"
    for _ in range(60):
        nested = {"strategy": nested}
    return {
        "a text": "cot_decoding",
        "a list": [COT],
        "a number": 5,
        "true": True,
        "empty": {},
        "nested 60 deep": nested,
        "an unknown strategy": {"strategy": "beam"},
        "strategy null": {"strategy": None},
        "strategy of 100 KB": {"strategy": "x" * 100_000},
        "strategy of a dunder": {"strategy": "__init__"},
        "strategy with line breaks": {"strategy": "greedy\nX-Evil: 1"},
        "an unknown key": {**COT, "kk": 1},
        "10,000 unknown keys": {**COT, **{f"a{i}": i for i in range(10_000)}},
        "a key of 100 KB": {**COT, "k" * 100_000: 1},
        "k a text": {**COT, "k": "2"},
        "k negative": {**COT, "k": -1},
        "k a fraction": {**COT, "k": 2.5},
        "k a list": {**COT, "k": [2]},
        "selection unknown": {**COT, "selection": "luck"},
        "return_texts a text": {**COT, "return_texts": "yes"},
        "answer unknown": {**COT, "answer": "colour"},
        "pattern that does not compile": {**COT, "answer": {"pattern": "("}},
        "pattern that explodes": {**COT, "answer": {"pattern": "((a{1000}){1000}){1000}"}},
        "pattern of 100 KB": {**COT, "answer": {"pattern": "a" * 100_000}},
        "pattern with a backreference": {**COT, "answer": {"pattern": r"(a)\1"}},
        "pattern a list": {**COT, "answer": {"pattern": ["a"]}},
        "pattern nested 500 deep": {**COT, "answer": {"pattern": "(" * 480 + ")" * 480}},
        "reference a number": {**COT, "reference": 5},
        "reference of 100 KB": {**COT, "reference": "r" * 100_000},
        "prompting unknown": {**COT, "prompting": "hypnosis"},
        "prompting a list": {**COT, "prompting": ["step_by_step"]},
        "retrieval a text": {**COT, "retrieval": "any"},
        "retrieval without a collection": {**COT, "retrieval": {}},
        "retrieval of 10^9 passages": {**COT, "retrieval": _from("any", num_passages=10**9)},
        "retrieval by path": {**COT, "retrieval": _from("../../etc")},
        "retrieval by SQL": {**COT, "retrieval": _from("a'; DROP TABLE documents; --")},
        "temperature = 1e300": {**VOTE, "temperature": 1e300},
        "temperature = 0": {**VOTE, "temperature": 0},
        "top_k = 2^70": {**VOTE, "top_k": 2**70},
        "top_p = 7": {**VOTE, "top_p": 7},
        "seed = 2^70": {**VOTE, "seed": 2**70},
        "threshold = 5": {**VOTE, "threshold": 5},
        "window = -1": {**VOTE, "window": -1},
        "weight unknown": {**VOTE, "weight": "charm"},
        "models a text": {**VOTE, "models": "pocket"},
        "models of numbers": {**VOTE, "models": [5]},
        "no models": {**VOTE, "models": []},
        "10,000 models": {**VOTE, "models": ["pocket"] * 10_000},
        "verifier a list": {"strategy": "best_of_n", "verifier": ["equations"]},
        "verifier of a path": {"strategy": "best_of_n", "verifier": "../../evil"},
        "keep_percent = 0": {"strategy": "deepconf", "keep_percent": 0},
        "mode unknown": {"strategy": "deepconf", "mode": "astral"},
    }


def _missing() -> dict[str, Any]:  # any JSON
    return {
        "a collection that is not there": {**COT, "retrieval": _from("nowhere-to-be-found")},
        "a model that is not there": {**VOTE, "models": ["nope", "nope"]},
        "a model by path": {**VOTE, "models": ["../../etc/passwd", "pocket"]},
    }


def _odd() -> dict[str, Any]:  # any JSON
    return {
        "pattern that backtracking chokes on": {**COT, "answer": {"pattern": "(a+)+$"}},
        "pattern of nothing": {**COT, "answer": {"pattern": ""}},
        "reference of emoji": {**COT, "reference": "🦆"},
        "seed at its edge": {**VOTE, "seed": 2**32 - 1},
        "step back": {**VOTE, "prompting": "step_back"},
    }


def _contradictions() -> dict[str, dict[str, Any]]:
    return {
        "n = 2 beside a decoder": {"decoding": COT, "n": 2},
        "beam search beside a decoder": {"decoding": COT, "use_beam_search": True},
        "a schema beside cot_decoding": {
            "decoding": COT,
            "structured_outputs": {"json": {"type": "object"}},
        },
        "an alias of another strategy": {"model": "pocket:greedy", "decoding": COT},
    }


def _set_aside() -> dict[str, dict[str, Any]]:
    return {
        "null": {"decoding": None, "timeout_s": None},
        "temperature beside a greedy decoder": {"decoding": COT, "temperature": 0.7, "top_p": 0.5},
        "temperature = 0 beside a vote": {"decoding": VOTE, "temperature": 0},
        "two temperatures": {"decoding": {**VOTE, "temperature": 0.7}, "temperature": 1},
        "seed = -1 beside a vote": {"decoding": VOTE, "seed": -1},
        "10,000 fields beside a decoder": {
            "decoding": COT,
            **{f"a{i}": i for i in range(10_000)},
        },
    }


def _misspelt() -> dict[str, Any]:  # any JSON
    return {
        "Decoding": COT,
        "decoder": COT,
        "decodings": [COT],
        "strategy": "cot_decoding",
        "decoding_strategy": "cot_decoding",
        "deocding": COT,
        "extra_body": {"decoding": COT},
        "timeout": 5,
        "Timeout_s": 5,
    }


def _elsewhere(target: Target, alias: str) -> dict[str, dict[str, Any]]:
    return {
        "/tokenize": {"model": alias, "prompt": "a"},
        "/detokenize": {"model": alias, "tokens": [5]},
        f"{MESSAGES}/count_tokens": anthropic(target, model=alias),
    }


def _from(collection: str, **fields: Any) -> dict[str, Any]:  # JSON
    return {"collection": collection, **fields}
