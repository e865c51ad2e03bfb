"""vLLM's CPU worker, repaired for seeded requests whose prompt is prefilled in parts, and for the
base model beside LoRA adapters.

Every step samples a token for every request, also for one whose prompt is not complete yet. vLLM
0.32 throws that token away and takes the draw back by the generator's offset, which generators
on CPU do not have: the engine dies. Here the generator's state is kept from before the draw, so
that a seed gives the same tokens however its prompt was cut.

A token of the base model has the adapter index -1, which on CPU vLLM 0.32 takes for the last of
its adapter slots: in a step that also serves an adapter, the base model's replies are another's.
Here such tokens pass through no adapter.

The log-probabilities of a prompt's tokens are asked of the output layer by themselves, where vLLM
0.32 applies the adapters of the step's sampled tokens: beside LoRA, any request for them ends the
engine. Here they pass through no adapter of the output layer, which few adapters have.
"""

from typing import Any

import numpy as np
import torch
from vllm.lora.punica_wrapper.punica_cpu import PunicaWrapperCPU
from vllm.v1.worker.cpu_model_runner import CPUModelRunner
from vllm.v1.worker.cpu_worker import CPUWorker as VLLMCPUWorker


class CPUWorker(VLLMCPUWorker):
    """Named to vLLM by `--worker-cls`."""

    def init_device(self) -> None:
        super().init_device()  # type: ignore[no-untyped-call]  # vLLM leaves it untyped
        # vLLM's worker makes its runner itself, of a class that it does not let us name.
        if type(self.model_runner) is CPUModelRunner:
            self.model_runner.__class__ = RewindingModelRunner

    def load_model(self, **kwargs: Any) -> None:
        super().load_model(**kwargs)
        manager = getattr(self.model_runner, "lora_manager", None)
        wrappers = manager._adapter_manager.punica_wrapper_mapping if manager else {}
        for wrapper in wrappers.values():
            if type(wrapper) is PunicaWrapperCPU:
                wrapper.__class__ = SparingPunicaWrapper


class SparingPunicaWrapper(PunicaWrapperCPU):
    """Adapters' low-rank activations, zero where a token has no adapter."""

    def _apply_shrink(
        self, y: torch.Tensor, x: torch.Tensor, w_t_all: torch.Tensor, scale: float
    ) -> None:
        super()._apply_shrink(y, x, w_t_all, scale)
        y[self.token_lora_indices[: y.shape[0]] < 0] = 0

    def add_lora_logits(self, y: torch.Tensor, x: torch.Tensor, *args: Any, **kwargs: Any) -> None:
        is_of_sampled = x.shape[0] == self.sampler_indices.shape[0]
        if is_of_sampled:  # and not of a prompt's tokens
            super().add_lora_logits(y, x, *args, **kwargs)


class RewindingModelRunner(CPUModelRunner):
    # Any: what these two take and give is vLLM's business and changes with it.
    def _sample(self, *args: Any, **kwargs: Any) -> Any:
        generators = self.input_batch.generators
        self._before_draw: dict[int, torch.Tensor] = {
            index: generators[index].get_state()
            for index in self._discarded()
            if index in generators
        }
        return super()._sample(*args, **kwargs)

    def _bookkeeping_sync(self, *args: Any, **kwargs: Any) -> Any:
        generators = self.input_batch.generators
        rewound = {index: generators.pop(index) for index in self._before_draw}
        for index, generator in rewound.items():
            generator.set_state(self._before_draw[index])
        try:
            return super()._bookkeeping_sync(*args, **kwargs)
        finally:
            generators.update(rewound)

    def _discarded(self) -> list[int]:
        """Requests of this step whose sampled token is thrown away."""
        mask = self.discard_request_mask.np[: self.input_batch.num_reqs]
        return [int(index) for index in np.nonzero(mask)[0]]
