"""A server with keys that several files of tests ask."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import openai
import pytest

from server.gate.keys_command import main
from tests.server.server_process import ServerProcess, running_server, wait_until

LIMITS = {
    "app": [],
    "web": [],
    "team_a": ["--tenant", "team"],
    "team_b": ["--tenant", "team"],
    "slow": ["--requests-per-minute", "2"],
    "poor": ["--tokens-per-day", "200"],
    "crowd": ["--tokens-per-minute", "200"],
    "lone": ["--max-requests", "1"],
    "plain": ["--decoders", "greedy"],
    "other": ["--models", "another"],
    "gone": [],
    "grafana": ["--role", "monitor"],
    "root": ["--role", "admin"],
}


@dataclass(frozen=True)
class Keyed:
    process: ServerProcess
    tokens: dict[str, str]
    file: Path

    def client(self, name: str) -> openai.OpenAI:
        token = self.tokens.get(name, name)
        return openai.OpenAI(base_url=f"{self.process.url}/v1", api_key=token, max_retries=0)

    @contextmanager
    def http(self, name: str) -> Iterator[httpx.Client]:
        headers = {"Authorization": f"Bearer {self.tokens[name]}"}
        with httpx.Client(base_url=self.process.url, headers=headers, timeout=60) as http:
            yield http


@contextmanager
def running_keyed(folder: Path) -> Iterator[Keyed]:
    """`folder` is a new one, for its files."""
    file, tokens = folder / "keys.json", {}
    with pytest.MonkeyPatch.context() as patch:
        for name, limits in LIMITS.items():
            printed: list[str] = []
            patch.setattr("builtins.print", lambda text, to=printed: to.append(text))
            assert main(["--file", str(file), "create", name, *limits]) == 0
            tokens[name] = printed[0]
    environment = {
        "WINNOW_KEYS": str(file),
        "WINNOW_EXTRA_ROUTES": '["/v1/chat/completions/batch"]',
        "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1",
        "VLLM_ENABLE_RESPONSES_API_STORE": "1",
    }
    flags = (
        *("--enable-prompt-tokens-details", "--enable-lora"),
        *("--scheduling-policy", "priority"),
    )
    with running_server("pocket", folder / "log", *flags, environment=environment) as process:
        yield Keyed(process, tokens, file)


def told(keyed: Keyed, request_id: str) -> dict[str, object]:
    """What the log tells of a request, once it does."""

    def entries() -> list[dict[str, object]]:
        lines = keyed.process.log.read_text().splitlines()
        entries = [json.loads(line) for line in lines if line.startswith("{")]
        return [one for one in entries if one.get("request_id") == request_id]

    wait_until(lambda: bool(entries()), 10, "told of in the log")
    (entry,) = entries()
    return entry
