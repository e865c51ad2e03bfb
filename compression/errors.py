"""What may go wrong with compressing and proving; every message is one line for the user.

CompressionError
├── UnusableInput        a flag, a file, a checkpoint or a recipe that cannot be used
│   ├── UnusableText     held-out or calibration text
│   ├── UnreadableReport `winnow_report.json`
│   └── PruningError     see `compression.pruning.errors`
├── ToolFailed           a tool of another's that could not be set up, or broke off
└── ProofFailed          a checkpoint that does not load, a process that died, a broken model
"""


class CompressionError(Exception):
    pass


class UnusableInput(CompressionError):
    pass


class UnusableText(UnusableInput):
    pass


class UnreadableReport(UnusableInput):
    pass


class ToolFailed(CompressionError):
    pass


class ProofFailed(CompressionError):
    pass
