"""What a forked server finds imported, in the environment that `winnow serve` gives itself."""

import gc
import importlib
import os

from server.defaults import apply_environment

apply_environment(os.environ, is_cpu=True)
for name in (
    *("vllm.entrypoints.cli.serve", "vllm.v1.engine.core", "vllm.model_executor.models.llama"),
    *("server.vllm_adapter.launch", "server.vllm_adapter.plugin", "server.vllm_adapter.cpu_worker"),
):
    importlib.import_module(name)
gc.freeze()  # a fork's collections need not go through all this
