from dataclasses import replace

import pytest

from loadtest.soak import Soak

SOUND = Soak(180.0, {"200": 4000, "429": 3}, 800, 0, 2900.0, 3000.0, True)


def test_sound_run_has_no_complaint() -> None:
    assert SOUND.complaints == []
    assert "4000 × 200" in str(SOUND)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"statuses": {"200": 5, "500": 1}}, "failures"),
        ({"statuses": {"503": 1}}, "failures"),
        ({"statuses": {}}, "no reply"),
        ({"num_broken": 1}, "broken"),
        ({"memory_end_mb": 3051.0}, "memory grew by 151 MB"),
        ({"is_idle": False}, "not idle"),
    ],
)
def test_each_fault_is_told(changes: dict[str, object], complaint: str) -> None:
    (told,) = replace(SOUND, **changes).complaints  # type: ignore[arg-type]  # fields of its own
    assert complaint in told
