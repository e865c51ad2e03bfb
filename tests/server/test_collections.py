"""Collections over HTTP."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import httpx
import pytest

from tests.server.questions import Json

pytestmark = pytest.mark.vllm
KEY, OTHER_KEY = {"authorization": "Bearer one"}, {"authorization": "Bearer two"}
MARKET = "The market is 5 miles away."
_numbers = count()


@pytest.fixture
def name(http: httpx.Client) -> Iterator[str]:
    """An empty collection of this test's own."""
    name = f"facts-{next(_numbers)}"
    assert http.post("/v1/collections", json={"name": name}, headers=KEY).status_code == 200
    yield name
    http.delete(f"/v1/collections/{name}", headers=KEY)


def add(http: httpx.Client, name: str, text: str, source: str = "notes.txt") -> Json:
    body = {"source": source, "text": text}
    reply = http.post(f"/v1/collections/{name}/documents", json=body, headers=KEY)
    assert reply.status_code == httpx.codes.OK, reply.text
    (document,) = reply.json()["data"]
    return document  # type: ignore[no-any-return]  # any JSON


def upload(http: httpx.Client, name: str, file: str, content: bytes) -> httpx.Response:
    files = {"file": (file, content)}
    return http.post(f"/v1/collections/{name}/documents", files=files, headers=KEY)


def search(http: httpx.Client, name: str, query: str, **fields: object) -> list[Json]:
    body = {"query": query, **fields}
    reply = http.post(f"/v1/collections/{name}/search", json=body, headers=KEY)
    assert reply.status_code == httpx.codes.OK, reply.text
    return reply.json()["data"]  # type: ignore[no-any-return]  # any JSON


def error_of(reply: httpx.Response, status: int) -> Json:
    assert reply.status_code == status, reply.text
    error: Json = reply.json()["error"]
    assert error["code"] == status
    assert "Traceback" not in error["message"]
    return error


def test_collection_is_made_listed_and_deleted(http: httpx.Client) -> None:
    made = http.post("/v1/collections", json={"name": "physics"}, headers=KEY).json()
    assert (made["object"], made["id"], made["num_records"]) == ("collection", "physics", 0)
    assert http.get("/v1/collections/physics", headers=KEY).json() == made
    assert made in http.get("/v1/collections", headers=KEY).json()["data"]
    error_of(http.post("/v1/collections", json={"name": "physics"}, headers=KEY), 409)
    deleted = http.delete("/v1/collections/physics", headers=KEY).json()
    assert deleted == {"object": "collection.deleted", "id": "physics", "deleted": True}
    error_of(http.get("/v1/collections/physics", headers=KEY), 404)


def test_text_is_found_with_its_place(http: httpx.Client, name: str) -> None:
    add(http, name, MARKET)
    (hit,) = search(http, name, "How far away is the market?")
    assert (hit["text"], hit["source"], hit["span"]) == (MARKET, "notes.txt", [0, len(MARKET)])
    assert 0 < hit["score"] <= 1
    assert search(http, name, "Who wrote the hymn?") == []


def test_files_are_uploaded(http: httpx.Client, name: str) -> None:
    lines = [{"text": MARKET}, {"question": "2 + 2?", "solution": "2 + 2 = 4", "answer": "4"}]
    content = "\n".join(map(json.dumps, lines)).encode()
    first = upload(http, name, "facts.jsonl", content).json()["data"]
    again = upload(http, name, "facts.jsonl", content).json()["data"]
    assert [d["is_new"] for d in first] == [True, True]
    assert [d["is_new"] for d in again] == [False, False]
    assert [d["id"] for d in first] == [d["id"] for d in again]
    (solved,) = search(http, name, "2 + 2", kinds=["exemplar"])
    assert (solved["question"], solved["text"]) == ("2 + 2?", "2 + 2 = 4")
    page = b"<p>Ducks weigh 2 pounds.</p><script>alert(1)</script>"
    assert upload(http, name, "ducks.html", page).status_code == httpx.codes.OK
    assert search(http, name, "ducks")[0]["text"] == "Ducks weigh 2 pounds."


def test_solved_problems_are_taken_as_json(http: httpx.Client, name: str) -> None:
    exemplars = [{"question": "3 ducks and 5?", "solution": "3 + 5 = 8"}]
    body = {"source": "teacher", "exemplars": exemplars}
    reply = http.post(f"/v1/collections/{name}/documents", json=body, headers=KEY)
    assert reply.json()["data"][0]["num_records"] == 1
    assert search(http, name, "ducks")[0]["kind"] == "exemplar"


def test_documents_are_listed_in_pages_and_deleted(http: httpx.Client, name: str) -> None:
    documents = [add(http, name, f"text number {i}", f"{i % 2}.txt") for i in range(5)]
    path = f"/v1/collections/{name}/documents"
    first = http.get(path, params={"limit": 3}, headers=KEY).json()
    assert (len(first["data"]), first["has_more"]) == (3, True)
    after = first["data"][-1]["id"]
    rest = http.get(path, params={"after": after}, headers=KEY).json()
    assert (len(rest["data"]), rest["has_more"]) == (2, False)
    assert http.delete(f"{path}/{documents[0]['id']}", headers=KEY).json()["deleted"]
    error_of(http.delete(f"{path}/{documents[0]['id']}", headers=KEY), 404)
    by_source = http.delete(path, params={"source": "1.txt"}, headers=KEY).json()
    assert by_source["num_deleted"] == 2
    key = rest["data"][0]["key"]
    assert http.delete(path, params={"key": key}, headers=KEY).json()["num_deleted"] == 2
    assert error_of(http.delete(path, headers=KEY), 400)["param"] == "source"


def test_tenant_is_the_key_and_nothing_else(http: httpx.Client, name: str) -> None:
    """Another key, or none, neither sees the collection nor may change it."""
    add(http, name, MARKET)
    path = f"/v1/collections/{name}"
    for headers in (OTHER_KEY, {}):
        error_of(http.get(path, headers=headers), 404)
        error_of(http.post(f"{path}/search", json={"query": "market"}, headers=headers), 404)
        error_of(http.delete(path, headers=headers), 404)
        body = {"source": "a", "text": "b"}
        error_of(http.post(f"{path}/documents", json=body, headers=headers), 404)
    assert len(search(http, name, "market")) == 1


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "name"),
        ({"name": "a b"}, "name"),
        ({"name": "../a"}, "name"),
        ({"name": "a" * 65}, "name"),
        ({"name": "a", "memory": "yes"}, "memory"),
        ({"name": "a", "tenant": "b"}, "tenant"),
    ],
    ids=str,
)
def test_bad_collection_is_a_400(http: httpx.Client, body: Json, param: str) -> None:
    assert error_of(http.post("/v1/collections", json=body, headers=KEY), 400)["param"] == param


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"source": "a"}, "text"),
        ({"source": "a", "text": "b", "exemplars": [{"question": "c", "solution": "d"}]}, "text"),
        ({"source": "a", "text": 5}, "text"),
        ({"source": "a", "text": "b", "vector": [1]}, "vector"),
        ({"source": "a", "exemplars": [{"question": "b"}]}, "exemplars.0.solution"),
        ({"text": "b"}, "source"),
        ({"source": "a", "text": " \n "}, "text"),
        ({"source": "reply:chatcmpl-1", "text": "b"}, "source"),
        (
            {"source": "a", "exemplars": [{"question": " ", "solution": "b"}]},
            "exemplars.0.question",
        ),
        (
            {"source": "a", "exemplars": [{"question": "b", "solution": "c" * 10_001}]},
            "exemplars.0.solution",
        ),
    ],
    ids=str,
)
def test_bad_document_is_a_400(http: httpx.Client, name: str, body: Json, param: str) -> None:
    reply = http.post(f"/v1/collections/{name}/documents", json=body, headers=KEY)
    assert error_of(reply, 400)["param"] == param
    assert http.get(f"/v1/collections/{name}", headers=KEY).json()["num_records"] == 0


@pytest.mark.parametrize(
    ("file", "content", "status", "says"),
    [
        ("a.txt", b"", 400, "a.txt is empty"),
        ("a.bin", bytes(range(256)) * 10, 400, "bytes of value 0"),
        ("a.pdf", b"%PDF-1.7 broken", 400, "no PDF that can be read"),
        ("a.jsonl", b'{"text": "a"}\n{"text"', 400, "a.jsonl#line=2 is not JSON"),
        ("a.txt", b"a " * 11_000_000, 413, "may have 20 MB"),
        ("a.txt", b"a " * 50_000_000, 413, "may have 20 MB"),
        ("a.html", b"<div>" * 100_000, 400, "a.html"),
    ],
    ids=["empty", "binary", "broken PDF", "broken JSON", "22 MB", "100 MB", "deep HTML"],
)
def test_file_that_cannot_be_taken_leaves_nothing(
    http: httpx.Client, name: str, file: str, content: bytes, status: int, says: str
) -> None:
    error = error_of(upload(http, name, file, content), status)
    assert error["param"] == "file"
    assert says in error["message"]
    assert http.get(f"/v1/collections/{name}", headers=KEY).json()["num_records"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"query": ""},
        {"query": "a", "max_num_results": 0},
        {"query": "a", "max_num_results": 51},
        {"query": "a", "score_threshold": 2},
        {"query": "a", "kinds": ["facts"]},
        {"query": "a", "filters": {}},
    ],
    ids=str,
)
def test_bad_search_is_a_400(http: httpx.Client, name: str, body: Json) -> None:
    error_of(http.post(f"/v1/collections/{name}/search", json=body, headers=KEY), 400)


def test_form_has_one_file_and_nothing_else(http: httpx.Client, name: str) -> None:
    path = f"/v1/collections/{name}/documents"
    for files, fields in (
        ({"document": ("a.txt", b"a")}, {}),
        ({"file": ("a.txt", b"a")}, {"source": "mine"}),
    ):
        reply = http.post(path, files=files, data=fields, headers=KEY)
        assert error_of(reply, 400)["param"] == "file"


def test_long_text_holds_nobody_up(http: httpx.Client, name: str) -> None:
    """A million characters without a seam, while others are served."""
    body = {"source": "a", "text": "a" * 1_000_000}
    with ThreadPoolExecutor(1) as threads:
        path = f"/v1/collections/{name}/documents"
        adding = threads.submit(http.post, path, json=body, headers=KEY)
        slowest = 0.0
        while not adding.done():
            began = time.monotonic()
            http.get("/v1/collections", headers=KEY)
            slowest = max(slowest, time.monotonic() - began)
        assert adding.result().status_code == httpx.codes.OK
    assert slowest < 5


def test_unknown_collection_is_a_404(http: httpx.Client) -> None:
    for reply in (
        http.get("/v1/collections/nope", headers=KEY),
        http.delete("/v1/collections/nope", headers=KEY),
        http.post("/v1/collections/nope/search", json={"query": "a"}, headers=KEY),
        upload(http, "nope", "a.txt", b"a"),
    ):
        assert 'no collection "nope"' in error_of(reply, 404)["message"]


def test_bad_document_id_is_a_400(http: httpx.Client, name: str) -> None:
    for document_id in ("1x", "doc_-1", "doc_٣", "doc_" + "9" * 40):
        reply = http.delete(f"/v1/collections/{name}/documents/{document_id}", headers=KEY)
        assert error_of(reply, 400)["param"] == "document_id"


@pytest.mark.parametrize("source", ["a\x1b[2J", "a\nb", "a\tb", "a\x9b31m", "a\u202eb"])
def test_source_with_control_characters_is_refused(
    http: httpx.Client, name: str, source: str
) -> None:
    lines = json.dumps({"text": MARKET, "source": source}).encode()
    replies = [
        http.post(
            f"/v1/collections/{name}/documents",
            json={"source": source, "text": MARKET},
            headers=KEY,
        ),
        upload(http, name, "lines.jsonl", lines),
    ]
    for reply in replies:
        error = error_of(reply, 400)
        assert error["param"] == "source"
        assert "must not have control characters" in error["message"]
    assert http.get(f"/v1/collections/{name}", headers=KEY).json()["num_records"] == 0
