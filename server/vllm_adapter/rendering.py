"""Requests that vLLM stumbles over when it makes a prompt of them: they are the client's to mend.

vLLM reads some parts of messages without a look at whether they are there: a refusal where a text
must be, a message without a part. What it raises then would be taken for a failure of the server.
"""

import functools
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.datastructures import State

from server.errors import InvalidRequest
from server.vllm_adapter.bounds import check_prompts

RENDERERS = (
    "render_chat",
    "render_completion",
    "render_responses",
    "preprocess_chat",
    "preprocess_completion",
)
"""Those of `OnlineRenderer` by which routes make prompts; each is given the request first."""
FIELDS = ("messages", "input", "prompt")
# What reading a value of an unexpected form raises. A ValueError is of vLLM's own checks, which it
# answers well.
STUMBLES = (AssertionError, AttributeError, IndexError, KeyError, TypeError)

logger = logging.getLogger(__name__)


def refuse_unreadable(state: State) -> None:
    """Have the server's renderer refuse what it cannot read, instead of failing, and prompts of
    which too much is asked."""
    renderer = state.online_renderer
    max_logprobs: int = state.winnow_settings.max_logprobs

    def check(request: Any, prompts: Sequence[Any]) -> None:  # of vLLM's kinds
        check_prompts(request, prompts, renderer.model_config.get_vocab_size(), max_logprobs)

    for name in RENDERERS:
        setattr(renderer, name, _refusing(getattr(renderer, name), check))


def _refusing(
    render: Callable[..., Awaitable[Any]], check: Callable[[Any, Sequence[Any]], None]
) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(render)
    async def render_or_refuse(request: Any, *args: Any, **kwargs: Any) -> Any:  # vLLM's, growing
        try:
            rendered = await render(request, *args, **kwargs)
        except STUMBLES as failure:
            logger.debug("a prompt could not be made", exc_info=True)  # it may quote the prompt
            field = next((one for one in FIELDS if hasattr(request, one)), "")
            raise InvalidRequest(
                field,
                f"{field or 'the request'} cannot be made into a prompt: a part of it does not "
                "have the form that its type or role calls for",
            ) from failure
        # A conversation comes with its prompts.
        prompts = rendered[1] if isinstance(rendered, tuple) else rendered
        if isinstance(prompts, list):
            check(request, prompts)
        return rendered

    return render_or_refuse
