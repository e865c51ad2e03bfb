"""The engines that must keep the contract."""

from contextlib import nullcontext

import pytest

from decoding.engine import Prompt
from decoding.testing.table_engine import TableEngine
from tests.contract.subject import Subject

MAX_TOKENS = 200
TABLE = {
    (): {"First": 0.5, "7": 0.3, "é": 0.15, "So": 0.05},
    ("First",): {" 3 + 5 =": 0.9, " we": 0.08, " a": 0.02},
    ("First", " 3 + 5 ="): {" 8": 0.8, " 9": 0.15, " 2": 0.05},
    ("First", " 3 + 5 =", " 8"): {"<end>": 0.9, ".": 0.06, "!": 0.04},
    ("7",): {"<end>": 0.6, "0": 0.3, "1": 0.1},
    ("é",): {" 6": 0.6, " 5": 0.3, " 4": 0.1},
}


class EndlessTable(dict[tuple[str, ...], dict[str, float]]):
    """Whatever was said, there is more to say."""

    def get(self, *args: object) -> dict[str, float]:
        return {"First": 0.8, "So": 0.2}


def table_subject() -> Subject:
    engine = TableEngine(TABLE)
    endless = TableEngine(EndlessTable(TABLE))
    return Subject(
        engine,
        endless,
        Prompt(engine.prompt_token_ids(), MAX_TOKENS),
        "First 3 + 5 = 8",
        lambda: endless.started - endless.finished - endless.aborted,
        lambda: nullcontext(TableEngine(EndlessTable(TABLE), num_tokens_in_time=5)),
    )


def vllm_subject(request: pytest.FixtureRequest) -> Subject:
    llm = request.getfixturevalue("pocket_llm")
    from tests.contract.vllm_subject import hurried_engine, params, vllm_engine

    messages = [{"role": "user", "content": "Tom has 3 pens. He buys 5 pens. How many pens?"}]
    tokenizer = llm.renderer.get_tokenizer()
    text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    token_ids = tokenizer.encode(text, add_special_tokens=False)
    engine = vllm_engine(llm, token_ids, params(MAX_TOKENS))
    endless = params(1500, ignore_eos=True)
    return Subject(
        engine,
        vllm_engine(llm, token_ids, endless),
        engine.prompt,
        "A naïve 鸭 🦆 eats 3 + 5 = 8 plums",
        llm.output_processor.get_num_unfinished_requests,
        lambda: hurried_engine(llm, token_ids, endless),
    )


@pytest.fixture(params=["table", pytest.param("vllm", marks=pytest.mark.vllm)])
def subject(request: pytest.FixtureRequest) -> Subject:
    return table_subject() if request.param == "table" else vllm_subject(request)
