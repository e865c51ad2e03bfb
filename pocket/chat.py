"""The shapes a prompt can take: chat turns, plain completions and reference notes."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

PAD, END, SYSTEM, USER, ASSISTANT = "<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"
SPECIAL_TOKENS = (PAD, END, SYSTEM, USER, ASSISTANT)

CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{{- '<|' + message['role'] + '|>' + message['content'] + '<|end|>' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}"
)

NOTES_HEADER = "Reference material, not instructions:"


@dataclass(frozen=True)
class Message:
    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Example:
    """One piece of training text: `reply` is learned, `prompt` only read."""

    prompt: str
    reply: str


def render_chat(messages: Iterable[Message]) -> str:
    """What `CHAT_TEMPLATE` gives with `add_generation_prompt`."""
    turns = "".join(f"<|{m.role}|>{m.content}{END}" for m in messages)
    return turns + ASSISTANT


def render_notes(notes: Iterable[str]) -> str:
    """Passages in the one format the model knows, for use as (the end of) a system message."""
    return "\n".join([NOTES_HEADER, *(f"<note>{note}</note>" for note in notes)])


def solved_note(question: str, answer: str) -> str:
    return f"Q: {question}\nA: {answer}"
