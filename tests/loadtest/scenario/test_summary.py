import pytest

from loadtest.scenario.gates import Gate, judge
from loadtest.scenario.record import Record
from loadtest.scenario.summary import ALL, Limits, StageFigures, figures_of, summarise_stage


def record(number: int, latency_ms: float, **fields: object) -> Record:
    given: dict[str, object] = {
        "stage": 0,
        "call": "cot",
        "question": str(number),
        "arrival_s": 0.0,
        "late_ms": 0.0,
        "num_tokens": 10,
        **fields,
    }
    return Record(number=number, latency_ms=latency_ms, **given)  # type: ignore[arg-type]


RECORDS = [
    record(0, 100, is_right=True, ttft_ms=20),
    record(1, 200, is_right=True, ttft_ms=80),
    record(2, 300, is_right=False, ttft_ms=30, num_tokens=40),
    record(3, 900, error="status 503: busy", status=503, num_tokens=None),
]


def test_figures_by_hand() -> None:
    """Two right of three answered, in 2 s; of the two, one had its first text within 50 ms."""
    figures = figures_of("cot", RECORDS, 2.0, Limits(ttft_ms=50, latency_ms=250))
    assert (figures.num_requests, figures.num_answered) == (4, 3)
    assert figures.errors == (("status 503: busy", 1),)
    assert figures.share_failed == 0.25
    assert figures.right is not None
    assert (figures.right.num_right, figures.right.num_total) == (2, 3)
    assert figures.requests_per_s == 1.5
    assert figures.right_per_s == 1.0
    assert figures.goodput_per_s == 0.5
    assert figures.share_within_slo == 0.25
    assert figures.latency_ms == {"p50": 200.0, "p90": 280.0, "p95": 290.0, "p99": 298.0}
    assert figures.mean_tokens == 20
    assert figures.tokens_per_s == 30
    assert figures.tokens_per_right_answer == 30


def test_without_limits_goodput_is_right_answers() -> None:
    figures = figures_of("cot", RECORDS, 2.0, Limits())
    assert figures.goodput_per_s == figures.right_per_s


def test_reply_without_stream_misses_a_limit_of_ttft() -> None:
    assert not Limits(ttft_ms=50).holds(record(0, 10, is_right=True))


def test_nothing_answered_has_no_figures() -> None:
    figures = figures_of("cot", [RECORDS[3]], 2.0, Limits())
    assert figures.right is None
    assert figures.latency_ms is None
    assert figures.mean_tokens is None
    assert figures.requests_per_s == 0


def test_tokens_are_told_only_where_all_are_known() -> None:
    records = [record(0, 1, is_right=True), record(1, 1, num_tokens=None)]
    assert figures_of("cot", records, 1.0, Limits()).mean_tokens is None


def test_stage_has_all_first_and_each_call_alone() -> None:
    records = [*RECORDS, record(4, 50, call="plain", late_ms=7)]
    stage = summarise_stage(0, "x", 5.0, records, 2.0, 0.5, None, Limits())
    assert [one.call for one in stage.figures] == [ALL, "cot", "plain"]
    assert stage.of(ALL).num_requests == 5
    assert stage.client_cpu == 0.25
    assert stage.late_p99_ms == pytest.approx(6.72)  # four of 0 and one of 7: 0.96 of the way


def stage(offered: float | None, num_right: int, latency_ms: float) -> StageFigures:
    records = [record(n, latency_ms, is_right=n < num_right) for n in range(10)]
    return summarise_stage(0, "x", offered, records, 1.0, 0.0, None, Limits())


def test_gate_of_a_sweep_looks_at_the_rated_stage_of_most_goodput() -> None:
    """The closed stage has more goodput, and no rate."""
    stages = [stage(None, 10, 10), stage(5, 7, 70), stage(9, 8, 80), stage(20, 2, 990)]
    gate = Gate(metric="latency_p99_ms", at_most=85)
    (verdict,) = judge([gate], stages)
    assert verdict.value == pytest.approx(80)
    assert verdict.holds


@pytest.mark.parametrize(
    ("gate", "holds"),
    [
        (Gate(metric="share_right", at_least=0.8), True),
        (Gate(metric="share_right", at_least=0.81), False),
        (Gate(metric="share_right", call="cot", at_least=0.8), True),
        (Gate(metric="share_right", call="vote", at_least=0), False),
        (Gate(metric="latency_p95_ms", at_most=79), False),
        (Gate(metric="ttft_p95_ms", at_most=1e9), False),
        (Gate(metric="share_failed", at_most=0), True),
        (Gate(metric="tokens_per_right_answer", at_most=12.5), True),
    ],
    ids=str,
)
def test_gate_holds_where_its_limit_is_kept_and_something_was_measured(
    gate: Gate, holds: bool
) -> None:
    (verdict,) = judge([gate], [stage(9, 8, 80)])
    assert verdict.holds is holds


def test_no_gate_holds_of_no_stage() -> None:
    (verdict,) = judge([Gate(metric="share_failed", at_most=1)], [])
    assert not verdict.holds
