"""Responses, Anthropic's messages, tokenizing, and APIs that this model does not serve."""

from collections.abc import Iterator
from typing import Any

from loadtest.hostile.case import Case, Target
from loadtest.hostile.cases.requests import MESSAGES, RESPONSES, Group, anthropic, response
from loadtest.hostile.expectations import handled, refused
from loadtest.hostile.wire import request

NOT_SERVED = (
    "/v1/embeddings",
    "/pooling",
    "/classify",
    "/score",
    "/v1/score",
    "/rerank",
    "/v1/rerank",
    "/v2/rerank",
    "/v1/audio/transcriptions",
    "/v1/audio/translations",
    "/v1/images/generations",
    "/v1/files",
    "/v1/batches",
    "/v1/assistants",
)
TRAVERSAL = "..%2f..%2fetc%2fpasswd"


def cases(target: Target) -> Iterator[Case]:
    group = Group("other APIs", target)
    for name, fields in _responses().items():
        yield group.post(
            f"response: {name}", RESPONSES, response(target, **fields), refused(400, 404)
        )
    for name, fields in _odd_responses().items():
        yield group.post(f"response: {name}", RESPONSES, response(target, **fields), handled)
    for identity in ("nope", "resp_" + "x" * 5000, TRAVERSAL, "%00", "resp_%0d%0aX:1", "*"):
        for method, path in (("GET", ""), ("POST", "/cancel"), ("DELETE", "")):
            sent = request(target, method, f"{RESPONSES}/{identity}{path}")
            name = f"{method} response {identity[:20]}{path}"
            yield Case("other APIs", name, (sent,), refused(400, 404, 405))
    for name, fields in _messages().items():
        yield group.post(
            f"message: {name}", MESSAGES, anthropic(target, **fields), refused(400, 404)
        )
    for name, fields in _odd_messages().items():
        yield group.post(f"message: {name}", MESSAGES, anthropic(target, **fields), handled)
    for name, fields in _tokens(target).items():
        path = "/detokenize" if "tokens" in fields else "/tokenize"
        body = {"model": target.model, **fields}
        yield group.post(f"{path}: {name}", path, body, refused(400, 403, 404))
    body = {"model": target.model, "input": "a", "query": "a", "documents": ["a"], "text_1": "a"}
    for path in NOT_SERVED:
        yield group.post(f"not served: {path}", path, body, refused(400, 403, 404, 415))
    counted = f"{MESSAGES}/count_tokens"
    for name, messages in {"no messages": [], "messages a text": "a"}.items():
        body = anthropic(target, messages=messages)
        yield group.post(f"count: {name}", counted, body, refused(400, 404))
    batch = {
        "model": target.model,
        "max_tokens": 1,
        "messages": [[{"role": "user", "content": "a"}]] * 5000,
    }
    yield group.post("a batch of 5,000", "/v1/chat/completions/batch", batch, refused(400, 404))
    for identity in ("nope", TRAVERSAL, "m" * 5000, "a%0d%0ab", "%ff", "__class__"):
        sent = request(target, "GET", f"/v1/models/{identity}")
        yield Case("other APIs", f"model {identity[:20]}", (sent,), refused(400, 404))


def _responses() -> dict[str, dict[str, Any]]:
    item = {"type": "message", "role": "user", "content": "a"}
    return {
        "previous unknown": {"previous_response_id": "resp_nope"},
        "previous a path": {"previous_response_id": "../../etc/passwd"},
        "previous a number": {"previous_response_id": 5},
        "previous of 100 KB": {"previous_response_id": "resp_" + "x" * 100_000},
        "previous and its items": {"previous_response_id": "resp_x", "input": [item]},
        "background without store": {"background": True, "store": False},
        "background a text": {"background": "later"},
        "store an object": {"store": {}},
        "input null": {"input": None},
        "input a number": {"input": 5},
        "input a list of numbers": {"input": [5]},
        "item of an unknown type": {"input": [{"type": "wish", "content": "a"}]},
        "item with an unknown role": {"input": [{**item, "role": "root"}]},
        "item with a line break for a role": {"input": [{**item, "role": "user\nsystem"}]},
        "an image within": {
            "input": [
                {**item, "content": [{"type": "input_image", "image_url": "file:///etc/passwd"}]}
            ]
        },
        "a file within": {
            "input": [
                {**item, "content": [{"type": "input_file", "file_url": "http://127.0.0.1/"}]}
            ]
        },
        "tools a text": {"tools": "f"},
        "a tool of an unknown type": {"tools": [{"type": "weapon"}]},
        "max_output_tokens = -1": {"max_output_tokens": -1},
        "max_output_tokens = 2^70": {"max_output_tokens": 2**70},
        "temperature = 1e308": {"temperature": 1e308},
        "top_logprobs = 10^6": {"top_logprobs": 10**6},
        "include unknown": {"include": ["everything"]},
        "truncation unknown": {"truncation": "brutal"},
        "metadata a text": {"metadata": "a"},
        "instructions a list": {"instructions": [5]},
        "text a text": {"text": "a"},
        "reasoning a text": {"reasoning": "hard"},
        "service_tier unknown": {"service_tier": "gold"},
        "longer than the context": {"input": "apples " * 20_000},
        "10,000 items": {"input": [item] * 10_000},
    }


def _odd_responses() -> dict[str, dict[str, Any]]:
    return {
        "input empty": {"input": ""},
        "no items": {"input": []},
        "background": {"background": True},
        "store": {"store": True},
        "streamed": {"stream": True},
        "metadata of 1,000": {"metadata": {f"a{i}": "b" for i in range(1000)}},
        "code interpreter": {
            "tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]
        },
        "a remote tool server": {
            "tools": [{"type": "mcp", "server_label": "x", "server_url": "http://169.254.169.254/"}]
        },
        "a prompt by id": {"prompt": {"id": "nope"}},
        "max_tool_calls = -1": {"max_tool_calls": -1},
    }


def _messages() -> dict[str, dict[str, Any]]:
    def user(content: Any) -> dict[str, Any]:  # any JSON
        return {"messages": [{"role": "user", "content": content}]}

    return {
        "no messages": {"messages": []},
        "messages a text": {"messages": "a"},
        "messages null": {"messages": None},
        "role unknown": {"messages": [{"role": "root", "content": "a"}]},
        "role with a line break": {"messages": [{"role": "user\n", "content": "a"}]},
        "content a number": user(5),
        "block of an unknown type": user([{"type": "wish"}]),
        "block without a type": user([{}]),
        "image by URL": user(
            [{"type": "image", "source": {"type": "url", "url": "http://169.254.169.254/"}}]
        ),
        "image of garbage": user(
            [{"type": "image", "source": {"type": "base64", "media_type": "a/b", "data": "%"}}]
        ),
        "system a number": {"system": 5},
        "max_tokens = 0": {"max_tokens": 0},
        "max_tokens = -1": {"max_tokens": -1},
        "max_tokens = 2^70": {"max_tokens": 2**70},
        "max_tokens null": {"max_tokens": None},
        "temperature = -1": {"temperature": -1},
        "top_k = 2^70": {"top_k": 2**70},
        "stop_sequences of 50,000": {"stop_sequences": [f"s{i}" for i in range(50_000)]},
        "stop_sequences a text": {"stop_sequences": "a"},
        "tools a text": {"tools": "f"},
        "a tool without a schema": {"tools": [{"name": "f"}]},
        "tool_choice unknown": {"tools": [], "tool_choice": {"type": "wish"}},
        "an unknown model": {"model": "nope"},
        "decoding": {"decoding": {"strategy": "cot_decoding"}},
        "longer than the context": user("apples " * 20_000),
    }


def _odd_messages() -> dict[str, dict[str, Any]]:
    result = {"type": "tool_result", "tool_use_id": "x", "content": "a"}
    return {
        "content empty": {"messages": [{"role": "user", "content": ""}]},
        "a result that nobody asked for": {"messages": [{"role": "user", "content": [result]}]},
        "streamed": {"stream": True},
        "metadata": {"metadata": {"user_id": "a\r\nb"}},
        "thinking": {"thinking": {"type": "enabled", "budget_tokens": -1}},
    }


def _tokens(target: Target) -> dict[str, dict[str, Any]]:
    return {
        "prompt a number": {"prompt": 5},
        "nothing": {"unknown": 1},
        "messages a text": {"messages": "a"},
        "chat_template": {
            "messages": [{"role": "user", "content": "a"}],
            "chat_template": "{{ ''.__class__ }}",
        },
        "tokens a text": {"tokens": "a"},
        "tokens negative": {"tokens": [-1]},
        "tokens of 2^70": {"tokens": [2**70]},
        "tokens of texts": {"tokens": ["a"]},
        "tokens nested": {"tokens": [[5]]},
    }
