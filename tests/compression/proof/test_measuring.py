from compression.proof.figures import Spread
from compression.proof.measuring import Load, Round, speed_figures

DECODE = Load("decode", 16, 8, 64)


def test_decoding_counts_what_is_generated_and_prefilling_what_is_read() -> None:
    assert DECODE.num_counted == 16 * 64
    assert Load("prefill", 4, 512, 1).num_counted == 4 * 512


def test_ratio_is_to_the_mean_of_the_original_before_and_after() -> None:
    """Twice 1,024 tokens a timing. First round: 2 s and 4 s against 1 s; second: 2 s each."""
    found = speed_figures(DECODE, 2, [Round(2.0, 1.0, 4.0), Round(2.0, 2.0, 2.0)])
    assert found.original == Spread((2048 / 3 + 1024) / 2, 2048 / 3, 1024.0)
    assert found.compressed == Spread(1536.0, 1024.0, 2048.0)
    assert found.ratio == Spread(2.0, 1.0, 3.0)
    assert found.control == Spread(0.75, 0.5, 1.0)
    assert not found.is_told_apart


def test_one_that_is_always_ahead_is_told_apart_from_six_rounds_on() -> None:
    ahead = [Round(2.0, 1.0, 2.0), Round(2.0, 1.5, 2.0)] * 3
    assert speed_figures(DECODE, 1, ahead).is_told_apart
    assert not speed_figures(DECODE, 1, ahead[:5]).is_told_apart
    assert not speed_figures(DECODE, 1, [*ahead, Round(2.0, 2.1, 2.0)]).is_told_apart
