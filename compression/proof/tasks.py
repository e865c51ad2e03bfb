"""Right answers by decoder: both checkpoints behind the real server, asked the same questions.

`winnow serve` and `winnow eval` are started as a user would start them; what they say of themselves
(`results.jsonl` and `summary.json` of an evaluation's folder) is all that is known of them here.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

from pydantic import BaseModel, ConfigDict, ValidationError

from compression.errors import ProofFailed, UnusableInput
from compression.progress import Tell
from compression.proof.figures import Share, TaskFigures
from compression.proof.options import ProofOptions, Serving
from compression.proof.statistics import compare_paired
from measurement.child_process import Child, last_reason, running_child
from measurement.machine import free_port

WINNOW = Path(sys.executable).with_name("winnow")
LOCALHOST = "127.0.0.1"
READY_TIMEOUT_S = 900.0
ANSWER_TIMEOUT_S = 10.0
POLL_S = 0.5
EXIT_USAGE = 2
KEYS = ("VLLM_API_KEY", "OPENAI_API_KEY")

_open_directly = build_opener(ProxyHandler({})).open


class _Record(BaseModel):
    """More stands in the files than is needed here."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class _Share(_Record):
    num_right: int
    num_total: int
    value: float
    low: float
    high: float


class _Decoder(_Record):
    decoder: str
    share: _Share
    mean_tokens: float | None


class _Summary(_Record):
    decoders: tuple[_Decoder, ...]


class _Result(_Record):
    id: str
    decoder: str
    is_right: bool
    error: str | None


@dataclass(frozen=True)
class Evaluation:
    """`rights` says by decoder and question which answers were right."""

    decoders: Mapping[str, _Decoder]
    rights: Mapping[str, Mapping[str, bool]]


def measure_tasks(
    original: Path, compressed: Path, options: ProofOptions, tell: Tell
) -> tuple[TaskFigures, ...]:
    """One server after the other, both under the same name, so that the prompts are the same.

    Raises:
        UnusableInput: the data set or a decoder cannot be used.
        ProofFailed: a server does not start, or a question is not answered.
    """
    with tempfile.TemporaryDirectory() as folder:
        found = []
        for number, checkpoint in enumerate((original, compressed)):
            tell(number, 2, "checkpoints evaluated")
            found.append(_evaluate(checkpoint, options, Path(folder) / str(number)))
        tell(2, 2, "checkpoints evaluated")
    return pair_tasks(*found)


def pair_tasks(original: Evaluation, compressed: Evaluation) -> tuple[TaskFigures, ...]:
    """The figures of each decoder, in the original's order; both evaluations have the same decoders
    and questions."""
    return tuple(
        TaskFigures(
            decoder=label,
            original=_share(own),
            compressed=_share(compressed.decoders[label]),
            change=compare_paired(
                list(original.rights[label].values()),
                [compressed.rights[label][question] for question in original.rights[label]],
            ),
            original_tokens=own.mean_tokens,
            compressed_tokens=compressed.decoders[label].mean_tokens,
        )
        for label, own in original.decoders.items()
    )


def _share(one: _Decoder) -> Share:
    return Share(**one.share.model_dump())


def _evaluate(checkpoint: Path, options: ProofOptions, out: Path) -> Evaluation:
    environment = _private(options.serving.environment, out.with_suffix(".sqlite3"))
    with _running_server(checkpoint, Serving(options.serving.flags, environment)) as url:
        finished = subprocess.run(
            [WINNOW, "eval", *_arguments(options), "--server", url, "--out", out],
            env=environment,
            capture_output=True,
            text=True,
        )
    if finished.returncode:
        said = last_reason(finished.stderr)
        failure = UnusableInput if finished.returncode == EXIT_USAGE else ProofFailed
        raise failure(f"winnow eval, checkpoint {checkpoint}: {said}")
    return read_evaluation(out)


def _arguments(options: ProofOptions) -> list[str]:
    assert options.dataset is not None
    split = [] if options.split is None else ["--split", options.split]
    limit = [] if options.num_questions is None else ["--limit", str(options.num_questions)]
    return [
        *(options.dataset, *split, *limit, "--decoders", *options.decoders),
        *("--max-tokens", str(options.max_tokens), "--concurrency", str(options.concurrency)),
    ]


def read_evaluation(folder: Path) -> Evaluation:
    """Read an evaluation's folder.

    Raises:
        ProofFailed: a file of it is not as `winnow eval` writes it.
    """
    try:
        summary = _Summary.model_validate_json((folder / "summary.json").read_bytes())
        lines = (folder / "results.jsonl").read_bytes().splitlines()
        results = [_Result.model_validate_json(line) for line in lines]
    except (OSError, ValidationError) as failure:
        raise ProofFailed(f"the evaluation in {folder} cannot be read: {failure}") from None
    rights: dict[str, dict[str, bool]] = {}
    for one in results:
        if one.error is None:
            rights.setdefault(one.decoder, {})[one.id] = one.is_right
    return Evaluation({one.decoder: one for one in summary.decoders}, rights)


def _private(environment: Mapping[str, str], store: Path) -> dict[str, str]:
    """The environment of a server for us alone: no key is asked for or sent, and nothing that is
    asked is kept."""
    own = {name: value for name, value in environment.items() if name not in KEYS}
    return own | {"WINNOW_REPLY_RETENTION_DAYS": "0", "WINNOW_STORE": str(store)}


@contextmanager
def _running_server(checkpoint: Path, serving: Serving) -> Iterator[str]:
    """`winnow serve` on a free port, ready; its URL."""
    port = free_port()
    url = f"http://{LOCALHOST}:{port}"
    own = ("--host", LOCALHOST, "--port", str(port), "--served-model-name", "checkpoint")
    command = [str(WINNOW), "serve", str(checkpoint), *serving.flags, *own]
    with running_child(command, serving.environment) as child:
        _wait_until_ready(child, url, checkpoint)
        yield url


def _wait_until_ready(child: Child, url: str, checkpoint: Path) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while not _is_healthy(url):
        if child.process.poll() is not None:
            raise ProofFailed(f"checkpoint {checkpoint}: winnow serve ended: {child.reason()}")
        if time.monotonic() > deadline:
            raise ProofFailed(
                f"checkpoint {checkpoint}: winnow serve was not ready in {READY_TIMEOUT_S:.0f} s"
            )
        time.sleep(POLL_S)


def _is_healthy(url: str) -> bool:
    try:
        with _open_directly(f"{url}/health", timeout=ANSWER_TIMEOUT_S):
            return True
    except OSError:
        return False
