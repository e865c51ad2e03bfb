"""Nothing half made stands under the name that was asked for, and nothing is overwritten."""

from pathlib import Path

import pytest

from compression.errors import UnusableInput
from compression.staging import Staging, partial_bytes, staged

ORDER: dict[str, object] = {"recipe": "w8a8"}


def make_step(staging: Staging) -> None:
    staging.begin_step(1, "w8a8").mkdir()
    staging.end_step(1, "w8a8")
    staging.finish(staging.step_folder(1, "w8a8"))


def test_checkpoint_takes_its_name_when_it_is_published(tmp_path: Path) -> None:
    out = tmp_path / "small"
    with staged(out, ORDER) as staging:
        make_step(staging)
        (staging.final / "config.json").write_text("{}")
        (staging.final / "config.json").chmod(0o600)
        assert not out.exists()
        staging.publish()
    assert [path.name for path in tmp_path.iterdir()] == ["small"]
    assert (out / "config.json").stat().st_mode & 0o777 == 0o644


def test_what_the_gate_refuses_is_kept_under_another_name(tmp_path: Path) -> None:
    with staged(tmp_path / "small", ORDER) as staging:
        make_step(staging)
        staging.reject()
    assert [path.name for path in tmp_path.iterdir()] == ["small.rejected"]
    with (
        pytest.raises(UnusableInput, match=r"small.rejected exists; remove it"),
        staged(tmp_path / "small", ORDER),
    ):
        pass


def test_same_order_goes_on_where_it_was_interrupted(tmp_path: Path) -> None:
    out = tmp_path / "small"
    with staged(out, ORDER) as staging:
        staging.begin_step(1, "prune").mkdir()
        staging.end_step(1, "prune")
        half = staging.begin_step(2, "w8a8")
        half.mkdir()
        (half / "config.json").write_text("{")
    assert not out.exists()
    with staged(out, ORDER) as staging:
        assert staging.step_folder(1, "prune").is_dir()
        assert not staging.begin_step(2, "w8a8").exists()


def test_another_order_is_not_mixed_with_what_was_left(tmp_path: Path) -> None:
    with staged(tmp_path / "small", ORDER):
        pass
    with (
        pytest.raises(UnusableInput, match=r"small.partial is what another order left"),
        staged(tmp_path / "small", {"recipe": "w4a16"}),
    ):
        pass


def test_two_at_work_on_one_name(tmp_path: Path) -> None:
    with (
        staged(tmp_path / "small", ORDER),
        pytest.raises(UnusableInput, match="another winnow compress is at work on it"),
        staged(tmp_path / "small", ORDER),
    ):
        pass


def test_name_that_is_taken(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("empty", "link"):
        with (
            pytest.raises(UnusableInput, match=f"{name} exists; remove it"),
            staged(tmp_path / name, ORDER),
        ):
            pass
    with (
        pytest.raises(UnusableInput, match="nowhere is no folder"),
        staged(tmp_path / "nowhere" / "small", ORDER),
    ):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "link"]


def test_name_that_is_taken_meanwhile(tmp_path: Path) -> None:
    with staged(tmp_path / "small", ORDER) as staging:
        make_step(staging)
        (tmp_path / "small").mkdir()
        with pytest.raises(UnusableInput, match="small exists"):
            staging.publish()
        assert staging.final.is_dir()


@pytest.mark.parametrize("name", ["lock", "order.json", "made", "step-1-w8a8", "pocket-1.5B.v2"])
def test_any_name_can_be_made(tmp_path: Path, name: str) -> None:
    with staged(tmp_path / name, ORDER) as staging:
        assert not staging.final.exists()
        make_step(staging)
        staging.publish()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    thesis = tmp_path / "small.partial" / "thesis.txt"
    thesis.parent.mkdir()
    thesis.write_text("precious")
    with (
        pytest.raises(UnusableInput, match=r"small.partial is not winnow compress's; move it away"),
        staged(tmp_path / "small", ORDER),
    ):
        pass
    assert thesis.read_text() == "precious"


def test_what_an_earlier_run_left_counts_as_disk(tmp_path: Path) -> None:
    assert partial_bytes(tmp_path / "small") == 0
    with staged(tmp_path / "small", ORDER) as staging:
        before = partial_bytes(tmp_path / "small")
        (staging.folder / "weights").write_bytes(b"0" * 1000)
        assert partial_bytes(tmp_path / "small") == before + 1000
