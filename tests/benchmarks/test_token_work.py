from benchmarks.token_work import take_slice
from evaluation.eval_set import Problem

PROBLEMS = [Problem(name, "s", "?", 1) for name in "abc"]


def test_slices_follow_each_other_and_begin_anew() -> None:
    ids = ["".join(p.id for p in take_slice(PROBLEMS, number, 2)) for number in range(3)]
    assert ids == ["ab", "ca", "bc"]
