"""Wordings for composed stories: for each scene, how it says each concept.

`{n}` and `{m}` are the clause's numbers. A scene's `things` fixes what is counted; `noun` names the
slot that the shared wordings count.
Concepts are defined in `pocket.problems.chains`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pocket.problems.vocabulary import Noun
from pocket.problems.wording import Alternatives, lines


@dataclass(frozen=True)
class Scene:
    name: str
    says: Mapping[str, Alternatives]
    things: Noun | None = None
    noun: str = "things"


SHARED: Mapping[str, Alternatives] = {
    "double": lines(
        """
        Then the number of {things} doubles.
        Soon there are twice as many {things}.
        After a week the number of {things} is twice as large.
        """
    ),
    "triple": lines(
        """
        Then the number of {things} triples.
        Soon there are three times as many {things}.
        After a week the number of {things} is three times as large.
        """
    ),
    "ask_now": lines(
        """
        How many {things} are there now?
        How many {things} are there in the end?
        What is the number of {things} now?
        Find the number of {things} at the end.
        How many {things} is that?
        """
    ),
}
