"""Is a reply right? Numbers are compared as numbers."""

import re
from collections import Counter
from collections.abc import Sequence

NUMBER = re.compile(r"(?:(?<!\d)-)?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")


def last_number(text: str) -> float | None:
    """The last number that a text states; commas between its thousands are dropped."""
    found = NUMBER.findall(text)
    return float(found[-1].replace(",", "")) if found else None


def majority(answers: Sequence[float | None]) -> float | None:
    """The commonest answer; a tie goes to the one seen first, and None has no vote."""
    votes = Counter(answer for answer in answers if answer is not None)
    return votes.most_common(1)[0][0] if votes else None
