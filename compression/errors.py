"""What may go wrong with a proof; every message is one line for the user.

ProofError
├── UnusableInput        a flag, a file or a checkpoint that cannot be used
│   ├── UnusableText     the held-out text
│   └── UnreadableReport `winnow_report.json`
└── ProofFailed          a checkpoint that does not load, a process that died, a broken model
"""


class ProofError(Exception):
    pass


class UnusableInput(ProofError):
    pass


class UnusableText(UnusableInput):
    pass


class UnreadableReport(UnusableInput):
    pass


class ProofFailed(ProofError):
    pass
