"""`python -m server.healthcheck`: exit code 0 where the server on this machine is ready, else 1.

For a container's HEALTHCHECK: the standard library alone, since it runs every few seconds.
"""

import http.client
import os
import sys
from http import HTTPStatus

DEFAULT_PORT = "8000"
TIMEOUT_S = 4.0


def reason_not_ready(port: str) -> str | None:
    """None where /ready says 200."""
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/ready")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as failure:
        return f"no answer on port {port}: {failure}"
    finally:
        connection.close()
    return None if status == HTTPStatus.OK else f"/ready on port {port} says {status}"


def main() -> int:
    reason = reason_not_ready(os.environ.get("WINNOW_PORT", DEFAULT_PORT))
    if reason is not None:
        print(reason, file=sys.stderr)
    return 0 if reason is None else 1


if __name__ == "__main__":
    sys.exit(main())
