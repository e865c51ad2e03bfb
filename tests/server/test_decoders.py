"""Decoders that other packages install."""

import asyncio
from importlib.metadata import EntryPoint
from typing import Literal

import pytest

from decoding import catalog
from server import decoders
from server.decoders import UnusableDecoder, load_decoders
from server.wire import choose_decoder, split_alias
from tests.decoding.sampling import table_of
from winnow import Prompt, SampledDecoder, Samples, Selection
from winnow.testing import TableEngine


class Shortest(SampledDecoder):
    """The shortest complete sample."""

    strategy: Literal["shortest"] = "shortest"

    async def select(self, samples: Samples) -> Selection:
        return Selection(min(await samples.complete(), key=lambda sample: sample.num_tokens))


class Second(SampledDecoder):
    strategy: Literal["greedy"] = "greedy"

    async def select(self, samples: Samples) -> None:
        return None


class Unfinished(SampledDecoder):
    strategy: Literal["unfinished"] = "unfinished"


class Loose(SampledDecoder):
    strategy: str = "loose"

    async def select(self, samples: Samples) -> None:
        return None


class Wrapper(Loose):
    strategy: Literal["retrieval"] = "retrieval"


class Nameless(SampledDecoder):
    async def select(self, samples: Samples) -> None:
        return None


@pytest.fixture(autouse=True)
def catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "DECODERS", catalog.DECODERS.copy())
    monkeypatch.setattr("server.wire.DECODERS", catalog.DECODERS)
    catalog._adapter.cache_clear()


def install(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    points = [EntryPoint(name, value, decoders.GROUP) for name, value in values.items()]
    monkeypatch.setattr("server.decoders.metadata.entry_points", lambda group: points)


def test_installed_decoder_is_chosen_by_its_name_and_as_an_alias(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(monkeypatch, shortest=f"{__name__}:Shortest")
    load_decoders()
    load_decoders()  # as each process of a server does
    chosen = choose_decoder({"strategy": "shortest", "num_samples": 3}, None, 64)
    assert chosen == Shortest(num_samples=3)
    assert split_alias("pocket:shortest", {"pocket"}) == ("pocket", "shortest")


def test_installed_decoder_gets_its_report() -> None:
    engine = TableEngine({}, samples=[("a", "b", " 8"), (" 9",), ("c", " 8")])
    prompt = Prompt(engine.prompt_token_ids(), 50)
    outcome = asyncio.run(Shortest(num_samples=3).answer_prompt(engine, prompt, lambda _: None))
    assert outcome.winner.text == " 9"
    report = outcome.report
    assert (report.strategy, report.selected, report.answer) == ("shortest", 1, "9")
    assert [candidate.num_tokens for candidate in report.candidates] == [4, 2, 3]
    assert report.num_tokens == 9
    assert list(report.phases_ms) == ["paths", "select"]


def test_likeliest_sample_is_the_reply_where_none_is_selected() -> None:
    samples = [("a", " 8"), ("c", " 9")]
    engine = TableEngine(table_of(*samples), samples=samples)
    prompt = Prompt(engine.prompt_token_ids(), 50)
    outcome = asyncio.run(Wrapper(num_samples=2).answer_prompt(engine, prompt, lambda _: None))
    assert (outcome.report.selected, len(outcome.report.candidates)) == (0, 2)
    assert outcome.report.fallback == "no sample was selected"


def test_likeliest_sample_is_the_reply_where_none_is_complete() -> None:
    samples = [("a", "b"), ("c", "d")]
    engine = TableEngine(table_of(*samples), samples=samples)
    prompt = Prompt(engine.prompt_token_ids(), 1)
    outcome = asyncio.run(Shortest(num_samples=2).answer_prompt(engine, prompt, lambda _: None))
    assert outcome.report.fallback == "no sample was complete"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("gone", "no_such_module:Gone", "No module named"),
        ("shortest", "json:dumps", "it is no subclass of Decoder"),
        ("greedy", f"{__name__}:Second", 'there is another decoder of strategy "greedy"'),
        ("short", f"{__name__}:Shortest", "its strategy is 'shortest'"),
        ("unfinished", f"{__name__}:Unfinished", "it lacks select"),
        ("nameless", f"{__name__}:Nameless", "its field `strategy` must be a name"),
        ("loose", f"{__name__}:Loose", "its field `strategy` must be a name"),
        ("retrieval", f"{__name__}:Wrapper", "puts passages in front"),
    ],
)
def test_unusable_decoder_is_told_at_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    install(monkeypatch, **{name: value})
    with pytest.raises(UnusableDecoder, match=f"decoder '{name}'") as failure:
        load_decoders()
    assert says in str(failure.value)
