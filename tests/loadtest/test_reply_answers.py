import pytest

from loadtest.reply_answers import last_number, majority


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("80 - 23 = 57. The answer is 52.", 52.0),
        ("5-3", 3.0),
        ("It is -4", -4.0),
        ("1,234 and no more", 1234.0),
        ("one of 1,2,3", 3.0),
        ("2.50 dollars.", 2.5),
        ("none", None),
        ("", None),
    ],
)
def test_last_number_of_a_text(text: str, number: float | None) -> None:
    assert last_number(text) == number


def test_majority_tie_goes_to_the_first_seen() -> None:
    assert majority([7.0, 8.0, 8.0, 7.0]) == 7.0


def test_samples_without_a_number_have_no_vote() -> None:
    assert majority([None, None, 3.0]) == 3.0
    assert majority([None]) is None
