import json
from dataclasses import asdict
from pathlib import Path

import pytest

from loadtest.scaling.measured import (
    UnreadableMeasurements,
    read_measurements,
    write_measurements,
)
from tests.loadtest.scaling.points import POINT, at, measured


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    unanswered = at(256, 0, latency=None, work=None, engine=None, failures={"503": 7, "timeout": 1})
    measurements = measured([POINT, unanswered])
    write_measurements(tmp_path / "scaling.json", measurements)
    again = read_measurements(tmp_path / "scaling.json")
    assert asdict(again) == asdict(measurements)
    assert again.points[1].num_failed == 8


def test_rates_are_of_the_seconds() -> None:
    """200 questions of 20 tokens in 10 s, 50 of them right."""
    assert (POINT.questions_per_s, POINT.right_per_s, POINT.tokens_per_s) == (20, 5, 400)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "Invalid JSON"),
        ("[]", "must be what `loadtest scale --out` wrote"),
        ('{"machine": {}}', "machine"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "other.json"
    file.write_text(content)
    with pytest.raises(UnreadableMeasurements, match=message) as failure:
        read_measurements(file)
    assert str(failure.value).startswith(str(file))


def test_point_with_a_wrong_field_is_named(tmp_path: Path) -> None:
    told = asdict(measured([POINT]))
    told["points"][0]["seconds"] = "long"
    file = tmp_path / "scaling.json"
    file.write_text(json.dumps(told))
    with pytest.raises(UnreadableMeasurements, match=r"points\.0\.seconds"):
        read_measurements(file)


def test_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnreadableMeasurements, match="No such file"):
        read_measurements(tmp_path / "none.json")
