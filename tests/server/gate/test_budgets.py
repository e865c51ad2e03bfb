"""What keys have left, by numbers worked out by hand."""

import time

import pytest

from server.gate.budgets import Budgets, Most
from server.gate.refusals import Refused
from tests.server.gate.test_keys import key

FIELD = "max_tokens"
SPANS = [("tokens_per_minute", "minute"), ("tokens_per_day", "day")]


def refused(budgets: Budgets, limits: dict[str, int], most: Most, num_held: int = 0) -> Refused:
    with pytest.raises(Refused) as refusal:
        budgets.hold(key("app", **limits), most, num_held, FIELD)
    return refusal.value


@pytest.mark.parametrize(("name", "span"), SPANS)
def test_what_runs_at_once_cannot_overdraw(name: str, span: str) -> None:
    budgets, limits = Budgets(), {name: 100}
    for _ in range(2):
        budgets.hold(key("app", **limits), Most(10, 40), 0, FIELD)
    refusal = refused(budgets, limits, Most(1))
    assert refusal.status == 429
    assert f"100 tokens a {span}" in refusal.message
    assert int(refusal.headers["Retry-After"]) <= 2  # soon: what runs may use less


@pytest.mark.parametrize(("name", "span"), SPANS)
def test_what_is_not_used_is_given_back(name: str, span: str) -> None:
    budgets, app = Budgets(), key("app", **{name: 100})
    budgets.hold(app, Most(10, 90), 0, FIELD)
    budgets.settle(app, 100, 30)
    budgets.hold(app, Most(10, 60), 0, FIELD)
    refusal = refused(budgets, {name: 100}, Most(1, 0))
    assert "has 70 left, of which requests at work hold 70" in refusal.message


def test_both_budgets_hold() -> None:
    budgets, limits = Budgets(), {"tokens_per_minute": 100, "tokens_per_day": 150}
    budgets.hold(key("app", **limits), Most(0, 100), 0, FIELD)
    budgets.settle(key("app", **limits), 100, 100)
    assert "100 tokens a minute" in refused(budgets, limits, Most(0, 20)).message
    daily = {"tokens_per_day": 150}
    assert "150 tokens a day" in refused(budgets, daily, Most(0, 60)).message
    budgets.hold(key("app", **daily), Most(0, 50), 0, FIELD)


def test_minute_that_is_spent_says_when_it_ends() -> None:
    budgets, limits = Budgets(), {"tokens_per_minute": 100}
    budgets.settle(key("app", **limits), 0, 95)
    refusal = refused(budgets, limits, Most(3, 20))
    assert refusal.status == 429
    assert "lower max_tokens, or try again in" in refusal.message
    assert 50 <= int(refusal.headers["Retry-After"]) <= 62


def test_charge_goes_to_the_minute_in_which_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    budgets, app = Budgets(), key("app", tokens_per_minute=100)
    budgets.settle(app, 0, 90)
    budgets.hold(app, Most(0, 10), 0, FIELD)
    later = time.time() + 61
    monkeypatch.setattr(time, "time", lambda: later)
    budgets.settle(app, 10, 10)
    budgets.hold(app, Most(0, 90), 0, FIELD)


@pytest.mark.parametrize(
    ("most", "num_held", "way_out"),
    [
        (Most(10, 200), 0, "lower max_tokens"),
        (Most(10, 200, 4), 0, "lower max_tokens or ask for fewer paths"),
        (Most(10, 40), 60, "lower max_tokens or send fewer prompts"),
        (Most(100, 1), 0, "send less text"),
        (Most(101), 0, "send less text"),
    ],
)
def test_what_never_fits_is_a_400_that_says_the_way_out(
    most: Most, num_held: int, way_out: str
) -> None:
    refusal = refused(Budgets(), {"tokens_per_day": 100}, most, num_held)
    assert refusal.status == 400
    assert refusal.message.endswith(f"100 tokens a day: {way_out}")
    assert refusal.param == (FIELD if most.num_generated else "")


def test_keys_are_counted_apart() -> None:
    budgets = Budgets()
    budgets.hold(key("app", tokens_per_day=10), Most(10), 0, FIELD)
    budgets.hold(key("web", tokens_per_day=10), Most(10), 0, FIELD)


def test_key_without_budgets_holds_nothing_up() -> None:
    budgets = Budgets()
    budgets.hold(key("app"), Most(10**9), 0, FIELD)
    budgets.settle(key("app"), 10**9, 5)
