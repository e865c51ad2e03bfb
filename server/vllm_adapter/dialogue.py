"""What a request asks, and how to put another question in its place.

Decoders hand a text; here it takes the place of the client's last question, and vLLM's own renderer
makes the prompt of it. The client's question in other words keeps what stands around it. A
question of the decoder's own (which principle applies, which response agrees with most) keeps only
what stands before: the beginning of a reply, or a tool's result, is none to it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest
from vllm.entrypoints.openai.completion.protocol import CompletionRequest
from vllm.entrypoints.openai.responses.protocol import ResponsesRequest
from vllm.entrypoints.serve.engine.protocol import ErrorResponse
from vllm.exceptions import VLLMClientError
from vllm.inputs import EngineInput

from decoding.engine import UnaskableQuestion
from server.errors import InvalidRequest

Message = Mapping[str, Any]  # any of the APIs' message shapes
Render = Callable[[str, str, bool], Awaitable[EngineInput]]
"""(question, cue, is_aside) → the prompt; see `Engine.render`."""

ANSWERED_ANEW = {"add_generation_prompt": True, "continue_final_message": False}
UNCUT: Mapping[str, object] = {"truncate_prompt_tokens": None}
SYSTEM_ROLES = ("system", "developer")
TEXT_PARTS = ("text", "input_text")
QA_TEMPLATE = ("Q: ", "\nA:")
QA_STOP = "\nQ:"
NOTE_END = "</note>"


@dataclass(frozen=True)
class Dialogue:
    """`question` is None where the request has no text that could be replaced; `stops` end the
    replies to a decoder's own questions."""

    question: str | None
    render: Render
    stops: tuple[str, ...] = ()


def question_of(
    request: ChatCompletionRequest | CompletionRequest | ResponsesRequest,
) -> str | None:
    """The text that the request asks; None where it has none, or continues what is not in it."""
    match request:
        case ChatCompletionRequest():
            request.messages = _with_lists(request.messages)  # pydantic's iterators read once
            return _text_at(request.messages, _last_of_user(request.messages))
        case CompletionRequest():
            return _only_text(request)
        case ResponsesRequest():
            messages = _input_messages(request)
            return _text_at(messages, _last_question(request, messages))


def add_notes(request: ChatCompletionRequest | ResponsesRequest, notes: str) -> None:
    """Put reference material in front of the conversation, at the end of the system message."""
    if isinstance(request, ResponsesRequest):
        request.instructions = "\n\n".join(filter(None, (request.instructions, notes)))
        return
    first, *rest = request.messages
    content: Any = first.get("content")  # as `_with_lists` leaves it
    if first.get("role") not in SYSTEM_ROLES or not content:
        request.messages = [{"role": "system", "content": notes}, first, *rest]
    elif isinstance(content, str):
        request.messages = [{**first, "content": f"{content}\n\n{notes}"}, *rest]
    else:
        parts = [*content, {"type": "text", "text": notes}]
        request.messages = [{**first, "content": parts}, *rest]


def said_in(request: ChatCompletionRequest | CompletionRequest | ResponsesRequest) -> str:
    """All text of the request, which shares the model's context with what is put before it."""
    match request:
        case ChatCompletionRequest():
            messages: Sequence[Message] = request.messages
        case CompletionRequest():
            return _only_text(request) or ""
        case ResponsesRequest():
            messages = _input_messages(request)
    texts = (_text_at(messages, place) or "" for place in range(len(messages)))
    return "\n".join(texts)


def stands_alone(request: ChatCompletionRequest | CompletionRequest | ResponsesRequest) -> bool:
    """Whether the question means the same without the rest of the request: nothing was said before
    it but by the system, and it is all text."""
    if isinstance(request, CompletionRequest):
        return True
    if isinstance(request, ChatCompletionRequest):
        messages: Sequence[Message] = request.messages
    else:
        messages = _input_messages(request)
    spoken = [message for message in messages if message.get("role") not in SYSTEM_ROLES]
    if len(spoken) != 1:
        return False
    content: Any = spoken[0].get("content")  # a text or a list of parts
    return isinstance(content, str) or all(_is_text(part) for part in content or ())


def chat_dialogue(request: ChatCompletionRequest, serving: Any) -> Dialogue:  # OpenAIServingChat
    """The dialogue of a chat, whose question is its last user message."""
    messages = _with_lists(request.messages)
    request.messages = messages  # pydantic's iterators can be read once
    place = _last_of_user(messages)

    async def render(question: str, cue: str, is_aside: bool) -> EngineInput:
        asked = request.model_copy(
            update={
                "messages": _replaced(messages, place, _joined(question, cue), is_aside),
                **({**ANSWERED_ANEW, **UNCUT} if is_aside else {}),
            }
        )
        _, (engine_input,) = await _rendered(serving.render_chat_request(asked))
        return engine_input  # type: ignore[no-any-return]  # `serving` is Any

    return Dialogue(_text_at(messages, place), render)


def completion_dialogue(
    request: CompletionRequest, serving: Any, template: str | None, notes: str = ""
) -> Dialogue:  # OpenAIServingCompletion
    """The dialogue of a completion, whose question is its prompt if that is a text. `template` is
    `qa` or None.

    The request's prompt is put into the template and behind the notes here; `qa` also stops where a
    base model goes on to invent the next question.
    """
    question = _only_text(request)
    before, after = QA_TEMPLATE if template == "qa" else ("", "")
    if notes:
        before = f"{notes}\n\n{before}"
    if template == "qa":
        if question is None:
            raise InvalidRequest("prompt", 'prompt must be a text with prompt_template "qa"')
        stop = [request.stop] if isinstance(request.stop, str) else list(request.stop or ())
        # Behind notes a base model may go on with their marks, too.
        request.stop = [*stop, QA_STOP, *([NOTE_END] if notes else [])]
    if question is not None:
        request.prompt = f"{before}{question}{after}"

    async def render(question: str, cue: str, is_aside: bool) -> EngineInput:
        prompt = f"{before}{question}{after}" + (f" {cue}" if cue else "")
        asked = request.model_copy(update={"prompt": prompt, **(UNCUT if is_aside else {})})
        (engine_input,) = await _rendered(serving.render_completion_request(asked))
        return engine_input  # type: ignore[no-any-return]  # `serving` is Any

    return Dialogue(question, render, (QA_STOP,) if template == "qa" else ())


def response_dialogue(
    request: ResponsesRequest, serving: Any
) -> Dialogue:  # OpenAIServingResponses
    """The dialogue of a response, whose question is its input, or the last user message in it.

    A response that continues an earlier one has no question of its own: only vLLM's store knows
    what went before.
    """
    messages = _input_messages(request)
    place = _last_question(request, messages)

    async def render(question: str, cue: str, is_aside: bool) -> EngineInput:
        asked = request.model_copy(
            update={
                "input": _replaced(messages, place, _joined(question, cue), is_aside),
                **({"truncation": "disabled"} if is_aside else {}),
            }
        )
        rendered = await _rendered(
            serving.online_renderer.render_responses(
                asked,
                previous_messages=None,
                previous_response_outputs=None,
                tool_server=serving.tool_server,
            )
        )
        return rendered.engine_input  # type: ignore[no-any-return]  # `serving` is Any

    return Dialogue(_text_at(messages, place), render)


async def _rendered(rendering: Awaitable[Any]) -> Any:  # what vLLM's three renderers give
    """vLLM tells of a prompt that it cannot make in two ways."""
    try:
        rendered = await rendering
    except (ValueError, VLLMClientError) as failure:
        raise UnaskableQuestion(str(failure)) from None
    if isinstance(rendered, ErrorResponse):
        raise UnaskableQuestion(rendered.error.message)
    return rendered


def _only_text(request: CompletionRequest) -> str | None:
    match request.prompt:
        case str() as text:
            return text
        case [str() as text]:  # a list of one prompt is that prompt
            return text
    return None


def _input_messages(request: ResponsesRequest) -> list[Any]:  # as `_as_mapping`
    if isinstance(request.input, str):
        return [{"role": "user", "content": request.input}]
    return [_as_mapping(item) for item in request.input]


def _last_question(request: ResponsesRequest, messages: Sequence[Message]) -> int | None:
    return None if request.previous_response_id is not None else _last_of_user(messages)


def _joined(question: str, cue: str) -> str:
    return f"{question}\n\n{cue}" if cue else question


def _as_mapping(item: Any) -> Any:  # a message as a dict or as one of OpenAI's models
    return item.model_dump(exclude_none=True) if hasattr(item, "model_dump") else item


def _with_lists(messages: Sequence[Any]) -> list[Any]:
    """Messages whose parts are lists."""
    whole = []
    for message in messages:
        content = message.get("content")
        is_parts = content is not None and not isinstance(content, str)
        whole.append({**message, "content": list(content)} if is_parts else message)
    return whole


def _last_of_user(messages: Sequence[Message]) -> int | None:
    """The last user message that has a text."""
    places = [i for i, message in enumerate(messages) if message.get("role") == "user"]
    return next((i for i in reversed(places) if _text_at(messages, i)), None)


def _text_at(messages: Sequence[Message], place: int | None) -> str | None:
    if place is None:
        return None
    content = messages[place].get("content")
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content or () if _is_text(part)) or None


def _is_text(part: Any) -> bool:  # any JSON
    return isinstance(part, dict) and part.get("type") in TEXT_PARTS


def _replaced(
    messages: Sequence[Message], place: int | None, text: str, is_last: bool
) -> list[Any]:
    """The messages with another text at that place; its images and the like stay."""
    assert place is not None, "a request without a question is refused before it is rendered"
    changed = list(messages[: place + 1] if is_last else messages)
    content = messages[place]["content"]
    if not isinstance(content, str):
        texts = [part for part in content if _is_text(part)]
        content = [part for part in content if not _is_text(part)]
        changed[place] = {**messages[place], "content": [*content, {**texts[-1], "text": text}]}
    else:
        changed[place] = {**messages[place], "content": text}
    return changed
