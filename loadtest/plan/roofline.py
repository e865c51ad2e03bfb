"""Costs of a GPU on paper: what moves must be read, what is multiplied must be computed.

    a = weight bytes / bandwidth + step overhead      c = KV bytes of a sequence / bandwidth
    d = f = 2 · matrix parameters / floating point operations a second

Bandwidth and operations are the data sheet's times an efficiency, and times the GPUs of a replica
(tensor parallel), whose talking to each other costs nothing here. A sequence's KV cache is that of
its prompt and half of its output. Attention's own arithmetic, sampling and log-probabilities are
left out. The KV cache gets what the weights and the reserve leave of the GPUs' memory.
"""

from dataclasses import dataclass

from loadtest.plan.checkpoint import Checkpoint, UnusableCheckpoint
from loadtest.plan.hardware import GB, Gpu
from loadtest.plan.model import Costs, DoesNotFit, Replica
from loadtest.plan.question import Lengths

MS = 1e-3
MOST_PARALLEL = 16


@dataclass(frozen=True)
class Assumptions:
    """What no data sheet tells."""

    tensor_parallel: int = 1
    memory_utilization: float = 0.92
    """vLLM 0.32's default."""
    reserve_gb: float = 2.0
    """Of each GPU: activations, CUDA graphs, the driver."""
    bandwidth_efficiency: float = 0.7
    compute_efficiency: float = 0.5
    step_overhead_ms: float = 2.0
    """Scheduling, launching kernels, sampling."""
    api_request_ms: float = 1.0
    api_path_ms: float = 1.0


def paper_replica(
    gpu: Gpu,
    checkpoint: Checkpoint,
    lengths: Lengths,
    assumed: Assumptions,
    max_num_seqs: int | None = None,
    max_num_batched_tokens: int | None = None,
) -> Replica:
    """A replica of the checkpoint on these GPUs, on paper.

    Raises:
        DoesNotFit: the weights leave no room for a KV cache.
        UnusableCheckpoint: it is a mixture of experts.
    """
    if checkpoint.matrix_parameters is None:
        raise UnusableCheckpoint(
            f"{checkpoint.name}: a mixture of experts; on paper only dense models are known, "
            "--measurements of it can be planned with"
        )
    num_gpus = assumed.tensor_parallel
    bandwidth = gpu.bandwidth * assumed.bandwidth_efficiency * num_gpus
    flops = gpu.flops * assumed.compute_efficiency * num_gpus
    context = lengths.prompt_tokens + lengths.path_tokens / 2
    compute_s = 2 * checkpoint.matrix_parameters / flops
    kv_bytes = _kv_bytes(checkpoint, num_gpus)
    costs = Costs(
        step_s=checkpoint.weight_bytes / bandwidth + assumed.step_overhead_ms * MS,
        sequence_s=kv_bytes * context / bandwidth,
        prompt_token_s=compute_s,
        compute_s=compute_s,
        api_request_s=assumed.api_request_ms * MS,
        api_path_s=assumed.api_path_ms * MS,
    )
    return Replica(
        costs,
        max_num_seqs or gpu.max_num_seqs,
        _kv_room(gpu, checkpoint, assumed) / kv_bytes,
        max_num_batched_tokens or gpu.max_num_batched_tokens,
    )


def _kv_bytes(checkpoint: Checkpoint, num_gpus: int) -> float:
    """KV bytes of a token on all GPUs; heads that are fewer than these are kept several times."""
    return checkpoint.kv_bytes_per_token * max(1.0, num_gpus / checkpoint.num_kv_heads)


def _kv_room(gpu: Gpu, checkpoint: Checkpoint, assumed: Assumptions) -> float:
    """Bytes. Raises DoesNotFit."""
    of_gpu = gpu.memory_bytes * assumed.memory_utilization - assumed.reserve_gb * GB
    room = of_gpu * assumed.tensor_parallel - checkpoint.weight_bytes
    if room > 0:
        return room
    enough = [n for n in (1, 2, 4, 8, MOST_PARALLEL) if of_gpu * n > checkpoint.weight_bytes]
    way_out = f"--tensor-parallel {enough[0]} has room" if enough else "no GPU count up to 16 has"
    raise DoesNotFit(
        f"{checkpoint.name} has {checkpoint.weight_bytes / GB:.1f} GB of weights, and "
        f"{assumed.tensor_parallel} GPU leave {of_gpu * assumed.tensor_parallel / GB:.1f} GB; "
        f"{way_out}"
    )
