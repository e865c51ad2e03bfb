"""The tokenizer: byte-level BPE over words, every digit a token of its own."""

from collections.abc import Iterable
from random import Random

from tokenizers import Regex, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from transformers import PreTrainedTokenizerFast

from pocket.chat import CHAT_TEMPLATE, END, PAD, SPECIAL_TOKENS
from pocket.mixture import draw_example
from pocket.replies import DIRECT_OPENERS, STEP_OPENERS

VOCABULARY_SIZE = 2048
MAX_LENGTH = 2048
NUM_SAMPLES = 30_000
NUM_OPENINGS = 2000
"""Enough for each opening word to become one token, with and without a space before it."""

WORDS = Regex(
    r"\. \p{L}+: (?=\d)| ?\p{L}+:(?: (?=\d))?"
    r"|'s(?: (?=\d))?| ?\p{L}+(?: (?=\d))?|\d| ?[^\s\p{L}\d]+(?: (?=\d))?|\s+(?!\S)|\s+"
)
"""A word takes the space before it and, before a digit, the one after it: digits stay bare.

A label keeps its colon and, between two steps, the stop before it, so that a worked step costs
one token beside its equation.
"""


def train_tokenizer(seed: int, num_samples: int = NUM_SAMPLES) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(WORDS, "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=VOCABULARY_SIZE,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_sample_texts(seed, num_samples), trainer)
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]  # transformers' constructor
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
        model_max_length=MAX_LENGTH,
    )


def _sample_texts(seed: int, num_samples: int) -> Iterable[str]:
    rng = Random(f"{seed}:tokenizer")
    openings = [f"{opener.strip()} {opener}" for opener in (*STEP_OPENERS, *DIRECT_OPENERS)]
    yield from openings * NUM_OPENINGS
    for _ in range(num_samples):
        example = draw_example(rng, "styles", is_long=False)
        yield example.prompt + example.reply
