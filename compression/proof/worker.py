"""The process around one checkpoint: `python -m compression.proof.worker CHECKPOINT [flags of vllm
serve]`, asked by `engine`.

First it writes {"load_s", "max_length", "vocab_size", "vocabulary"}, then it answers, line by line:

    {"do": "tokenize", "samples": [{"text", "messages"}]}  {"tokens": [{"ids", "num_context"}]}
    {"do": "score", "tokens", "top_k", "file"}             {} and arrays in the file
    {"do": "time", "prompts": [[id, …]], "num_tokens"}     {"seconds"}
    {"do": "weigh"}                                        {"num_bytes", "measure"}

What cannot be done is {"error": reason, "doing": what}; an empty reason is told by the log.
"""

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
from vllm import LLM, EngineArgs, SamplingParams, TokensPrompt
from vllm.entrypoints.launchers.cli_args import make_arg_parser
from vllm.logprobs import FlatLogprobs
from vllm.platforms import current_platform
from vllm.utils.argparse_utils import FlexibleArgumentParser

Json = dict[str, Any]  # as above
EXTENSION = "compression.proof.weighing.Weighing"


class Answering:
    def __init__(self, llm: LLM) -> None:
        self._llm = llm
        self._tokenizer: Any = llm.get_tokenizer()  # of several classes

    def answer(self, request: Json) -> Json:
        do = request.pop("do")
        answers: dict[str, Callable[..., Json]] = {
            "tokenize": self._tokenize,
            "score": self._score,
            "time": self._time,
            "weigh": self._weigh,
        }
        return answers[do](**request)

    def description(self) -> Json:
        config = self._llm.llm_engine.model_config
        vocabulary = json.dumps(sorted(self._tokenizer.get_vocab().items())).encode()
        return {
            "max_length": config.max_model_len,
            "vocab_size": config.get_vocab_size(),
            "vocabulary": hashlib.sha256(vocabulary).hexdigest(),
        }

    def _tokenize(self, samples: Sequence[Json]) -> Json:
        return {"tokens": [self._tokens(**sample) for sample in samples]}

    def _tokens(self, text: str | None, messages: list[Json]) -> Json:
        if text is not None:
            return {"ids": self._tokenizer.encode(text), "num_context": 0}
        whole = self._render(messages, add_generation_prompt=False)
        before = self._render(messages[:-1], add_generation_prompt=True)
        # Templates may write a past turn otherwise than the one to come.
        differing = (i for i, (a, b) in enumerate(zip(whole, before, strict=False)) if a != b)
        return {"ids": whole, "num_context": next(differing, min(len(whole), len(before)))}

    def _render(self, messages: list[Json], *, add_generation_prompt: bool) -> list[int]:
        ids = self._tokenizer.apply_chat_template(
            messages,
            add_generation_prompt=add_generation_prompt,
            tokenize=True,
            return_dict=False,
        )
        return cast(list[int], ids)

    def _score(self, tokens: Sequence[Json], top_k: int, file: str) -> Json:
        params = SamplingParams(
            max_tokens=1,
            temperature=0.0,
            prompt_logprobs=top_k,
            flat_logprobs=True,
            detokenize=False,
        )
        prompts = [TokensPrompt(prompt_token_ids=one["ids"]) for one in tokens]
        ids, logprobs = [], []
        outputs = self._llm.generate(prompts, params, use_tqdm=False)
        for one, output in zip(tokens, outputs, strict=True):
            flat = output.prompt_logprobs
            assert isinstance(flat, FlatLogprobs)
            # The first token has none; each other 1 + k, its own first.
            begin = flat.start_indices[max(1, one["num_context"])]
            ids.append(np.array(flat.token_ids[begin:], np.int32).reshape(-1, 1 + top_k))
            logprobs.append(np.array(flat.logprobs[begin:], np.float32).reshape(-1, 1 + top_k))
        np.savez(file, token_ids=np.concatenate(ids), logprobs=np.concatenate(logprobs))
        return {}

    def _time(self, prompts: Sequence[list[int]], num_tokens: int) -> Json:
        params = SamplingParams(
            max_tokens=num_tokens, temperature=0.0, ignore_eos=True, detokenize=False
        )
        asked = [TokensPrompt(prompt_token_ids=prompt) for prompt in prompts]
        self._llm.reset_prefix_cache()
        begin = time.perf_counter()
        self._llm.generate(asked, params, use_tqdm=False)
        return {"seconds": time.perf_counter() - begin}

    def _weigh(self) -> Json:
        measure = "freed" if current_platform.is_cpu() else "loaded"
        # One a worker: tensor parallelism has several, each with its part.
        parts = cast(list[int], self._llm.collective_rpc(f"{measure}_bytes"))
        return {"num_bytes": sum(parts), "measure": measure}


def engine_args(arguments: list[str]) -> EngineArgs:
    parser = FlexibleArgumentParser(prog="vllm serve")  # type: ignore[no-untyped-call]  # untyped
    args = make_arg_parser(parser).parse_args(arguments)
    args.model = args.model_tag
    if args.worker_extension_cls:
        raise ValueError("--worker-extension-cls cannot be given: weighing the model takes it")
    args.worker_extension_cls = EXTENSION
    found: EngineArgs = EngineArgs.from_cli_args(args)
    return found


def one_line(failure: Exception) -> str:
    """Empty where the exception says only that the reason is in the log."""
    lines = [line.strip() for line in str(failure).splitlines() if line.strip()]
    # pydantic's message has a headline without content before the reason.
    reason = next((line for line in lines if " validation error" not in line), "")
    if reason.startswith("Engine core initialization failed"):
        return ""
    reason = reason.removeprefix("Value error, ").partition(" [type=")[0]
    return reason.partition(" Supported architectures:")[0] or type(failure).__name__


def main() -> None:
    # stdout is kept for the answers; whatever libraries print goes to stderr.
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1) as replies:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        begin = time.perf_counter()
        try:
            answering = Answering(LLM.from_engine_args(engine_args(sys.argv[1:])))
        except Exception as failure:  # whatever vLLM raises is the reason that is told
            replies.write(json.dumps({"error": one_line(failure), "doing": "load"}) + "\n")
            raise
        ready = {"load_s": time.perf_counter() - begin, **answering.description()}
        replies.write(json.dumps(ready) + "\n")
        for line in sys.stdin:
            request = json.loads(line)
            doing = request["do"]
            try:
                reply = answering.answer(request)
            except ValueError as failure:  # of what was asked; anything else ends the process
                reply = {"error": one_line(failure), "doing": doing}
            replies.write(json.dumps(reply) + "\n")


if __name__ == "__main__":
    main()
