"""vLLM's series as /metrics shows them, two engines of a server being summed."""

from loadtest.scaling.engine_watch import parse_engine, parse_series
from loadtest.scaling.measured import Engine

METRICS = """\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="pocket"} 3.0
vllm:num_requests_running{engine="1",model_name="pocket"} 4.0
vllm:num_requests_waiting{engine="0",model_name="pocket"} 1.0
vllm:num_requests_waiting_by_reason{engine="0",model_name="pocket",reason="capacity"} 100.0
vllm:prompt_tokens_total{engine="0",model_name="pocket"} 500.0
vllm:prompt_tokens_by_source_total{engine="0",model_name="pocket",source="local_compute"} 100.0
vllm:prompt_tokens_cached_total{engine="0",model_name="pocket"} 300.0
vllm:generation_tokens_total{engine="0",model_name="pocket"} 109.0
vllm:iteration_tokens_total_bucket{engine="0",le="1.0",model_name="pocket"} 60.0
vllm:iteration_tokens_total_count{engine="0",model_name="pocket"} 79.0
vllm:iteration_tokens_total_sum{engine="0",model_name="pocket"} 284.0
vllm:num_preemptions_total{engine="0",model_name="pocket"} 0.0
vllm:cache_config_info{block_size="32",engine="0",kv_cache_size_tokens="524288"} 1.0
"""


def test_series_are_summed_over_engines() -> None:
    scrape = parse_series(METRICS, at_s=7.0)
    assert scrape is not None
    assert scrape.num_unfinished == 8
    assert scrape.values["vllm:iteration_tokens_total_count"] == 79
    assert scrape.values["vllm:prompt_tokens_total"] == 500


def test_server_without_all_of_them_is_not_read_in_parts() -> None:
    assert parse_series(METRICS.replace("iteration_tokens", "other"), 0.0) is None
    assert parse_series('{"error": "unauthorized"}', 0.0) is None
    assert parse_series("", 0.0) is None


def test_cache_is_described_by_vllm_itself() -> None:
    assert parse_engine(METRICS, 128) == Engine(128, 524288, 32)
    assert parse_engine("", None) == Engine(None, None, None)
    unsized = METRICS.replace('"524288"', '"None"')
    assert parse_engine(unsized, None) == Engine(None, None, 32)
