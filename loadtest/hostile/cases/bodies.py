"""Bodies that are not the JSON that they should be."""

from collections.abc import Iterator
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

HALF = "\ud800"
NO_TEXTS = {"half a character": HALF, "the other half": "a\udc00b", "NUL": "a\0b"}
PATHS = (CHAT, COMPLETIONS, RESPONSES, MESSAGES, "/tokenize", "/v1/feedback", "/v1/collections")
NOT_OBJECTS = {
    "empty": b"",
    "blanks": b"   \n",
    "an array": b"[]",
    "an array of requests": b'[{"model": "pocket"}]',
    "a text": b'"abc"',
    "a number": b"7",
    "null": b"null",
    "true": b"true",
    "cut off": b'{"model": "pocket", "mess',
    "two objects": b'{"a": 1}{"b": 2}',
    "XML": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    "a form": b"model=pocket&messages=hello",
    "invalid UTF-8": b'{"model": "\xff\xfe"}',
    "NUL bytes": b"\0" * 100,
    "trailing comma": b'{"model": "pocket",}',
    "single quotes": b"{'model': 'pocket'}",
    "comments": b'{"model": "pocket" /* a */}',
    "a raw control character": b'{"model": "a\x01b"}',
    "a broken escape": b'{"model": "\\x41"}',
}
NO_UTF_8 = {
    "an encoded surrogate": b"a\xed\xa0\x80",
    "an overlong NUL": b"\xc0\x80",
    "half of a character": b"\xe2\x82",
    "Latin-1": b"\xe9",
}
NUMBERS = ("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" * 5000, "1e-400000", "0x10", "01")
CONTENT_TYPES = (
    "text/plain",
    "application/xml",
    "multipart/form-data",
    "multipart/form-data; boundary=" + "a" * 5000,
    "application/x-www-form-urlencoded",
    "",
    "json",
    "application/json; charset=utf-7",
)


def cases(target: Target) -> Iterator[Case]:
    group = Group("bodies", target)
    for name, body in NOT_OBJECTS.items():
        yield group.post(f"chat: {name}", CHAT, body, refused(), {"Content-Length": f"{len(body)}"})
    for path in PATHS[1:]:
        for name in ("empty", "an array", "null", "cut off", "invalid UTF-8"):
            body = NOT_OBJECTS[name]
            length = {"Content-Length": f"{len(body)}"}
            yield group.post(f"{path}: {name}", path, body, refused(), length)
    for number in NUMBERS:
        for name in ("temperature", "unknown"):
            body = as_json(chat(target, **{name: 0.25})).replace(b"0.25", number.encode())
            expect = handled if number in ("1e-400000",) or number.startswith("11") else refused()
            yield group.post(f"chat: {name} {number[:9]}", CHAT, body, expect)
    yield from _no_texts(group, target)
    body = as_json(chat(target))
    for kind in CONTENT_TYPES:
        name = f"content-type {kind[:40] or 'empty'}"
        expect = handled if "json" in kind else refused(400, 415)
        yield group.post(name, CHAT, body, expect, {"Content-Type": kind})
    yield group.post("a byte order mark", CHAT, b"\xef\xbb\xbf" + body, answered)
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"):
        yield group.post(encoding, CHAT, body.decode().encode(encoding), refused())
    for field in ("stop", "bad_words", "vllm_xargs", "unknown", "user"):
        value = {"a": "HERE"} if field == "vllm_xargs" else ["HERE"]
        asked = as_json(chat(target, **{field: value}))
        for name, raw in NO_UTF_8.items():
            yield group.post(f"{name} in {field}", CHAT, asked.replace(b"HERE", raw), refused())
    twice = body[:-1] + b', "max_tokens": 2, "max_tokens": 3}'
    yield group.post("a key twice", CHAT, twice, handled)
    contrary = body[:-1] + b', "decoding": {"strategy": "greedy"}, "decoding": {"strategy": "x"}}'
    yield group.post("decoding twice, the last broken", CHAT, contrary, refused())
    escaped = body[:-1] + b', "\\u0064ecoding": {"strategy": "x"}}'
    yield group.post("decoding spelt by escapes", CHAT, escaped, refused())
    proto: dict[str, Any] = {
        "__proto__": {"a": 1},
        "constructor": {"prototype": {}},
        "__class__": "x",
    }
    yield group.chat("names that mean something elsewhere", handled, **proto)
    yield group.post("blanks around it", CHAT, b"\n\t " + body + b"\r\n ", answered)


def _no_texts(group: Group, target: Target) -> Iterator[Case]:
    """Every lone surrogate and NUL is refused, wherever in the JSON it stands."""
    for kind, text in NO_TEXTS.items():
        function = {"name": "f", "description": text, "parameters": {"type": "object"}}
        places: dict[str, dict[str, Any]] = {  # a request's fields
            "content": {"messages": [{"role": "user", "content": text}]},
            "role": {"messages": [{"role": text, "content": "a"}]},
            "name": {"messages": [{"role": "user", "content": "a", "name": text}]},
            "part": {"messages": [{"role": "user", "content": [{"type": "text", "text": text}]}]},
            "model": {"model": text},
            "stop": {"stop": [text]},
            "user": {"user": text},
            "bad_words": {"bad_words": [text]},
            "tools": {"tools": [{"type": "function", "function": function}]},
            "cache_salt": {"cache_salt": text},
            "a schema": {"structured_outputs": {"json": {"type": "object", "title": text}}},
            "a choice": {"structured_outputs": {"choice": [text, "a"]}},
            "decoding": {"decoding": {"strategy": "cot_decoding", "reference": text}},
            "a key": {text: 1},
            "an inner key": {"metadata": {text: "a"}},
        }
        for place, fields in places.items():
            yield group.chat(f"{kind} in {place}", refused(), **fields)
        others = {
            COMPLETIONS: completion(target, prompt=text),
            RESPONSES: response(target, input=text),
            MESSAGES: anthropic(target, messages=[{"role": "user", "content": text}]),
            "/tokenize": completion(target, prompt=text),
            "/v1/feedback": {"id": "a", "reference": text},
            "/v1/collections": {"name": text},
        }
        for path, body in others.items():
            yield group.post(f"{kind} to {path}", path, body, refused())
