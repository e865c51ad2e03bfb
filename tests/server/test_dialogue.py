"""What a question of the decoder's own keeps of the client's messages."""

import pytest

pytestmark = pytest.mark.vllm


@pytest.fixture(autouse=True)
def _environment(vllm_environment: None) -> None:
    """vLLM reads the environment when it is imported."""


def test_what_stands_after_the_question_stays_only_for_the_question_itself() -> None:
    """The beginning of a reply belongs to the client's question and to no other."""
    from server.vllm_adapter.dialogue import _replaced

    begun = {"role": "assistant", "content": "The answer is"}
    messages = [{"role": "user", "content": "2 + 2?"}, begun]
    assert _replaced(messages, 0, "How?", False) == [{"role": "user", "content": "How?"}, begun]
    assert _replaced(messages, 0, "How?", True) == [{"role": "user", "content": "How?"}]
