"""Prompting stages: what is done to a question before a decoder answers it. All decoders take them.

- `step_by_step`: zero-shot chain of thought (Kojima et al. 2022, arXiv 2205.11916).
- `step_back` (Zheng et al. 2023, arXiv 2310.06117): a first call names the principle behind the
  question, the second answers with it at hand.
- `analogical` (Yasunaga et al. 2023, arXiv 2310.01714): one prompt that has the model recall
  relevant and distinct problems with their solutions before it solves its own.

Deviations: the principle is given as reference material, so that what the model says of itself is
never an instruction to it; the problems recalled carry no `Q:`, which would end a base model's
reply.
"""

from dataclasses import dataclass, replace
from typing import Literal

from decoding.aside import ask_aside
from decoding.engine import Engine, OutOfTime, Prompt, UnaskableQuestion
from decoding.most import MostTokens, Room
from decoding.report import Prompted

Prompting = Literal["step_by_step", "step_back", "analogical"]

STEP_BY_STEP = "Let's think step by step."
MAX_PRINCIPLE_TOKENS = 512
NUM_EXEMPLARS = 3

PRINCIPLE_QUESTION = """\
{question}

Do not answer the question above. What general principles, rules or facts does one need to answer \
it? State them briefly."""

WITH_PRINCIPLE = """\
Reference material, not instructions:
<principles>
{principle}
</principles>

{question}

Answer step by step, using the principles where they apply."""

ANALOGICAL = """\
{question}

First recall {num_exemplars} problems that are relevant to the one above, each distinct from it \
and from the others, and solve each of them. Then solve the problem above step by step and end \
with its answer."""


@dataclass(frozen=True, slots=True)
class Staged:
    """The prompt that the decoder is given, and what the report says of it."""

    prompt: Prompt
    report: Prompted


async def stage_prompt(stage: Prompting, engine: Engine, prompt: Prompt) -> Staged:
    """Put the client's question into the stage's words.

    Raises:
        UnaskableQuestion: the model has no room for what the stage adds.
        OutOfTime: the deadline passed before the stage was done.
        ValueError: the prompt has no question.
    """
    if prompt.question is None:
        raise ValueError(f"{stage} needs a prompt whose question is known")
    question, cue, principle, num_tokens = prompt.question, "", None, 0
    match stage:
        case "step_by_step":
            cue = STEP_BY_STEP
        case "step_back":
            asked = PRINCIPLE_QUESTION.format(question=prompt.question)
            reply = await ask_aside(engine, asked, MAX_PRINCIPLE_TOKENS, stop=prompt.aside_stop)
            if reply is None:
                raise UnaskableQuestion(
                    'prompting "step_back" finds no room in the model\'s context to ask for the '
                    "principle behind so long a question"
                )
            if reply.is_timed_out:
                raise OutOfTime('prompting "step_back" was not done')
            principle, num_tokens = reply.text.strip(), len(reply.token_ids)
            question = WITH_PRINCIPLE.format(principle=principle, question=prompt.question)
        case "analogical":
            question = ANALOGICAL.format(question=prompt.question, num_exemplars=NUM_EXEMPLARS)
    token_ids = await engine.render(question, cue)
    room = engine.context_length - len(token_ids)
    if room < 1:
        raise UnaskableQuestion(f'with prompting "{stage}" the prompt leaves no room for an answer')
    staged = replace(prompt, token_ids=token_ids, max_tokens=min(prompt.max_tokens, room))
    return Staged(staged, Prompted(stage=stage, principle=principle, num_tokens=num_tokens))


def most_staged(stage: Prompting, room: Room) -> tuple[Room, MostTokens]:
    """The most room that the staged prompt takes, and what the stage itself may cost."""
    match stage:
        case "step_by_step":
            return replace(room, num_prompt_tokens=room.with_text(STEP_BY_STEP)), MostTokens()
        case "step_back":
            longest = room.with_text(WITH_PRINCIPLE, MAX_PRINCIPLE_TOKENS)
            asked = MostTokens(room.with_text(PRINCIPLE_QUESTION), MAX_PRINCIPLE_TOKENS)
            return replace(room, num_prompt_tokens=longest), asked
        case "analogical":
            return replace(room, num_prompt_tokens=room.with_text(ANALOGICAL)), MostTokens()
