"""What requests are charged by a real server, and what is held before they run."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.server.gate.keyed import Keyed, told
from tests.server.questions import MESSAGES, MODEL, QUESTION, Json, chat, completion, response
from tests.server.server_process import num_requests, wait_until

pytestmark = pytest.mark.vllm
CHAT, COMPLETIONS, RESPONSES = "/v1/chat/completions", "/v1/completions", "/v1/responses"
MESSAGES_API, BATCH = "/v1/messages", "/v1/chat/completions/batch"
STREAMED = {"stream": True, "stream_options": {"include_usage": True}}
NUM_PROMPT_TOKENS = 31
"""Of the question, in the checkpoint's chat template."""
LONG = {"max_output_tokens": 600, "ignore_eos": True}

PLAIN: dict[str, tuple[str, Json]] = {
    "chat": (CHAT, chat()),
    "chat, n": (CHAT, chat(n=3)),
    "chat, stop": (CHAT, chat(n=2, stop=["8"])),
    "completion": (COMPLETIONS, completion()),
    "prompts": (COMPLETIONS, completion(prompt=["a b c", "d e", "a b c"], n=2)),
    "token ids": (COMPLETIONS, completion(prompt=[5, 6, 7])),
    "echo alone": (COMPLETIONS, completion(echo=True, max_tokens=0)),
    "echo": (COMPLETIONS, completion(echo=True, logprobs=1)),
    "beams": (CHAT, chat(use_beam_search=True, n=4, max_tokens=12)),
    "beams that go on": (CHAT, chat(use_beam_search=True, n=3, max_tokens=12, ignore_eos=True)),
    "response": (RESPONSES, response()),
    "message": (MESSAGES_API, {"model": MODEL, "messages": MESSAGES, "max_tokens": 40}),
}
WHOLE: dict[str, tuple[str, Json]] = {
    "beams of prompts": (
        COMPLETIONS,
        completion(use_beam_search=True, n=2, prompt=["a b", "c d e"], max_tokens=8),
    ),
    "batch": (BATCH, {"model": MODEL, "messages": [MESSAGES, MESSAGES], "max_tokens": 20}),
}
COT = {"strategy": "cot_decoding", "k": 3}
JUDGED = {"strategy": "best_of_n", "verifier": "self_judge", "num_samples": 3}
SELECTED = {"strategy": "universal_vote", "num_samples": 4, "temperature": 1.5, "seed": 1}
DECODINGS: tuple[Json, ...] = (
    {"strategy": "greedy"},
    COT,
    {**COT, "prompting": "step_by_step"},
    {**COT, "prompting": "step_back"},
    {"strategy": "greedy", "prompting": "step_back"},
    {"strategy": "greedy", "prompting": "analogical"},
    {"strategy": "majority_vote", "seed": 1},
    {"strategy": "majority_vote", "launch": "as_needed", "seed": 1, "prompting": "step_back"},
    {"strategy": "majority_vote", "weight": "probability", "stop": "none"},
    {"strategy": "majority_vote", "weight": "confidence"},
    SELECTED,
    {"strategy": "deepconf", "num_samples": 8},
    {"strategy": "deepconf", "mode": "offline", "num_samples": 4},
    {"strategy": "best_of_n", "num_samples": 3},
    JUDGED,
    {**JUDGED, "selection": "vote", "prompting": "step_back"},
)


def used(usage: Json) -> int:
    """OpenAI's total, or Anthropic's parts: what came out of the cache is no input there."""
    if "total_tokens" in usage:
        return int(usage["total_tokens"])
    cached = usage.get("cache_read_input_tokens", 0)
    return int(usage["input_tokens"] + cached + usage["output_tokens"])


def usage_of(reply: httpx.Response) -> Json:
    if "text/event-stream" not in reply.headers["content-type"]:
        usage: Json = reply.json()["usage"]
        return usage
    usage = {}
    for line in reply.text.splitlines():
        if line.startswith("data: {"):
            event = json.loads(line.removeprefix("data: "))
            holder = event.get("response") or event.get("message") or event
            usage |= holder.get("usage") or {}
    return usage


def post(keyed: Keyed, name: str, path: str, body: Json) -> tuple[httpx.Response, str]:
    request_id = uuid4().hex
    with keyed.http(name) as http:
        reply = http.post(path, json=body, headers={"X-Request-Id": request_id})
    return reply, request_id


def check_charge(keyed: Keyed, path: str, body: Json) -> None:
    reply, request_id = post(keyed, "app", path, body)
    assert reply.status_code == 200, reply.text
    assert told(keyed, request_id)["tokens"] == used(usage_of(reply)) > 0


def streamed(path: str, body: Json) -> Json:
    has_options = path in (CHAT, COMPLETIONS)
    return {**body, **STREAMED} if has_options else {**body, "stream": True}


@pytest.mark.parametrize("name", [*PLAIN, *WHOLE])
def test_plain_request_is_charged_what_its_usage_says(keyed: Keyed, name: str) -> None:
    check_charge(keyed, *{**PLAIN, **WHOLE}[name])


@pytest.mark.parametrize("name", PLAIN)
def test_so_is_a_stream(keyed: Keyed, name: str) -> None:
    path, body = PLAIN[name]
    check_charge(keyed, path, streamed(path, body))


@pytest.mark.parametrize("decoding", DECODINGS, ids=json.dumps)
@pytest.mark.parametrize("max_tokens", [60, 4])  # at 4 paths are cut off, and none is selected
def test_so_is_every_decoder(keyed: Keyed, decoding: Json, max_tokens: int) -> None:
    body = chat(decoding=decoding, max_tokens=max_tokens)
    check_charge(keyed, CHAT, body)
    check_charge(keyed, CHAT, streamed(CHAT, body))


@pytest.mark.parametrize("decoding", [COT, SELECTED, JUDGED], ids=json.dumps)
def test_so_it_is_on_the_other_routes(keyed: Keyed, decoding: Json) -> None:
    of_base = {**decoding, "prompt_template": "qa"}
    for path, body in (
        (RESPONSES, response(decoding=decoding)),
        (COMPLETIONS, completion(prompt=QUESTION, decoding=of_base)),
    ):
        check_charge(keyed, path, body)
        check_charge(keyed, path, streamed(path, body))


def test_so_is_a_retrieval(keyed: Keyed) -> None:
    with keyed.http("app") as http:
        assert http.post("/v1/collections", json={"name": "farm"}).status_code == 200
        text = {"source": "farm.txt", "text": "A farm has 10 houses with 8 ducks each."}
        assert http.post("/v1/collections/farm/documents", json=text).status_code == 200
    retrieval = {"collection": "farm", "min_score": 0.0}
    check_charge(keyed, CHAT, chat(decoding={**COT, "retrieval": retrieval}))


def test_usage_counts_the_prompts_of_a_decoders_own_questions(keyed: Keyed) -> None:
    with keyed.http("app") as http:
        reply = http.post(CHAT, json=chat(decoding=JUDGED)).json()
    assert reply["usage"]["prompt_tokens"] > 3 * NUM_PROMPT_TOKENS
    assert reply["usage"]["completion_tokens"] == reply["decoding"]["num_tokens"]


@pytest.mark.parametrize("fields", [{}, {"decoding": COT}, {"use_beam_search": True, "n": 2}])
def test_request_that_ran_out_of_time_is_charged_what_it_generated(
    keyed: Keyed, fields: Json
) -> None:
    body = chat(max_tokens=1900, ignore_eos=True, timeout_s=0.4, **fields)
    reply, request_id = post(keyed, "app", CHAT, body)
    assert reply.status_code == 504
    tokens = told(keyed, request_id)["tokens"]
    assert isinstance(tokens, int)
    assert NUM_PROMPT_TOKENS <= tokens < NUM_PROMPT_TOKENS + 1900


def test_requests_at_once_do_not_overdraw_a_budget(keyed: Keyed) -> None:
    body = chat(max_tokens=40)
    with ThreadPoolExecutor(50) as threads:
        sent = list(threads.map(lambda _: post(keyed, "crowd", CHAT, body), range(50)))
    statuses = {reply.status_code for reply, _ in sent}
    refused = [reply for reply, _ in sent if reply.status_code == 429]
    assert statuses == {200, 429}
    assert all(int(reply.headers["retry-after"]) >= 1 for reply in refused)
    assert "lower max_tokens" in refused[0].json()["error"]["message"]
    charges = [told(keyed, request_id)["tokens"] for _, request_id in sent]
    assert sum(tokens for tokens in charges if isinstance(tokens, int)) <= 200


TOO_MUCH: dict[str, tuple[str, Json]] = {
    "length": (CHAT, chat(max_tokens=300)),
    "no length": (CHAT, {"model": MODEL, "messages": MESSAGES}),
    "stream": (CHAT, chat(max_tokens=300, stream=True)),
    "choices": (CHAT, chat(max_tokens=50, n=4)),
    "decoder": (CHAT, chat(max_tokens=50, decoding={"strategy": "cot_decoding"})),
    "streamed decoder": (CHAT, chat(max_tokens=50, decoding=COT, stream=True)),
    "beams": (CHAT, chat(max_tokens=50, n=4, use_beam_search=True)),
    "prompts": (COMPLETIONS, completion(prompt=["a b c"] * 20)),
    "long prompt": (COMPLETIONS, completion(prompt="a b " * 200, max_tokens=1)),
    "response": (RESPONSES, response(max_output_tokens=300)),
    "streamed response": (RESPONSES, response(max_output_tokens=300, stream=True)),
    "response of a decoder": (RESPONSES, response(decoding=COT, stream=True)),
    "response in the background": (RESPONSES, response(background=True, **LONG)),
    "message": (MESSAGES_API, {"model": MODEL, "messages": MESSAGES, "max_tokens": 300}),
    "batch": (BATCH, {"model": MODEL, "messages": [MESSAGES] * 4, "max_tokens": 40}),
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_what_never_fits_a_budget_is_refused_before_anything_runs(keyed: Keyed, name: str) -> None:
    path, body = TOO_MUCH[name]
    reply, request_id = post(keyed, "poor", path, body)
    error = reply.json()["error"]
    assert (reply.status_code, error["type"]) == (400, "BadRequestError")
    assert "more than the key poor may ever use, 200 tokens a day" in error["message"]
    ways_out = ("lower max_tokens", "lower max_output_tokens", "send less text")
    assert any(way in error["message"] for way in ways_out)
    entry = told(keyed, request_id)
    assert (entry["paths"], entry["tokens"]) == (0, 0)


def test_message_beyond_what_is_left_is_a_429_in_anthropics_shape(keyed: Keyed) -> None:
    """vLLM's route makes a 400 of whatever it raises."""
    body: Json = {"model": MODEL, "messages": MESSAGES, "max_tokens": 160}
    while (reply := post(keyed, "poor", MESSAGES_API, body)[0]).status_code == 200:
        pass  # the budget was not touched so far
    assert (reply.status_code, reply.json()["type"]) == (429, "error")
    assert reply.json()["error"]["type"] == "RateLimitError"
    assert int(reply.headers["retry-after"]) > 60
    assert "Error in create_messages" not in keyed.process.log.read_text()


class TestResponses:
    @staticmethod
    def make(keyed: Keyed, name: str = "app", **fields: Any) -> Json:  # JSON
        made: Json = post(keyed, name, RESPONSES, response(store=True, **fields))[0].json()
        return made

    def test_id_is_the_servers(self, keyed: Keyed) -> None:
        ids = [self.make(keyed, request_id="resp_mine")["id"] for _ in range(2)]
        assert len({*ids, "resp_mine"}) == 3
        for path, body in ((CHAT, chat()), (COMPLETIONS, completion())):
            reply, _ = post(keyed, "app", path, {**body, "request_id": "mine"})
            assert "mine" not in reply.json()["id"]

    def test_reply_of_a_decoder_can_be_judged_whatever_id_its_request_names(
        self, keyed: Keyed
    ) -> None:
        fields = {"decoding": COT, "request_id": "resp_same"}
        made = {name: self.make(keyed, name, **fields)["id"] for name in ("web", "app")}
        for name, reply_id in made.items():
            with keyed.http(name) as http:
                feedback = http.post("/v1/feedback", json={"id": reply_id, "correct": True})
            assert feedback.status_code == 200

    def test_stored_response_is_its_tenants(self, keyed: Keyed) -> None:
        made = self.make(keyed, "team_a")["id"]
        with keyed.http("team_b") as http:
            assert http.get(f"{RESPONSES}/{made}").json()["id"] == made
            assert http.post(f"{RESPONSES}/{made}/cancel").status_code == 400  # it is done
        with keyed.http("web") as http:
            unknown = "resp_" + "0" * 64
            for one in (made, unknown):
                read = http.get(f"{RESPONSES}/{one}")
                cancelled = http.post(f"{RESPONSES}/{one}/cancel")
                told_as = f"Response with id '{one}' not found."
                for reply in (read, cancelled):
                    assert reply.status_code == 404
                    assert reply.json()["error"]["message"] == told_as

    def test_only_its_tenant_goes_on_from_it(self, keyed: Keyed) -> None:
        made = self.make(keyed)["id"]
        assert self.make(keyed, previous_response_id=made)["status"] in ("completed", "incomplete")
        error = self.make(keyed, "web", previous_response_id=made)["error"]
        assert (error["code"], error["param"]) == (404, "previous_response_id")

    @pytest.mark.parametrize("is_streamed", [False, True])
    def test_background_is_at_work_until_it_is_done(self, keyed: Keyed, is_streamed: bool) -> None:
        body = response(store=True, background=True, stream=is_streamed, **LONG)
        request_id = uuid4().hex
        with keyed.http("lone") as http:
            headers = {"X-Request-Id": request_id}
            with http.stream("POST", RESPONSES, json=body, headers=headers) as reply:
                assert reply.status_code == 200
                next(reply.iter_bytes())
            second = http.post(CHAT, json=chat())
            assert second.status_code == 429
            assert "1 requests at work" in second.json()["error"]["message"]
            wait_until(lambda: http.get("/v1/models").status_code == 200, 60, "done")
        assert told(keyed, request_id)["tokens"] == NUM_PROMPT_TOKENS + LONG["max_output_tokens"]

    def test_background_that_is_cancelled_is_charged_what_it_generated(self, keyed: Keyed) -> None:
        body = response(store=True, background=True, **LONG)
        reply, request_id = post(keyed, "app", RESPONSES, body)
        with keyed.http("app") as http:
            wait_until(lambda: num_requests(http) > 0, 10, "running")
            cancelled = http.post(f"{RESPONSES}/{reply.json()['id']}/cancel")
            assert cancelled.json()["status"] == "cancelled"
        tokens = told(keyed, request_id)["tokens"]
        assert isinstance(tokens, int)
        assert NUM_PROMPT_TOKENS <= tokens < NUM_PROMPT_TOKENS + LONG["max_output_tokens"]


@pytest.mark.parametrize("path", [CHAT, COMPLETIONS, RESPONSES, BATCH])
def test_priority_may_only_be_lowered(keyed: Keyed, path: str) -> None:
    body = {
        CHAT: chat(),
        COMPLETIONS: completion(),
        RESPONSES: response(),
        BATCH: {"model": MODEL, "messages": [MESSAGES], "max_tokens": 4},
    }[path]
    assert post(keyed, "app", path, {**body, "priority": 3})[0].status_code == 200
    reply, _ = post(keyed, "app", path, {**body, "priority": -1})
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, "priority")
    with keyed.http("app") as http:
        reply = http.post(path, json=body, headers={"X-Vllm-Priority": "-1"})
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, "X-Vllm-Priority")
