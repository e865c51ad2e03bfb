import itertools
from statistics import fmean

import pytest
from pydantic import TypeAdapter, ValidationError

from loadtest.scenario.arrivals import Arrivals, ClosedLoop, Constant, Poisson, Sweep

ADAPTER: TypeAdapter[Arrivals] = TypeAdapter(Arrivals)


def test_constant_arrivals_are_evenly_spaced() -> None:
    offsets = Constant(kind="constant", rate=4).offsets_s(seed=1)
    assert list(itertools.islice(offsets, 4)) == [0.0, 0.25, 0.5, 0.75]


def test_poisson_gaps_have_the_mean_and_the_spread_of_their_rate() -> None:
    offsets = list(itertools.islice(Poisson(kind="poisson", rate=5).offsets_s(seed=3), 20_000))
    gaps = [b - a for a, b in itertools.pairwise([0.0, *offsets])]
    mean = fmean(gaps)
    variance = fmean((gap - mean) ** 2 for gap in gaps)
    # 1/5 within 4 standard errors (0.2 / √20000 = 0.0014); an exponential's spread is its mean.
    assert mean == pytest.approx(0.2, abs=0.0057)
    assert variance**0.5 == pytest.approx(0.2, rel=0.05)


def test_poisson_repeats_by_seed_alone() -> None:
    poisson = Poisson(kind="poisson", rate=5)
    first, again, other = (list(itertools.islice(poisson.offsets_s(s), 9)) for s in (1, 1, 2))
    assert first == again != other


def test_sweep_steps_up_to_the_peak() -> None:
    sweep = Sweep(kind="sweep", max_concurrency=16, num_rates=4, spacing="constant")
    assert [one.concurrency for one in sweep.closed] == [1, 16]
    # From 4/s alone to the peak of 12/s in four steps of 2/s.
    assert [one.rate for one in sweep.opened(4.0, 12.0)] == [6.0, 8.0, 10.0, 12.0]
    assert {one.kind for one in sweep.opened(4.0, 12.0)} == {"constant"}


def test_sweep_of_given_rates_takes_those() -> None:
    sweep = Sweep(kind="sweep", rates=(3, 9))
    assert [one.rate for one in sweep.opened(4.0, 12.0)] == [3, 9]
    assert {one.kind for one in sweep.opened(4.0, 12.0)} == {"poisson"}


def test_a_sweep_of_one_client_measures_it_once() -> None:
    assert Sweep(kind="sweep", max_concurrency=1).closed == (
        ClosedLoop(kind="closed_loop", concurrency=1),
    )


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "constant", "rate": 0},
        {"kind": "constant", "rate": -1},
        {"kind": "poisson", "rate": float("nan")},
        {"kind": "poisson", "rate": float("inf")},
        {"kind": "poisson", "rate": 5, "burst": 2},
        {"kind": "closed_loop", "concurrency": 0},
        {"kind": "sweep", "rates": [1], "num_rates": 3},
        {"kind": "sweep", "rates": []},
        {"kind": "sweep", "rates": [0]},
        {"kind": "bursts", "rate": 5},
    ],
)
def test_arrivals_that_cannot_be_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ADAPTER.validate_python(given)
