from pathlib import Path

import pytest

from loadtest.scaling.command import main


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--concurrencies", "0"], "--concurrencies: must be a whole number from 1 on, got '0'"),
        (["--point-s", "-1"], "--point-s: must be a number above 0, got '-1'"),
        (["--point-s", "nan"], "--point-s: must be a number above 0, got 'nan'"),
        (["--num-samples", "1"], "--num-samples: must be at least 2, got '1'"),
        (["--strategies", "beam"], "invalid choice: 'beam'"),
        (["--port", "70000"], "--port: must be in 1..65535, got '70000'"),
    ],
)
def test_flags_out_of_range_are_named(
    flags: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(flags)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_plot_is_refused_before_anything_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--plot", "scaling.gif"]) == 2
    assert "--plot must end in .png or .svg, got 'scaling.gif'" in capsys.readouterr().err


def test_problems_that_cannot_be_read_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--problems", str(tmp_path / "none.jsonl")]) == 2
    assert "none.jsonl" in capsys.readouterr().err


def test_no_server_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--url", "http://127.0.0.1:9"]) == 1
    assert "http://127.0.0.1:9/v1/models cannot be read" in capsys.readouterr().err
