"""What an operator says of replicas: `args` of an application in a Serve config file."""

import shlex
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

REFUSED_FLAGS = ("--host", "--port", "--uds", "--root-path", "--api-server-count", "--headless")
REFUSED_BEGINNINGS = ("--ssl-", "--data-parallel", "--grpc")

REPORT_PERIOD_S = 2
"""How often a proxy tells the autoscaler what is at work and waits. At Ray's 10 s, a request that
comes while there are no replicas waits for as long before an engine is even started: Ray does tell
of it at once, but with the figures that were recorded before it came."""


def _as_flags(given: object) -> object:
    """`flags="--max-model-len 2048"` of a command line, as the list that a file has."""
    return shlex.split(given) if isinstance(given, str) else given


class RayOptions(BaseModel):
    """The options of an application of replicas.

    Raises:
        pydantic.ValidationError: a key is unknown, or a value is out of range.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Field(min_length=1, description="as after `winnow serve`")
    flags: Annotated[tuple[str, ...], BeforeValidator(_as_flags)] = Field(
        (), description="any flag of `winnow serve` that is not of its sockets or processes"
    )
    min_replicas: int = Field(1, ge=0)
    max_replicas: int = Field(1, ge=1)
    target_ongoing_requests: float = Field(
        16, gt=0, description="requests at work on each replica that autoscaling aims at"
    )
    upscale_delay_s: float = Field(
        30, ge=0, description="how long there is too much to do before a replica is added"
    )
    downscale_delay_s: float = Field(
        600, ge=0, description="how long there is too little to do before one is taken away"
    )
    look_back_s: float = Field(
        30, gt=REPORT_PERIOD_S, description="over how long the requests at work are averaged"
    )
    max_ongoing_requests: int = Field(
        256, ge=1, description="requests that one replica has at work at the same time"
    )
    max_queued_requests: int = Field(
        1024, ge=1, description="requests that wait for a replica at one proxy; beyond is a 503"
    )
    drain_timeout_s: float = Field(
        35, ge=0, description="how long a replica that is taken away may finish what it has"
    )
    health_check_period_s: float = Field(10, gt=0)
    affinity: Literal["prefix", "session", "none"] = Field(
        "prefix",
        description="what keeps requests on one replica: the session header, and without one the "
        "beginning of the conversation; the header only; nothing",
    )
    ray_actor_options: dict[str, Any] = Field(  # Ray's own, checked by Ray
        {}, description="what each replica needs: num_gpus, num_cpus, resources, runtime_env"
    )

    @field_validator("flags")
    @classmethod
    def _leave_sockets_to_ray(cls, flags: tuple[str, ...]) -> tuple[str, ...]:
        for flag in flags:
            name = flag.partition("=")[0].replace("_", "-")
            if name in REFUSED_FLAGS or name.startswith(REFUSED_BEGINNINGS):
                raise ValueError(
                    f"{flag} is not for replicas: Ray has the sockets and starts the processes; "
                    "see http_options and num_replicas in Ray's documentation"
                )
        return flags

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.max_replicas < self.min_replicas:
            raise ValueError(
                f"max_replicas must be at least min_replicas, got {self.max_replicas} "
                f"and {self.min_replicas}"
            )
        if self.target_ongoing_requests > self.max_ongoing_requests:
            raise ValueError(
                "target_ongoing_requests must be at most max_ongoing_requests, got "
                f"{self.target_ongoing_requests:g} and {self.max_ongoing_requests}"
            )
        return self

    @property
    def arguments(self) -> list[str]:
        """What stands after `winnow serve`."""
        return [self.model, *self.flags]
