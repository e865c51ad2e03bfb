from collections import Counter

import pytest

from decoding.stopping import beta_decides, fewest_votes, window_decides


def votes(text: str) -> list[str | None]:
    """One letter a vote, a dot for a sample without an answer."""
    return [None if letter == "." else letter for letter in text]


@pytest.mark.parametrize(
    ("counts", "is_decided"),
    [
        ((0, 0), False),  # 1/2
        ((3, 0), False),  # 15/16 = 0.9375
        ((4, 0), True),  # 31/32 = 0.969
        ((5, 1), False),  # 120/128 = 0.9375
        ((6, 1), True),  # 247/256 = 0.965
        ((7, 2), False),  # 968/1024 = 0.945
        ((8, 2), True),  # 1981/2048 = 0.967
    ],
)
def test_beta_rule_at_95_percent(counts: tuple[int, int], is_decided: bool) -> None:
    cast = ["a"] * counts[0] + ["b"] * counts[1]
    assert beta_decides(cast, 0.95) is is_decided


def test_beta_rule_looks_at_the_two_largest_counts_only() -> None:
    """4:0 is enough; 4:1 is 57/64 = 0.89 however many others have one vote."""
    assert beta_decides(votes("aaaa...."), 0.95)
    assert not beta_decides(votes("aaaab"), 0.95)
    assert beta_decides(votes("aaaabcd"), 0.95) == beta_decides(votes("aaaab"), 0.95)


def test_beta_threshold_is_a_parameter() -> None:
    assert beta_decides(votes("aaa"), 0.9375)
    assert not beta_decides(votes("aaa"), 0.94)


@pytest.mark.parametrize(
    ("cast", "is_decided"),
    [
        ("", False),
        ("aaaa", False),
        ("aaaaa", True),
        ("aaaab", False),
        ("baaaaa", False),  # five in a row, but not one window
        ("bcdefaaaaa", True),
        ("aaaa.", False),
        (".....", False),
    ],
)
def test_window_rule_wants_one_whole_window_of_one_answer(cast: str, is_decided: bool) -> None:
    assert window_decides(votes(cast), 5) is is_decided


def test_rules_agree_with_their_definition_on_every_short_vote() -> None:
    """Against a direct sum over the binomial distribution, for all votes of a, b and none."""
    from itertools import product
    from math import comb

    for length in range(7):
        for cast in product("ab.", repeat=length):
            counts = sorted(Counter(v for v in cast if v != ".").values(), reverse=True)
            a, b = [*counts, 0, 0][:2]
            chance = sum(comb(a + b + 1, i) * 0.5 ** (a + b + 1) for i in range(a + 1))
            assert beta_decides(votes("".join(cast)), 0.9) is (chance >= 0.9)


@pytest.mark.parametrize(
    ("votes", "expected"),
    [("", 4), ("8", 4), ("89", 7), ("8898", 7), ("8899", 10), ("8888", 4)],
)
def test_fewest_votes_that_may_decide(votes: str, expected: int) -> None:
    """The Beta rule stops at 4:0, 6:1 and 8:2; the leader is hoped for."""
    hoped = max("89", key=votes.count)
    assert fewest_votes(list(votes), hoped, 40, lambda seen: beta_decides(seen, 0.95)) == expected


def test_fewest_votes_are_at_most_all() -> None:
    assert fewest_votes(["8", "9"], "8", 5, lambda seen: beta_decides(seen, 0.95)) == 5


def test_a_thousand_votes_and_more_can_be_decided() -> None:
    """2 ** 1025 is no float."""
    assert not beta_decides(["8", "9"] * 512, 0.95)
    assert beta_decides(["8"] * 600 + ["9"] * 424, 0.95)
