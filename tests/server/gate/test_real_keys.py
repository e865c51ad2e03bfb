"""A server with keys, as an operator has it and as the users of its keys do."""

import re
from collections.abc import Callable

import httpx
import openai
import pytest

from server.gate.keys_command import main
from tests.server.gate.keyed import Keyed, told

pytestmark = pytest.mark.vllm

SECRET_TEXT = "Mia has 17 marbles and finds 5 more."


def ask(client: openai.OpenAI, text: str = SECRET_TEXT, **fields: object) -> object:
    return client.chat.completions.create(
        model="pocket",
        messages=[{"role": "user", "content": text}],
        max_tokens=8,
        extra_body=fields,
    )


def test_unknown_key_is_an_authentication_error(keyed: Keyed) -> None:
    with pytest.raises(openai.AuthenticationError) as failure:
        ask(keyed.client("wk_nobody"))
    assert failure.value.type == "AuthenticationError"


def test_key_opens(keyed: Keyed) -> None:
    ask(keyed.client("app"), decoding={"strategy": "cot_decoding"})


def test_rate_is_held(keyed: Keyed) -> None:
    client = keyed.client("slow")
    for _ in range(2):
        ask(client)
    with pytest.raises(openai.RateLimitError, match="2 requests a minute") as failure:
        ask(client)
    assert 1 <= int(failure.value.response.headers["retry-after"]) <= 61


@pytest.mark.parametrize("decoding", [{"strategy": "cot_decoding"}, {"strategy": "majority_vote"}])
def test_key_is_held_to_its_decoders(keyed: Keyed, decoding: dict[str, str]) -> None:
    client = keyed.client("plain")
    with pytest.raises(openai.PermissionDeniedError) as failure:
        ask(client, decoding=decoding)
    assert failure.value.param == "decoding.strategy"
    ask(client, decoding={"strategy": "greedy"})


def test_alias_does_not_get_round_that(keyed: Keyed) -> None:
    with pytest.raises(openai.PermissionDeniedError):
        keyed.client("plain").chat.completions.create(
            model="pocket:cot_decoding", messages=[{"role": "user", "content": "a"}]
        )


def test_key_is_held_to_its_models(keyed: Keyed) -> None:
    with pytest.raises(openai.PermissionDeniedError, match="another"):
        ask(keyed.client("other"))


def test_key_that_is_held_to_models_may_keep_collections(keyed: Keyed) -> None:
    with keyed.http("other") as http:
        assert http.post("/v1/collections", json={"name": "kept"}).status_code == 200
        added = http.post("/v1/collections/kept/documents", json={"source": "a", "text": "b"})
        assert added.status_code == 200


def test_revoked_key_opens_nothing_any_more(keyed: Keyed) -> None:
    client = keyed.client("gone")
    ask(client)
    assert main(["--file", str(keyed.file), "revoke", "gone"]) == 0
    with pytest.raises(openai.AuthenticationError):
        ask(client)


def test_adapters_are_loaded_by_admins_alone(keyed: Keyed) -> None:
    adapter = {"lora_name": "x", "lora_path": "/nowhere"}
    with keyed.http("app") as http:
        assert http.post("/v1/load_lora_adapter", json=adapter).status_code == 403
    with keyed.http("root") as http:
        reply = http.post("/v1/load_lora_adapter", json=adapter)
    assert reply.status_code not in (401, 403)
    assert reply.json()["error"]["message"]


def test_monitor_reads_metrics_and_asks_nothing(keyed: Keyed) -> None:
    with keyed.http("grafana") as http:
        assert "vllm:num_requests_running" in http.get("/metrics").text
        assert http.get("/v1/models").status_code == 403


@pytest.mark.parametrize("path", ["/metrics", "/tokenize", "/invocations", "/docs", "/version"])
def test_nothing_but_probes_is_open(keyed: Keyed, path: str) -> None:
    assert httpx.get(keyed.process.url + path).status_code == 401
    assert httpx.post(keyed.process.url + path, json={}).status_code == 401


def num_cached(keyed: Keyed, name: str, text: str, **fields: object) -> int:
    usage = ask(keyed.client(name), text, **fields).usage  # type: ignore[attr-defined]  # a reply
    cached: int = usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details else 0
    return cached


def test_tenants_do_not_share_their_cache(keyed: Keyed) -> None:
    text = "A box at the club contains 42 muffins. Omar brings another 35 muffins. " * 4
    assert num_cached(keyed, "app", text) == 0
    assert num_cached(keyed, "app", text) > 0
    assert num_cached(keyed, "web", text) == 0


def test_salt_of_a_client_does_not_open_another_tenants_cache(keyed: Keyed) -> None:
    text = "A shelf at the club contains 24 books. Mia brings another 53 books. " * 4
    assert num_cached(keyed, "app", text, cache_salt="a") == 0
    assert num_cached(keyed, "web", text, cache_salt="a") == 0
    assert num_cached(keyed, "app", text, cache_salt="b") == 0
    assert num_cached(keyed, "app", text, cache_salt="a") > 0


def test_keys_of_one_tenant_share_it(keyed: Keyed) -> None:
    text = "A shop in town contains 31 lamps. Leo brings another 12 lamps. " * 4
    assert num_cached(keyed, "team_a", text) == 0
    assert num_cached(keyed, "team_b", text) > 0


def test_collections_and_feedback_are_the_tenants(keyed: Keyed) -> None:
    with keyed.http("team_a") as http:
        assert http.post("/v1/collections", json={"name": "notes"}).status_code == 200
    with keyed.http("team_b") as http:
        assert http.get("/v1/collections/notes").status_code == 200
    with keyed.http("web") as http:
        assert http.get("/v1/collections/notes").status_code == 404
    reply = ask(keyed.client("app"), decoding={"strategy": "greedy"})
    feedback = {"id": reply.id, "correct": True}  # type: ignore[attr-defined]  # a reply
    with keyed.http("web") as http:
        assert http.post("/v1/feedback", json=feedback).status_code == 404
    with keyed.http("app") as http:
        assert http.post("/v1/feedback", json=feedback).status_code == 200


def test_log_is_json_and_has_no_prompt_and_no_key(keyed: Keyed) -> None:
    body = {
        "model": "pocket",
        "messages": [{"role": "user", "content": SECRET_TEXT}],
        "decoding": {"strategy": "majority_vote", "num_samples": 3},
    }
    with keyed.http("app") as http:
        http.post("/v1/chat/completions", json=body, headers={"X-Request-Id": "vote"})
    entry = told(keyed, "vote")
    assert (entry["name"], entry["key"], entry["status"]) == ("server.access", "app", 200)
    assert isinstance(entry["paths"], int)
    assert entry["paths"] >= 3
    assert isinstance(entry["tokens"], int)
    assert entry["tokens"] > entry["paths"]
    log = keyed.process.log.read_text()
    assert "marbles" not in log
    assert not any(token in log for token in keyed.tokens.values())


def test_tokens_of_a_client_that_left_are_counted(keyed: Keyed) -> None:
    body = {
        "model": "pocket",
        "messages": [{"role": "user", "content": "Tell"}],
        "max_tokens": 1900,
        "ignore_eos": True,
        "stream": True,
    }
    with keyed.http("app") as http:
        headers = {"X-Request-Id": "left"}
        with http.stream("POST", "/v1/chat/completions", json=body, headers=headers) as stream:
            lines = stream.iter_lines()
            for _ in range(20):
                next(lines)

    num_tokens = told(keyed, "left")["tokens"]
    assert isinstance(num_tokens, int)
    assert 8 < num_tokens < 1900


def test_request_id_is_on_every_reply(keyed: Keyed) -> None:
    matches: Callable[[str], object] = re.compile("[0-9a-f]{32}").fullmatch
    with keyed.http("app") as http:
        for reply in (http.get("/health"), http.get("/v1/models"), http.get("/nowhere")):
            assert matches(reply.headers["x-request-id"])


def test_log_probabilities_of_a_prompt_beside_lora_do_not_end_the_engine(keyed: Keyed) -> None:
    prompt = {"model": "pocket", "prompt": "7 + 8 = 15.", "max_tokens": 1, "prompt_logprobs": 0}
    with keyed.http("app") as http:
        reply = http.post("/v1/completions", json=prompt)
        assert reply.status_code == 200
        assert len(reply.json()["choices"][0]["prompt_logprobs"]) > 3
        assert http.get("/ready").status_code == 200
