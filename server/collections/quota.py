"""How much of the store a caller's tenant may take."""

from server.gate.caller import Caller
from server.settings import Settings

BYTES_PER_MB = 10**6


def quota_of(caller: Caller, settings: Settings) -> int:
    """The quota in bytes: that of the caller's key, or that of the settings if it has none."""
    own = None if caller.key is None else caller.key.store_mb
    return int((settings.store_quota_mb if own is None else own) * BYTES_PER_MB)
