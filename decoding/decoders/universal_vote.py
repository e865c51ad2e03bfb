"""Universal self-consistency (Chen et al. 2023, arXiv 2311.17311), for free-form replies.

Samples are drawn as for a majority vote; then one greedy call lists them and asks which agrees most
with the majority. No answer is compared, so any kind of reply can be voted on; there is no
confidence to report either. The paper found more than 16 responses to do worse.

Deviations: samples that are empty or were cut off are not listed; where all that are listed say the
same, there is nothing to ask. A selection that names no response, does not fit the model's context
or is cut off by the deadline leaves the first listed sample, and the report says so.
"""

import re
from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from decoding.aside import ask_aside
from decoding.engine import Engine, Prompt
from decoding.most import MostTokens, Room
from decoding.path import Path
from decoding.report import Report
from decoding.sample import Sample, Selection
from decoding.sampled import SampledDecoder, Samples

SELECTION = """\
I have generated the following responses to the question: {question}

{responses}

Evaluate these responses.
Select the most consistent response based on majority consensus.
Start your answer with "The most consistent response is Response X" (without quotes)."""

LISTED = "Response {number}: {text}"

_STATED = re.compile(
    r"most consistent response is\W{0,4}(?:response\W{0,4})?(\d{1,4})", re.IGNORECASE
)
_CHOICE = re.compile(r"response\s*#?\s*\W{0,2}(\d{1,4})", re.IGNORECASE)
_BARE = re.compile(r"^\s*\W{0,2}(\d{1,4})\b")


class UniversalVoteReport(Report):
    """`selection` is what the selection call said, null where none was needed or possible."""

    selection: str | None = None


class UniversalVote(SampledDecoder):
    """Draws samples and asks the model which of them agrees with most: a vote for free-form
    replies."""

    report_type: ClassVar[type[Report]] = UniversalVoteReport

    strategy: Literal["universal_vote"] = "universal_vote"
    max_selection_tokens: int = Field(
        64, ge=1, description="most tokens that the selection call may take"
    )

    @property
    def question_field(self) -> str | None:
        return super().question_field or "strategy"

    def most_run(self, room: Room) -> MostTokens:
        said = self.num_samples * room.max_tokens
        listed = LISTED.format(number=self.num_samples, text="\n\n") * self.num_samples
        asked = MostTokens(room.with_text(SELECTION + listed, said), self.max_selection_tokens)
        return super().most_run(room) + asked

    async def select(self, samples: Samples) -> Selection:
        listed = await samples.complete()
        selection = None
        if len({sample.text for sample in listed}) > 1:
            selection = await self._ask(samples.engine, samples.prompt, listed)
        samples.details["selection"] = selection.text if selection else None
        return _pick(listed, selection)

    async def _ask(self, engine: Engine, prompt: Prompt, listed: Sequence[Sample]) -> Path | None:
        responses = "\n\n".join(
            LISTED.format(number=number, text=sample.text.strip())
            for number, sample in enumerate(listed, start=1)
        )
        question = SELECTION.format(question=prompt.question, responses=responses)
        return await ask_aside(engine, question, self.max_selection_tokens, stop=prompt.aside_stop)


def parse_selection(text: str, num_responses: int) -> int | None:
    """The response that a selection names, counted from 1; None where it names none of them.

    The last that is stated in the words asked for, else the only one that is named.
    """
    found = _STATED.findall(text)[-1:] or _CHOICE.findall(text) or _BARE.findall(text)[:1]
    numbers = {int(number) for number in found}
    number = numbers.pop() if len(numbers) == 1 else 0
    return number if 1 <= number <= num_responses else None


def _pick(listed: Sequence[Sample], selection: Path | None) -> Selection:
    """Who was selected, or the first listed and why."""
    if len({sample.text for sample in listed}) == 1:
        return Selection(listed[0])
    if selection is None:
        reason = "the samples are too long for a selection; the first is the reply"
    elif selection.is_timed_out:
        reason = "the time was too short for a selection; the first is the reply"
    elif (number := parse_selection(selection.text, len(listed))) is not None:
        return Selection(listed[number - 1])
    else:
        reason = "the selection named no sample; the first is the reply"
    return Selection(listed[0], fallback=reason)
