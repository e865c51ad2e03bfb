"""optillm: its `cot_decoding` on a model of its own, and its votes as a proxy in front of
`vllm serve`.

Both are its own server, in an environment of its own, configured as its documentation says: a model
is loaded by Hugging Face where OPTILLM_API_KEY is set, and requests go to --base-url where
OPENAI_API_KEY is. Its self_consistency draws 5 samples at temperature 1, whatever a request says,
and compares whole texts; its majority_voting takes a number of samples.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from benchmarks.compare.environments import peer_environment
from benchmarks.compare.failures import PeerFailed
from benchmarks.compare.peer import Label, Peer, Round, Run, Setting
from benchmarks.compare.proxied import counted
from benchmarks.compare.served import TEMPERATURE
from evaluation.eval_set import Problem
from loadtest.client import Json, Load, send_all
from loadtest.reply_answers import answer_of_text
from loadtest.request_bodies import MAX_TOKENS, question
from measurement.child_process import running_child
from measurement.server_process import Server, is_healthy, wait_until_ready

KEY = "optillm"
"""Not one that begins with sk-: such a one optillm hands on to OpenAI."""
FOREIGN = ("OPTILLM_", "CEREBRAS_API_KEY", "AZURE_", "OPENAI_")
"""Variables that would configure it otherwise."""


@dataclass(frozen=True)
class OptillmCot:
    """Asked `concurrency` questions at once, None for that of the load."""

    label: Label
    concurrency: int | None

    def prepare(self, setting: Setting) -> Run:
        checkpoint = setting.serving.checkpoint
        url = setting.running.once(
            "optillm, local",
            lambda: _running_optillm(
                setting,
                setting.port + 2,
                ("--approach", "none", "--model", checkpoint),
                {"OPTILLM_API_KEY": KEY},
            ),
        )
        concurrency = self.concurrency or setting.concurrency
        return partial(_decode, url, checkpoint, setting.k, concurrency)


@dataclass(frozen=True)
class OptillmVote:
    """`fields` go with each request."""

    label: Label
    approach: str
    fields: Json = field(default_factory=dict)

    def prepare(self, setting: Setting) -> Run:
        server = setting.server("vllm")
        url = setting.running.once(
            "optillm, proxy",
            lambda: _running_optillm(
                setting,
                setting.port + 3,
                ("--base-url", f"{server.url}/v1"),
                {"OPENAI_API_KEY": "none"},
            ),
        )
        fields = {"optillm_approach": self.approach, **self.fields}
        return partial(_vote, url, server, setting.concurrency, fields)


def optillm_peers(k: int, num_samples: int) -> tuple[Peer, ...]:
    name = f"optillm, cot_decoding k={k}"
    one = Label("optillm-cot", name, "cot", "optillm", "asked one by one", is_slow=True)
    many = replace(one, key="optillm-cot-concurrent", name=f"{name}, concurrent", notes="")
    voting = {"k": num_samples, "temperature": TEMPERATURE}
    return (
        OptillmCot(one, 1),
        OptillmCot(many, None),
        OptillmVote(
            Label(
                key="optillm-self-consistency",
                name="optillm, self_consistency",
                task="vote",
                family="optillm",
                notes="5 samples, one by one, by whole texts",
            ),
            "self_consistency",
        ),
        OptillmVote(
            Label(
                key="optillm-majority-voting",
                name=f"optillm, majority_voting k={num_samples}",
                task="vote",
                family="optillm",
                notes="by one call of n",
            ),
            "majority_voting",
            voting,
        ),
    )


def _decode(url: str, model: str, k: int, concurrency: int, problems: Sequence[Problem]) -> Round:
    """It counts only the tokens of the path that it returns."""
    decoding = {"decoding": "cot_decoding", "k": k, "aggregate_paths": True}
    load = _send(url, model, decoding, concurrency, problems)
    return Round(len(problems), load.wall_s, None, _right(problems, load))


def _vote(
    url: str, server: Server, concurrency: int, fields: Json, problems: Sequence[Problem]
) -> Round:
    load, num_tokens = counted(
        server, lambda: _send(url, server.model, fields, concurrency, problems)
    )
    return Round(len(problems), load.wall_s, num_tokens, _right(problems, load))


def _send(
    url: str, model: str, fields: Json, concurrency: int, problems: Sequence[Problem]
) -> Load:
    bodies: list[dict[str, Any]] = [  # request bodies
        {"model": model, "messages": question(problem), "max_tokens": MAX_TOKENS, **fields}
        for problem in problems
    ]
    return send_all(url, bodies, concurrency, {"Authorization": f"Bearer {KEY}"})


def _right(problems: Sequence[Problem], load: Load) -> tuple[bool, ...]:
    return tuple(
        answer_of_text(reply) == problem.gold
        for problem, reply in zip(problems, load.replies, strict=True)
    )


@contextmanager
def _running_optillm(
    setting: Setting, port: int, arguments: Sequence[str], variables: dict[str, str]
) -> Iterator[str]:
    """Its address, when it answers there."""
    url = f"http://127.0.0.1:{port}"
    if is_healthy(url):
        raise PeerFailed(f"port {port} is taken by another server; choose another with --port")
    python = setting.environments.python("optillm")
    inherited = {
        name: value
        for name, value in setting.serving.environment.items()
        if not name.startswith(FOREIGN)
    }
    command = [
        *(str(python.with_name("optillm")), "--host", "127.0.0.1", "--port", str(port)),
        *("--log", "warning", *arguments),
    ]
    environment = peer_environment(inherited, HF_HUB_OFFLINE="1", **variables)
    with running_child(command, environment) as child:
        if not wait_until_ready(child.process, url):
            raise child.failure("optillm did not become ready")
        yield url
