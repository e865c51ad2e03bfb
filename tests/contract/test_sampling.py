"""What vLLM's engine does with sampled paths: seeds, and tokens that are under way."""

from typing import TYPE_CHECKING

import pytest

from decoding.decoders.majority_vote import MajorityVote
from server.checkpoint import bundled_checkpoint

if TYPE_CHECKING:
    from vllm.v1.engine.async_llm import AsyncLLM

pytestmark = pytest.mark.vllm
PROMPT = [7 + i % 50 for i in range(150)]
NUM_TOKENS = 12
TIMEOUT_S = 30.0


async def sample(llm: "AsyncLLM", seed: int) -> list[int]:
    from vllm.inputs.engine import tokens_input
    from vllm.sampling_params import RequestOutputKind, SamplingParams

    from tests.contract.vllm_subject import request_id

    params = SamplingParams(
        temperature=1.0,
        seed=seed,
        max_tokens=NUM_TOKENS,
        ignore_eos=True,
        output_kind=RequestOutputKind.FINAL_ONLY,
    )
    outputs = [o async for o in llm.generate(tokens_input(PROMPT), params, request_id())]
    return list(outputs[-1].outputs[0].token_ids)


async def test_seed_holds_when_the_prompt_is_prefilled_in_parts(pocket_llm: "AsyncLLM") -> None:
    """150 tokens in steps of at most 64: vLLM's own worker dies of the first one on CPU."""
    from tests.contract.vllm_subject import running_llm

    whole = [await sample(pocket_llm, seed) for seed in (7, 7, 8)]
    async with running_llm(str(bundled_checkpoint()), max_num_batched_tokens=64) as llm:
        parts = [await sample(llm, seed) for seed in (7, 7, 8)]
    assert whole[0] == whole[1] != whole[2]
    assert parts == whole


async def test_seeded_vote_repeats_itself(pocket_llm: "AsyncLLM") -> None:
    """Eight samples at a high temperature, so that they differ from each other."""
    from tests.contract.vllm_subject import params, vllm_engine

    decoder = MajorityVote(temperature=1.5, seed=3, stop="none", return_texts=True)
    texts = []
    for _ in range(2):
        engine = vllm_engine(pocket_llm, PROMPT, params(NUM_TOKENS))
        report = (await decoder.run(engine, engine.prompt, lambda event: None)).report
        texts.append([candidate.text for candidate in report.candidates])
    assert texts[0] == texts[1]
    assert len(set(texts[0])) > 4
