import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from retrieval.sqlite_store import SQLiteStore
from server.replies.log import LoggedReply, Verdict
from server.replies.opening import open_reply_log
from server.replies.report_command import main
from server.replies.summary import JudgedReply, accuracy_by_day, judged, summarise
from tests.server.replies.test_log import REPLY

DAY = 86_400.0


def reply(is_right: bool | None, **fields: object) -> JudgedReply:
    return JudgedReply(replace(REPLY, **fields), is_right)  # type: ignore[arg-type]  # its fields


def test_feedback_outweighs_the_requests_own_reference() -> None:
    labelled = replace(REPLY, is_right=True)
    verdict = Verdict(REPLY.id, False)
    found = judged([(labelled, verdict), (labelled, None), (REPLY, None)])
    assert [one.is_right for one in found] == [False, True, None]


def test_summary_is_of_each_decoder_and_model() -> None:
    """Three of four right: 0.75, and 100 tokens / 0.75 = 133.3 a right answer. Latencies 100, 200,
    300, 400, 500 ms: median 300."""
    replies = [
        reply(right, num_tokens=100, seconds=seconds, agreement=0.8)
        for right, seconds in ((True, 0.1), (True, 0.2), (True, 0.3), (False, 0.4), (None, 0.5))
    ]
    other = reply(None, strategy="greedy", answer=None, fallback="no path")
    vote, *rest = summarise([*replies, other])[::-1]
    assert (vote.strategy, vote.num_replies, vote.num_judged) == ("majority_vote", 5, 4)
    assert vote.accuracy is not None
    assert vote.accuracy.value == 0.75
    assert vote.tokens_per_right_answer == pytest.approx(133.33, abs=0.01)
    assert vote.p50_ms == pytest.approx(300)
    assert vote.calibration_error == pytest.approx(0.05)
    (only,) = vote.reliability
    assert (only.num_answers, only.mean_confidence, only.share_right) == (
        4, pytest.approx(0.8), 0.75
    )  # fmt: skip
    (greedy,) = rest
    assert (greedy.accuracy, greedy.tokens_per_right_answer) == (None, None)
    assert (greedy.share_without_answer, greedy.share_of_fallbacks) == (1, 1)


def test_nothing_right_has_no_cost_of_a_right_answer() -> None:
    (summary,) = summarise([reply(False)])
    assert summary.tokens_per_right_answer is None


def test_days_are_of_utc() -> None:
    times = (5 * DAY, 6 * DAY - 1, 6 * DAY)
    by_day = accuracy_by_day([reply(n < 1, created_at=at) for n, at in enumerate(times)])
    assert {day: a.value for day, a in by_day.items()} == {5 * DAY: 0.5, 6 * DAY: 0.0}


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    import time

    path = tmp_path / "store.sqlite3"
    store = SQLiteStore(path)
    now = time.time()
    rows: list[LoggedReply] = [
        replace(REPLY, id=str(n), is_right=n % 4 > 0, created_at=now - n * 3600) for n in range(40)
    ]
    rows.append(replace(REPLY, id="x", strategy="<b>odd</b>", created_at=now - 60))
    open_reply_log(store).write(rows)
    store.close()
    return path


def test_report_prints_and_writes_what_it_found(
    filled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    figures, page = tmp_path / "r.json", tmp_path / "r.html"
    store = ("--store", str(filled))
    assert main([*store, "--json", str(figures), "--html", str(page)]) == 0
    header, _, *lines = capsys.readouterr().out.splitlines()
    assert header.split()[:4] == ["decoder", "model", "asked", "by"]
    assert "75.0 % (59.8–85.8)" in lines[1]
    assert len(lines) == 2
    assert json.loads(figures.read_text())[1]["accuracy"]["value"] == 0.75
    html = page.read_text()
    assert html.count("<svg") == 4
    assert "&lt;b&gt;odd" in html
    assert "<b>odd" not in html
    assert not re.search(r'(src|href)="https?:', html)  # nothing is loaded from elsewhere
    assert main([*store, "--since", "90m"]) == 0
    assert "2" in capsys.readouterr().out.splitlines()[-1].split()


def test_empty_store_is_an_empty_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "r.html"
    assert main(["--store", str(tmp_path / "s.sqlite3"), "--html", str(page)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_errors_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "s").write_bytes(b"rubbish" * 1000)
    assert main(["--store", str(tmp_path / "s")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(SystemExit):
        main(["--since", "yesterday"])
    assert "must be a time such as 90m" in capsys.readouterr().err
