from benchmarks.compare.proxied import count_tokens

METRICS = """\
# HELP vllm:generation_tokens_total Number of generation tokens processed.
# TYPE vllm:generation_tokens_total counter
vllm:generation_tokens_total{engine="0",model_name="m"} 1200.0
vllm:generation_tokens_total{engine="1",model_name="m"} 34.0
# TYPE vllm:prompt_tokens_total counter
vllm:prompt_tokens_total{engine="0",model_name="m"} 999.0
"""


def test_tokens_are_those_of_all_engines() -> None:
    assert count_tokens(METRICS) == 1234


def test_there_are_none_before_the_first_request() -> None:
    assert count_tokens("") == 0
