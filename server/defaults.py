"""Defaults under vLLM's: what suits a small machine. Whatever the user set stays as it is."""

import os
import re
from collections.abc import MutableMapping
from importlib import metadata
from typing import Any

PLUGINS = ("winnow", "winnow_amx", "winnow_ending")
# VLLM_PLUGINS is an allow-list for every plugin group, so naming ourselves hides these.
OTHER_PLUGINS = ("lora_filesystem_resolver", "lora_hf_hub_resolver")
FEW_CORES = 4
ORIGIN = re.compile(r"\*|null|[a-z][a-z0-9+.-]*://[^/\s]+")

ENVIRONMENT = {
    "VLLM_NO_USAGE_STATS": "1",
    # At vLLM's 5 s, pooled clients meet connections that were just closed.
    "VLLM_HTTP_TIMEOUT_KEEP_ALIVE": "75",
    # Paths whose tokens, log-probabilities and chunks are made in one go, on the loop that /health
    # needs, too. At vLLM's 128, 64 paths with 64 log-probabilities a token hold it for long.
    "VLLM_V1_OUTPUT_PROC_CHUNK_SIZE": "16",
}
CPU_ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    # Without it the first log-probabilities wait for a C++ compiler, or die of its absence.
    "TORCHDYNAMO_DISABLE": "1",
}
SMALL_CPU_ENVIRONMENT = {
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_NUM_THREADS": "1",
    # Keeps the worker in the engine's process: on CPU vLLM else gives it one of its own, which
    # two cores pay for with half of their throughput.
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
}
FLAGS = {
    "--max-logprobs": "64",
    # At vLLM's 0 s, requests that run at SIGTERM fail, and some never end.
    "--shutdown-timeout": "30",
    # vLLM has no bound, and all that waits is in memory. A request counts once for each path.
    "--max-num-queued-reqs": "8192",
    # At vLLM's default a request may have the server fetch any URL. Images as data: still come in.
    "--allowed-media-domains": "media-urls-are-off.invalid",
}
CPU_FLAGS = {
    # Branches of short prompts share more than with CPU's 128.
    "--block-size": "32",
    "--enforce-eager": None,  # nothing is compiled
    # vLLM's own dies of a seeded request whose prompt is prefilled in parts.
    "--worker-cls": "server.vllm_adapter.cpu_worker.CPUWorker",
}


KV_CACHE_DTYPES = ("auto", "float16", "bfloat16", "fp8", "fp8_e4m3", "fp8_e5m2")
"""That vLLM's CPU build reads right. Others it takes, and then answers worse or gains nothing."""


class UnusableFlag(Exception):
    """A flag that vLLM would take, to no good."""


def apply_environment(environment: MutableMapping[str, str], *, is_cpu: bool) -> None:
    """Set what is not set, and allow our plugin beside those that were allowed before."""
    defaults = dict(ENVIRONMENT)
    if is_cpu:
        defaults |= CPU_ENVIRONMENT
        if (os.cpu_count() or 1) <= FEW_CORES:
            defaults |= SMALL_CPU_ENVIRONMENT
    for name, value in defaults.items():
        environment.setdefault(name, value)
    environment["VLLM_PLUGINS"] = _allowed_plugins(environment.get("VLLM_PLUGINS"))


def _allowed_plugins(set_by_user: str | None) -> str:
    if set_by_user is not None:
        names = [name for name in set_by_user.split(",") if name]
    else:
        names = sorted(
            {
                entry_point.name
                for group in _plugin_groups()
                for entry_point in metadata.entry_points(group=group)
            }
            | set(OTHER_PLUGINS)
        )
    return ",".join(dict.fromkeys([*names, *PLUGINS]))


def _plugin_groups() -> tuple[str, ...]:
    """vLLM's groups that load everything unless an allow-list says otherwise."""
    return (
        "vllm.general_plugins",
        "vllm.io_processor_plugins",
        "vllm.platform_plugins",
        "vllm.stat_logger_plugins",
    )


def with_default_flags(
    arguments: list[str], *, is_cpu: bool, host: str | None = None, port: int | None = None
) -> list[str]:
    """The user's flags, with ours added where the user gave none of that name."""
    given = {argument.partition("=")[0].replace("_", "-") for argument in arguments}
    flags: dict[str, str | None] = dict(FLAGS)
    if host is not None:
        flags["--host"] = host
    if port is not None:
        flags["--port"] = str(port)
    if is_cpu:
        flags |= CPU_FLAGS
    if "--no-enforce-eager" in given:
        flags.pop("--enforce-eager", None)
    added = [
        part
        for flag, value in flags.items()
        if flag not in given
        for part in (flag, value)
        if part is not None
    ]
    return [*arguments, *added]


def check_kv_cache_dtype(dtype: str, *, is_cpu: bool) -> None:
    """Check the KV cache's dtype, which on a CPU must be one of KV_CACHE_DTYPES.

    Raises:
        UnusableFlag: it is another one.
    """
    if is_cpu and dtype not in KV_CACHE_DTYPES:
        raise UnusableFlag(
            f"--kv-cache-dtype on a CPU must be one of {', '.join(KV_CACHE_DTYPES)}, got {dtype}: "
            "vLLM would take it, and answer worse or gain nothing"
        )


def check_origins(origins: Any) -> None:  # whatever JSON the flag was given
    """Check that the allowed origins are a list of origins as browsers write them, or of "*".

    Raises:
        UnusableFlag: the value is no list, or has an entry that no browser's origin would match.
    """
    if isinstance(origins, list) and all(isinstance(one, str) for one in origins):
        wrong = [one for one in origins if not ORIGIN.fullmatch(one)]
    else:
        wrong = [origins]
    if wrong:
        raise UnusableFlag(
            "--allowed-origins must be a JSON list of origins, such as "
            f'["http://localhost:3000"] without a slash at the end, or of "*", got {wrong[0]!r}'
        )
