"""Nothing is tuned to one family: tiny random checkpoints of others are decoded and served."""

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import httpx
import pytest

from decoding.catalog import DECODERS
from decoding.decoders.cot_decoding import CoTDecoding
from decoding.report import Report
from tests.random_checkpoints import CONTEXT_LENGTH, make_checkpoint
from tests.server.events import read_stream
from tests.server.questions import COT, QUESTION, Json
from tests.server.server_process import ServerProcess, running_server

if TYPE_CHECKING:
    from vllm.v1.engine.async_llm import AsyncLLM

pytestmark = pytest.mark.vllm
MAX_TOKENS = 40
NUM_PATHS = 4
COMPLETIONS = "/v1/completions"


@pytest.fixture(scope="module", params=["qwen3", "mistral", "gemma2"])
async def family_llm(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    vllm_environment: None,
) -> AsyncIterator["AsyncLLM"]:
    from tests.contract.vllm_subject import running_llm

    folder = make_checkpoint(tmp_path_factory.mktemp("checkpoint"), request.param)
    async with running_llm(str(folder)) as llm:
        yield llm


async def decode(llm: "AsyncLLM", *, stream: bool) -> tuple[list[str], list[int], Report]:
    """The pieces of text, all token ids and the report of a CoT-decoded chat."""
    import msgspec
    from vllm.inputs.engine import tokens_input
    from vllm.sampling_params import RequestOutputKind

    from server.vllm_adapter.client import DecodingClient
    from tests.contract.vllm_subject import params, request_id

    kind = RequestOutputKind.DELTA if stream else RequestOutputKind.FINAL_ONLY
    client = DecodingClient(llm, CoTDecoding(k=NUM_PATHS, return_texts=True))
    sampling = msgspec.structs.replace(params(MAX_TOKENS), output_kind=kind)
    outputs = client.generate(tokens_input(chat_token_ids(llm)), sampling, request_id())
    completions = [output.outputs[0] async for output in outputs]
    assert client.outcome is not None
    token_ids = [token_id for c in completions for token_id in c.token_ids]
    return [c.text for c in completions], token_ids, client.outcome.report


def chat_token_ids(llm: "AsyncLLM") -> list[int]:
    tokenizer = llm.renderer.get_tokenizer()
    messages = [{"role": "user", "content": QUESTION}]
    text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    token_ids: list[int] = tokenizer.encode(text, add_special_tokens=False)
    return token_ids


async def test_every_family_is_decoded_whole_and_streamed_alike(family_llm: "AsyncLLM") -> None:
    (text,), token_ids, report = await decode(family_llm, stream=False)
    pieces, streamed_ids, streamed = await decode(family_llm, stream=True)
    assert len(pieces) == len(streamed_ids) > 1
    assert "".join(pieces) == text == report.candidates[report.selected].text
    assert streamed_ids == token_ids
    assert [c.text for c in streamed.candidates] == [c.text for c in report.candidates]


async def test_every_family_branches(family_llm: "AsyncLLM") -> None:
    _, _, report = await decode(family_llm, stream=False)
    # Some tokens of a random vocabulary show nothing, so two branches may read alike.
    assert len({c.text for c in report.candidates}) > 1
    assert len(report.candidates) == NUM_PATHS
    assert all(1 <= c.num_tokens <= MAX_TOKENS for c in report.candidates)
    assert report.num_tokens == sum(c.num_tokens for c in report.candidates)


@pytest.fixture(scope="module")
def base_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A served GPT-2-like base model: it has no chat template, and reads 256 tokens."""
    folder = make_checkpoint(tmp_path_factory.mktemp("gpt2"), "gpt2")
    log = tmp_path_factory.mktemp("log") / "server.log"
    with running_server(str(folder), log, "--served-model-name", "base") as server:
        yield server


@pytest.fixture
def base_http(base_model: ServerProcess) -> Iterator[httpx.Client]:
    with base_model.http() as http:
        yield http


def base_completion(**fields: object) -> Json:
    decoding = {**COT, "prompt_template": "qa", "return_texts": True}
    return {"model": "base", "prompt": QUESTION, "max_tokens": 60, "decoding": decoding, **fields}


def test_base_model_completes_with_the_qa_template(base_http: httpx.Client) -> None:
    reply = base_http.post(COMPLETIONS, json=base_completion()).json()
    report = reply["decoding"]
    assert reply["choices"][0]["text"] == report["candidates"][report["selected"]]["text"]
    assert len({c["text"] for c in report["candidates"]}) == COT["k"]
    assert reply["usage"]["completion_tokens"] == report["num_tokens"] > 60


def test_base_models_stream_is_the_whole_reply_though_tokens_split_characters(
    base_http: httpx.Client,
) -> None:
    for prompt in (QUESTION, "🦆鸭 naïve", "é"):
        body = base_completion(prompt=prompt)
        whole = base_http.post(COMPLETIONS, json=body).json()["choices"][0]["text"]
        stream = read_stream(base_http, COMPLETIONS, body)
        assert stream.completion_text == whole != ""


def test_chat_with_a_base_model_is_refused(base_http: httpx.Client) -> None:
    body = {"model": "base", "messages": [{"role": "user", "content": "a"}], "decoding": COT}
    reply = base_http.post("/v1/chat/completions", json=body)
    assert reply.status_code == httpx.codes.BAD_REQUEST
    assert "chat template" in reply.json()["error"]["message"]


def test_prompt_that_fills_the_context_is_refused(base_http: httpx.Client) -> None:
    for num_tokens in (CONTEXT_LENGTH, CONTEXT_LENGTH + 1):
        body = base_completion(prompt=[5] * num_tokens, decoding=COT)
        reply = base_http.post(COMPLETIONS, json=body)
        assert reply.status_code == httpx.codes.BAD_REQUEST
        assert reply.json()["error"]["param"] is not None


def test_paths_end_at_the_context_where_no_limit_was_given(base_http: httpx.Client) -> None:
    num_left = 3
    prompt = [5] * (CONTEXT_LENGTH - num_left)
    body = base_completion(prompt=prompt, decoding=COT, max_tokens=None)
    report = base_http.post(COMPLETIONS, json=body).json()["decoding"]
    assert {c["num_tokens"] for c in report["candidates"]} == {num_left}


def test_aliases_carry_the_served_name(base_http: httpx.Client) -> None:
    ids = [card["id"] for card in base_http.get("/v1/models").json()["data"]]
    assert ids == ["base", *(f"base:{strategy}" for strategy in DECODERS)]
