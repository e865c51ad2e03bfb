"""The most tokens that a request may cost, told before it runs, so that a budget can hold them.

A text makes at most as many tokens as it has bytes; a model's own words, read again, make at most
as many as it took to say them.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MostTokens:
    """`prompt` counts the prompt that the paths share, once, and those of a decoder's own
    questions."""

    prompt: int = 0
    generated: int = 0

    def __add__(self, other: "MostTokens") -> "MostTokens":
        return MostTokens(self.prompt + other.prompt, self.generated + other.generated)

    def __mul__(self, times: int) -> "MostTokens":
        return MostTokens(self.prompt * times, self.generated * times)


@dataclass(frozen=True, slots=True)
class Room:
    """How long a prompt is, what a path may generate behind it, and what the model's context
    holds."""

    num_prompt_tokens: int
    max_tokens: int
    context_length: int

    def with_text(self, text: str, num_said: int = 0) -> int:
        """The most tokens of the prompt with this text in it, and so many that the model said."""
        longest = self.num_prompt_tokens + len(text.encode()) + num_said
        return min(longest, self.context_length)
