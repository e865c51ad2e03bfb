"""OpenTelemetry spans of decoded requests, as a collector gets them."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.server.events import read_stream
from tests.server.otlp_collector import Collector, Span, running_collector
from tests.server.questions import COT, GREEDY, MODEL, QUESTION, Json, chat, completion, response
from tests.server.server_process import (
    ServerProcess,
    free_port,
    num_requests,
    running_server,
    wait_until,
)
from tests.server.test_disconnect import leaving_client

pytestmark = pytest.mark.vllm
CHAT = "/v1/chat/completions"
TRACE_ID, SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
START_WITHIN_S = 30.0


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with running_collector() as collector:
        yield collector


@pytest.fixture(scope="module")
def traced(
    collector: Collector, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    log = tmp_path_factory.mktemp("traced") / "server.log"
    environment = {"OTEL_BSP_SCHEDULE_DELAY": "100"}  # milliseconds
    flags = ("--otlp-traces-endpoint", collector.url)
    with running_server("pocket", log, *flags, environment=environment) as server:
        yield server


@pytest.fixture(scope="module")
def http(traced: ServerProcess) -> Iterator[httpx.Client]:
    with traced.http() as http:
        yield http


def ask(http: httpx.Client, body: Json, **headers: str) -> Json:
    reply = http.post(CHAT, json=body, headers=headers)
    assert reply.status_code == httpx.codes.OK, reply.text
    found: Json = reply.json()
    return found


def request_span(collector: Collector, reply: Json) -> Span:
    return collector.wait_for("winnow.request", gen_ai__request__id=reply["id"])


def paths_of(collector: Collector, request: Span) -> list[Span]:
    paths = collector.children(request, "winnow.path")
    return sorted(paths, key=lambda path: path.attributes["winnow.branch"])


def says(attributes: Json) -> Json:
    """What is told of an answer, without what was not measured."""
    told = {name: attributes.get(f"winnow.{name}") for name in ("answer", "confidence", "weight")}
    told["num_tokens"] = attributes["gen_ai.usage.output_tokens"]
    told["finish_reason"] = attributes["gen_ai.response.finish_reasons"][0]
    outcome = attributes["winnow.outcome"]
    told["dropped"] = None if outcome == "stood" else outcome
    return told


def assert_paths_are_the_candidates(paths: list[Span], candidates: list[Json]) -> None:
    by_branch = {path.attributes["winnow.branch"]: path for path in paths}
    assert len(by_branch) == len(paths)
    for candidate in candidates:
        told = says(by_branch[candidate["branch"]].attributes)
        assert told == {name: candidate[name] for name in told}


def test_request_with_branches_is_a_tree_of_spans(collector: Collector, http: httpx.Client) -> None:
    body = chat(decoding={**COT, "k": 4, "reference": "64", "return_texts": True})
    reply = ask(http, body)
    report = reply["decoding"]
    request = request_span(collector, reply)
    assert request.parent_id == ""
    told = request.attributes
    assert json.loads(told["winnow.parameters"]) == report["parameters"]
    assert {name.removeprefix("winnow."): told[name] for name in told if "winnow." in name} == {
        "strategy": "cot_decoding",
        "parameters": told["winnow.parameters"],
        "num_paths": 4,
        "has_answer": True,
        "answer": report["answer"],
        "agreement": report["agreement"],
        "confidence": report["confidence"],
        "is_right": report["is_right"],
        "prompt_tokens.computed": told["winnow.prompt_tokens.computed"],
        "prompt_tokens.reused": told["winnow.prompt_tokens.reused"],
    }
    assert told["gen_ai.response.model"] == MODEL
    assert told["gen_ai.usage.output_tokens"] == report["num_tokens"]
    paths = paths_of(collector, request)
    assert [path.attributes["winnow.branch"] for path in paths] == [0, 1, 2, 3]
    assert_paths_are_the_candidates(paths, report["candidates"])
    for path in paths:
        (call,) = collector.children(path, "llm_request")
        assert request.began_ns <= path.began_ns < path.ended_ns <= request.ended_ns
        assert call.attributes["gen_ai.request.id"].startswith(reply["id"])
        prompt_tokens = call.attributes["gen_ai.usage.prompt_tokens"]
        assert path.attributes["gen_ai.usage.input_tokens"] == prompt_tokens
    (probe,) = collector.children(request, "llm_request")
    assert probe.attributes["gen_ai.usage.completion_tokens"] == 1
    calls = [span for span in collector.trace(request) if span.name == "llm_request"]
    assert len(calls) == 1 + 4
    input_tokens = sum(call.attributes["gen_ai.usage.prompt_tokens"] for call in calls)
    assert told["gen_ai.usage.input_tokens"] == input_tokens
    computed, reused = (told[f"winnow.prompt_tokens.{kind}"] for kind in ("computed", "reused"))
    assert computed + reused == input_tokens
    shown = repr([span.attributes for span in collector.trace(request)])
    assert QUESTION not in shown
    assert not any(candidate["text"] in shown for candidate in report["candidates"])


def test_vote_that_was_stopped_shows_what_it_aborted(
    collector: Collector, http: httpx.Client
) -> None:
    """Two first characters that agree decide. Whether a sample is on its way by then depends on
    the samples, hence several seeds."""
    decoding = {"strategy": "majority_vote", "num_samples": 30, "temperature": 1.5}
    decoding |= {"stop": "window", "window": 2, "answer": {"pattern": "(.)"}}
    replies = (ask(http, chat(decoding={**decoding, "seed": seed})) for seed in range(1, 20))
    reply = next(reply for reply in replies if reply["decoding"]["stopped"]["num_aborted"])
    report = reply["decoding"]
    request = request_span(collector, reply)
    paths = paths_of(collector, request)
    candidates, stopped = report["candidates"], report["stopped"]
    assert len(paths) == len(candidates) + stopped["num_aborted"]
    assert request.attributes["winnow.num_paths"] == len(paths)
    assert request.attributes["winnow.stopped_by"] == "window"
    assert_paths_are_the_candidates(paths, candidates)
    aborted = [path for path in paths if path.attributes["winnow.outcome"] == "aborted"]
    assert len(aborted) == stopped["num_aborted"]
    num_tokens = sum(path.attributes["gen_ai.usage.output_tokens"] for path in aborted)
    assert num_tokens == stopped["num_aborted_tokens"]
    assert all("winnow.answer" not in path.attributes for path in aborted)
    assert not any(path.is_error for path in paths)
    assert not request.is_error


def test_path_that_its_decoder_gave_up_is_told_as_the_candidate_it_is(
    collector: Collector, http: httpx.Client
) -> None:
    decoding = {"strategy": "deepconf", "num_samples": 20, "temperature": 1.5, "num_warmup": 8}
    decoding |= {"keep_percent": 50, "consensus": 1, "window": 4, "seed": 1}
    reply = ask(http, chat(decoding=decoding, max_tokens=200, ignore_eos=True))
    candidates = reply["decoding"]["candidates"]
    assert any(candidate["finish_reason"] == "abort" for candidate in candidates)
    paths = paths_of(collector, request_span(collector, reply))
    assert_paths_are_the_candidates(paths, candidates)


def test_what_is_asked_beside_the_branches_belongs_to_the_request(
    collector: Collector, http: httpx.Client
) -> None:
    reply = ask(http, chat(decoding={**GREEDY, "prompting": "step_back"}))
    request = request_span(collector, reply)
    (path,) = paths_of(collector, request)
    assert len(collector.children(path, "llm_request")) == 1
    assert len(collector.children(request, "llm_request")) == 1


def test_plain_request_has_vllms_span_alone(collector: Collector, http: httpx.Client) -> None:
    reply = ask(http, chat())
    call = collector.wait_for("llm_request", gen_ai__request__id=reply["id"])
    assert collector.trace(call) == [call]
    assert call.parent_id == ""


def test_request_is_a_child_of_the_clients_span(collector: Collector, http: httpx.Client) -> None:
    reply = ask(http, chat(decoding=COT), traceparent=f"00-{TRACE_ID}-{SPAN_ID}-01")
    request = request_span(collector, reply)
    assert (request.trace_id, request.parent_id) == (TRACE_ID, SPAN_ID)
    names = sorted(span.name for span in collector.trace(request))
    assert names == [*["llm_request"] * 4, *["winnow.path"] * 3, "winnow.request"]


def test_nothing_is_exported_of_a_trace_that_the_client_does_not_sample(
    collector: Collector, http: httpx.Client
) -> None:
    trace_id = "a" * 32
    ask(http, chat(decoding=COT), traceparent=f"00-{trace_id}-{SPAN_ID}-00")
    request_span(collector, ask(http, chat(decoding=COT)))
    assert not [span for span in collector.spans if span.trace_id == trace_id]


@pytest.mark.parametrize("value", ["", "00-0-0-00", "zz" * 40, "00-" + "0" * 32 + "-x-01"])
def test_traceparent_that_does_not_read_begins_a_trace(
    collector: Collector, http: httpx.Client, value: str
) -> None:
    reply = ask(http, chat(decoding=GREEDY), traceparent=value)
    assert request_span(collector, reply).parent_id == ""


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, chat(decoding=COT)),
        ("/v1/completions", completion(decoding=COT)),
        ("/v1/responses", response(decoding=COT)),
    ],
    ids=["chat", "completions", "responses"],
)
def test_every_api_gives_one_span_a_request(
    collector: Collector, http: httpx.Client, path: str, body: Json, stream: bool
) -> None:
    before = len(collector.named("winnow.request"))
    if stream:
        read_stream(http, path, body)
    else:
        assert http.post(path, json=body).status_code == httpx.codes.OK
    request_span(collector, ask(http, chat(decoding=GREEDY)))
    new = collector.named("winnow.request")[before:]
    assert [span.attributes["winnow.strategy"] for span in new] == ["cot_decoding", "greedy"]
    assert len(paths_of(collector, new[0])) == 3
    assert not new[0].is_error


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_request_whose_client_left_ends_its_spans_with_an_error(
    collector: Collector, traced: ServerProcess, http: httpx.Client, stream: bool
) -> None:
    decoding = {"strategy": "cot_decoding", "k": 8, "answer": "yes_no" if stream else "option"}
    body = chat(decoding=decoding, ignore_eos=True, max_tokens=1900, stream=stream)
    with leaving_client(traced, CHAT, body):
        wait_until(lambda: num_requests(http) >= 8, START_WITHIN_S, "branches running")
    shown = {"answer": decoding["answer"], "return_texts": False, "k": 8, "selection": "aggregate"}
    request = collector.wait_for("winnow.request", winnow__parameters=json.dumps(shown))
    paths = paths_of(collector, request)
    assert request.is_error
    assert request.attributes["error.type"] == "CancelledError"
    assert len(paths) == request.attributes["winnow.num_paths"] == 8
    assert all(path.is_error for path in paths)
    assert all(path.began_ns < path.ended_ns <= request.ended_ns for path in paths)


def test_request_that_is_refused_has_no_span(collector: Collector, http: httpx.Client) -> None:
    before = len(collector.named("winnow.request"))
    assert http.post(CHAT, json=chat(decoding={"strategy": "no"})).status_code == 400
    assert http.post(CHAT, json=chat(decoding=COT, max_tokens=10**6)).status_code == 400
    request_span(collector, ask(http, chat(decoding=GREEDY)))
    assert len(collector.named("winnow.request")) == before + 1


def test_server_answers_and_ends_where_no_collector_listens(tmp_path: Path) -> None:
    flags = ("--otlp-traces-endpoint", f"http://127.0.0.1:{free_port()}")
    environment = {"OTEL_BSP_SCHEDULE_DELAY": "100"}
    log = tmp_path / "server.log"
    with running_server("pocket", log, *flags, environment=environment) as server:
        with server.http() as http:
            for _ in range(3):
                assert ask(http, chat(decoding=COT))["decoding"]["answer"] == "64"
        server.terminate()
        assert server.wait() == 0, log.read_text(errors="replace")
