"""Picks the replica of a request: a conversation's own, unless that one has too much to do.

Consistent hashing with bounded loads (Mirrokni, Thorup, Zadimoghaddam 2018, section 2): a key walks
Ray's ring of replicas and takes the first that is not overloaded. Deviation: a replica with less
than `busy_at` requests never is, since a cached prefix is worth more than an even spread there.
"""

import random
from typing import Any

from ray.serve.experimental.consistent_hash_router import ConsistentHashRouter
from ray.serve.request_router import PendingRequest, ReplicaID, RunningReplica

from server.ray_serve.affinity import PREFIX_KEY

MAX_OVER_MEAN = 1.25
ALL = 1_000_000
"""Replicas to fall back to: every one there is."""


class AffinityRouter(ConsistentHashRouter):
    """Requests without a key go to the less busy of two replicas."""

    def initialize_state(self, **kwargs: Any) -> None:  # as Ray hands them over
        self._busy_at: float = kwargs["busy_at"]
        self._takes_prefixes: bool = kwargs["takes_prefixes"]
        super().initialize_state(num_fallback_replicas=ALL)

    async def choose_replicas(
        self,
        candidate_replicas: list[RunningReplica],
        pending_request: PendingRequest | None = None,
    ) -> list[list[RunningReplica]]:
        session = pending_request.metadata.session_id if pending_request else ""
        if not session or (session.startswith(PREFIX_KEY) and not self._takes_prefixes):
            if pending_request is not None:
                pending_request.routing_context.should_backoff = True
            return [random.sample(candidate_replicas, min(2, len(candidate_replicas)))]
        ranks = await super().choose_replicas(candidate_replicas, pending_request)
        loads = {rank[0].replica_id: self._load(rank[0].replica_id) for rank in ranks}
        most = allowed_load(list(loads.values()), self._busy_at)
        return sorted(ranks, key=lambda rank: loads[rank[0].replica_id] >= most)

    def _load(self, replica_id: ReplicaID) -> int:
        return self.replica_queue_len_cache.get(replica_id) or 0


def allowed_load(loads: list[int], busy_at: float) -> float:
    """Requests at which a replica is overloaded, the one to come included in the mean."""
    mean = (sum(loads) + 1) / max(1, len(loads))
    return max(busy_at, MAX_OVER_MEAN * mean)
