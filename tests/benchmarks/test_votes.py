from pathlib import Path
from typing import Any

import pytest

from benchmarks.plots import draw_accuracy_against_tokens
from benchmarks.tables import vote_pair_table, votes_table
from benchmarks.token_work import TokenWork
from benchmarks.vote_pairs import Side, compare
from benchmarks.votes import VoteFigure, share_right, vote_body, vote_methods
from evaluation.eval_set import Problem
from loadtest.client import Load
from measurement.plots import NoPlots
from measurement.statistics import wilson_share


def reply(text: str, finish_reason: str = "stop", **fields: Any) -> dict[str, Any]:
    choice = {"message": {"content": text}, "finish_reason": finish_reason}
    return {"choices": [choice], "usage": {"completion_tokens": 1}, **fields}


PROBLEMS = [Problem(str(n), "s", "How many?", 7) for n in range(4)]


def test_decoded_replies_are_judged_by_their_report_and_plain_ones_by_their_end() -> None:
    """Right are the report's 7 and the finished 7; a 7 that was cut off is not."""
    replies = (
        reply("The answer is 8.", decoding={"answer": "7"}),
        reply("The answer is 7.", decoding={"answer": None}),
        reply("So 7"),
        reply("So 7", finish_reason="length"),
    )
    assert share_right(PROBLEMS, Load(replies, 1.0)) == wilson_share(2, 4)


def test_latency_is_the_median_of_the_requests() -> None:
    assert Load((), 1.0, (0.1, 0.5, 0.2)).p50_ms == pytest.approx(200)


def test_every_method_has_a_name_of_its_own_and_is_asked_as_it_says() -> None:
    methods = vote_methods()
    assert len({method.name for method in methods}) == len(methods)
    bodies = [vote_body("m", PROBLEMS[0], method.decoding) for method in methods]
    assert [body for body in bodies if "decoding" not in body] == [{**bodies[0], "temperature": 0}]
    assert all(body["decoding"]["answer"] == "number" for body in bodies[1:])


def work(wall_s: float, num_tokens: int) -> TokenWork:
    return TokenWork(10, wall_s, num_tokens)


def test_ratios_say_how_many_times_less_ours_takes() -> None:
    """Tokens 300 : 100 and 600 : 300, wall time 4 : 2 and 6 : 2."""
    ours = Side("ours", (work(2, 100), work(2, 300)), num_right=19)
    peer = Side("peer", (work(4, 300), work(6, 600)), num_right=20)
    pair = compare(ours, peer)
    assert (pair.tokens.low, pair.tokens.high) == (2, 3)
    assert (pair.wall.low, pair.wall.high) == (2, 3)
    table = vote_pair_table(pair)
    assert "95.0 %" in table
    assert "2.500 (2.000–3.000)" in table


def figure(family: str, tokens: float) -> VoteFigure:
    return VoteFigure("held_out", family, family, wilson_share(3, 4), tokens, 10.0, 5.0)


@pytest.mark.parametrize("name", ["votes.png", "votes.svg"])
def test_plot_is_drawn(tmp_path: Path, name: str) -> None:
    figures = [figure("vote", tokens) for tokens in (100, 200, 400)] + [figure("greedy", 7)]
    draw_accuracy_against_tokens(tmp_path / name, figures)
    assert (tmp_path / name).stat().st_size > 5_000


def test_plot_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoPlots, match=r"\.png or \.svg"):
        draw_accuracy_against_tokens(tmp_path / "votes.gif", [figure("vote", 9)])


def test_table_has_a_row_for_each_figure() -> None:
    rows = votes_table([figure("vote", 100), figure("greedy", 7)]).splitlines()[2:]
    assert [row.split()[0] for row in rows] == ["held_out:", "held_out:"]
    assert "75.0 %" in rows[0]
