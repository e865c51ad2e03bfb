"""The runner of hostile cases sees what it has to see, by a server that fails on demand."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from loadtest.hostile.case import Case, Expectation, Outcome, Reply, Target
from loadtest.hostile.cases import GROUPS, all_cases
from loadtest.hostile.expectations import (
    answered,
    handled,
    handled_or_cut,
    left,
    refused,
    refused_or_cut,
)
from loadtest.hostile.report import failure_list, group_table
from loadtest.hostile.runner import AFTERMATH, CHAT, Result, run_case, run_cases
from loadtest.hostile.wire import request

IDLE = "vllm:num_requests_running{} 0.0\nvllm:num_requests_waiting{} 0.0\n"
CLEAN = {"message": "n must be at most 128", "type": "BadRequestError", "param": "n", "code": 400}
SHORT_S = 0.2
NOWHERE = Target("127.0.0.1", 1, "m", "sk-key", 2.0)


def reply(status: int, body: object) -> Reply:
    return Reply(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())


@dataclass
class Stub:
    """Answers a path as `replies` says; /hang never, /cut by closing, /stall like /health late."""

    replies: dict[str, Reply] = field(default_factory=dict)
    port: int = 0
    is_open: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def target(self) -> Target:
        return replace(NOWHERE, port=self.port)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                path = head.split(b" ")[1].decode()
                if path == "/cut":
                    break
                await self._wait(path)
                writer.write(written(self.replies.get(path, reply(200, {}))))
                if b"Connection: close" in head:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _wait(self, path: str) -> None:
        if path == "/hang":
            await asyncio.Event().wait()
        if path == "/stall":
            self.is_open.clear()
            asyncio.get_running_loop().call_later(2 * SHORT_S, self.is_open.set)
        if path in ("/stall", "/health"):
            await self.is_open.wait()


def written(one: Reply) -> bytes:
    return (
        b"HTTP/1.1 %d Word\r\nContent-Length: %d\r\n\r\n" % (one.status, len(one.body)) + one.body
    )


@asynccontextmanager
async def running_stub(**replies: Reply) -> AsyncIterator[Stub]:
    stub = Stub({"/metrics": reply(200, IDLE.encode()), **{f"/{k}": v for k, v in replies.items()}})
    stub.is_open.set()
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(stub.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    stub.port = server.sockets[0].getsockname()[1]
    try:
        yield stub
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def case_of(stub: Stub, path: str, expect: Expectation = handled, deadline_s: float = 5) -> Case:
    sent = request(stub.target, "GET", path)
    return Case("group", path, (sent,), expect, deadline_s=deadline_s)


async def test_case_that_hangs_is_reported_as_hung() -> None:
    async with running_stub() as stub:
        result = await run_case(stub.target, case_of(stub, "/hang", handled_or_cut, SHORT_S))
    assert (result.failure or "").startswith("hung for 0.2")
    assert result.statuses == ()


async def test_stall_of_health_fails_a_case_that_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtest.hostile.runner.MAX_STALL_S", SHORT_S)
    async with running_stub() as stub:
        result = await run_case(stub.target, case_of(stub, "/stall", answered))
        calm = await run_case(stub.target, case_of(stub, "/any", answered))
    assert "/health stalled" in (result.failure or "")
    assert result.stall_s > SHORT_S
    assert (calm.failure, calm.statuses) == (None, (200,))


async def test_closed_connection_is_no_reply() -> None:
    async with running_stub() as stub:
        result = await run_case(stub.target, case_of(stub, "/cut", handled))
        tolerant = await run_case(stub.target, case_of(stub, "/cut", refused_or_cut))
    assert result.failure == "1 connections closed without a reply"
    assert tolerant.failure is None


async def test_every_reply_of_a_pipeline_counts() -> None:
    async with running_stub(good=reply(200, {}), bad=reply(500, {})) as stub:
        parts = [request(stub.target, "GET", f"/{k}", is_last=False) for k in ("good", "bad")]
        case = Case("group", "row", (b"".join(parts),), answered, num_replies=2)
        result = await run_case(stub.target, case)
    assert result.statuses == (200, 500)
    assert result.failure is not None


async def test_engine_that_stays_busy_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtest.hostile.runner.IDLE_S", SHORT_S)
    monkeypatch.setattr("loadtest.hostile.runner.RECOVER_S", SHORT_S)
    busy = reply(200, IDLE.replace("running{} 0", "running{} 2").encode())
    async with running_stub(metrics=busy) as stub:
        results = await run_cases(stub.target, [case_of(stub, "/any")])
    assert [one.group for one in results] == ["group", AFTERMATH]
    assert "not idle" in (results[1].failure or "")


async def test_engine_is_looked_at_after_clients_that_left() -> None:
    async with running_stub() as stub:
        gone = replace(case_of(stub, "/hang", left), leaves=True)
        results = await run_cases(stub.target, [gone, case_of(stub, "/any")])
    assert [(one.group, one.failure) for one in results] == [
        ("group", None),
        (AFTERMATH, None),
        ("group", None),
        (AFTERMATH, None),
    ]


async def test_ordinary_request_must_succeed_afterwards() -> None:
    async with running_stub(**{CHAT[1:]: reply(400, {"error": CLEAN})}) as stub:
        results = await run_cases(stub.target, [case_of(stub, "/any")])
    assert "status 400" in (results[1].failure or "")


async def test_server_that_is_gone_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtest.hostile.runner.IDLE_S", SHORT_S)
    monkeypatch.setattr("loadtest.hostile.runner.RECOVER_S", SHORT_S)
    async with running_stub() as stub:
        target = stub.target
    results = await run_cases(target, [case_of(stub, "/any"), case_of(stub, "/other")])
    assert ["/health is gone" in (one.failure or "") for one in results] == [True]


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (reply(400, {"error": CLEAN}), None),
        (reply(404, {"error": {**CLEAN, "code": 404}, "type": "error"}), None),
        (reply(503, {"error": {**CLEAN, "code": 503}}), None),
        (reply(200, b"anything"), None),
        (reply(500, {"error": CLEAN}), "status 500"),
        (reply(400, b"Bad Request"), "no JSON"),
        (reply(401, {"error": "Unauthorized"}), "OpenAI's shape"),
        (reply(400, {"error": CLEAN, "detail": 1}), "OpenAI's shape"),
        (reply(400, [CLEAN]), "OpenAI's shape"),
        (reply(400, {"error": {"message": "a"}}), "the error has ['message']"),
        (reply(400, {"error": {**CLEAN, "message": ""}}), "0 characters"),
        (reply(400, {"error": {**CLEAN, "message": "a" * 501}}), "501 characters"),
        (reply(400, {"error": {**CLEAN, "type": "a" * 5000}}), "an error of 5"),
        (reply(400, {"error": {**CLEAN, "message": 'File "/a", line 1'}}), "tells internals"),
        (reply(400, {"error": {**CLEAN, "message": "object at 0x7f3a5c0"}}), "tells internals"),
        (reply(400, {"error": {**CLEAN, "param": "server/wire.py"}}), "tells internals"),
    ],
)
def test_error_is_clean_or_said_not_to_be(one: Reply, said: str | None) -> None:
    complaint = handled(Outcome((one,)))
    assert complaint is None if said is None else said in (complaint or "")


def test_error_within_a_stream_is_looked_at() -> None:
    kind = {"content-type": "text/event-stream; charset=utf-8"}
    broken = json.dumps({"error": {**CLEAN, "message": "Traceback", "code": 500}})
    clean = json.dumps({"error": CLEAN})
    assert answered(Outcome((Reply(200, kind, f"data: {clean}\n\n".encode()),))) is None
    assert "500" in (answered(Outcome((Reply(200, kind, f"data: {broken}\n\n".encode()),))) or "")


@pytest.mark.parametrize(
    ("expect", "passes", "fails"),
    [
        (answered, {200}, {400, 500}),
        (handled, {200, 400, 404}, {500}),
        (refused(), {400}, {200, 404, 413, 500}),
        (refused(401, 404), {401, 404}, {200, 400}),
        (refused_or_cut, {400, 431}, {200, 500}),
        (handled_or_cut, {200, 400}, {500}),
        (left, {200, 400}, {500}),
    ],
)
def test_expectation_is_of_the_status(
    expect: Expectation, passes: set[int], fails: set[int]
) -> None:
    def holds(status: int) -> bool:
        return expect(Outcome((reply(status, {"error": CLEAN}),))) is None

    assert {status for status in passes | fails if holds(status)} == passes


def test_cases_are_many_and_have_names_of_their_own() -> None:
    cases = all_cases(NOWHERE)
    names = [(case.group, case.name) for case in cases]
    assert len(set(names)) == len(names) >= 350
    assert {case.group for case in cases} == set(GROUPS)


def test_nothing_is_asked_of_keys_where_there_is_none() -> None:
    assert list(GROUPS["keys"](replace(NOWHERE, key=None))) == []


def test_report_counts_by_group_and_lists_failures() -> None:
    results = [Result("a", "x", None, 1, 0.5), Result("a", "y", "status 500", 1, 0.25)]
    table = group_table({"ours": [*results, Result("b", "z", None)], "theirs": results[:1]})
    assert table.splitlines()[2].split() == ["a", "1", "1", "500", "1", "0", "500"]
    assert table.splitlines()[4].split() == ["all", "2", "1", "500", "1", "0", "500"]
    assert failure_list(results) == "a / y: status 500"
