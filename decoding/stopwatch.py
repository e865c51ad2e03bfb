"""Wall time by phase."""

import time


class Stopwatch:
    """Names the stretches of time between its laps, in milliseconds."""

    def __init__(self) -> None:
        self.phases_ms: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, phase: str) -> None:
        """End the running phase under this name."""
        now = time.perf_counter()
        self.phases_ms[phase] = round((now - self._last) * 1000, 3)
        self._last = now
