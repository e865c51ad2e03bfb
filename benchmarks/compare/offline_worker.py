"""A decoder's token work by `vllm.LLM.generate`: no server, no selection, only the tokens.

CoT-decoding's, unless the request says `num_samples`: then it is a vote's.

`python -m benchmarks.compare.offline_worker CHECKPOINT [engine flags of vllm serve]`, asked by
`floor`.
"""

import time
from collections.abc import Sequence
from typing import Any, cast

from vllm import LLM, EngineArgs, RequestOutput, SamplingParams, TokensPrompt
from vllm.logprobs import FlatLogprobs
from vllm.utils.argparse_utils import FlexibleArgumentParser

from benchmarks.worker_process import Json, answer_requests


class OfflineEngine:
    def __init__(self, llm: LLM) -> None:
        self._llm = llm

    def answer(self, request: Json) -> Json:
        """Wall time and tokens of one round, from an empty prefix cache.

        Rendering the prompts is not timed.
        """
        prompts = [self._render(messages) for messages in request["conversations"]]
        self._llm.reset_prefix_cache()
        begin = time.perf_counter()
        if "num_samples" in request:
            num_tokens = self._sample(prompts, request)
        else:
            num_tokens = self._decode(
                prompts, request["k"], request["max_tokens"], is_lean=request["is_lean"]
            )
        return {"wall_s": time.perf_counter() - begin, "num_tokens": num_tokens}

    def _render(self, messages: list[Any]) -> list[int]:  # one of seven typed dicts
        ids = self._llm.get_tokenizer().apply_chat_template(
            messages, add_generation_prompt=True, tokenize=True, return_dict=False
        )
        return cast(list[int], ids)  # a union over the arguments

    def _decode(
        self, prompts: Sequence[list[int]], k: int, max_tokens: int, *, is_lean: bool
    ) -> int:
        """The number of tokens generated, each branch's first one included."""
        firsts = self._generate(prompts, _greedily(1, k, is_lean))
        end = self._llm.get_tokenizer().eos_token_id
        forced = [
            (prompt, token_id)
            for prompt, output in zip(prompts, firsts, strict=True)
            for token_id in _top_tokens(output, k)
        ]
        open_ended = [[*prompt, token_id] for prompt, token_id in forced if token_id != end]
        outputs = self._generate(open_ended, _greedily(max_tokens - 1, 2, is_lean))
        return len(forced) + sum(len(output.outputs[0].token_ids) for output in outputs)

    def _sample(self, prompts: Sequence[list[int]], request: Json) -> int:
        """The number of tokens of all samples, drawn by `n` or each by a request of its own."""
        num_samples, is_by_n = request["num_samples"], request["is_by_n"]
        params = SamplingParams(
            n=num_samples if is_by_n else 1,
            temperature=request["temperature"],
            max_tokens=request["max_tokens"],
            detokenize=not request["is_lean"],
        )
        asked = prompts if is_by_n else [one for one in prompts for _ in range(num_samples)]
        outputs = self._generate(asked, params)
        return sum(len(path.token_ids) for output in outputs for path in output.outputs)

    def _generate(
        self, prompts: Sequence[list[int]], params: SamplingParams
    ) -> list[RequestOutput]:
        tokens = [TokensPrompt(prompt_token_ids=prompt) for prompt in prompts]
        return self._llm.generate(tokens, params, use_tqdm=False)


def _greedily(max_tokens: int, num_logprobs: int, is_lean: bool) -> SamplingParams:
    return SamplingParams(
        temperature=0.0,
        max_tokens=max_tokens,
        logprobs=num_logprobs,
        flat_logprobs=is_lean,
        detokenize=not is_lean,
    )


def _top_tokens(output: RequestOutput, k: int) -> list[int]:
    """The k likeliest first tokens, likeliest first."""
    logprobs = output.outputs[0].logprobs
    assert logprobs is not None
    if isinstance(logprobs, FlatLogprobs):
        ranks = dict(zip(logprobs.token_ids, logprobs.ranks, strict=True))
    else:
        ranks = {token_id: logprob.rank for token_id, logprob in logprobs[0].items()}
    by_rank = sorted((rank, token_id) for token_id, rank in ranks.items() if rank is not None)
    return [token_id for _, token_id in by_rank[:k]]


def load() -> OfflineEngine:
    parser = FlexibleArgumentParser()  # type: ignore[no-untyped-call]  # vLLM leaves it untyped
    parser.add_argument("checkpoint")  # type: ignore[no-untyped-call]  # likewise
    args = EngineArgs.add_cli_args(parser).parse_args()
    args.model = args.checkpoint
    return OfflineEngine(LLM.from_engine_args(EngineArgs.from_cli_args(args)))


if __name__ == "__main__":
    answer_requests(lambda: load().answer)
