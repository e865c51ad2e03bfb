import pytest

from benchmarks.crosscheck.command import EXIT_FAILED, main


def test_server_that_is_not_there_is_told_before_anything_is_installed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--url", "http://127.0.0.1:9"]) == EXIT_FAILED
    assert capsys.readouterr().err.startswith("crosscheck: error: http://127.0.0.1:9/v1/models")


def test_unknown_scenario_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--scenario", "spikes"])
    assert ended.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
