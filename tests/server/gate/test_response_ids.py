import pytest

from server.gate.response_ids import ResponseIds

IDS = ResponseIds("secret")


def test_id_is_of_the_tenant_that_it_was_made_for() -> None:
    mine = IDS.new("a")
    assert IDS.is_of("a", mine)
    assert not IDS.is_of("b", mine)
    assert ResponseIds("secret").is_of("a", mine)  # another API server of the engine
    assert not ResponseIds("another").is_of("a", mine)


def test_ids_do_not_repeat() -> None:
    assert len({IDS.new("a") for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "made_up", ["", "resp_", "resp_1", "x" * 500, "resp_" + "0" * 64, "é\ud800"]
)
def test_id_cannot_be_made_up(made_up: str) -> None:
    assert not IDS.is_of("a", made_up)
