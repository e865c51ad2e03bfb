"""The number that a chat completion gives as its answer."""

import re
from collections import Counter
from collections.abc import Sequence

from loadtest.client import Json

FINISHED = "stop"
NUMBER = re.compile(r"(?:(?<!\d)-)?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")


def last_number(text: str) -> float | None:
    """The last number that a text states; commas between its thousands are dropped."""
    found = NUMBER.findall(text)
    return float(found[-1].replace(",", "")) if found else None


def majority(answers: Sequence[float | None]) -> float | None:
    """The commonest answer; a tie goes to the one seen first, and None has no vote."""
    votes = Counter(answer for answer in answers if answer is not None)
    return votes.most_common(1)[0][0] if votes else None


def answer_of(reply: Json) -> float | None:
    """What the decoder selected; of a plain reply, its last number if it came to its end."""
    if "decoding" in reply:
        return answer_of_report(reply)
    is_finished = reply["choices"][0]["finish_reason"] == FINISHED
    return answer_of_text(reply) if is_finished else None


def answer_of_text(reply: Json) -> float | None:
    """The last number of a plain reply."""
    return last_number(reply["choices"][0]["message"]["content"] or "")


def answer_of_report(reply: Json) -> float | None:
    """The number that the decoder selected."""
    return last_number(reply["decoding"]["answer"] or "")


def answer_of_vote(reply: Json) -> float | None:
    """The commonest last number of the samples that came to their end."""
    finished = [choice for choice in reply["choices"] if choice["finish_reason"] == FINISHED]
    return majority([last_number(choice["message"]["content"] or "") for choice in finished])
