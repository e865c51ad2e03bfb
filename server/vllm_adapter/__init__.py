"""All that Winnow knows of vLLM's insides; `tests/server/test_vllm_internals.py` names each."""
