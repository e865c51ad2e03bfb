import httpx
import openai
import pytest

from decoding.catalog import DECODERS
from tests.server.questions import COT, MESSAGES, MODEL, chat

pytestmark = pytest.mark.vllm
ALIASES = [f"{MODEL}:{strategy}" for strategy in DECODERS]


def test_models_lists_the_model_and_an_alias_for_every_decoder(client: openai.OpenAI) -> None:
    ids = [card.id for card in client.models.list()]
    assert ids == [MODEL, *ALIASES]


@pytest.mark.parametrize("model", [MODEL, *ALIASES])
def test_every_listed_model_can_be_retrieved(client: openai.OpenAI, model: str) -> None:
    card = client.models.retrieve(model)
    assert card.id == model
    assert card.object == "model"
    assert card.parent == (MODEL if ":" in model else None)  # type: ignore[attr-defined]  # vLLM's
    assert card.max_model_len == 2048  # type: ignore[attr-defined]  # vLLM's


@pytest.mark.parametrize("model", ["nope", f"{MODEL}:nope", "nope:greedy"])
def test_other_models_are_not_found(client: openai.OpenAI, model: str) -> None:
    with pytest.raises(openai.NotFoundError) as failure:
        client.models.retrieve(model)
    assert failure.value.param == "model"
    assert model in failure.value.message
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model=model, messages=MESSAGES)  # type: ignore[arg-type]  # plain dicts


def test_alias_chooses_the_decoder(http: httpx.Client) -> None:
    by_alias = http.post("/v1/chat/completions", json=chat(model=f"{MODEL}:cot_decoding")).json()
    by_field = http.post(
        "/v1/chat/completions", json=chat(decoding={"strategy": "cot_decoding"})
    ).json()
    assert by_alias["choices"] == by_field["choices"]
    assert by_alias["decoding"]["parameters"] == by_field["decoding"]["parameters"]


def test_alias_takes_parameters_from_the_field(http: httpx.Client) -> None:
    body = chat(model=f"{MODEL}:cot_decoding", decoding={"k": 2})
    reply = http.post("/v1/chat/completions", json=body).json()
    assert len(reply["decoding"]["candidates"]) == 2


def test_alias_agrees_with_the_same_strategy(http: httpx.Client) -> None:
    body = chat(model=f"{MODEL}:cot_decoding", decoding=COT)
    assert http.post("/v1/chat/completions", json=body).status_code == httpx.codes.OK


def test_plain_model_has_no_decoder(http: httpx.Client) -> None:
    assert "decoding" not in http.post("/v1/chat/completions", json=chat(temperature=0)).json()
