"""Stop strings, found where vLLM finds them; pure.

Tokens come one at a time, so a path ends at the stop string that is complete first. If several are
complete at the same character, the one that the request lists first counts. vLLM looks for stop
strings in generated text alone; a path that begins with forced tokens also ends at one that begins
in their text.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from decoding.engine import DecodedText, Engine, Prompt


@dataclass(frozen=True, slots=True)
class FoundStop:
    """The characters `begin:end` of a text are the stop string `stop`."""

    begin: int
    end: int
    stop: str


def find_stop(text: str, stops: Sequence[str], least_end: int = 1) -> FoundStop | None:
    """The stop string that is complete first, at or after the character `least_end`."""
    found: FoundStop | None = None
    for stop in stops:
        begin = text.find(stop, max(0, least_end - len(stop)))
        if begin >= 0 and (found is None or begin + len(stop) < found.end):
            found = FoundStop(begin, begin + len(stop), stop)
    return found


def cut_at_stop(decoded: DecodedText, prompt: Prompt) -> tuple[DecodedText, FoundStop | None]:
    """The text up to the stop string that ends it, if there is one.

    No stop string ends within the prompt's first `min_tokens`.
    """
    unsearched = decoded.ends[: prompt.min_tokens][-1:]
    found = find_stop(decoded.text, prompt.stop, sum(unsearched) + 1)
    if found is None:
        return decoded, None
    end = found.end if prompt.include_stop_str_in_output else found.begin
    ends = tuple(min(offset, end) for offset in decoded.ends)
    return DecodedText(decoded.text[:end], ends), found


def num_tokens_until(decoded: DecodedText, found: FoundStop) -> int:
    """How many tokens it takes until the stop string is complete."""
    return bisect_left(decoded.ends, found.end) + 1


class Seam:
    """Where generated tokens join forced ones: a stop string may begin before it and end behind.

    The engine sees the generated side alone, so a path that may cross is watched until the text
    shows that it does or does not.
    """

    def __init__(self, engine: Engine, prompt: Prompt, prefix: Sequence[int]) -> None:
        self._engine = engine
        self._stops = prompt.stop
        text = engine.decode(prefix).text if prefix and prompt.stop else ""
        self._num_forced_chars = len(text)
        self.is_stopped = find_stop(text, self._stops) is not None
        self.is_open = not self.is_stopped and self._is_begun(text)

    def look_at(self, token_ids: Sequence[int]) -> None:
        """Update `is_stopped` and `is_open` with the path's tokens so far, forced ones included."""
        text = self._engine.decode(token_ids).text
        found = find_stop(text, self._stops)
        self.is_stopped = found is not None and found.begin < self._num_forced_chars
        self.is_open = not self.is_stopped and self._is_begun(text)

    def _is_begun(self, text: str) -> bool:
        """Whether the text ends within a stop string that begins in the forced part."""
        return any(
            stop.startswith(text[begin:])
            for stop in self._stops
            for begin in range(max(0, len(text) - len(stop) + 1), self._num_forced_chars)
        )
