"""What /metrics says of decoders."""

import httpx
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from decoding.decoders.majority_vote import MajorityVote
from decoding.testing.table_engine import TableEngine
from server.engine_work import EngineWork
from server.metrics import Metrics
from tests.decoding.sampling import answer
from tests.server.questions import COT, GREEDY, MESSAGES, MODEL, VOTE, Json, chat

CHAT = "/v1/chat/completions"
Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]
SAID = {" 8": 0.6, " 9": 0.4}
LONG = (" 8", *(" and",) * 20)
NO_WORK = EngineWork(num_computed=0, num_reused=0, queue_s=None)
TABLE = {(): SAID, **{LONG[:n]: {" and": 1.0} for n in range(1, 30)}}


def vote(reference: str | None) -> object:
    """Four of five samples say 8 and decide; the fifth is on its way."""
    samples = ((" 8",),) * 4 + (LONG,)
    decoder = MajorityVote(num_samples=5, reference=reference)
    return answer(decoder, TableEngine(TABLE, samples=samples)).report


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    all_labels = {"strategy": "majority_vote", "model": "m", **labels}
    return registry.get_sample_value(f"winnow_{name}", all_labels)


def test_request_is_counted_by_what_its_report_says(registry: CollectorRegistry) -> None:
    report = vote(None)
    work = EngineWork(num_computed=40, num_reused=160, queue_s=0.004)
    Metrics(registry).count("m", report, 0.2, 0.1, work)  # type: ignore[arg-type]  # a report
    assert value(registry, "request_seconds_sum") == pytest.approx(0.2)
    assert value(registry, "first_byte_seconds_sum") == pytest.approx(0.1)
    assert value(registry, "candidates_total", outcome="stood") == 4
    assert value(registry, "candidates_total", outcome="aborted") == 1
    generated = value(registry, "tokens_total", kind="generated")
    aborted = value(registry, "tokens_total", kind="aborted")
    assert generated is not None
    assert aborted is not None
    assert generated == 4 * 2 + aborted
    assert value(registry, "agreement_sum") == 1
    assert value(registry, "queue_seconds_count") == 1
    assert value(registry, "queue_seconds_sum") == pytest.approx(0.004)
    assert value(registry, "prompt_tokens_total", kind="computed") == 40
    assert value(registry, "prompt_tokens_total", kind="reused") == 160
    assert value(registry, "answers_total", source="labelled", outcome="right") is None


def test_labelled_requests_give_accuracy_with_bounds(registry: CollectorRegistry) -> None:
    metrics = Metrics(registry)
    for reference in ("8", "8.0", "9", "8"):
        metrics.count("m", vote(reference), 0.2, 0.1, NO_WORK)  # type: ignore[arg-type]  # a report
    labels = {"source": "labelled"}
    assert value(registry, "answers_total", outcome="right", **labels) == 3
    assert value(registry, "answers_total", outcome="wrong", **labels) == 1
    low, accuracy, high = (
        value(registry, name, **labels) for name in ("accuracy_low", "accuracy", "accuracy_high")
    )
    assert accuracy == 0.75
    assert low == pytest.approx(0.3006, abs=1e-4)
    assert high == pytest.approx(0.9544, abs=1e-4)
    # Agreement was 1 each time, three of four were right.
    assert value(registry, "calibration_error", **labels) == 0.25
    assert value(registry, "reliability_answers_total", bin="0.9", outcome="right", **labels) == 3


def test_time_in_queue_is_absent_where_the_engine_keeps_no_statistics(
    registry: CollectorRegistry,
) -> None:
    Metrics(registry).count("m", vote(None), 0.2, 0.1, NO_WORK)  # type: ignore[arg-type]  # a report
    assert value(registry, "queue_seconds_count") is None


def test_right_answers_are_reckoned_by_the_share_of_the_judged(registry: CollectorRegistry) -> None:
    """Three of four judged are right; of six that were answered 4.5 count as right."""
    metrics = Metrics(registry)
    assert metrics.num_right() is None
    for reference in ("8", "8.0", "9", None, None, None):
        metrics.count("m", vote(reference), 0.2, 0.1, NO_WORK)  # type: ignore[arg-type]  # a report
    metrics.judge("m", "greedy", "feedback", is_right=True, has_answer=True, confidence=None)
    assert metrics.num_right() == 4.5


def test_errors_are_counted_by_kind(registry: CollectorRegistry) -> None:
    metrics = Metrics(registry)
    metrics.count_error(ValueError("whatever the client sent"))
    assert registry.get_sample_value("winnow_errors_total", {"kind": "ValueError"}) == 1


def series(http: httpx.Client) -> Series:
    families = text_string_to_metric_families(http.get("/metrics").text)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def of(
    found: dict[tuple[str, tuple[tuple[str, str], ...]], float], name: str, **labels: str
) -> float:
    return found.get((name, tuple(sorted(labels.items()))), 0.0)


@pytest.mark.vllm
def test_server_shows_them_beside_vllms_own(http: httpx.Client) -> None:
    labels = {"strategy": "cot_decoding", "model": MODEL}
    before = series(http)
    for reference in ("64", "7"):
        reply = http.post(CHAT, json=chat(decoding={**COT, "k": 10, "reference": reference})).json()
        assert reply["decoding"]["is_right"] is (reference == "64")
        assert "reference" not in reply["decoding"]["parameters"]
    after = series(http)

    def rise(name: str, **more: str) -> float:
        return of(after, name, **labels, **more) - of(before, name, **labels, **more)

    assert rise("winnow_request_seconds_count") == 2
    assert 0 < rise("winnow_first_byte_seconds_sum") <= rise("winnow_request_seconds_sum")
    assert rise("winnow_answers_total", source="labelled", outcome="right") == 1
    assert rise("winnow_answers_total", source="labelled", outcome="wrong") == 1
    assert any(name.startswith("vllm:generation_tokens") for name, _ in after)


def of_vllm(found: Series, name: str, **labels: str) -> float:
    """Over all engines."""
    wanted = labels.items()
    return sum(
        value
        for (of, given), value in found.items()
        if of == name and wanted <= dict(given).items()
    )


DECODED: dict[str, Json] = {
    "branches": {**COT, "k": 10},
    "one path": GREEDY,
    "a stopped vote": {"strategy": "majority_vote", "num_samples": 12, "seed": 1},
    "paths given up": {"strategy": "deepconf", "num_samples": 12, "keep_percent": 10, "seed": 1},
    "an aside": {**VOTE, "prompting": "step_back"},
}


@pytest.mark.vllm
@pytest.mark.parametrize("decoding", DECODED.values(), ids=DECODED)
def test_prompt_tokens_are_those_that_vllm_counts(http: httpx.Client, decoding: Json) -> None:
    labels = {"strategy": decoding["strategy"], "model": MODEL}
    # Longer than one block of the prefix cache.
    system = {"role": "system", "content": "Work step by step and be careful. " * 12}
    body = chat(decoding=decoding, max_tokens=60, messages=[system, *MESSAGES])
    before = series(http)
    for _ in range(2):
        assert http.post(CHAT, json=body).status_code == httpx.codes.OK
    after = series(http)
    for kind, source in (("computed", "local_compute"), ("reused", "local_cache_hit")):
        ours, theirs = "winnow_prompt_tokens_total", "vllm:prompt_tokens_by_source_total"
        rise = of(after, ours, **labels, kind=kind) - of(before, ours, **labels, kind=kind)
        assert rise > 0
        assert rise == of_vllm(after, theirs, source=source) - of_vllm(
            before, theirs, source=source
        )
    waits = [of(found, "winnow_queue_seconds_count", **labels) for found in (before, after)]
    assert waits[1] - waits[0] == 2
    assert of(after, "winnow_queue_seconds_sum", **labels) > 0


@pytest.mark.vllm
def test_scored_prompts_are_counted_among_prompt_tokens(http: httpx.Client) -> None:
    """No sample is complete, so the decoder has all of them scored to fall back on one."""
    body = chat(decoding=VOTE, max_tokens=3)
    before = series(http)
    reply = http.post(CHAT, json=body).json()
    after = series(http)
    assert reply["decoding"]["fallback"] is not None
    name, theirs = "winnow_prompt_tokens_total", "vllm:prompt_tokens_total"
    labels = {"strategy": "majority_vote", "model": MODEL}
    kinds = ("computed", "reused")
    ours = sum(
        of(after, name, **labels, kind=k) - of(before, name, **labels, kind=k) for k in kinds
    )
    assert ours == of_vllm(after, theirs) - of_vllm(before, theirs)
    assert ours > reply["usage"]["prompt_tokens"] * 2 * VOTE["num_samples"]


@pytest.mark.vllm
def test_reference_is_never_shown_to_the_model(http: httpx.Client) -> None:
    plain = http.post(CHAT, json=chat(decoding=GREEDY)).json()
    labelled = http.post(CHAT, json=chat(decoding={**GREEDY, "reference": "64 " * 300})).json()
    assert labelled["choices"] == plain["choices"]
    assert labelled["usage"] == plain["usage"]


@pytest.mark.vllm
def test_hostile_values_make_no_series(http: httpx.Client) -> None:
    def attack(number: int) -> None:
        name = f'x{number}"}}\n{{'
        bodies: list[Json] = [
            chat(decoding={"strategy": name}),
            chat(decoding={**GREEDY, "answer": name}),
            chat(decoding=GREEDY) | {"model": name},
            chat(decoding={**GREEDY, "retrieval": {"collection": f"x{number}"}}),
        ]
        http.post(CHAT, json=bodies[number % 4])

    for number in range(20):
        attack(number)
    before = {key for key in series(http) if key[0].startswith("winnow_")}
    for number in range(1000):
        attack(number)
    after = {key for key in series(http) if key[0].startswith("winnow_")}
    assert after == before
    assert not any("x1" in label for _, labels in after for _, label in labels)


@pytest.mark.vllm
@pytest.mark.parametrize("reference", [5, "", "x" * 1001, ["64"]])
def test_reference_is_a_text(http: httpx.Client, reference: object) -> None:
    reply = http.post(CHAT, json=chat(decoding={**GREEDY, "reference": reference}))
    assert reply.status_code == httpx.codes.BAD_REQUEST
    assert reply.json()["error"]["param"] == "decoding.reference"
