"""vLLM as a decoder's `Engine`: one instance serves one request."""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType, SimpleNamespace
from typing import Any, cast

import msgspec
from vllm.engine.protocol import EngineClient
from vllm.inputs import EngineInput
from vllm.logprobs import FlatLogprobs
from vllm.lora.request import LoRARequest
from vllm.outputs import CompletionOutput, RequestOutput
from vllm.sampling_params import RequestOutputKind, SamplingParams
from vllm.v1.engine import EngineCoreRequest
from vllm.v1.engine.detokenizer import BaseIncrementalDetokenizer, IncrementalDetokenizer

from decoding.engine import DecodedText, Delta, OutOfTime, PathAborted, Prompt, Ranked, Sampling
from server.engine_work import EngineWork
from server.vllm_adapter.call import Call, work_of
from server.vllm_adapter.deadline import Deadline
from server.vllm_adapter.dialogue import Dialogue
from server.vllm_adapter.tracing import RequestTrace

Adapters = Mapping[str, LoRARequest | None]
"""The models that paths may be drawn by, by name: LoRA adapters, or None for the base model."""
NO_ADAPTERS: Adapters = MappingProxyType({})
NUM_PRIMING_TOKENS = 16
"""How many of the prompt's last tokens a detokenizer sees: enough for any character or leading
space that spans the seam, cheaper than the whole prompt for every path."""
ABORT_AGAIN_S = 0.02
"""A path that is just being handed to vLLM when the deadline passes is not known there yet."""


class VLLMEngine:
    """Runs the paths of one request.

    The request's own sampling parameters (stop strings, penalties, seed …) hold for every path;
    a decoder's `Sampling` overrides temperature, length, log-probabilities and model, and leaves
    them out for a question of the decoder's own. A prompt keeps its cache salt and multimodal
    parts; only its token ids grow.
    """

    def __init__(
        self,
        client: EngineClient,
        engine_input: EngineInput,
        params: SamplingParams,
        request_id: str,
        options: dict[str, Any],  # generate()'s keyword arguments, which grow with each release
        adapters: Adapters = NO_ADAPTERS,
        dialogue: Dialogue | None = None,
        trace: RequestTrace | None = None,
        deadline: Deadline | None = None,
    ) -> None:
        self._client = client
        self._params = params
        self._request_id = request_id
        self._options = options
        self._adapters = adapters
        self._dialogue = dialogue
        self._trace = trace
        self._deadline = deadline
        self._calls: list[Call] = []
        self._running: set[str] = set()
        self._overdue: set[str] = set()
        self.num_tokens = 0
        self.num_aside_prompt_tokens = 0
        """Of the decoder's own questions, which stand beside the prompt that all paths share."""
        self.timed_out = False
        self.num_cached_tokens: int | None = None
        self._prompt_token_ids = _token_ids(engine_input)
        self._inputs = [(self._prompt_token_ids, engine_input)]

    @property
    def prompt(self) -> Prompt:
        params = self._params
        assert params.max_tokens is not None, "vLLM's serving code always sets max_tokens"
        stop = params.stop or ()
        return Prompt(
            self._prompt_token_ids,
            params.max_tokens,
            (stop,) if isinstance(stop, str) else tuple(stop),
            params.include_stop_str_in_output,
            self._dialogue.question if self._dialogue else None,
            self._dialogue.stops if self._dialogue else (),
            params.min_tokens,
        )

    @property
    def work(self) -> EngineWork:
        """What was done so far."""
        return work_of(self._calls)

    @property
    def context_length(self) -> int:
        return self._client.model_config.max_model_len

    @property
    def seconds_left(self) -> float:
        return self._deadline.seconds_left if self._deadline is not None else math.inf

    async def generate(
        self, token_ids: Sequence[int], sampling: Sampling
    ) -> AsyncGenerator[Delta, None]:
        if self.seconds_left == 0:
            self.timed_out = True
            yield Delta((), finish_reason="timeout")
            return
        prompt_token_ids, base = self._base(token_ids)
        # Cast: vLLM's EngineInput is a union of typed dicts that mypy cannot spread.
        engine_input = cast(EngineInput, {**base, "prompt_token_ids": list(token_ids)})
        num_forced = len(token_ids) - len(prompt_token_ids)
        if sampling.is_aside:
            self.num_aside_prompt_tokens += len(token_ids)
        call = self._begin_call()
        outputs = self._client.generate(
            engine_input,
            self._path_params(num_forced, sampling),
            call.id,
            **self._path_options(call, sampling),
        )
        self._running.add(call.id)
        try:
            async with aclosing(outputs):
                async for output in outputs:
                    self._count(call, output)
                    try:
                        yield self._in_time(call, _delta(output, sampling))
                    except GeneratorExit:
                        await self._close(call, outputs)
                        raise
        finally:
            self._leave(call)
            if self._trace is not None:
                self._trace.leave(call)

    async def abort_paths(self) -> None:
        await self._client.abort(list(self._running))

    async def end_paths_in_time(self) -> None:
        """End the paths that run when the deadline passes; goes on until it is cancelled."""
        await asyncio.sleep(self.seconds_left)
        while True:
            if self._running:
                self._overdue |= self._running
                await self.abort_paths()
            await asyncio.sleep(ABORT_AGAIN_S)

    def _in_time(self, call: Call, delta: Delta) -> Delta:
        """The delta; where the deadline aborted its path, it says so."""
        if call.id in self._overdue and delta.finish_reason == "abort":
            self.timed_out = True
            return replace(delta, finish_reason="timeout")
        return delta

    def _leave(self, call: Call) -> None:
        self._running.discard(call.id)
        if call.finish_reason is None and self.seconds_left == 0:
            self.timed_out = True  # cancelled, as a verifier's question is

    async def _close(self, call: Call, outputs: AsyncIterator[RequestOutput]) -> None:
        """End a path whose reader has had enough, and count what it had not read yet."""
        await self._client.abort(call.id)
        async for output in outputs:
            self._count(call, output)

    def _count(self, call: Call, output: RequestOutput) -> None:
        call.add(output)
        self.num_tokens += len(output.outputs[0].token_ids)
        if self.num_cached_tokens is None:
            self.num_cached_tokens = output.num_cached_tokens

    async def score(
        self, prompt_token_ids: Sequence[int], token_ids: Sequence[int], model: str | None = None
    ) -> tuple[float, ...]:
        if self.seconds_left == 0:
            self.timed_out = True
            raise OutOfTime
        room = self.context_length - 1 - len(prompt_token_ids)  # vLLM generates one token more
        scored = tuple(token_ids)[:room]
        _, base = self._base(prompt_token_ids)
        whole = [*prompt_token_ids, *scored]
        engine_input = cast(EngineInput, {**base, "prompt_token_ids": whole})
        params = SamplingParams(
            temperature=0.0,
            max_tokens=1,
            prompt_logprobs=0,
            detokenize=False,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )
        call = self._begin_call()
        outputs = self._client.generate(
            engine_input, params, call.id, **self._path_options(call, Sampling(1, model=model))
        )
        self._running.add(call.id)
        try:
            async with aclosing(outputs):
                (output,) = [output async for output in outputs]
        finally:
            self._leave(call)
        self._count(call, output)
        if output.outputs[0].finish_reason == "abort":
            if call.id in self._overdue:
                self.timed_out = True
                raise OutOfTime
            raise PathAborted("the engine stopped before the path was scored")
        rows = (output.prompt_logprobs or [])[len(prompt_token_ids) :]
        return tuple(
            row[token_id].logprob
            for row, token_id in zip(rows, scored, strict=True)
            if row is not None
        )

    def decode(self, token_ids: Sequence[int]) -> DecodedText:
        detokenizer = self._detokenizer()
        text, ends = "", []
        last = len(token_ids) - 1
        for i, token_id in enumerate(token_ids):
            # An end token is not part of the reply, whether or not the tokenizer calls it special,
            # unless the request includes what it stops at.
            shows_end = self._params.include_stop_str_in_output
            if i < last or shows_end or not self.is_end(token_id):
                detokenizer.token_ids.append(token_id)
                text += detokenizer.decode_next(token_id)
            ends.append(len(text))
        return DecodedText(text, tuple(ends))

    def encode(self, text: str) -> tuple[int, ...]:
        tokenizer = self._client.renderer.get_tokenizer()
        return tuple(tokenizer.encode(text, add_special_tokens=False))

    async def render(
        self, question: str, cue: str = "", *, is_aside: bool = False
    ) -> tuple[int, ...]:
        assert self._dialogue is not None, "a request without a dialogue has no question"
        engine_input = await self._dialogue.render(question, cue, is_aside)
        token_ids = _token_ids(engine_input)
        self._inputs.insert(0, (token_ids, engine_input))
        return token_ids

    def is_end(self, token_id: int) -> bool:
        return token_id in self._stop_reasons

    def stop_reason_of(self, token_id: int) -> int | None:
        return self._stop_reasons.get(token_id)

    @cached_property
    def _stop_reasons(self) -> Mapping[int, int | None]:
        """The tokens that end a path, each with what vLLM gives as the reason."""
        params = self._params.clone()
        params.update_from_generation_config(
            self._client.input_processor.generation_config_fields,
            self._client.renderer.get_eos_token_id(),
        )
        reasons: dict[int, int | None] = {one: one for one in params.stop_token_ids or ()}
        if params.eos_token_id is not None:
            reasons[params.eos_token_id] = None
        return reasons

    def _begin_call(self) -> Call:
        self._calls.append(Call(f"{self._request_id}-path{len(self._calls) + 1}"))
        return self._calls[-1]

    def _path_options(self, call: Call, sampling: Sampling) -> dict[str, Any]:  # as `options`
        options = self._options
        if sampling.model is not None:
            options = {**options, "lora_request": self._adapters[sampling.model]}
        if self._trace is not None:
            options = {**options, "trace_headers": self._trace.begin(call, sampling)}
        return options

    def _base(self, token_ids: Sequence[int]) -> tuple[tuple[int, ...], EngineInput]:
        """The prompt that these tokens continue: one that was rendered here, or the request's."""
        begins = tuple(token_ids)
        return next(known for known in self._inputs if begins[: len(known[0])] == known[0])

    def _path_params(self, num_forced: int, sampling: Sampling) -> SamplingParams:
        params = SamplingParams(stop=list(sampling.stop)) if sampling.is_aside else self._params
        min_tokens = max(0, params.min_tokens - num_forced)
        changes: dict[str, Any] = {  # fields of a struct, each of its own type
            "max_tokens": sampling.max_tokens,
            "min_tokens": min(min_tokens, sampling.max_tokens),
            "temperature": sampling.temperature,
            "seed": sampling.seed,
        }
        if sampling.top_p is not None:
            changes["top_p"] = sampling.top_p
        if sampling.top_k is not None:
            changes["top_k"] = sampling.top_k
        if sampling.num_logprobs or sampling.is_scored:
            changes |= {"logprobs": sampling.num_logprobs, "flat_logprobs": True}
        elif not sampling.stream:
            changes["logprobs"] = None
        if not sampling.stream:
            changes |= {
                "output_kind": RequestOutputKind.DELTA
                if sampling.is_watched
                else RequestOutputKind.FINAL_ONLY,
                # Stop strings are found in text; otherwise the text is made here, once, from
                # the ids. Detokenizing is nearly all of the cost of log-probabilities.
                "detokenize": bool(params.stop),
                "skip_clone": True,
            }
        # Validates again and, at temperature 0, neutralises top_p, top_k and min_p.
        return msgspec.structs.replace(params, **changes)

    def _detokenizer(self) -> BaseIncrementalDetokenizer:
        # Stands for an EngineCoreRequest, of which the detokenizer reads these fields alone.
        request = SimpleNamespace(
            request_id=self._request_id,
            sampling_params=self._params,
            prompt_token_ids=list(self._prompt_token_ids[-NUM_PRIMING_TOKENS:]),
            prompt_embeds=None,
        )
        detokenizer = IncrementalDetokenizer.from_new_request(
            self._client.renderer.get_tokenizer(), cast(EngineCoreRequest, request)
        )
        assert isinstance(detokenizer, BaseIncrementalDetokenizer)
        return detokenizer


def _token_ids(engine_input: EngineInput) -> tuple[int, ...]:
    return tuple(cast(Any, engine_input)["prompt_token_ids"])  # a union of typed dicts


def _delta(output: RequestOutput, sampling: Sampling) -> Delta:
    completion, num_logprobs = output.outputs[0], sampling.num_logprobs
    return Delta(
        token_ids=tuple(completion.token_ids),
        ranked=_ranked(completion, num_logprobs) if num_logprobs else (),
        logprobs=_logprobs(completion) if sampling.is_scored else (),
        finish_reason=completion.finish_reason,
        stop_reason=completion.stop_reason,
        native=output,
    )


def _logprobs(completion: CompletionOutput) -> tuple[float, ...]:
    """The log-probabilities of the tokens taken, which each position lists first."""
    flat = completion.logprobs
    assert isinstance(flat, FlatLogprobs), "flat_logprobs was asked for"
    return tuple(flat.logprobs[start] for start in flat.start_indices)


def _ranked(completion: CompletionOutput, num_logprobs: int) -> tuple[Ranked, ...]:
    """The top `num_logprobs` of each position, by rank.

    A position lists the sampled token and then the top ones, so the sampled one may be there
    twice, and merged chunks drop the second: ranks tell, places do not.
    """
    flat = completion.logprobs
    assert isinstance(flat, FlatLogprobs), "flat_logprobs was asked for"
    positions = []
    for start, end in zip(flat.start_indices, flat.end_indices, strict=True):
        by_rank = {
            rank: (flat.token_ids[i], flat.logprobs[i])
            for i, rank in enumerate(flat.ranks[start:end], start)
            if rank is not None and rank <= num_logprobs
        }
        positions.append(tuple(by_rank[rank] for rank in sorted(by_rank)))
    return tuple(positions)
