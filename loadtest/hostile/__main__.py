"""`python -m loadtest.hostile`: hostile input against a server, or against ours and its peer."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import FrameType
from typing import NoReturn
from urllib.parse import urlsplit

from loadtest.hostile.case import Target
from loadtest.hostile.cases import GROUPS
from loadtest.hostile.report import failure_list, group_table
from loadtest.hostile.runner import Result, run_cases
from loadtest.hostile.wire import target_at
from measurement.child_process import ChildFailed
from measurement.server_process import NoServer, Program, running_server, server_at
from measurement.serving import POCKET, Serving, serving_here

EXIT_FAILED = 1
EXIT_CASES_FAILED = 3
KEY = "sk-hostile-suite"
BODY_TIMEOUT_S = 2.0
SHORT_TIMES = {"WINNOW_BODY_TIMEOUT_S": str(BODY_TIMEOUT_S), "WINNOW_HEAD_TIMEOUT_S": "2"}
PROGRAMS: tuple[Program, ...] = ("vllm", "winnow")
OURS_ALONE = frozenset({"decoding", "collections"})
"""What plain vLLM does not have: its answers would count against it for nothing."""

DESCRIPTION = """\
Send hostile requests to a server, one at a time, while a canary asks /health: broken HTTP, JSON,
fields, grammars, tools and unusual text. A case passes when its reply is as it should be within
10 s and /health never took longer than 2 s. Every 25 cases the engine must be idle and answer an
ordinary request. The exit code is 3 when a case failed on the server under test.

With --compare `vllm serve` and `winnow serve` are started on the bundled checkpoint, one after
the other, both with a key; decoding and collections, which vLLM does not have, on Winnow alone.
"""


def main() -> None:
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, _end)
    try:
        results = _compare(options) if options.compare else _run_one(options)
    except (ChildFailed, NoServer, OSError) as failure:
        print(f"hostile: error: {failure}", file=sys.stderr)
        sys.exit(EXIT_FAILED)
    for server, those in results.items():
        print(f"\nfailures of {server}\n{failure_list(those) or 'none'}")
    print(f"\n{group_table(results)}")
    if options.json:
        raw = {server: [asdict(one) for one in those] for server, those in results.items()}
        options.json.write_text(json.dumps(raw, indent=1, ensure_ascii=False))
    under_test = list(results.values())[-1]
    sys.exit(EXIT_CASES_FAILED if any(one.failure for one in under_test) else 0)


def _end(signal_number: int, _frame: FrameType | None) -> NoReturn:
    """Leave by an exception, so that every server that was started is stopped."""
    sys.exit(128 + signal_number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m loadtest.hostile",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--url", type=_url, help="a running server, such as http://127.0.0.1:8000")
    where.add_argument("--compare", action="store_true", help="start vllm serve and winnow serve")
    add("--key", help="an ordinary API key; without one nothing is asked about keys")
    add("--only", nargs="+", choices=GROUPS, default=list(GROUPS), help="groups to run")
    add(
        "--body-timeout-s",
        type=float,
        default=30.0,
        help="with --url: the server's WINNOW_BODY_TIMEOUT_S (default %(default)s)",
    )
    add("--port", type=int, default=8111, help="with --compare (default %(default)s)")
    add("--json", type=Path, metavar="OUT", help="write every case's result there")
    return parser


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme != "http" or not parts.hostname:
        raise argparse.ArgumentTypeError(f"must be http://HOST[:PORT], got {text!r}")
    return text


def _run_one(options: argparse.Namespace) -> dict[str, list[Result]]:
    server = server_at(options.url, options.key)
    target = target_at(options.url, server.model, options.key, options.body_timeout_s)
    return {options.url: _run(target, options.only)}


def _compare(options: argparse.Namespace) -> dict[str, list[Result]]:
    how = with_key(serving_here(POCKET))
    results = {}
    for program in PROGRAMS:
        with running_server(program, how, options.port) as server:
            target = target_at(server.url, server.model, KEY, BODY_TIMEOUT_S)
            groups = [one for one in options.only if program == "winnow" or one not in OURS_ALONE]
            results[f"{program} serve"] = _run(target, groups)
    return results


def with_key(how: Serving) -> Serving:
    return replace(
        how,
        flags={**how.flags, "--api-key": KEY},
        environment={**how.environment, **SHORT_TIMES},
    )


def _run(target: Target, groups: Sequence[str]) -> list[Result]:
    cases = [case for group in groups for case in GROUPS[group](target)]
    return asyncio.run(run_cases(target, cases))


if __name__ == "__main__":
    main()
