"""`winnow replay` on small recordings worked out by hand, and on real ones where at hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from evaluation.replay.command import main
from evaluation.replay.replay import mean_of

DATES = Path(__file__).parents[3].parent / "shared" / "data" / "replay" / "date_codex002.jsonl"
GSM8K = DATES.with_name("gsm8k_gpt3.jsonl")


def needs(path: Path) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not path.exists(), reason=f"{path.name} is not in ../shared/data")


def recording(answers: str, gold: object = "a", **fields: Any) -> dict[str, Any]:
    """One letter a sample with a ready answer; a dot is a sample without one."""
    samples = [{"text": "w w", "answer": "" if a == "." else a} | fields for a in answers]
    return {"id": "x", "question": "?", "gold": gold, "samples": samples}


@pytest.fixture
def replay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:  # a function
    def run(lines: list[dict[str, Any]], *flags: str) -> dict[str, Any]:
        file = tmp_path / "recorded.jsonl"
        file.write_text("\n".join(map(json.dumps, lines)))
        assert main([str(file), "--json", *flags]) == 0
        figures: dict[str, Any] = json.loads(capsys.readouterr().out)
        return figures

    return run


def test_accuracy_samples_and_words_saved_are_counted(replay: Any) -> None:
    """aaaa stops at 4 of 6 and is right; bbbbab stops at 4 and is wrong: 2 of 6 are saved."""
    figures = replay([recording("aaaaab"), recording("bbbbab")], "--num-samples", "6")
    assert figures["accuracy"]["value"] == 0.5
    assert figures["num_used"]["value"] == 4
    assert figures["tokens_saved"]["value"] == pytest.approx(2 / 6)


def test_sample_without_an_answer_is_used_and_does_not_vote(replay: Any) -> None:
    figures = replay([recording("..aaaa")], "--num-samples", "6")
    assert figures["num_used"]["value"] == 6
    assert figures["accuracy"]["value"] == 1


def test_tie_goes_to_the_answer_seen_first(replay: Any) -> None:
    assert replay([recording("baab")], "--num-samples", "4")["accuracy"]["value"] == 0
    assert replay([recording("abba")], "--num-samples", "4")["accuracy"]["value"] == 1


def test_any_of_several_gold_answers_is_right(replay: Any) -> None:
    assert replay([recording("cc", gold=["a", "C"])])["accuracy"]["value"] == 1


def test_recording_shorter_than_the_vote_gives_what_it_has(replay: Any) -> None:
    assert replay([recording("ab")], "--num-samples", "40")["num_used"]["value"] == 2


def test_without_ready_answers_texts_are_read(replay: Any) -> None:
    samples = [{"text": f"That makes 3 + 5 = {n}."} for n in (8, 8, 9)]
    line = {"id": "x", "gold": "8.0", "samples": samples}
    assert replay([line], "--num-samples", "3")["accuracy"]["value"] == 1


def test_votes_are_weighed_by_what_was_recorded(replay: Any) -> None:
    line = recording("aab")
    for sample, confidence in zip(line["samples"], (0.2, 0.2, 0.9), strict=True):
        sample["confidence"] = confidence
    flags = ("--num-samples", "3", "--stop", "none")
    assert replay([line], *flags)["accuracy"]["value"] == 1
    assert replay([line], *flags, "--weight", "confidence")["accuracy"]["value"] == 0


def test_mean_has_its_interval() -> None:
    """Values 1, 3: mean 2, deviation √2, so 1.96 · √2 / √2 = 1.96 either way."""
    mean = mean_of([1.0, 3.0])
    assert (mean.value, mean.low, mean.high) == pytest.approx((2, 2 - 1.96, 2 + 1.96), abs=1e-4)


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_curve_is_drawn(
    replay: Any, tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The curve's last point is the whole vote."""
    picture = tmp_path / f"curve.{suffix}"
    figures = replay([recording("aabb")], "--num-samples", "4", "--plot", str(picture))
    assert [point["num_samples"] for point in figures["curve"]] == [2, 3, 4]
    magic = {"png": b"\x89PNG", "svg": b"<?xml"}[suffix]
    assert picture.read_bytes().startswith(magic)


@pytest.mark.parametrize(
    ("text", "flags", "message"),
    [
        ("{", (), "line 1: line: Invalid JSON"),
        ('{"id": "x", "gold": "a", "samples": []}', (), "line 1: samples: "),
        ('{"id": "x", "gold": [], "samples": [{}, {}]}', (), "line 1: gold: "),
        ("", (), "no recordings in it"),
        (json.dumps(recording("ab")), ("--answer-field", "ref"), "no sample has the field 'ref'"),
        (json.dumps(recording("ab")), ("--weight", "probability"), "needs a 'logprob'"),
        (json.dumps(recording("ab")), ("--num-samples", "1"), "--num-samples 1: "),
        (json.dumps(recording("ab")), ("--stop", "never"), "--stop never: "),
        (json.dumps(recording("ab")), ("--plot", "curve.gif"), "--plot must end in .png or .svg"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else "",
)
def test_what_cannot_be_used_is_one_line_and_exit_code_2(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    text: str,
    flags: tuple[str, ...],
    message: str,
) -> None:
    file = tmp_path / "recorded.jsonl"
    file.write_text(text)
    assert main([str(file), *flags]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_missing_file_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nowhere.jsonl"]) == 2
    assert "nowhere.jsonl" in capsys.readouterr().err


@needs(DATES)
@pytest.mark.parametrize(
    ("stop", "num_used"), [("none", "40.000"), ("beta", "4.265"), ("window", "5.306")]
)
def test_real_votes_come_out_as_published(
    capsys: pytest.CaptureFixture[str], stop: str, num_used: str
) -> None:
    """359 questions of 40 samples: 80.78 % right, with and without stopping."""
    flags = ("--answer-field", "ref", "--num-samples", "40", "--stop", stop)
    assert main([str(DATES), *flags]) == 0
    printed = capsys.readouterr().out
    assert "80.78 %" in printed
    assert num_used in printed


@needs(GSM8K)
def test_real_texts_are_read_and_voted_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(GSM8K), "--num-samples", "4", "--stop", "none", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"]["num_total"] == 1319
