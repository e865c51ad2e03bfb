"""Whose collections a request may see: those of its API key, whatever its body says."""

from hashlib import blake2b

BEARER = "bearer "
PUBLIC = "public"
"""The tenant of requests without a key, which a server without keys takes."""


def tenant_of(authorization: str | None) -> str:
    """The tenant of an Authorization header. Keys themselves are not kept, only their hashes."""
    if authorization is None or not authorization.lower().startswith(BEARER):
        return PUBLIC
    return tenant_of_key(authorization[len(BEARER) :].strip())


def tenant_of_key(key: str) -> str:
    if not key:
        return PUBLIC
    return "key_" + blake2b(key.encode(), digest_size=16, person=b"winnow tenant").hexdigest()
