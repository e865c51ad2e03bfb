"""Every field of a chat with the wrong type, and fields that reach inside the server."""

from collections.abc import Iterator
from typing import Any

from loadtest.hostile.case import Case, Target
from loadtest.hostile.cases.requests import Group
from loadtest.hostile.expectations import handled, refused

NO_TEXT: tuple[Any, ...] = ({"a": 1}, ["a"])  # any JSON that is neither text nor number
NO_OBJECT: tuple[Any, ...] = ("text", 5, [[1]])  # any JSON that is neither object nor list
TEXTS = ("model", "user", "chat_template", "cache_salt", "request_id", "session_id")
FLAGS = (
    "stream",
    "echo",
    "include_reasoning",
    "parallel_tool_calls",
    "use_beam_search",
    "ignore_eos",
    "skip_special_tokens",
    "spaces_between_special_tokens",
    "add_generation_prompt",
    "continue_final_message",
    "add_special_tokens",
    "include_stop_str_in_output",
    "return_tokens_as_token_ids",
    "return_token_ids",
)
OBJECTS = (
    "response_format",
    "stream_options",
    "chat_template_kwargs",
    "media_io_kwargs",
    "mm_processor_kwargs",
    "structured_outputs",
    "kv_transfer_params",
    "ec_transfer_params",
    "vllm_xargs",
    "repetition_detection",
)
LISTS = ("tools", "documents", "bad_words", "stop_token_ids", "allowed_token_ids")
CHOICES: dict[str, tuple[Any, ...]] = {  # any JSON
    "reasoning_effort": ("enormous", 5, [], {}),
    "truncation_side": ("middle", 5, []),
    "tool_choice": ("maybe", 5, [], {"type": "x"}),
}
TRAVERSAL = "../../../../etc/passwd"
MODELS = {
    "unknown": "nope",
    "a line break": "pocket\nX-Evil: 1",
    "path traversal": TRAVERSAL,
    "an absolute path": "/etc/passwd",
    "10 KB": "m" * 10_000,
    "a format": "%s%n{0}{{7*7}}",
    "markup": "<img src=x onerror=alert(1)>",
    "a blank": " ",
    "an alias of nothing": ":cot_decoding",
    "an alias of an alias": "pocket:greedy:greedy:greedy",
    "an unknown alias": "pocket:nope",
    "right to left": "\u202epocket",
    "a URL": "http://169.254.169.254/latest/meta-data/",
}


def cases(target: Target) -> Iterator[Case]:
    group = Group("fields", target)
    for fields, values in ((TEXTS, NO_TEXT), (FLAGS, NO_TEXT), (OBJECTS, NO_OBJECT)):
        for field in fields:
            for value in values:
                yield group.chat(f"{field} = {value}", refused(), **{field: value})
    for field in LISTS:
        for value in ("text", 5, {"a": 1}):
            yield group.chat(f"{field} = {value}", refused(), **{field: value})
    for field, choices in CHOICES.items():
        for choice in choices:
            yield group.chat(f"{field} = {choice}", refused(), **{field: choice})
    for name, model in MODELS.items():
        yield group.chat(f"model: {name}", refused(400, 404), model=model)
    yield from group.chats(_reaching_inside(), refused())
    yield from group.chats(_odd(), handled)


def _reaching_inside() -> dict[str, dict[str, Any]]:
    loop = "{% for i in range(99999999) %}{% for j in range(99999999) %}x{% endfor %}{% endfor %}"
    escape = "{{ ''.__class__.__mro__[1].__subclasses__() }}"
    return {
        "chat_template that never ends": {"chat_template": loop},
        "chat_template that looks around": {"chat_template": escape},
        "chat_template harmless": {"chat_template": "{{ messages[0].content }}"},
        "chat_template in its kwargs": {"chat_template_kwargs": {"chat_template": loop}},
        "messages in the template's kwargs": {"chat_template_kwargs": {"messages": []}},
        "kv_transfer_params of a remote": {
            "kv_transfer_params": {
                "do_remote_prefill": True,
                "remote_host": "169.254.169.254",
                "remote_block_ids": [0],
            }
        },
        "cache_salt empty": {"cache_salt": ""},
        "timeout_s = 0": {"timeout_s": 0},
        "timeout_s = -1": {"timeout_s": -1},
        "timeout_s a text": {"timeout_s": "soon"},
        "timeout_s an object": {"timeout_s": {}},
        "timeout_s true": {"timeout_s": True},
        "stream_options without stream": {"stream_options": {"include_usage": True}},
        "stream_options broken": {"stream": True, "stream_options": {"include_usage": {}}},
        "repetition_detection broken": {"repetition_detection": {"max_pattern_size": -1}},
    }


def _odd() -> dict[str, dict[str, Any]]:
    return {
        "request_id with a path": {"request_id": TRAVERSAL},
        "request_id with line breaks": {"request_id": "a\r\nX-Evil: 1"},
        "request_id of 100 KB": {"request_id": "r" * 100_000},
        "request_id empty": {"request_id": ""},
        "session_id of 100 KB": {"session_id": "s" * 100_000},
        "cache_salt of 100 KB": {"cache_salt": "s" * 100_000},
        "user with line breaks": {"user": "a\r\nfake log line"},
        "kv_transfer_params unknown": {"kv_transfer_params": {"a": "b"}},
        "vllm_xargs of 10,000": {"vllm_xargs": {f"a{i}": i for i in range(10_000)}},
        "template's kwargs of 1,000": {"chat_template_kwargs": {f"a{i}": i for i in range(1000)}},
        "template's kwargs with a dunder": {"chat_template_kwargs": {"__class__": "x"}},
        "documents": {"documents": [{"title": "a", "text": "b"}]},
        "documents of 5,000": {"documents": [{"text": "b"}] * 5000},
        "metadata of 5,000": {"metadata": {f"a{i}": "b" for i in range(5000)}},
        "timeout_s = 10^12": {"timeout_s": 10**12},
        "timeout_s = 0.001": {"timeout_s": 0.001},
        "continue and add a prompt": {"continue_final_message": True},
        "prompt_embeds": {"prompt_embeds": "gASVAAAAAAAAAAA="},
        "model empty": {"model": ""},
        "echo": {"echo": True},
        "every field null": dict.fromkeys((*TEXTS, *FLAGS, *OBJECTS, *LISTS)),
        "min_tokens and ignore_eos": {"min_tokens": 4, "ignore_eos": True},
        "prompt log-probabilities": {"prompt_logprobs": 5},
    }
