"""Training in several single-threaded processes, each with a share of every batch.

On two cores two such processes get further than one of two threads: the matrices are small.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import distributed, multiprocessing, nn


def run_workers(work: Callable[[int], None], num_workers: int) -> None:
    """`work(rank)` for ranks 0 (here) and 1… (processes of their own), joined to each other.

    `work` must be picklable. The processes die with this one.
    """
    with tempfile.TemporaryDirectory() as folder:
        meeting = Path(folder) / "meeting"
        others = [
            multiprocessing.get_context("spawn").Process(
                target=_join, args=(work, rank, num_workers, meeting), daemon=True
            )
            for rank in range(1, num_workers)
        ]
        for process in others:
            process.start()
        _join(work, 0, num_workers, meeting)
        for process in others:
            process.join()


def average_gradients(model: nn.Module) -> None:
    """Replaces every gradient by its mean over the workers; all of them must call this."""
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    sizes = [gradient.numel() for gradient in gradients]
    pieces = torch.split(flat, sizes)
    for gradient, piece in zip(gradients, pieces, strict=True):
        gradient.copy_(piece.view_as(gradient))


def _join(work: Callable[[int], None], rank: int, num_workers: int, meeting: Path) -> None:
    with _process_group(rank, num_workers, meeting):
        work(rank)


@contextmanager
def _process_group(rank: int, num_workers: int, meeting: Path) -> Iterator[None]:
    distributed.init_process_group(
        "gloo", init_method=meeting.as_uri(), rank=rank, world_size=num_workers
    )
    try:
        yield
    finally:
        distributed.destroy_process_group()
