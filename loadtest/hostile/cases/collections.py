"""Collections and feedback: names, ids, documents, forms. Elsewhere they are not found."""

import zlib
from collections.abc import Iterator
from typing import Any

from loadtest.hostile.case import Case, Target
from loadtest.hostile.cases.requests import Group
from loadtest.hostile.expectations import handled, refused
from loadtest.hostile.wire import request

COLLECTIONS = "/v1/collections"
NAME = "hostile-suite"
BOUNDARY = "b0undary"
NAMES: dict[str, Any] = {  # any JSON
    "empty": "",
    "a path": "../../etc",
    "a slash": "a/b",
    "a blank": "a b",
    "a line break": "a\nb",
    "10 KB": "n" * 10_000,
    "SQL": "a'; DROP TABLE documents; --",
    "beyond ASCII": "ünïcode",
    "right to left": "\u202ea",
    "dots": "..",
    "a number": 5,
    "a list": ["a"],
    "null": None,
}
IN_PATHS = ("nope", "..%2f..%2fetc", "%00", "a%0d%0ab", "n" * 5000, "%F0%9F%A6%86", "a'--", "*")
CONTROLS = "\x1b\n\r\t\x7f\x9b\u202e\u2028"
DOCUMENT_IDS = ("nope", "doc_", "doc_-1", "doc_" + "9" * 5000, "doc_1%00", "..%2f1", "doc_1e9")


def cases(target: Target) -> Iterator[Case]:
    group = Group("collections", target)
    for name, value in NAMES.items():
        yield group.post(f"name: {name}", COLLECTIONS, {"name": value}, refused(400, 404))
    for name, body in {
        "no name": {},
        "an unknown key": {"name": NAME, "admin": True},
        "memory a text": {"name": NAME, "memory": "yes"},
    }.items():
        yield group.post(name, COLLECTIONS, body, refused(400, 404))
    for place in IN_PATHS:
        for method, rest in (("GET", ""), ("DELETE", ""), ("GET", "/documents")):
            sent = request(target, method, f"{COLLECTIONS}/{place}{rest}")
            name = f"{method} {place[:20]}{rest}"
            yield Case("collections", name, (sent,), refused(400, 404))
    yield group.post("one is made", COLLECTIONS, {"name": NAME}, handled)
    yield group.post("one is made again", COLLECTIONS, {"name": NAME}, refused(404, 409))
    yield from _documents(group, target)
    yield from _searches(group)
    yield from _feedback(group)
    sent = request(target, "DELETE", f"{COLLECTIONS}/{NAME}")
    yield Case("collections", "it is deleted", (sent,), handled)


def _documents(group: Group, target: Target) -> Iterator[Case]:
    path = f"{COLLECTIONS}/{NAME}/documents"
    broken: dict[str, Any] = {  # any JSON
        "without a source": {"text": "a"},
        "without a text": {"source": "a"},
        "text a number": {"source": "a", "text": 5},
        "text empty": {"source": "a", "text": ""},
        "source of 100 KB": {"source": "s" * 100_000, "text": "a"},
        "exemplars a text": {"source": "a", "exemplars": "b"},
        "exemplars broken": {"source": "a", "exemplars": [{"question": 5}]},
        "exemplars none": {"source": "a", "exemplars": []},
        "both": {"source": "a", "text": "a", "exemplars": [{"question": "a", "solution": "b"}]},
        "an unknown key": {"source": "a", "text": "a", "owner": "root"},
        "a list": [1],
        "half a character": {"source": "a", "text": "\ud800"},
        "NUL": {"source": "a", "text": "a\0b"},
        "nested 100,000 deep": b"[" * 100_000,
        **{f"source with {c!a}": {"source": f"a{c}b", "text": "a"} for c in CONTROLS},
    }
    for name, body in broken.items():
        yield group.post(f"document: {name}", path, body, refused(400, 404))
    for name, content in _forms().items():
        kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        yield group.post(f"form: {name}", path, content, refused(400, 404, 413, 415), kind)
    for name, (file, content) in _files().items():
        kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        yield group.post(f"file: {name}", path, form(file, content), handled, kind)
    for query in ("limit=-1", "limit=x", "limit=1e9", "after=x", "after=doc_" + "9" * 400):
        sent = request(target, "GET", f"{path}?{query}")
        yield Case("collections", f"page: {query[:20]}", (sent,), refused(400, 404))
    for place in DOCUMENT_IDS:
        sent = request(target, "DELETE", f"{path}/{place}")
        yield Case("collections", f"delete document {place[:20]}", (sent,), refused(400, 404))
    sent = request(target, "DELETE", path)
    yield Case("collections", "delete which documents", (sent,), refused(400, 404))


def form(file: str, content: bytes, name: str = "file") -> bytes:
    disposition = f'Content-Disposition: form-data; name="{name}"; filename="{file}"'
    start = f"--{BOUNDARY}\r\n{disposition}\r\n\r\n".encode()
    return start + content + f"\r\n--{BOUNDARY}--\r\n".encode()


def _forms() -> dict[str, bytes]:
    whole = form("a.txt", b"text")
    return {
        "empty": b"",
        "without an end": whole[:-6],
        "cut off in its head": whole[:40],
        "another boundary": whole.replace(BOUNDARY.encode(), b"other"),
        "another field": form("a.txt", b"text", "document"),
        "no file's name": whole.replace(b'; filename="a.txt"', b""),
        "no disposition": f"--{BOUNDARY}\r\n\r\ntext\r\n--{BOUNDARY}--\r\n".encode(),
        "5,000 parts": b"".join(form(f"{i}.txt", b"a")[: -len(BOUNDARY) - 6] for i in range(5000)),
        "a head of 200 KB": form("a" * 200_000, b"text"),
        "garbage": b"\0\xff" * 500,
    }


def _files() -> dict[str, tuple[str, bytes]]:
    flate = zlib.compress(b" " * 20_000_000, 9)
    stream = b"<< /Length %d /Filter /FlateDecode >>\nstream\n" % len(flate) + flate
    bomb = (
        b"%PDF-1.4\n1 0 obj\n" + stream + b"\nendstream\nendobj\ntrailer << /Root 1 0 R >>\n%%EOF"
    )
    entities = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12))
    laughs = f'<!DOCTYPE a [<!ENTITY a0 "ha">{entities}]><html><body>&a11;</body></html>'
    return {
        "HTML of a thousand million laughs": ("a.html", laughs.encode()),
        "HTML 50,000 deep": ("a.html", b"<div>" * 50_000 + b"x"),
        "HTML of a script": ("a.html", b"<script>" + b"x" * 100_000),
        "HTML of broken bytes": ("a.html", b"\xff\xfe<\0p>\x80"),
        "PDF that is none": ("a.pdf", b"%PDF-1.7\n" + b"\0" * 1000),
        "PDF of a bomb": ("a.pdf", bomb),
        "PDF whose pages are a circle": ("a.pdf", _circle()),
        "PDF of an unknown filter": ("a.pdf", _page(b"/Filter /Nonsense")),
        "PDF of a filter of its own": ("a.pdf", _page(b"/Filter /Crypt")),
        "JSON lines of 60,000": ("a.jsonl", b'{"text": "a"}\n' * 60_000),
        "text of 6 million characters": ("a.txt", b"a b c " * 1_000_000),
        "JSON lines broken": ("a.jsonl", b'{"question": 5}\n{'),
        "name of a path": ("../../../../tmp/evil.txt", b"text"),
        "name of a NUL": ("a%00.txt", b"text"),
        "name of an unknown kind": ("a.exe", b"MZ\0\0"),
        "empty": ("a.txt", b""),
        "blanks": ("a.txt", b" " * 10_000),
        "one word of 500 KB": ("a.txt", b"a" * 500_000),
        "Markdown of headings alone": ("a.md", b"#\n" * 20_000),
    }


def _page(filters: bytes) -> bytes:
    return (
        b"%PDF-1.4\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n"
        b"2 0 obj << /Type /Pages /Kids [3 0 R] /Count 1 >> endobj\n"
        b"3 0 obj << /Type /Page /Parent 2 0 R /Contents 4 0 R >> endobj\n"
        b"4 0 obj << /Length 1 " + filters + b" >>\nstream\nx\nendstream endobj\n"
        b"trailer << /Root 1 0 R >>\n%%EOF"
    )


def _circle() -> bytes:
    return (
        b"%PDF-1.4\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n"
        b"2 0 obj << /Type /Pages /Kids [2 0 R] /Count 1000000000 >> endobj\n"
        b"trailer << /Root 1 0 R >>\n%%EOF"
    )


def _searches(group: Group) -> Iterator[Case]:
    path = f"{COLLECTIONS}/{NAME}/search"
    broken: dict[str, Any] = {  # a search
        "no query": {},
        "query a number": {"query": 5},
        "query empty": {"query": ""},
        "query of 500 KB": {"query": "q" * 500_000},
        "10^9 results": {"query": "a", "max_num_results": 10**9},
        "threshold = 5": {"query": "a", "score_threshold": 5},
        "ranking unknown": {"query": "a", "ranking": "luck"},
        "kinds unknown": {"query": "a", "kinds": ["secret"]},
        "kinds none": {"query": "a", "kinds": []},
        "filters": {"query": "a", "filters": {"tenant": "other"}},
    }
    for name, body in broken.items():
        yield group.post(f"search: {name}", path, body, refused(400, 404))
    for query in (
        '" OR 1=1 --',
        "a* NEAR(b c)",
        'text:"',
        "(((((",
        "🦆",
        "-",
        "AND OR NOT",
        "a " * 9000,
    ):
        yield group.post(f"search for {query[:12]}", path, {"query": query}, handled)


def _feedback(group: Group) -> Iterator[Case]:
    broken: dict[str, Any] = {  # a judgement
        "on nothing": {"id": "chatcmpl-nope", "correct": True},
        "without an id": {"correct": True},
        "id a number": {"id": 5, "correct": True},
        "id of 10 KB": {"id": "i" * 10_000, "correct": True},
        "id with line breaks": {"id": "a\nb", "correct": True},
        "id of SQL": {"id": "a'--", "correct": True},
        "neither": {"id": "a"},
        "both": {"id": "a", "correct": True, "reference": "5"},
        "correct a text": {"id": "a", "correct": "yes"},
        "reference of 100 KB": {"id": "a", "reference": "r" * 100_000},
        "comment of 100 KB": {"id": "a", "correct": True, "comment": "c" * 100_000},
        "an unknown key": {"id": "a", "correct": True, "tenant": "other"},
    }
    for name, body in broken.items():
        yield group.post(f"feedback: {name}", "/v1/feedback", body, refused(400, 404))
