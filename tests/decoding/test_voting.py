import pytest

from decoding.voting import leader, share, tally


def test_weights_of_one_answer_add_up() -> None:
    assert tally([("8", 0.25), ("7", 0.5), ("8", 0.5)]) == {"8": 0.75, "7": 0.5}


def test_tie_goes_to_first_seen() -> None:
    assert leader({"9": 1.0, "1": 1.0}) == "9"


def test_share_of_nothing_is_unknown() -> None:
    assert share({"a": 3.0, "b": 1.0}, "a") == pytest.approx(0.75)
    assert share({"a": 0.0}, "a") is None
