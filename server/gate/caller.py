"""Who sends a request, as the gate found out, for whatever comes behind it."""

from dataclasses import dataclass
from typing import cast

from starlette.requests import HTTPConnection

from server.gate.keys import Key
from server.gate.tenancy import PUBLIC

CALLER = "winnow_caller"
"""Its name in the state of a request's scope."""


@dataclass(frozen=True, slots=True)
class Caller:
    """`tenant` is whose collections and replies the request may see. `key` is None on a server
    without keys and for the keys of `--api-key`, which have no limits of their own."""

    name: str
    tenant: str
    key: Key | None = None

    @property
    def role(self) -> str:
        return self.key.role if self.key is not None else "user"


ANYBODY = Caller(PUBLIC, PUBLIC)


def caller_of(connection: HTTPConnection) -> Caller:
    return cast(Caller, connection.scope.get("state", {}).get(CALLER, ANYBODY))
