"""What an operator may say of replicas, and what is told of the rest."""

import re
import shlex
from pathlib import Path

import pytest
from pydantic import ValidationError
from ray.serve._private.api import call_user_app_builder_with_args_if_necessary
from ray.serve.scripts import convert_args_to_dict

from server.ray_serve import RayOptions, build_app
from server.ray_serve.application import CALLBACK, LAYERS, ProxyNotSet

README = Path(__file__).parents[3] / "docker/ray/README.md"


def test_unknown_key_is_named() -> None:
    with pytest.raises(ValidationError, match=r"max_replica\n.*not permitted"):
        RayOptions.model_validate({"model": "pocket", "max_replica": 2})


def test_flags_of_a_command_line_are_split_as_a_shell_does() -> None:
    args = {"model": "pocket", "flags": "--max-model-len 512 --served-model-name 'a b'"}
    assert RayOptions.model_validate(args).arguments == [
        *("pocket", "--max-model-len", "512"),
        *("--served-model-name", "a b"),
    ]


@pytest.mark.parametrize(
    "flag", ["--port", "--host=0.0.0.0", "--ssl-keyfile", "--data_parallel_size", "--uds"]
)
def test_flags_that_are_rays_business_are_refused(flag: str) -> None:
    with pytest.raises(ValidationError, match=f"{flag} is not for replicas"):
        RayOptions.model_validate({"model": "pocket", "flags": [flag, "1"]})


def test_fewer_at_most_than_at_least_is_refused() -> None:
    with pytest.raises(ValidationError, match="at least min_replicas, got 2 and 3"):
        RayOptions.model_validate({"model": "pocket", "min_replicas": 3, "max_replicas": 2})


def test_target_beyond_what_a_replica_takes_is_refused() -> None:
    args = {"model": "pocket", "target_ongoing_requests": 9, "max_ongoing_requests": 8}
    with pytest.raises(ValidationError, match="at most max_ongoing_requests, got 9 and 8"):
        RayOptions.model_validate(args)


def test_prefixes_without_the_proxys_layer_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CALLBACK, raising=False)
    with pytest.raises(ProxyNotSet, match=f"{CALLBACK}={LAYERS}"):
        build_app(RayOptions(model="pocket"))


def test_readmes_command_line_is_taken_as_ray_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CALLBACK, LAYERS)
    (line,) = re.findall(r"`serve run (server\.ray_serve:build_app .+?)`", README.read_text())
    _, *arguments = shlex.split(line)
    app = call_user_app_builder_with_args_if_necessary(build_app, convert_args_to_dict(arguments))
    deployment = app._bound_deployment
    assert deployment.init_args == (["pocket", "--max-model-len", "2048"],)
    assert deployment._deployment_config.autoscaling_config.max_replicas == 2


def test_options_reach_rays_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CALLBACK, LAYERS)
    options = RayOptions(
        model="pocket",
        flags=("--max-model-len", "512"),
        min_replicas=2,
        max_replicas=5,
        target_ongoing_requests=3,
        max_ongoing_requests=7,
        look_back_s=5,
        ray_actor_options={"num_cpus": 2},
    )
    deployment = build_app(options)._bound_deployment
    assert deployment.init_args == (["pocket", "--max-model-len", "512"],)
    assert deployment.max_ongoing_requests == 7
    assert deployment.ray_actor_options is not None
    assert deployment.ray_actor_options["num_cpus"] == 2
    scaling = deployment._deployment_config.autoscaling_config
    assert scaling is not None
    assert (scaling.min_replicas, scaling.max_replicas) == (2, 5)
    assert scaling.target_ongoing_requests == 3
    assert scaling.look_back_period_s == 5
    assert scaling.metrics_interval_s < 10, "requests to no replicas wait for Ray's default"
    router = deployment._deployment_config.request_router_config
    assert router.request_router_kwargs == {"busy_at": 3, "takes_prefixes": True}
