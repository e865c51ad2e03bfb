"""When asking ends before all is asked."""

import pytest

from evaluation.asking import MIN_UNREACHED, Pair, ServerGone, Terms, ask_all
from evaluation.choices import read_choices
from evaluation.folder import Result
from evaluation.questions import Question
from evaluation.target import Endpoint
from tests.evaluation.stub_server import Answer, Json, completion, running_stub

PAIRS = [
    Pair(Question(id=str(number), question=f"What is {number}", gold=("1",)), choice)
    for choice in read_choices(["plain"], "number")
    for number in range(3 * MIN_UNREACHED)
]


def is_lost(number: int) -> bool:
    """All but every sixth of the first half."""
    return number % 6 != 0 or number >= len(PAIRS) // 2


async def test_server_that_is_gone_is_not_asked_for_ever() -> None:
    told: list[Result] = []

    def script(body: Json, num_before: int) -> Answer:
        number = int(body["messages"][0]["content"].split()[-1])
        return Answer({}, None) if is_lost(number) else completion("It is 1.")

    with running_stub(script) as stub:
        endpoint = Endpoint(f"{stub.url}/v1", "stub", "", is_local=True)
        terms = Terms(max_tokens=8, concurrency=1, max_retries=0)
        with pytest.raises(ServerGone, match="does not answer any more"):
            await ask_all(endpoint, terms, PAIRS, set(), told.append)
    last_answered = max(number for number in range(len(PAIRS)) if not is_lost(number))
    assert len(told) == last_answered + 1 + MIN_UNREACHED
    assert [result.error is None for result in told] == [not is_lost(n) for n in range(len(told))]
