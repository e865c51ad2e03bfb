"""`winnow keys`: who may use the server, and how much."""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from pydantic import ValidationError

from decoding.catalog import DECODERS
from server.decoders import UnusableDecoder, load_decoders
from server.escaping import escaped, say
from server.gate.keys import Key, Role, UnusableKeys, add_key, digest, new_token, read_keys
from server.gate.keys import revoke_key as revoke

EXIT_OK, EXIT_ERROR = 0, 2
FILE = "WINNOW_KEYS"
S_PER_DAY = 24 * 60 * 60
LIMITS = {
    "requests_per_minute": "requests that may begin in a minute",
    "tokens_per_minute": "tokens in a minute, of prompts and of every path",
    "tokens_per_day": "likewise in a day",
    "max_requests": "requests at work at the same time",
    "store_mb": "megabytes that its tenant's collections may take (WINNOW_STORE_QUOTA_MB)",
}


def main(arguments: list[str]) -> int:
    """The exit code: 2 for errors."""
    try:
        load_decoders()
        options = _parser().parse_args(arguments)
        if options.file is None:
            raise UnusableKeys(f"name the file of keys: --file FILE, or {FILE}")
        file = Path(options.file).expanduser()
        if options.command == "create":
            print(_create(file, options))
        elif options.command == "revoke":
            revoke(file, options.name)
        else:
            print(_table(read_keys(file)))
    except (UnusableKeys, UnusableDecoder) as failure:
        say(f"winnow: error: {failure}", sys.stderr)
        return EXIT_ERROR
    return EXIT_OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="winnow keys",
        description="Keys of a server. It reads the file anew when it changes: what is made or "
        "revoked counts from the next request on.",
    )
    parser.add_argument("--file", default=os.environ.get(FILE), help=f"the file of keys ({FILE})")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    create = commands.add_parser("create", help="make a key and print it: it is not kept")
    create.add_argument("name")
    create.add_argument("--tenant", help="whose collections and replies it sees; its own otherwise")
    create.add_argument(
        "--role",
        choices=get_args(Role),
        default="user",
        help="monitor: metrics alone; admin: LoRA adapters and what else changes the server, too",
    )
    create.add_argument("--models", nargs="+", metavar="MODEL", help="the only ones it may use")
    create.add_argument(
        "--decoders",
        nargs="+",
        choices=DECODERS,
        metavar="STRATEGY",
        help="the only ones, likewise",
    )
    for name, help_text in LIMITS.items():
        create.add_argument(f"--{name.replace('_', '-')}", type=int, metavar="N", help=help_text)
    create.add_argument("--days", type=float, help="after which it expires")
    commands.add_parser("list", help="all keys and what they may")
    commands.add_parser("revoke", help="delete a key").add_argument("name")
    return parser


def _create(file: Path, options: argparse.Namespace) -> str:
    token, made_at = new_token(), time.time()
    try:
        key = Key(
            name=options.name,
            sha256=digest(token),
            tenant=options.tenant or options.name,
            role=options.role,
            models=options.models and tuple(options.models),
            decoders=options.decoders and tuple(options.decoders),
            created_at=made_at,
            expires_at=None if options.days is None else made_at + options.days * S_PER_DAY,
            **{name: getattr(options, name) for name in LIMITS},
        )
    except ValidationError as failure:
        error = failure.errors(include_url=False)[0]
        raise UnusableKeys(f"{error['loc'][0]}: {error['msg']}, got {error['input']!r}") from None
    add_key(file, key)
    return token


def _table(keys: Sequence[Key]) -> str:
    head = ("name", "tenant", "role", "models", "decoders", "limits", "made", "expires")
    rows = [head, *(tuple(map(escaped, _row(key))) for key in keys)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _row(key: Key) -> tuple[str, ...]:
    limits = [f"{name} {value}" for name in LIMITS if (value := getattr(key, name)) is not None]
    return (
        key.name,
        key.tenant,
        key.role,
        ", ".join(key.models or ("all",)),
        ", ".join(key.decoders or ("all",)),
        ", ".join(limits) or "none",
        _date(key.created_at),
        "never" if key.expires_at is None else _date(key.expires_at),
    )


def _date(timestamp: float) -> str:
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d %H:%M")
