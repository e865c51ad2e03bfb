import asyncio
import time

import pytest

from server.gate.admission import Admission, Visit, current_visit
from server.gate.budgets import Most
from server.gate.caller import ANYBODY, Caller
from server.gate.refusals import Refused
from tests.server.gate.test_keys import key


class Sequence:
    def __init__(self, num_tokens: int) -> None:
        self.num_tokens = num_tokens

    def num_output_tokens(self) -> int:
        return self.num_tokens


def caller(**limits: object) -> Caller:
    return Caller("app", "tenant_app", key("app", **limits))


def spend(admission: Admission, who: Caller, num_tokens: int) -> None:
    with admission.visit(who) as visit:
        visit.add_sequence(0, Sequence(num_tokens))


def test_visit_is_current_only_while_it_lasts() -> None:
    with Admission(1).visit(ANYBODY) as visit:
        assert current_visit.get() is visit
    assert current_visit.get() is None


def test_server_that_is_full_says_when_to_come_back() -> None:
    admission = Admission(1)
    with (
        admission.visit(ANYBODY),
        pytest.raises(Refused, match="1 requests at work") as refusal,
        admission.visit(ANYBODY),
    ):
        pass
    assert refusal.value.status == 503
    assert int(refusal.value.headers["Retry-After"]) >= 1
    with admission.visit(ANYBODY):
        pass  # the place is free again


def test_place_is_free_again_after_a_failure() -> None:
    admission = Admission(1)
    with pytest.raises(ValueError, match="x"), admission.visit(ANYBODY):
        raise ValueError("x")
    with admission.visit(ANYBODY):
        pass


def test_key_has_its_own_limit_of_requests_at_work() -> None:
    admission, who = Admission(10), caller(max_requests=1)
    with (
        admission.visit(who),
        admission.visit(ANYBODY),
        pytest.raises(Refused) as refusal,
        admission.visit(who),
    ):
        pass
    assert refusal.value.status == 429


def test_requests_in_a_minute_are_counted() -> None:
    admission, who = Admission(10), caller(requests_per_minute=2)
    for _ in range(2):
        spend(admission, who, 1)
    with pytest.raises(Refused, match="2 requests a minute") as refusal:
        spend(admission, who, 1)
    assert refusal.value.status == 429
    assert 1 <= int(refusal.value.headers["Retry-After"]) <= 61
    spend(admission, ANYBODY, 1)  # others are not held up


@pytest.mark.parametrize(
    ("name", "span"), [("tokens_per_minute", "minute"), ("tokens_per_day", "day")]
)
def test_tokens_are_held_before_they_are_spent(name: str, span: str) -> None:
    admission, who = Admission(10), caller(**{name: 10})
    with admission.visit(who) as first, admission.visit(who) as second:
        first.hold(Most(2, 6))
        with pytest.raises(Refused, match=f"10 tokens a {span}"):
            second.hold(Most(2, 6))
        first.add_sequence(2, Sequence(1))
    with admission.visit(who) as third:  # three were used
        third.hold(Most(2, 5))
    assert (second.refusal is not None, third.refusal) == (True, None)


def test_failed_request_gives_back_what_it_held() -> None:
    admission, who = Admission(10), caller(tokens_per_day=10)

    def fail() -> None:
        with admission.visit(who) as visit:
            visit.hold(Most(2, 8))
            raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        fail()
    with admission.visit(who) as visit:
        visit.hold(Most(2, 8))


def test_nothing_is_held_for_a_client_that_left() -> None:
    admission, who = Admission(10), caller(tokens_per_day=10)
    with admission.visit(who) as visit:
        pass
    visit.hold(Most(2, 8))
    with admission.visit(who) as visit:
        visit.hold(Most(2, 8))


async def test_visit_lasts_as_long_as_what_it_left_in_the_background() -> None:
    admission, who = Admission(1), caller(tokens_per_day=10)
    may_end = asyncio.Event()
    ended: list[int] = []
    with admission.visit(who) as visit:
        visit.hold(Most(1, 9))
        task = asyncio.create_task(may_end.wait())
        visit.last_for(task)
        visit.add_sequence(1, Sequence(5))
    visit.when_over(lambda: ended.append(visit.num_tokens))
    with pytest.raises(Refused, match="1 requests at work"), admission.visit(ANYBODY):
        pass
    assert ended == []
    may_end.set()
    await task
    await asyncio.sleep(0)  # its callbacks follow it
    assert ended == [6]
    with admission.visit(who) as visit:
        visit.hold(Most(1, 3))
        with pytest.raises(Refused, match="has 4 left"):
            visit.hold(Most(0, 1))


def test_budget_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    admission, who = Admission(10), caller(tokens_per_minute=10)
    spend(admission, who, 10)
    later = time.time() + 61
    monkeypatch.setattr(time, "time", lambda: later)
    spend(admission, who, 1)


def test_refused_request_costs_no_place() -> None:
    admission, who = Admission(1), caller(tokens_per_minute=1)
    spend(admission, who, 5)
    for _ in range(3):
        with pytest.raises(Refused):
            spend(admission, who, 1)
    spend(admission, ANYBODY, 1)


class TestVisit:
    def test_prompts_of_a_list_all_count(self) -> None:
        visit = Visit(ANYBODY)
        visit.add_sequence(10, Sequence(1))
        visit.add_sequence(20, Sequence(2))
        assert visit.num_tokens == 33

    def test_paths_share_their_prompt(self) -> None:
        visit = Visit(ANYBODY)
        visit.share(Most(10, 100)).num_prompt_tokens = 10
        assert visit.num_tokens == 0  # nothing runs yet
        visit.add_sequence(10, Sequence(1))
        visit.add_sequence(11, Sequence(2))  # the prompt and a forced token
        assert visit.num_tokens == 13

    def test_usage_of_the_reply_is_charged_where_there_is_one(self) -> None:
        visit = Visit(ANYBODY)
        parts = [visit.share(Most(10, 100)) for _ in range(2)]
        for part in parts:
            part.num_prompt_tokens = 10
        visit.add_sequence(10, Sequence(4))
        parts[0].num_used = 15
        assert visit.num_tokens == 24  # one part has no reply yet
        parts[1].num_used = 16
        assert visit.num_tokens == 31

    def test_what_is_held_ahead_is_not_held_again(self) -> None:
        with Admission(1).visit(caller(tokens_per_day=100)) as visit:
            visit.hold_ahead(Most(10, 40))
            visit.hold(Most(10, 40))
            assert visit.num_held == 50
            visit.hold(Most(10, 40))
            assert visit.num_held == 100

    def test_nothing_is_held_for_sequences_of_a_whole_that_was(self) -> None:
        with Admission(1).visit(caller(tokens_per_day=100)) as visit:
            visit.share(Most(10, 40))
            visit.hold(Most(10, 40))
            visit.share(Most(10, 10))
            assert visit.num_held == 70

    def test_embedding_generates_nothing(self) -> None:
        visit = Visit(ANYBODY)
        visit.add_sequence(7, None)
        assert visit.num_tokens == 7


def test_tenant_leaves_places_to_the_others() -> None:
    admission = Admission(4, 0.75)
    first, second = (Caller(name, "shop", key(name)) for name in ("a", "b"))
    with (
        admission.visit(first),
        admission.visit(first),
        admission.visit(second),
        pytest.raises(Refused, match="tenant of the key b may have 3 requests") as refusal,
        admission.visit(second),
    ):
        pass
    assert refusal.value.status == 429
    third = Caller("c", "other")
    with admission.visit(first), admission.visit(first), admission.visit(first):
        admission.check(third)


def test_small_server_has_a_place_for_every_tenant() -> None:
    with Admission(1, 0.5).visit(ANYBODY):
        pass


def test_check_counts_nothing() -> None:
    admission, who = Admission(1), caller(requests_per_minute=1)
    for _ in range(3):
        admission.check(who)
    with admission.visit(who):
        pass
    with pytest.raises(Refused, match="1 requests a minute"):
        admission.check(who)
