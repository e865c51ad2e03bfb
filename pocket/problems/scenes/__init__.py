"""The scenes in which composed stories play."""

from pocket.problems.scenes.bus import BUS
from pocket.problems.scenes.farm import FARM
from pocket.problems.scenes.money import MONEY
from pocket.problems.scenes.person import PERSON
from pocket.problems.scenes.place import PLACE
from pocket.problems.scenes.reading import READING
from pocket.problems.scenes.scene import SHARED, Scene

__all__ = ["SCENES", "SHARED", "Scene"]

SCENES = (PERSON, PERSON, PERSON, PLACE, PLACE, MONEY, BUS, READING, FARM)
"""Drawn with equal chance; a scene named more than once has more to say."""
