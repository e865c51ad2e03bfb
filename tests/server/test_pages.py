"""A server without keys and the pages of a browser on its machine."""

import json

import httpx
import pytest

from tests.server.questions import chat

pytestmark = pytest.mark.vllm
COLLECTIONS = "/v1/collections"
FOREIGN = ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://localhost:1"})
TEXT = {"Content-Type": "text/plain"}


def names(http: httpx.Client) -> list[str]:
    return [one["name"] for one in http.get(COLLECTIONS).json()["data"]]


@pytest.mark.parametrize("headers", [*FOREIGN, TEXT, {"Host": "evil.example"}])
def test_page_of_another_site_changes_nothing(http: httpx.Client, headers: dict[str, str]) -> None:
    body = json.dumps({"name": "from-a-page"})
    reply = http.post(
        COLLECTIONS, content=body, headers={"Content-Type": "application/json", **headers}
    )
    assert reply.status_code == (415 if headers is TEXT else 403)
    assert reply.json()["error"]["code"] == reply.status_code
    assert "from-a-page" not in names(http)


@pytest.mark.parametrize("headers", FOREIGN)
def test_page_of_another_site_uploads_nothing(http: httpx.Client, headers: dict[str, str]) -> None:
    http.post(COLLECTIONS, json={"name": "pages"})
    files = {"file": ("a.txt", b"The market is 5 miles away.")}
    reply = http.post(f"{COLLECTIONS}/pages/documents", files=files, headers=headers)
    assert reply.status_code == 403
    assert http.get(f"{COLLECTIONS}/pages").json()["num_records"] == 0
    http.delete(f"{COLLECTIONS}/pages")


def test_its_preflight_is_refused_without_leave(http: httpx.Client) -> None:
    ask = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    reply = http.options(COLLECTIONS, headers=ask)
    assert reply.status_code == 403
    assert not [name for name in reply.headers if name.startswith("access-control")]


def test_own_page_and_programs_are_answered(http: httpx.Client) -> None:
    own = {"Origin": str(http.base_url).rstrip("/")}
    for headers in ({}, own):
        reply = http.post("/v1/chat/completions", json=chat(max_tokens=2), headers=headers)
        assert reply.status_code == 200
        assert "access-control-allow-origin" not in reply.headers


def test_served_schema_lists_what_is_served(http: httpx.Client) -> None:
    paths = http.get("/openapi.json").json()["paths"]
    assert "/v1/systemone" not in paths
    assert {"/v1/chat/completions", COLLECTIONS, "/v1/chat/completions/batch"} <= set(paths)
    for path in paths:
        for method in ("GET", "POST"):
            if "{" not in path:
                told = http.request(method, path).text
                assert "there is no route" not in told
