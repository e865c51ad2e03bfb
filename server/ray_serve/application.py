"""Replicas of the whole server, as many as there is to do, and what goes to which."""

import os
import warnings

from ray import serve
from ray.serve.config import AutoscalingConfig, RequestRouterConfig

from server.ray_serve.options import REPORT_PERIOD_S, RayOptions
from server.ray_serve.replica import Replica

NAME = "winnow"
ROUTER = "server.ray_serve.router.AffinityRouter"
CALLBACK = "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH"
LAYERS = "server.ray_serve.proxy_layer.layers"


class ProxyNotSet(Exception):
    """Ray was started without what its proxies need."""


def build_app(args: RayOptions) -> serve.Application:
    """Build the Serve application that the options describe.

    Raises:
        ProxyNotSet: affinity by prefix is asked for, and Ray was started without what it needs.
    """
    if args.affinity == "prefix" and os.environ.get(CALLBACK) != LAYERS:
        raise ProxyNotSet(
            f"affinity by prefix needs {CALLBACK}={LAYERS} in the environment that Ray is started "
            f"with on every node, got {os.environ.get(CALLBACK)!r}: without it Ray's proxy does "
            'not read the request; or say affinity: "session" or "none"'
        )
    deploy = serve.deployment(
        name=NAME,
        autoscaling_config=_autoscaling(args),
        max_ongoing_requests=args.max_ongoing_requests,
        max_queued_requests=args.max_queued_requests,
        graceful_shutdown_timeout_s=args.drain_timeout_s,
        graceful_shutdown_wait_loop_s=0.5,
        health_check_period_s=args.health_check_period_s,
        ray_actor_options=args.ray_actor_options,
        request_router_config=_router(args),
    )
    return deploy(serve.ingress()(Replica)).bind(args.arguments)


def _autoscaling(args: RayOptions) -> AutoscalingConfig:
    with warnings.catch_warnings():
        # Ray 2.60 warns of `metrics_interval_s`, and does not read the variable it names instead.
        warnings.simplefilter("ignore", DeprecationWarning)
        return AutoscalingConfig(
            min_replicas=args.min_replicas,
            max_replicas=args.max_replicas,
            target_ongoing_requests=args.target_ongoing_requests,
            upscale_delay_s=args.upscale_delay_s,
            downscale_delay_s=args.downscale_delay_s,
            look_back_period_s=args.look_back_s,
            metrics_interval_s=REPORT_PERIOD_S,
        )


def _router(args: RayOptions) -> RequestRouterConfig:
    if args.affinity == "none":
        return RequestRouterConfig()
    return RequestRouterConfig(
        request_router_class=ROUTER,  # type: ignore[arg-type]  # Ray's own type is wrong
        request_router_kwargs={
            "busy_at": args.target_ongoing_requests,
            "takes_prefixes": args.affinity == "prefix",
        },
    )
