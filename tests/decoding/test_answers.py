"""Answers are read with their value and the exact characters that state it."""

import pytest

from decoding.answers import AnswerKind, extract_answer, normalize_answer

NBSP, NARROW, THIN, MINUS = "\u00a0", "\u202f", "\u2009", "\u2212"

NUMBERS = [
    # text, stated characters, value
    ("9 * 8 = 72", "72", "72"),
    ("She makes 9 * 2 = $18 every day for 5 days.", "18", "18"),
    ("So 16 - 3 = 13 eggs. That leaves 4", "4", "4"),
    ("It costs 5 * 3", "3", "3"),
    ("A total of 1,234.5 km", "1,234.5", "1234.5"),
    ("It costs $5,000.", "5,000", "5000"),
    ("It costs $.75 each", ".75", "0.75"),
    ("It costs US$5", "5", "5"),
    ("That is Rs. 500", "500", "500"),
    ("That is Rs500 in all", "500", "500"),
    ("It is -3 degrees", "-3", "-3"),
    (f"It is {MINUS}3 degrees", f"{MINUS}3", "-3"),
    ("He owes -$5", "-$5", "-5"),
    ("He owes $-5", "-5", "-5"),
    ("It is +3 degrees", "+3", "3"),
    ("12 - 5", "5", "5"),
    ("12 -5", "5", "5"),
    ("(2) -5", "5", "5"),
    ("10-15", "15", "15"),
    ("pages 10–15", "15", "15"),
    ("a drop of 20%.", "20", "20"),
    ("about 3/4 of it", "3/4", "0.75"),
    ("one of them is 1/3.", "1/3", "1/3"),
    ("2/6", "2/6", "1/3"),
    ("3/0", "0", "0"),
    ("60/2/5", "5", "5"),
    ("it takes 1 1/2 hours", "1 1/2", "1.5"),
    ("it takes 5 7/2", "7/2", "3.5"),
    ("it takes 1½ hours", "1½", "1.5"),
    (r"we get \frac{3}{4}", r"\frac{3}{4}", "0.75"),
    (r"we get -\dfrac{1}{3}", r"-\dfrac{1}{3}", "-1/3"),
    (r"we get 1\frac{1}{2}", r"1\frac{1}{2}", "1.5"),
    (r"we get \frac34", r"\frac34", "0.75"),
    (r"we get \frac{3}{0}", r"\frac{3}{0}", r"\frac{3}{0}"),
    (r"it is \$5{,}000 in all", r"5{,}000", "5000"),
    (r"it is $5\,000$ in all", r"5\,000", "5000"),
    ("**42**", "42", "42"),
    ("the 5th", "5", "5"),
    ("it weighs 3kg", "3", "3"),
    ("an area of 25 cm^2", "25", "25"),
    ("call x2 or H2O 7 times with log_3", "7", "7"),
    ("that is 2^10", "2^10", "1024"),
    ("that is 1.5e3 units", "1.5e3", "1500"),
    (r"that is 6.5 \times 10^{3}", r"6.5 \times 10^{3}", "6500"),
    ("some 7.2 billion fish", "7.2 billion", "7200000000"),
    ("5 miles", "5", "5"),
    ("a list 1,2,3", "3", "3"),
    ("a list 1, 2, 3", "3", "3"),
    ("1,00,000 rupees", "1,00,000", "100000"),
    ("12,34,567 rupees", "12,34,567", "1234567"),
    ("1.5 litres", "1.5", "1.5"),
    ("1,5 litros", "1,5", "1.5"),
    ("0,125 litros", "0,125", "0.125"),
    ("1.234", "1.234", "1.234"),
    ("1,234", "1,234", "1234"),
    ("1.234.567", "1.234.567", "1234567"),
    ("Gana 1.234,5 euros", "1.234,5", "1234.5"),
    ("Paga 12,50 y gana 1.234 euros", "1.234", "1234"),
    ("Il paie 12,50 et gagne 3,125 euros", "3,125", "3.125"),
    ("Pays 12.50 for (3,4) and 1.234", "1.234", "1.234"),
    ("Josh gana $80 000.", "80 000", "80000"),
    (f"Il gagne 80{NBSP}000 $", f"80{NBSP}000", "80000"),
    (f"Il gagne 1{NARROW}080{NARROW}000,50 €", f"1{NARROW}080{NARROW}000,50", "1080000.5"),
    (f"Il gagne 80{THIN}000", f"80{THIN}000", "80000"),
    ("in 2010 500 people", "500", "500"),
    ("कुल १,२३४.५ रुपये।", "१,२३४.५", "1234.5"),
    ("المجموع ٧٢", "٧٢", "72"),
    ("المجموع ٧٬٢٠٠٫٥", "٧٬٢٠٠٫٥", "7200.5"),
    ("全部で７２個。", "７２", "72"),
    ("答案是72。", "72", "72"),
    ("on 5/1/2021.", "5/1/2021", "05/01/2021"),
    ("on 2021-05-01.", "2021-05-01", "2021-05-01"),
    ("at 09:30.", "09:30", "9:30"),
    ("the ratio 3:4", "3:4", "3:4"),
    ("She has 8. ", "8", "8"),
    ("-0", "-0", "0"),
    ("so...5", "5", "5"),
    ("007", "007", "7"),
    ("<<9*8=72>>72 eggs", "72", "72"),
]

MARKED_NUMBERS = [
    ("The answer is 17. This took 3 steps", "17", "17"),
    ("The answer is 12. No, the answer is 14. I took 3 steps", "14", "14"),
    ("The answer is 12 - 5 = 7. I took 3 steps", "7", "7"),
    ("The answer is that she makes 9 * 2 = $18 in a day. It has 24 hours", "18", "18"),
    ("The answer is that in 5 days she makes $18. I am 99% sure", "18", "18"),
    ("The answer is obvious. It has 24 hours", "24", "24"),
    ("The answer to this question is about **$1,250**. See page 3", "1,250", "1250"),
    ("... = 72\n#### 72\n\nNext 5", "72", "72"),
    ("5 + 3 = 8\nA: 8\n\nSource 12", "8", "8"),
    ("**Answer:** 72 (from 8 pages)", "72", "72"),
    ("## Final Answer\n\n72 apples\n\nChecked 2 times", "72", "72"),
    ("La respuesta es 1.234,5 euros. Son 3 pasos", "1.234,5", "1234.5"),
    ("La réponse est 80 000 $. Il y a 2 étapes", "80 000", "80000"),
    ("Réponse : 12 œufs, en 2 étapes", "12", "12"),
    ("उत्तर ७२ है। इसमें 3 चरण", "७२", "72"),
    ("Die Antwort ist 11. Das sind 2 Schritte", "11", "11"),
    (r"so \boxed{\frac{1}{2}} in 3 steps. The answer is 7", r"\frac{1}{2}", "0.5"),
    (r"so \boxed{\$18\text{ dollars}} in 3 steps", "18", "18"),
    (r"so \boxed{x = 5} in 3 steps", "5", "5"),
    (r"\boxed{1} then \boxed{2} and 3", "2", "2"),
    (r"\boxed{\boxed{2}} and 3", "2", "2"),
    ("The answer is 8.\n\nQ: Tom has 5 apples.\nA: 5", "8", "8"),
    ("He has 8 left.\n\nQuestion: Tom has 5 apples", "8", "8"),
    ("Q: What is 2 + 2?\nA: 4\nQ: What is 4 + 5?\nA: 9", "4", "4"),
    ("Q1. Was it 3?\nIt was 4.\nQ2. Is it 6?\nIt is 7", "7", "7"),
    ("He has 8.\nUser: and 9?", "8", "8"),
    ("He has 8.\n**Question**: and 9?", "8", "8"),
    ("The answer is **18** dollars, as x = 3", "18", "18"),
    ("The answer is $\\frac{3}{4}$, in 2 steps", "\\frac{3}{4}", "0.75"),
    ("The answer is \\(x = 5\\). There are 2 steps", "5", "5"),
    ("The answer is $-18$ by rule 2", "-18", "-18"),
]

OPTIONS = [
    ("(B)", "B", "B"),
    ("B.", "B", "B"),
    ("B", "B", "B"),
    ("**B**", "B", "B"),
    ("B) 72", "B", "B"),
    ("The answer is b", "b", "B"),
    ("the answer is (b).", "b", "B"),
    ("The answer is A.", "A", "A"),
    ("The answer is A because the rest is wrong. (C) is not", "A", "A"),
    ("Answer: **D**", "D", "D"),
    (r"\boxed{\text{(C)}}", "C", "C"),
    (r"\boxed{C}", "C", "C"),
    ("The correct option is C, not (D)", "C", "C"),
    ("Either (A) or (B), so it must be (A)", "A", "A"),
    ("Look at (A) and vitamin C", "A", "A"),
    ("I think it is a tie, so option E", "E", "E"),
    ("La respuesta es (B) porque 3 > 2", "B", "B"),
    ("Which is right?\nA: 5\nB: 6\nC: 7\nThe answer is B", "B", "B"),
]
STANDALONE_OPTIONS = [("It must be C", "C", "C"), ("We choose A.", "A", "A")]
NO_OPTIONS = ["I have a dog", "A dog barks", "The answer is a dog", "It's D's", "72", ""]

YES_OR_NO = [
    ("Yes, because 5 > 3.", "Yes", "yes"),
    ("**No**. It sinks.", "No", "no"),
    ("No", "No", "no"),
    ("It sinks, so the answer is no.", "no", "no"),
    ("Yes, at first sight. But the answer is no.", "no", "no"),
    ("The statement is false.", "false", "no"),
    ("Answer: True", "True", "yes"),
    ("La respuesta es sí.", "sí", "yes"),
    ("Non, il coule.", "Non", "no"),
    ("उत्तर: हाँ", "हाँ", "yes"),
    ("नहीं, वह डूबता है।", "नहीं", "no"),
    ("There is no way to tell, but I would say yes", "yes", "yes"),
]

AUTO = [
    ("Yes, 5 + 3 = 8 is enough for 7.", "Yes", "yes"),
    ("No apples are left: 5 - 5 = 0", "0", "0"),
    ("So 3 + 4 = 7, which is option (C).", "C", "C"),
    ("A. First count 3 apples.\nB. Then count 4 more, so 7", "7", "7"),
    ("No. of apples: 5", "5", "5"),
    ("The answer is yes since 12 > 5", "yes", "yes"),
    ("The answer is clearly (B), by rule 4", "B", "B"),
    ("The answer is 5 (B)", "5", "5"),
    (r"\boxed{2\sqrt{3}} of 7", r"2\sqrt{3}", r"2\sqrt{3}"),
    (r"\boxed{\text{Paris}} of 7", r"\text{Paris}", "Paris"),
    (r"\boxed{Yes}", "Yes", "yes"),
    (r"\boxed{\text{The answer is } 72} of 80", "72", "72"),
]

BOXED = [
    (r"\boxed{8.0}", "8.0", "8"),
    (r"\boxed{ \left( 1, 2 \right) }", r" \left( 1, 2 \right) ", "(1,2)"),
    (r"\boxed{B}", "B", "B"),
    (r"\boxed{\dfrac{x}{2}}", r"\dfrac{x}{2}", r"\frac{x}{2}"),
    (r"\boxed{45^\circ}", "45", "45"),
    (r"\boxed{12\%}", "12", "12"),
    (r"\boxed{5\text{ cm}^2}", "5", "5"),
    (r"\boxed{\{1\}} \boxed{2", r"\{1\}", r"\{1\}"),
]


def table(kind: AnswerKind, rows: list[tuple[str, str, str]]) -> list[tuple[str, str, str, str]]:
    return [(kind, *row) for row in rows]


@pytest.mark.parametrize(
    ("kind", "text", "stated", "value"),
    [
        *table("number", NUMBERS),
        *table("number", MARKED_NUMBERS),
        *table("option", OPTIONS),
        *table("yes_no", YES_OR_NO),
        *table("boxed", BOXED),
        *table("option", STANDALONE_OPTIONS),
        *table("auto", NUMBERS + MARKED_NUMBERS + OPTIONS + YES_OR_NO + AUTO),
        ("text", "  Paris,\n France ", "Paris,\n France", "paris, france"),
    ],
)
def test_value_and_span(kind: AnswerKind, text: str, stated: str, value: str) -> None:
    answer = extract_answer(text, kind)
    assert answer is not None
    assert (answer.value, text[answer.start : answer.end]) == (value, stated)
    assert normalize_answer(answer.value, kind) == value


@pytest.mark.parametrize("text", NO_OPTIONS)
def test_articles_pronouns_and_numbers_are_no_options(text: str) -> None:
    assert extract_answer(text, "option") is None


@pytest.mark.parametrize("kind", ["auto", "number", "option", "yes_no", "boxed", "text"])
@pytest.mark.parametrize("text", ["", " \n", "?!"])
def test_a_reply_that_says_nothing_has_no_answer(kind: AnswerKind, text: str) -> None:
    if (kind, text) != ("text", "?!"):
        assert extract_answer(text, kind) is None


def test_a_plan_named_b_is_no_answer_unless_options_are_asked_for() -> None:
    assert extract_answer("They went on with plan B at once") is None
    option = extract_answer("They went on with plan B at once", "option")
    assert option is not None
    assert option.value == "B"


@pytest.mark.parametrize(
    "spellings",
    [
        ["8", "8.0", "8.", "+8", "$8", "8%", "08", "8 apples", "**8**", "８", "८", r"\boxed{8}"],
        ["1/2", "0.5", ".5", "0,5", "2/4", "50/100", r"\frac{1}{2}", r"\dfrac12", "½"],
        ["1234.5", "1,234.5", "1.234,5", "1 234.5", "2469/2", "$1,234.50", r"1{,}234.5"],
        ["-3", "−3", "-3.0", "-$3", "$-3", "-6/2"],
        ["80000", "80 000", "80,000", "80\u00a0000", "80\u202f000", "80 thousand", "8e4"],
        ["1/3", "2/6", r"\frac{1}{3}"],
        ["05/01/2021", "5/1/2021", "05/1/2021"],
        ["B", "b", "(B)", "B.", "**B**", r"\text{(B)}"],
        ["yes", "Yes.", "TRUE", "sí", "हाँ"],
        [r"\frac{x}{2}", r"\dfrac{x}{2}", r"\frac {x} {2}", r"$\frac{x}{2}$"],
    ],
)
def test_spellings_of_one_answer_are_equal(spellings: list[str]) -> None:
    assert {normalize_answer(spelling) for spelling in spellings} == {
        normalize_answer(spellings[0])
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("8", "-8"),
        ("1/3", "0.333333333"),
        ("10", "1"),
        ("1.234", "1234"),
        ("05/01/2021", "01/05/2021"),
        ("yes", "no"),
        ("A", "B"),
        (r"2\sqrt{3}", r"3\sqrt{3}"),
        ("10:30", "10:31"),
    ],
)
def test_different_answers_differ(one: str, other: str) -> None:
    assert normalize_answer(one) != normalize_answer(other)


def test_a_reference_with_its_solution_is_read_from_its_marker() -> None:
    assert normalize_answer("She has 48/2 = 24.\n#### 1,272") == "1272"


def test_a_reference_of_another_kind_is_kept_as_text() -> None:
    assert normalize_answer("New  York", "number") == "new york"
    assert normalize_answer("New  York") == "New York"


@pytest.mark.parametrize(
    ("number", "value"),
    [
        ("1e999999", "1e999999"),
        ("2^99999", "2^99999"),
        ("1/" + "3" * 300, "1/" + "3" * 300),
        ("0" * 100_000 + "7", "7"),
        ("9" * 1_000_000, "9" * 1_000_000),
    ],
)
def test_absurd_numbers_keep_a_value(number: str, value: str) -> None:
    assert normalize_answer(number, "number") == value
