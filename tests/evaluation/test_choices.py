"""How decoders are named on the command line."""

import pytest

from evaluation.choices import UnusableChoice, read_choices


def read(*texts: str, answer: object = "number") -> list[tuple[str, object]]:
    return [(choice.label, choice.decoding) for choice in read_choices(texts, answer)]


def test_plain_carries_no_decoding_and_a_name_alone_its_strategy() -> None:
    assert read("plain", "greedy") == [
        ("plain", None),
        ("greedy", {"strategy": "greedy", "answer": "number"}),
    ]


def test_parameters_are_json_or_else_text() -> None:
    text = 'majority_vote:num_samples=20,stop=none,count_truncated=true,models=["a","b"]'
    ((_, decoding),) = read(text)
    assert decoding == {
        "strategy": "majority_vote",
        "answer": "number",
        "num_samples": 20,
        "stop": "none",
        "count_truncated": True,
        "models": ["a", "b"],
    }


def test_same_parameters_have_one_label_however_they_are_written() -> None:
    ways = (
        "majority_vote:num_samples=20,temperature=1,stop=none",
        "majority_vote:stop=none,temperature=1,num_samples=20",
        '{"strategy": "majority_vote", "temperature": 1, "stop": "none", "num_samples": 20}',
    )
    labels = {label for way in ways for label, _ in read(way)}
    assert labels == {"majority_vote:num_samples=20,stop=none,temperature=1"}


def test_text_that_reads_as_a_number_keeps_its_quotes_in_the_label() -> None:
    ((text, _),) = read('{"strategy": "greedy", "reference": "5"}')
    ((number, _),) = read('{"strategy": "greedy", "reference": 5}')
    assert (text, number) == ('greedy:reference="5"', "greedy:reference=5")


def test_own_kind_of_answer_goes_before_the_common_one() -> None:
    (choice,) = read_choices(["greedy:answer=yes_no"], "number")
    assert choice.decoding == {"strategy": "greedy", "answer": "yes_no"}
    assert choice.grader.read("Yes, 7 of them.") == "yes"


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["plain:temperature=1"], "plain takes no parameters, got temperature"),
        (["greedy", "greedy"], "greedy is there twice"),
        (["greedy:"], "must be NAME, NAME:key=value"),
        (["cot decoding"], "must be NAME, NAME:key=value"),
        (["cot_decoding:k"], "parameters must be key=value, each key once, got 'k'"),
        (["cot_decoding:k=1,k=2"], "each key once, got 'k=2'"),
        (["cot_decoding:=2"], "got '=2'"),
        (['{"k": 1}'], '"strategy" must be a string, got None'),
        (['{"strategy"'], "is no JSON object"),
        (["greedy:answer=colour"], "answer 'colour': "),
        (['{"strategy": "greedy", "answer": {"pattern": "("}}'], "is not a valid RE2 expression"),
    ],
)
def test_what_cannot_be_read_is_one_line(texts: list[str], message: str) -> None:
    with pytest.raises(UnusableChoice) as failure:
        read_choices(texts, "number")
    assert str(failure.value).startswith(f"--decoders {texts[-1]}: ")
    assert message in str(failure.value)
    assert "\n" not in str(failure.value)
