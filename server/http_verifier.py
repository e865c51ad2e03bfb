"""The verifier `http`: a reward model at an address that the operator sets, never the request.

The question and the reply are sent as messages, as vLLM's /pooling takes them for a reward model
(`vllm serve MODEL --runner pooling`). The reply holds one number: `{"score": x}`, or vLLM's
`{"data": [{"data": [x]}]}`.
"""

from typing import Any

import httpx

from decoding.engine import Engine
from decoding.verifiers import Claim, Verifier
from server.settings import load_settings
from server.verifiers import NotConfigured

MAX_CONNECTIONS = 64


class HTTPVerifier(Verifier):
    """What the reward endpoint answers; its deadline is that of all verifiers."""

    needs_question = True

    def __init__(self, url: str, model: str | None = None, api_key: str | None = None) -> None:
        self._url = url
        self._model = {"model": model} if model else {}
        self._client = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            limits=httpx.Limits(max_connections=MAX_CONNECTIONS),
            timeout=None,  # `judge` keeps the deadline
        )

    async def score(self, claim: Claim, engine: Engine) -> float | None:
        messages = [
            {"role": "user", "content": claim.question},
            {"role": "assistant", "content": claim.text},
        ]
        reply = await self._client.post(self._url, json={**self._model, "messages": messages})
        reply.raise_for_status()
        return _read_score(reply.json())


def from_settings() -> HTTPVerifier:
    """The entry point.

    Raises:
        NotConfigured: no address is set.
    """
    settings = load_settings()
    if settings.verifier_url is None:
        raise NotConfigured("the server has no WINNOW_VERIFIER_URL")
    key = settings.verifier_api_key
    return HTTPVerifier(
        str(settings.verifier_url),
        settings.verifier_model,
        key.get_secret_value() if key else None,
    )


def _read_score(body: Any) -> float:  # any JSON
    if isinstance(body, dict) and "score" in body:
        score = body["score"]
    else:
        try:
            ((score,),) = [one["data"] for one in body["data"]]
        except (TypeError, KeyError, ValueError):
            raise ValueError("the reward endpoint's reply holds no single score") from None
    if isinstance(score, bool) or not isinstance(score, int | float):
        raise ValueError("the reward endpoint's score is no number")
    return float(score)
