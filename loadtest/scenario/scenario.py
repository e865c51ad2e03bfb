"""A scenario file: what is asked, of which decoders, how often, and what must come of it."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from evaluation.choices import PLAIN, STRATEGY
from evaluation.questions import Format
from evaluation.scoring import make_grader
from loadtest.scenario.arrivals import Arrivals, Sweep
from loadtest.scenario.gates import Gate
from loadtest.scenario.summary import ALL
from measurement.serving import POCKET

Json = dict[str, Any]  # a request's `decoding`, or fields of its body
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Milliseconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Name = Annotated[str, Field(min_length=1, max_length=40)]

RESERVED = ("model", "messages", "stream", "stream_options", "decoding", "max_tokens", "n")


class UnusableScenario(Exception):
    """The message names the file, the field, the value and what is allowed."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Questions(_Strict):
    """The questions, as `winnow eval` reads them: `pocket`, or a file whose path is from the
    scenario's folder."""

    source: str = POCKET
    format: Format | None = None
    split: str | None = None
    limit: Count | None = None
    answer: Any = None  # a kind or {"pattern": …}; None: what the data set has

    @model_validator(mode="after")
    def _answers_can_be_read(self) -> "Questions":
        if self.answer is not None:
            make_grader(self.answer)
        return self


def _free_of_reserved(body: Json) -> Json:
    for field in RESERVED:
        if field in body:
            raise ValueError(f"{field} is not for `body`: the scenario has its own place for it")
    return body


def _has_strategy(decoding: Json) -> Json:
    if not isinstance(decoding.get(STRATEGY), str):
        raise ValueError(f"must have a {STRATEGY!r}, a string, got {decoding!r}")
    return decoding


class Call(_Strict):
    """One way of asking, and its share of the requests: `weight` over the sum of all weights.
    Without `decoding` it is plain; `body` is added to the request's own fields."""

    name: Name
    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    decoding: Annotated[Json, AfterValidator(_has_strategy)] | None = None
    body: Annotated[Json, AfterValidator(_free_of_reserved)] = {}

    def fields(self, answer: Any) -> Json:
        """Fields of the body; `answer` is the kind of answer where `decoding` names none."""
        if self.decoding is None:
            return {"temperature": 0, **self.body}
        return {**self.body, "decoding": {"answer": answer, **self.decoding}}


class Slo(_Strict):
    """What a reply must keep to count for goodput, from its arrival on."""

    ttft_ms: Milliseconds | None = None
    latency_ms: Milliseconds | None = None


class Scenario(_Strict):
    """One run. Without `server`, `winnow serve` of `checkpoint` is started for it.

    A stage (each rate of a sweep is one) takes arrivals for `duration_s`, or `num_requests` of
    them, whichever comes first, after `num_warm_up` requests that are not counted. With
    `reuse_prefixes` a question that was asked before may be found in the prefix cache; without
    it each asking of a question carries a `cache_salt` of its own.
    """

    name: Name
    server: str | None = None
    checkpoint: str | None = None
    model: str | None = None
    questions: Questions = Questions()
    mix: Annotated[tuple[Call, ...], Field(min_length=1)] = (Call(name=PLAIN),)
    arrivals: Arrivals
    duration_s: Seconds | None = None
    num_requests: Count | None = None
    num_warm_up: Annotated[int, Field(ge=0)] = 16
    max_tokens: Count = 128
    max_in_flight: Count = 1024
    timeout_s: Seconds = 120.0
    stream: bool = True
    reuse_prefixes: bool = False
    slo: Slo = Slo()
    gates: tuple[Gate, ...] = ()
    seed: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _is_consistent(self) -> "Scenario":
        names = [call.name for call in self.mix]
        for name in names:
            if names.count(name) > 1 or name == ALL:
                raise ValueError(f"mix: each name once, and none {ALL!r}; got {name!r}")
        for gate in self.gates:
            if gate.call not in (*names, ALL):
                raise ValueError(
                    f"gates: call must be one of {', '.join((*names, ALL))}, got {gate.call!r}"
                )
        if self.duration_s is None and self.num_requests is None:
            raise ValueError("duration_s or num_requests must say when a stage ends")
        if self.server is not None and self.checkpoint is not None:
            raise ValueError("server and checkpoint exclude each other")
        if not self.stream and self.slo.ttft_ms is not None:
            raise ValueError("slo.ttft_ms cannot be measured with stream: false")
        return self

    @property
    def is_sweep(self) -> bool:
        return isinstance(self.arrivals, Sweep)


Override = Literal["server", "model", "duration_s", "num_requests", "seed"]


def read_scenario(path: Path, overrides: dict[Override, Any]) -> Scenario:
    """The file with what `overrides` has in place of its own; None there overrides nothing.

    Raises:
        UnusableScenario: it cannot be read, or is no scenario.
    """
    try:
        contents = YAML(typ="safe", pure=True).load(path.read_bytes())
    except OSError as failure:
        raise UnusableScenario(f"{path}: {failure.strerror}") from None
    except (YAMLError, ValueError, RecursionError) as failure:
        raise UnusableScenario(f"{path}: {_in_one_line(failure)}") from None
    if not isinstance(contents, dict):
        raise UnusableScenario(f"{path}: must be a mapping of fields, got {contents!r:.60}")
    given = {name: value for name, value in overrides.items() if value is not None}
    if "server" in given:
        contents.pop("checkpoint", None)
    try:
        return Scenario.model_validate({**contents, **given})
    except ValidationError as failure:
        raise UnusableScenario(f"{path}: {_reason(failure)}") from None


def _in_one_line(failure: Exception) -> str:
    """The failure's message in one line, without ruamel's advice to switch the check off."""
    return " ".join(str(failure).partition("To suppress this check")[0].split())


def _reason(failure: ValidationError) -> str:
    """Every complaint: the place, what is wrong, and what was there."""
    complaints = []
    for error in failure.errors(include_url=False):
        place = ".".join(map(str, error["loc"]))
        message = error["msg"].removeprefix("Value error, ")
        if error["type"] == "extra_forbidden":
            message = "unknown key"
        got = "" if isinstance(error["input"], dict) else f", got {error['input']!r:.60}"
        if error["type"] in ("missing", "value_error"):
            got = ""
        complaints.append(f"{place}: {message}{got}" if place else f"{message}{got}")
    return "; ".join(complaints)
