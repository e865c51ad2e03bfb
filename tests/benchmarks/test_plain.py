from benchmarks.plain import Round, summarize
from measurement.server_process import Program

SPEEDS: dict[Program, float] = {"winnow": 98.0, "vllm": 100.0, "control": 102.0}


def test_processor_time_is_left_out_where_it_cannot_be_read() -> None:
    rounds = [Round(97.0, None), Round(99.0, None)]
    figure = summarize(1, 10, {"winnow": rounds, "vllm": [Round(100.0, None)] * 2})
    assert figure.throughput.of_medians == 0.98
    assert figure.cpu is None


def test_processor_time_is_compared_pair_by_pair() -> None:
    winnow, vllm = [Round(1.0, 5.0), Round(1.0, 6.0)], [Round(1.0, 5.0), Round(1.0, 5.0)]
    figure = summarize(1, 10, {"winnow": winnow, "vllm": vllm})
    assert figure.cpu is not None
    assert (figure.cpu.low, figure.cpu.high) == (1.0, 1.2)


def test_control_is_the_second_peer_against_the_first() -> None:
    rounds = {program: [Round(speed, None)] for program, speed in SPEEDS.items()}
    figure = summarize(1, 10, rounds)
    assert figure.throughput.median == 0.98
    assert figure.control is not None
    assert figure.control.median == 1.02
