"""Whose collections a request may see: those of its key's tenant, whatever its body says."""

from hashlib import blake2b

PUBLIC = "public"
"""The tenant of requests without a key, which a server without keys takes."""


def tenant_of_key(key: str) -> str:
    """The tenant of a key that has no tenant by name. Keys are not kept, only their hashes."""
    if not key:
        return PUBLIC
    return "key_" + blake2b(key.encode(), digest_size=16, person=b"winnow tenant").hexdigest()


def tenant_named(name: str) -> str:
    """The tenant of the keys that `winnow keys create` makes for this name."""
    return f"tenant_{name}"
