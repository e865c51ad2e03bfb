"""Asks through client libraries in several ways, and prints the replies as JSON.

python ask.py openai langchain

It runs in environments that have the clients, and imports nothing of ours but its own folder. One
process asks all: their imports, much the same, take longer than their questions.
"""

import asyncio
import importlib
import inspect
import json
import sys
from collections.abc import Awaitable, Callable

from ways import Json, Ways


def replies_to(ways: Ways, loop: asyncio.Runner) -> Json:
    """The replies by the ways' names."""
    return {name: _reply_to(ask, loop) for name, ask in ways.items()}


def _reply_to(ask: Callable[[], Json | Awaitable[Json]], loop: asyncio.Runner) -> Json:
    """The reply. An error is one, too."""
    try:
        asked = ask()
        return loop.run(asked) if inspect.iscoroutine(asked) else asked
    except Exception as error:
        return {
            "error": type(error).__name__,
            "message": str(error),
            "status": getattr(error, "status_code", None),
            "param": getattr(error, "param", None),
        }


if __name__ == "__main__":
    out, sys.stdout = sys.stdout, sys.stderr  # libraries print, too, some of them on leaving
    clients = {name: importlib.import_module(f"ask_{name}") for name in sys.argv[1:]}
    with asyncio.Runner() as loop:
        replies = {name: replies_to(client.WAYS, loop) for name, client in clients.items()}
    json.dump(replies, out)
