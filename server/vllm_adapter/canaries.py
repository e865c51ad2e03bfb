"""Canaries on this engine: asked as a user's requests are, but over no network."""

import asyncio
import logging

from starlette.datastructures import State
from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest
from vllm.entrypoints.openai.completion.protocol import CompletionRequest
from vllm.entrypoints.serve.engine.protocol import ErrorResponse

from decoding.decoder import Decoder
from server.canaries.opening import Canaries
from server.canaries.problems import UnusableCanaries
from server.canaries.runner import Answered, CanaryFailed, CanaryRunner, Pace
from server.canaries.traffic import Traffic
from server.gate.priority import LAST
from server.metrics import server_metrics
from server.settings import Settings
from server.vllm_adapter.client import DecodingClient, with_decoder
from server.vllm_adapter.dialogue import Dialogue, chat_dialogue, completion_dialogue
from server.vllm_adapter.models import adapters

logger = logging.getLogger(__name__)


def start_canaries(state: State, canaries: Canaries, traffic: Traffic) -> asyncio.Task[None] | None:
    """Start the canaries in the background; return None in all API servers but the first, which
    asks for all of them.

    Raises:
        UnusableCanaries: one API server of several cannot know when all are idle.
    """
    settings: Settings = state.winnow_settings
    parallel = state.vllm_config.parallel_config
    has_priorities = state.vllm_config.scheduler_config.policy == "priority"
    only_idle = settings.canary_when == "idle"
    if only_idle:
        check_idle_can_be_seen(parallel._api_process_count)
    if parallel._api_process_rank > 0:
        return None
    for reason in canaries.file.broken:
        logger.warning("WINNOW_CANARIES: %s: %s", settings.canaries, reason)
    logger.info(
        "%d canaries by %s, %d every %g s",
        len(canaries.file.problems),
        ", ".join(decoder.strategy for decoder in canaries.decoders),
        settings.canary_problems,
        settings.canary_interval_s,
    )
    priority = LAST if has_priorities else 0

    async def ask(decoder: Decoder, question: str) -> Answered:
        return await _ask(state, decoder, question, settings.canary_max_tokens, priority)

    runner = CanaryRunner(
        canaries,
        Pace(settings.canary_interval_s, settings.canary_problems, only_idle),
        ask,
        traffic,
        server_metrics(),
        state.winnow_ledger,
        state.openai_serving_models.base_model_paths[0].name,
    )
    return asyncio.create_task(runner.run())


def check_idle_can_be_seen(num_api_servers: int) -> None:
    """Check that there is one API server, which sees all requests.

    Raises:
        UnusableCanaries: one API server of several cannot know when all are idle.
    """
    if num_api_servers > 1:
        raise UnusableCanaries(
            "WINNOW_CANARY_WHEN=idle needs --api-server-count 1: one API server does not see what "
            f"the others are asked, got {num_api_servers}; use always with --scheduling-policy "
            "priority"
        )


async def _ask(
    state: State, decoder: Decoder, question: str, max_tokens: int, priority: int
) -> Answered:
    """Ask a question as a chat, or as a completion if the decoder has a prompt template, as for
    base models.

    Raises:
        CanaryFailed: vLLM refused the request.
    """

    def decoding(dialogue: Dialogue | None) -> DecodingClient:
        return DecodingClient(
            state.engine_client, decoder, adapters=adapters(state), dialogue=dialogue
        )

    if decoder.prompt_template is None:
        chat = ChatCompletionRequest(
            messages=[{"role": "user", "content": question}],
            max_completion_tokens=max_tokens,
            priority=priority,
        )
        serving = state.openai_serving_chat
        client = decoding(chat_dialogue(chat, serving) if decoder.question_field else None)
        result = await with_decoder(serving, client).create_chat_completion(chat)
    else:
        completion = CompletionRequest(prompt=question, max_tokens=max_tokens, priority=priority)
        serving = state.openai_serving_completion
        client = decoding(completion_dialogue(completion, serving, decoder.prompt_template))
        result = await with_decoder(serving, client).create_completion(completion)
    if isinstance(result, ErrorResponse):
        raise CanaryFailed(result.error.message)
    assert client.outcome is not None, "a whole reply has its outcome"
    return Answered(result.id, result.model, client.outcome.report)
