"""Ids of responses, which say by themselves whose they are.

vLLM keeps responses by their ids alone. An id that the server makes ends in an HMAC of its tenant
under the server's secret, so that no list of ids and tenants has to be kept beside them.
"""

import hashlib
import hmac
import secrets

PREFIX = "resp_"
NUM_NONCE_BYTES = 16
NUM_MARK_CHARS = 32


class ResponseIds:
    """`secret` is shared by all API servers of an engine."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def new(self, tenant: str) -> str:
        nonce = secrets.token_hex(NUM_NONCE_BYTES)
        return f"{PREFIX}{nonce}{self._mark(tenant, nonce)}"

    def is_of(self, tenant: str, response_id: str) -> bool:
        own = response_id.removeprefix(PREFIX)
        nonce, mark = own[: 2 * NUM_NONCE_BYTES], own[2 * NUM_NONCE_BYTES :]
        expected = self._mark(tenant, nonce)
        return hmac.compare_digest(mark.encode(errors="replace"), expected.encode())

    def _mark(self, tenant: str, nonce: str) -> str:
        message = f"response\0{tenant}\0{nonce}".encode(errors="surrogatepass")
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()[:NUM_MARK_CHARS]
