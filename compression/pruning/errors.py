"""What the user can mend. Each message is one line with the value and what is allowed.

PruningError
├── UnusableCheckpoint   cannot be read, or is of an architecture or a shape that is not pruned
├── UnusableRecipe       asks of this checkpoint what it does not have
├── UnusableSamples      no text to calibrate or train on
└── UnusableState        an interrupted healing that was begun with other settings
"""

from compression.errors import UnusableInput


class PruningError(UnusableInput):
    """Any of those above."""


class UnusableCheckpoint(PruningError):
    pass


class UnusableRecipe(PruningError):
    pass


class UnusableSamples(PruningError):
    pass


class UnusableState(PruningError):
    pass
