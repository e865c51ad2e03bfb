import pytest
from pydantic import BaseModel, ConfigDict, Field

from server.body import parse_body
from server.errors import InvalidRequest


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(max_length=3)
    num: int = Field(1, ge=1)


def test_body_is_read_as_its_model() -> None:
    assert parse_body(b'{"name": "a", "num": 2}', Order) == Order(name="a", num=2)


@pytest.mark.parametrize(
    ("body", "param", "message"),
    [
        (b"{}", "name", "name is missing"),
        (b'{"name": 5}', "name", "name: input should be a valid string, got 5"),
        (
            b'{"name": "a", "num": 0}',
            "num",
            "num: input should be greater than or equal to 1, got 0",
        ),
        (b'{"name": "a", "size": 1}', "size", 'unknown key "size"; allowed are "name", "num"'),
        (b"[1]", "body", None),
        (b"{", "body", None),
        (b"", "body", None),
        (b'{"name": "\\ud800"}', "body", None),
    ],
)
def test_what_is_wrong_is_named(body: bytes, param: str, message: str | None) -> None:
    with pytest.raises(InvalidRequest) as failure:
        parse_body(body, Order)
    assert failure.value.param == param
    assert message in (None, failure.value.message)
