"""Which replica a request goes to: the router, with stand-ins for replicas and no cluster."""

from collections import Counter
from dataclasses import dataclass

import pytest
from ray.serve._private.common import (
    DeploymentHandleSource,
    DeploymentID,
    ReplicaID,
    RequestMetadata,
)
from ray.serve.request_router import PendingRequest

from server.ray_serve.affinity import PREFIX_KEY
from server.ray_serve.router import AffinityRouter, allowed_load

DEPLOYMENT = DeploymentID(name="winnow", app_name="default")


@dataclass(frozen=True)
class StandIn:
    replica_id: ReplicaID
    max_ongoing_requests: int = 100

    async def get_queue_len(self, *, deadline_s: float) -> int:
        return 0


REPLICAS = [StandIn(ReplicaID(unique_id=name, deployment_id=DEPLOYMENT)) for name in "abc"]


def router(*, busy_at: float = 4, takes_prefixes: bool = True) -> AffinityRouter:
    made = AffinityRouter(
        deployment_id=DEPLOYMENT,
        handle_source=DeploymentHandleSource.REPLICA,
        use_replica_queue_len_cache=True,
    )
    made.initialize_state(busy_at=busy_at, takes_prefixes=takes_prefixes)
    made.update_replicas(list(REPLICAS))
    return made


async def order(which: AffinityRouter, session: str) -> list[str]:
    request = PendingRequest(
        args=[], kwargs={}, metadata=RequestMetadata("r", f"i-{session}", session_id=session)
    )
    ranks = await which.choose_replicas(list(REPLICAS), request)
    return ["".join(sorted(one.replica_id.unique_id for one in rank)) for rank in ranks]


async def test_a_session_has_one_order_of_replicas_in_every_proxy() -> None:
    first = await order(router(), "session")
    assert sorted(first) == ["a", "b", "c"]
    assert await order(router(), "session") == first


async def test_sessions_spread() -> None:
    which = router()
    first = Counter([(await order(which, f"session {n}"))[0] for n in range(300)])
    assert set(first) == {"a", "b", "c"}
    assert min(first.values()) > 50


async def test_an_overloaded_replica_comes_last() -> None:
    which = router(busy_at=4)
    first, second, third = await order(which, "session")
    by_name = {one.replica_id.unique_id: one.replica_id for one in REPLICAS}
    which.on_new_queue_len_info(by_name[first], 3)
    assert await order(which, "session") == [first, second, third]  # 3 < 4: not busy
    which.on_new_queue_len_info(by_name[first], 9)
    assert await order(which, "session") == [second, third, first]
    for other in (second, third):
        which.on_new_queue_len_info(by_name[other], 9)
    assert await order(which, "session") == [first, second, third]  # all are as busy


async def test_a_dead_replica_is_passed_over() -> None:
    which = router()
    first, second, third = await order(which, "session")
    (dead,) = [one for one in REPLICAS if one.replica_id.unique_id == first]
    which.on_replica_actor_died(dead.replica_id)
    assert await order(which, "session") == [second, third]


@pytest.mark.parametrize("session", ["", PREFIX_KEY + "0123"])
async def test_without_a_key_two_at_random_are_compared(session: str) -> None:
    which = router(takes_prefixes=False)
    pairs = Counter([(await order(which, session))[0] for _ in range(60)])
    assert set(pairs) == {"ab", "ac", "bc"}


def test_allowed_load_is_a_quarter_over_the_mean_but_no_less_than_busy() -> None:
    assert allowed_load([0, 0], busy_at=4) == 4
    assert allowed_load([9, 0, 0], busy_at=1) == pytest.approx(1.25 * 10 / 3)
    assert allowed_load([9, 9, 9], busy_at=4) == pytest.approx(1.25 * 28 / 3)  # 11.7 > 9
