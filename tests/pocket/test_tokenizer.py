from pathlib import Path
from random import Random

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from pocket.chat import END, Message, render_chat
from pocket.mixture import draw_example
from pocket.replies import DIRECT_OPENERS, STEP_OPENERS
from pocket.tokenizer import VOCABULARY_SIZE, train_tokenizer

CHECKPOINT = Path("pocket/checkpoint")


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    loaded = AutoTokenizer.from_pretrained(CHECKPOINT)
    assert isinstance(loaded, PreTrainedTokenizerFast)
    return loaded


@pytest.mark.parametrize(
    "text",
    [
        "Tom has 12 + 5 = 17 apples.",
        "  two  spaces\n\nand lines\t",
        "Zoë's 99 naïve 日本語 🙂 <b>1,000.50</b>",
        "Q: 7*8=?\nA:",
        "",
    ],
)
def test_any_text_survives_a_round_trip(tokenizer: PreTrainedTokenizerFast, text: str) -> None:
    assert tokenizer.decode(tokenizer(text).input_ids) == text


def test_every_digit_is_its_own_token(tokenizer: PreTrainedTokenizerFast) -> None:
    pieces = [tokenizer.decode([i]) for i in tokenizer("It cost 1234 dollars, not 98.").input_ids]
    assert [piece for piece in pieces if any(c.isdigit() for c in piece)] == list("123498")


def test_vocabulary_is_a_multiple_of_128(tokenizer: PreTrainedTokenizerFast) -> None:
    assert len(tokenizer) == VOCABULARY_SIZE
    assert VOCABULARY_SIZE % 128 == 0


@pytest.mark.parametrize("space", ["", " "])
def test_openings_begin_with_different_tokens(
    tokenizer: PreTrainedTokenizerFast, space: str
) -> None:
    openers = [*DIRECT_OPENERS, *STEP_OPENERS]
    first = {tokenizer(space + opener).input_ids[0] for opener in openers}
    assert len(first) == len(openers) >= 11


def test_chat_template_renders_what_training_used(tokenizer: PreTrainedTokenizerFast) -> None:
    messages = [
        Message("system", "Be brief."),
        Message("user", "What is 2 + 2?"),
        Message("assistant", "The answer is 4."),
        Message("user", "And 3 + 3?"),
    ]
    rendered = tokenizer.apply_chat_template(
        [{"role": m.role, "content": m.content} for m in messages],
        tokenize=False,
        add_generation_prompt=True,
    )
    assert rendered == render_chat(messages)


def test_end_of_turn_is_the_end_token(tokenizer: PreTrainedTokenizerFast) -> None:
    assert tokenizer.eos_token == END
    assert tokenizer.decode([tokenizer.eos_token_id], skip_special_tokens=True) == ""


def test_prompt_and_reply_encoded_apart_give_the_text(tokenizer: PreTrainedTokenizerFast) -> None:
    """Training encodes the two apart, as a server does that sees only the prompt."""
    rng = Random(0)
    for _ in range(300):
        example = draw_example(rng, "styles", is_long=False)
        apart = tokenizer(example.prompt).input_ids + tokenizer(example.reply).input_ids
        assert tokenizer.decode(apart) == example.prompt + example.reply


def test_training_twice_gives_one_tokenizer() -> None:
    first, second = (
        train_tokenizer(3, num_samples=200).backend_tokenizer.to_str() for _ in range(2)
    )
    assert first == second
