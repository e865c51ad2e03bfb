from pathlib import Path

import pytest
from pydantic import ValidationError

from decoding.catalog import DECODERS, decoder_table, parse_decoder
from decoding.decoders.cot_decoding import CoTDecoding

README = Path(__file__).parents[2] / "README.md"


def test_strategy_picks_the_decoder_with_its_defaults() -> None:
    assert parse_decoder({"strategy": "cot_decoding"}) == CoTDecoding(k=10, selection="aggregate")


@pytest.mark.parametrize("k", [0, -1, 2.5, "3", float("nan"), True, None])
def test_k_outside_its_type_or_range_is_refused(k: object) -> None:
    with pytest.raises(ValidationError):
        parse_decoder({"strategy": "cot_decoding", "k": k})


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(ValidationError, match="extra"):
        parse_decoder({"strategy": "greedy", "temperature": 1})


def test_decoders_are_values() -> None:
    decoder = parse_decoder({"strategy": "cot_decoding", "k": 3})
    assert decoder == CoTDecoding(k=3)
    with pytest.raises(ValidationError, match="frozen"):
        decoder.return_texts = True


def test_readme_shows_the_catalogue_as_it_is() -> None:
    assert decoder_table() in README.read_text()
    assert all(f"`{strategy}`" in decoder_table() for strategy in DECODERS)
