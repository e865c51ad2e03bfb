"""What Winnow adds to /metrics: by decoder how long, how much, how sure and how often right.

vLLM's own series count paths; these count requests of users. Labels are drawn from fixed sets: the
strategies, the models that are served, the outcomes that the code knows. Requests without a decoder
are vLLM's alone and cost nothing here.
"""

from functools import cache
from threading import Lock
from typing import Literal

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from decoding.report import Report
from server.accuracy import NUM_BINS, AccuracyWindow, Judged, bin_of
from server.engine_work import EngineWork

Source = Literal["labelled", "feedback", "canary"]
"""Where the right answer comes from: `labelled` requests carry it, `feedback` comes later, `canary`
problems are the operator's."""
CanaryOutcome = Literal["answered", "deferred", "failed"]

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250)
QUEUE_SECONDS = (0.0005, 0.001, 0.0025, 0.005, *SECONDS)
SHARES = tuple(i / NUM_BINS for i in range(1, NUM_BINS + 1))
REQUEST = ("strategy", "model")


class Metrics:
    """The series; one set for a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"winnow_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(
                f"winnow_{name}", text, labels, registry=registry, multiprocess_mode="mostrecent"
            )

        def histogram(name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(f"winnow_{name}", text, REQUEST, buckets=buckets, registry=registry)

        self._seconds = histogram("request_seconds", "End-to-end latency of a request.", SECONDS)
        self._first_byte = histogram(
            "first_byte_seconds", "Until the first output of the winner.", SECONDS
        )
        self._queue = histogram(
            "queue_seconds", "In vLLM's queue, until the first path is scheduled.", QUEUE_SECONDS
        )
        self._agreement = histogram(
            "agreement", "Share of all weight that the answer holds.", SHARES
        )
        self._confidence = histogram("confidence", "Δ of the answer.", SHARES)
        self._candidates = counter(
            "candidates", "Paths by what became of them.", *REQUEST, "outcome"
        )
        self._tokens = counter(
            "tokens", "Tokens generated; those of aborted paths apart, too.", *REQUEST, "kind"
        )
        self._prompt_tokens = counter(
            "prompt_tokens",
            "Prompt tokens over all paths: computed, or reused from the prefix cache.",
            *REQUEST,
            "kind",
        )
        self._fallbacks = counter(
            "fallbacks", "Replies that no selection gave, by reason.", *REQUEST, "reason"
        )
        self._errors = counter("errors", "Requests that Winnow refused or gave up.", "kind")
        self._canaries = counter(
            "canaries", "Canaries; a deferred one made way for a user.", *REQUEST, "outcome"
        )
        judged = (*REQUEST, "source")
        self._answers = counter("answers", "Judged answers.", *judged, "outcome")
        self._reliability = counter(
            "reliability_answers",
            "Judged answers by confidence, of which a bin is a tenth from `bin` on.",
            *judged,
            "bin",
            "outcome",
        )
        self._accuracy = gauge("accuracy", "Share right of the last 1,000 judged.", *judged)
        self._low = gauge("accuracy_low", "Its lower 95 % Wilson bound.", *judged)
        self._high = gauge("accuracy_high", "Its upper 95 % Wilson bound.", *judged)
        self._calibration = gauge(
            "calibration_error", "Expected calibration error of the same.", *judged
        )
        self._windows: dict[tuple[str, str, Source], AccuracyWindow] = {}
        self._num_answered = self._num_judged = self._num_right = 0
        self._lock = Lock()

    def count(
        self, model: str, report: Report, seconds: float, first_byte_s: float, work: EngineWork
    ) -> None:
        """A request that was answered."""
        with self._lock:
            self._num_answered += 1
        labels = (report.strategy, model)
        self._seconds.labels(*labels).observe(seconds)
        self._first_byte.labels(*labels).observe(first_byte_s)
        self._count_paths(labels, report)
        self._prompt_tokens.labels(*labels, "computed").inc(work.num_computed)
        self._prompt_tokens.labels(*labels, "reused").inc(work.num_reused)
        if work.queue_s is not None:
            self._queue.labels(*labels).observe(work.queue_s)
        if report.agreement is not None:
            self._agreement.labels(*labels).observe(report.agreement)
        if report.confidence is not None:
            self._confidence.labels(*labels).observe(report.confidence)
        if report.fallback is not None:
            self._fallbacks.labels(*labels, report.fallback).inc()
        if report.is_right is not None:
            sure = report.agreement if report.confidence is None else report.confidence
            has_answer = report.answer is not None
            self.judge(model, report.strategy, "labelled", report.is_right, has_answer, sure)

    def count_error(self, failure: Exception) -> None:
        self._errors.labels(type(failure).__name__).inc()

    def count_canary(self, model: str, strategy: str, outcome: CanaryOutcome) -> None:
        self._canaries.labels(strategy, model, outcome).inc()

    def judge(
        self,
        model: str,
        strategy: str,
        source: Source,
        is_right: bool,
        has_answer: bool,
        confidence: float | None,
    ) -> None:
        """An answer whose right one is known."""
        labels = (strategy, model, source)
        outcome = "right" if is_right else "wrong" if has_answer else "no_answer"
        self._answers.labels(*labels, outcome).inc()
        if confidence is not None:
            begin = f"{bin_of(confidence) / NUM_BINS:.1f}"
            self._reliability.labels(*labels, begin, outcome).inc()
        with self._lock:
            self._num_judged += 1
            self._num_right += is_right
            window = self._windows.setdefault((strategy, model, source), AccuracyWindow())
            window.add(Judged(is_right, confidence))
            accuracy, calibration_error = window.accuracy(), window.calibration_error()
        self._accuracy.labels(*labels).set(accuracy.value)
        self._low.labels(*labels).set(accuracy.low)
        self._high.labels(*labels).set(accuracy.high)
        if calibration_error is not None:
            self._calibration.labels(*labels).set(calibration_error)

    def num_right(self) -> float | None:
        """How many of all answered requests were right, by the share of those that were judged;
        None where none was."""
        with self._lock:
            if self._num_judged == 0:
                return None
            return self._num_answered * self._num_right / self._num_judged

    def _count_paths(self, labels: tuple[str, str], report: Report) -> None:
        for candidate in report.candidates:
            self._candidates.labels(*labels, candidate.dropped or "stood").inc()
        self._tokens.labels(*labels, "generated").inc(report.num_tokens)
        stopped = report.stopped
        if stopped is not None:
            self._candidates.labels(*labels, "aborted").inc(stopped.num_aborted)
            self._candidates.labels(*labels, "not_started").inc(stopped.num_not_started)
            self._tokens.labels(*labels, "aborted").inc(stopped.num_aborted_tokens)


@cache
def server_metrics() -> Metrics:
    """Those of this process, which vLLM's /metrics shows."""
    return Metrics(REGISTRY)
