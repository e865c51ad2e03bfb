"""Is the loss of accuracy small enough?

The point estimate of the paired difference decides, so that the outcome is one number against
another; its interval is told with it. With few questions it is wide: a drop that is no more than
chance may be refused, and a real one be let through.
"""

from compression.proof.figures import Proof, TaskFigures


def accuracy_drop(proof: Proof) -> float:
    """The largest drop over the decoders, in points; below zero where each of them gained.

    Raises:
        ValueError: no accuracy was measured.
    """
    return _drop(_worst(proof))


def refusal(proof: Proof, max_drop: float) -> str | None:
    """What is said where the drop is above `max_drop` points; None where it is not."""
    worst = _worst(proof)
    if _drop(worst) <= max_drop:
        return None
    low, high = -100 * worst.change.high, -100 * worst.change.low
    return (
        f"accuracy with {worst.decoder} is {_drop(worst):.1f} points below the original's "
        f"(95 %: {low:.1f} to {high:.1f}, {worst.change.num_total} questions); "
        f"--max-accuracy-drop allows {max_drop:g}"
    )


def _worst(proof: Proof) -> TaskFigures:
    if not proof.tasks:
        raise ValueError("no accuracy was measured")
    return max(proof.tasks, key=_drop)


def _drop(task: TaskFigures) -> float:
    return (
        100
        * (task.change.num_only_original - task.change.num_only_compressed)
        / (task.change.num_total)
    )
