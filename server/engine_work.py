"""What the engine did for a request beside generating tokens."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EngineWork:
    """Prompt tokens over all paths, forced prefixes and scored replies included: `num_computed`
    were computed, `num_reused` came out of the prefix cache. `queue_s` is how long the request
    waited until the first of its paths was scheduled; None where no statistics are kept."""

    num_computed: int
    num_reused: int
    queue_s: float | None
