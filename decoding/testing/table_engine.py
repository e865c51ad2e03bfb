"""A language model that is a table, so that probabilities and branches are exact.

For tests, and for trying out a decoder without a checkpoint: `TableEngine` implements the
`Engine` protocol over next-token distributions written down by hand.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from decoding.engine import DecodedText, Delta, OutOfTime, Ranked, Sampling

END = "<end>"
Table = Mapping[tuple[str, ...], Mapping[str, float]]


@dataclass
class TableEngine:
    """Tokens are words of the table; `table[words after the prompt]` gives what comes next.

    A missing entry means: end here, surely. `started`, `finished` and `aborted` count paths.
    A sampled path (temperature above 0) that begins at the prompt says the next of `samples`, word
    for word, whatever its probability.
    A question in which a key of `asides` occurs renders to the prompt and that key's word, so that
    the table says what comes of it; any other renders to the prompt. `asked` keeps all of them.
    `delays` says how often the path that begins with these words yields to the event loop before
    its first token, so that a test chooses the order in which paths finish.
    `num_tokens_in_time` sets a deadline without a clock: it has passed once all paths together have
    generated so many tokens. Paths that run at the same time take turns, in the order in which they
    were begun, a token each.
    """

    table: Table
    prompt: tuple[str, ...] = ("Q",)
    context_length: int = 1000
    delays: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    samples: Sequence[tuple[str, ...]] = ()
    asides: Mapping[str, str] = field(default_factory=dict)
    num_tokens_in_time: float = math.inf
    started: int = 0
    finished: int = 0
    aborted: int = 0
    num_tokens: int = 0
    timed_out: bool = False
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._undrawn = iter(self.samples)
        self._num_calls_to_abort = 0
        words = [END, *self.prompt, *(word for sample in self.samples for word in sample)]
        words.extend(self.asides.values())
        for prefix, distribution in self.table.items():
            words.extend((*prefix, *distribution))
        self.words = list(dict.fromkeys(words))

    @property
    def seconds_left(self) -> float:
        return math.inf if self.num_tokens < self.num_tokens_in_time else 0.0

    def encode(self, text: str) -> tuple[int, ...]:
        """Each known word of the text; the longest that fits comes first.

        Raises:
            ValueError: a part of the text is no word of the table.
        """
        token_ids: list[int] = []
        while text:
            fitting = [word for word in self.words if text.startswith(word)]
            if not fitting:
                raise ValueError(f"no word of the table begins {text!r}")
            word = max(fitting, key=len)
            token_ids.append(self.words.index(word))
            text = text[len(word) :]
        return tuple(token_ids)

    def decode(self, token_ids: Sequence[int]) -> DecodedText:
        texts = ["" if self.is_end(token_id) else self.words[token_id] for token_id in token_ids]
        return DecodedText("".join(texts), tuple(accumulate(map(len, texts))))

    async def render(
        self, question: str, cue: str = "", *, is_aside: bool = False
    ) -> tuple[int, ...]:
        text = f"{question}\n\n{cue}" if cue else question
        self.asked.append(text)
        words = [word for key, word in self.asides.items() if key in text]
        return (*self.prompt_token_ids(), *map(self.words.index, words[:1]))

    def is_end(self, token_id: int) -> bool:
        return self.words[token_id] == END

    def stop_reason_of(self, token_id: int) -> int | None:
        return None

    def prompt_token_ids(self) -> tuple[int, ...]:
        return tuple(map(self.words.index, self.prompt))

    async def generate(
        self, token_ids: Sequence[int], sampling: Sampling
    ) -> AsyncGenerator[Delta, None]:
        self.started += 1
        said = tuple(self.words[token_id] for token_id in token_ids)[len(self.prompt) :]
        script = next(self._undrawn) if sampling.temperature > 0 else None
        num_calls, text = self._num_calls_to_abort, ""
        try:
            num_turns = self.delays.get(said if script is None else script, 0)
            for turn in range(num_turns + sampling.max_tokens):
                await asyncio.sleep(0)
                if num_calls < self._num_calls_to_abort:
                    self.aborted += 1
                    yield Delta((), finish_reason="abort")
                    return
                if self.seconds_left == 0:
                    self.aborted += 1
                    self.timed_out = True
                    yield Delta((), finish_reason="timeout")
                    return
                step = turn - num_turns
                if step < 0:
                    continue
                ranked = self._rank(said)
                token_id = ranked[0][0] if script is None else self._word_id(script, step)
                said = (*said, self.words[token_id])
                text += self.decode((token_id,)).text
                self.num_tokens += 1
                is_last = step + 1 == sampling.max_tokens
                is_stopped = self.is_end(token_id) or any(stop in text for stop in sampling.stop)
                reason = "stop" if is_stopped else "length" if is_last else None
                asked = (ranked[: sampling.num_logprobs],) if sampling.num_logprobs else ()
                scored = (dict(ranked)[token_id],) if sampling.is_scored else ()
                yield Delta((token_id,), asked, reason, logprobs=scored)
                if reason == "stop":
                    break
        except (asyncio.CancelledError, GeneratorExit):
            self.aborted += 1
            raise
        self.finished += 1

    async def abort_paths(self) -> None:
        self._num_calls_to_abort += 1

    async def score(
        self, prompt_token_ids: Sequence[int], token_ids: Sequence[int], model: str | None = None
    ) -> tuple[float, ...]:
        if self.seconds_left == 0:
            self.timed_out = True
            raise OutOfTime
        words = [self.words[token_id] for token_id in (*prompt_token_ids, *token_ids)]
        said = words[len(self.prompt) :]
        first = len(said) - len(token_ids)
        return tuple(
            dict(self._rank(tuple(said[:place])))[self.words.index(said[place])]
            for place in range(first, len(said))
        )

    def _word_id(self, script: Sequence[str], step: int) -> int:
        return self.words.index(script[step] if step < len(script) else END)

    def _rank(self, said: tuple[str, ...]) -> Ranked:
        distribution = self.table.get(said, {END: 1.0})
        ranked = sorted(distribution.items(), key=lambda item: -item[1])
        return tuple((self.words.index(word), math.log(p)) for word, p in ranked)
