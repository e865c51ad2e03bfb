"""What each request costs the engine, and whose cache it may read: two places of vLLM's engine
client through which everything goes that it generates, whatever route it came by."""

import hashlib
import hmac
from typing import Any, cast

from vllm.engine.protocol import EngineClient
from vllm.v1.engine import EngineCoreRequest
from vllm.v1.engine.async_llm import AsyncLLM
from vllm.v1.engine.parallel_sampling import ParentRequest

from server.collections.tenancy import PUBLIC
from server.gate.admission import current_visit

NUM_SALT_CHARS = 32


def meter(engine_client: EngineClient, secret: str) -> None:
    """Count the tokens of each visit, and keep tenants' prefix caches apart.

    Tokens are counted by the sequences' own detokenizers, when the visit ends: nothing is added to
    what vLLM does for a token, and those of aborted requests count.
    """
    assert isinstance(engine_client, AsyncLLM)
    processor, outputs = engine_client.input_processor, engine_client.output_processor
    process_inputs, add_request = processor.process_inputs, outputs.add_request

    def salted_inputs(*args: Any, **kwargs: Any) -> EngineCoreRequest:  # as vLLM's, which grow
        request = process_inputs(*args, **kwargs)
        visit = current_visit.get()
        if visit is not None and visit.caller.tenant != PUBLIC:
            request.cache_salt = salt(secret, visit.caller.tenant, request.cache_salt)
        return request

    def add_counted(
        request: EngineCoreRequest,
        prompt: str | None,
        parent_req: ParentRequest | None = None,
        request_index: int = 0,
        *args: Any,  # as vLLM's, which grow
        **kwargs: Any,
    ) -> None:
        add_request(request, prompt, parent_req, request_index, *args, **kwargs)
        visit = current_visit.get()
        if visit is not None:
            state = outputs.request_states[request.request_id]
            visit.add_sequence(0 if request_index else state.prompt_len, state.detokenizer)

    processor.process_inputs = salted_inputs  # type: ignore[method-assign]  # vLLM has no hook
    cast(Any, outputs).add_request = add_counted  # likewise


def salt(secret: str, tenant: str, given: str | None) -> str:
    """What a tenant's cache is kept apart by. A salt of the client's own divides its tenant's
    cache further, and cannot name another's."""
    message = f"{tenant}\0{given or ''}".encode(errors="surrogatepass")
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()[:NUM_SALT_CHARS]
