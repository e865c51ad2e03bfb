"""CoT-decoding's paths by a serial Hugging Face loop, as optillm's `cot_decoding` runs them.

One forward pass gives the first tokens; each path is one `generate` call with its scores, one
after another. `python -m benchmarks.compare.hf_worker CHECKPOINT --threads N`; `hf_serial` asks.
"""

import argparse
import time
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from benchmarks.worker_process import Json, answer_requests


class SerialLoop:
    def __init__(self, checkpoint: str) -> None:
        # Any: the classes behind the Auto factories carry no usable types.
        self._tokenizer: Any = AutoTokenizer.from_pretrained(checkpoint)
        self._model: Any = AutoModelForCausalLM.from_pretrained(checkpoint, dtype="auto")

    def answer(self, request: Json) -> Json:
        begin = time.perf_counter()
        num_tokens = sum(
            self._decode(messages, request["k"], request["max_tokens"])
            for messages in request["conversations"]
        )
        return {"wall_s": time.perf_counter() - begin, "num_tokens": num_tokens}

    @torch.inference_mode()
    def _decode(self, messages: list[dict[str, str]], k: int, max_tokens: int) -> int:
        """The number of tokens generated, each path's first one included."""
        prompt = self._tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_tensors="pt", return_dict=False
        )
        firsts = self._model(prompt).logits[0, -1].topk(k).indices
        return sum(self._continue(prompt, first, max_tokens) for first in firsts)

    def _continue(self, prompt: torch.Tensor, first: torch.Tensor, max_tokens: int) -> int:
        if first.item() == self._tokenizer.eos_token_id:
            return 1
        forced = torch.cat([prompt, first.view(1, 1)], dim=1)
        output = self._model.generate(
            forced,
            attention_mask=torch.ones_like(forced),
            do_sample=False,
            max_new_tokens=max_tokens - 1,
            output_scores=True,
            return_dict_in_generate=True,
        )
        return int(output.sequences.shape[1]) - prompt.shape[1]


def load() -> SerialLoop:
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoint")
    parser.add_argument("--threads", type=int, required=True)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    return SerialLoop(args.checkpoint)


if __name__ == "__main__":
    answer_requests(lambda: load().answer)
