"""Greedy decoding: the likeliest token at every step."""

from typing import ClassVar, Literal

from decoding.answers import extract_answer
from decoding.decoder import Decoder, Emit, Outcome
from decoding.engine import Engine, OutOfTime, Prompt, Sampling
from decoding.path import collect_path
from decoding.report import Candidate, Report
from decoding.stopwatch import Stopwatch


class Greedy(Decoder):
    """The likeliest token at every step (temperature 0): one path, streamed as it comes."""

    is_greedy: ClassVar[bool] = True

    strategy: Literal["greedy"] = "greedy"

    async def run(self, engine: Engine, prompt: Prompt, emit: Emit) -> Outcome:
        watch = Stopwatch()
        sampling = Sampling(max_tokens=prompt.max_tokens, stream=True, branch=0)
        path = await collect_path(engine, prompt, sampling, on_delta=emit)
        if path.is_timed_out:
            raise OutOfTime
        watch.lap("paths")
        answer = extract_answer(path.text, self.answer)
        candidate = Candidate(
            answer=answer.value if answer else None,
            confidence=None,
            weight=0.0,
            num_tokens=len(path.token_ids),
            finish_reason=path.finish_reason,
            branch=path.branch,
            text=path.text if self.return_texts else None,
        )
        watch.lap("select")
        return Outcome(
            path,
            Report(
                strategy=self.strategy,
                parameters=self.parameters(),
                selected=0,
                answer=candidate.answer,
                confidence=None,
                agreement=None,
                fallback=None,
                num_tokens=candidate.num_tokens,
                candidates=(candidate,),
                phases_ms=watch.phases_ms,
            ),
        )
