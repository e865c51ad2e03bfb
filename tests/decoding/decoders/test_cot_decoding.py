"""CoT-decoding on a table language model: every probability is written down here."""

import asyncio

import pytest

from decoding.decoder import Outcome, Progress
from decoding.decoders.cot_decoding import CoTDecoding
from decoding.engine import Delta, PathAborted, Prompt
from decoding.testing.table_engine import END, TableEngine

ENDING = {END: 1.0}
# The direct path "7" is likeliest but unsure; two step-by-step paths agree on 8.
#   path "7": the answer is the first token, so Δ = 0.5 - 0.3 = 0.2
#   path "First 3 + 5 = 8": Δ of "8" = 0.8 - 0.1 = 0.7
#   path "We get 8": Δ of "8" = 0.6 - 0.4 = 0.2
TABLE = {
    (): {"7": 0.5, "First": 0.3, "We": 0.15, "So": 0.05},
    ("First",): {" 3 + 5 =": 1.0},
    ("First", " 3 + 5 ="): {" 8": 0.8, " 9": 0.1, " 2": 0.1},
    ("We",): {" get": 1.0},
    ("We", " get"): {" 8": 0.6, " 1": 0.4},
    ("So",): {" 6": 1.0},
}


def run(decoder: CoTDecoding, engine: TableEngine, **limits: object) -> Outcome:
    prompt = Prompt(engine.prompt_token_ids(), **{"max_tokens": 20, **limits})  # type: ignore[arg-type]  # the test's own fields
    return asyncio.run(decoder.run(engine, prompt, emit=lambda event: None))


def test_aggregate_sums_delta_over_paths_of_one_answer() -> None:
    outcome = run(CoTDecoding(k=3), TableEngine(TABLE))
    report = outcome.report
    assert [c.answer for c in report.candidates] == ["7", "8", "8"]
    assert [c.confidence for c in report.candidates] == pytest.approx([0.2, 0.7, 0.2])
    assert report.answer == "8"
    assert report.selected == 1
    assert report.confidence == pytest.approx(0.7)
    assert report.agreement == pytest.approx(0.9 / 1.1)
    assert outcome.winner.text == "First 3 + 5 = 8"


def test_max_takes_the_single_surest_path_where_aggregate_takes_the_sum() -> None:
    table = {
        (): {"a": 0.4, "b": 0.35, "c": 0.25},
        ("a",): {" 1": 0.8, " 2": 0.2},  # Δ 0.6
        ("b",): {" 5": 0.7, " 2": 0.3},  # Δ 0.4
        ("c",): {" 5": 0.65, " 2": 0.35},  # Δ 0.3, so 5 holds 0.7
    }
    assert run(CoTDecoding(k=3, selection="max"), TableEngine(table)).report.answer == "1"
    assert run(CoTDecoding(k=3, selection="aggregate"), TableEngine(table)).report.answer == "5"


def test_delta_is_of_the_answer_and_not_of_the_whole_text() -> None:
    table = {
        (): {"sure": 0.5, "wavering": 0.5},
        ("sure",): {" text": 1.0},  # Δ of the text 1.0 …
        ("sure", " text"): {" 3": 0.52, " 4": 0.48},  # … of the answer 0.04
        ("wavering",): {" text": 0.51, " words": 0.49},  # Δ of the text 0.02 …
        ("wavering", " text"): {" 9": 1.0},  # … of the answer 1.0
    }
    outcome = run(CoTDecoding(k=2), TableEngine(table))
    sure, wavering = outcome.report.candidates
    assert sum(outcome.winner.gaps) < 0.02 + 1.0 + 1.0 + 1e-9  # first, text, answer and end
    assert (sure.confidence, wavering.confidence) == pytest.approx((0.04, 1.0))
    assert outcome.report.answer == "9"


def test_answer_at_the_first_token_counts_the_probes_distribution() -> None:
    report = run(CoTDecoding(k=1), TableEngine(TABLE)).report
    assert report.candidates[0].confidence == pytest.approx(0.5 - 0.3)


def test_equal_answers_written_differently_are_one_vote() -> None:
    table = {
        (): {"a": 0.5, "b": 0.3, "c": 0.2},
        ("a",): {" 8.0": 0.7, " 1": 0.3},
        ("b",): {" 8.": 0.7, " 1": 0.3},
        ("c",): {" 3": 0.8, " 1": 0.2},
    }
    report = run(CoTDecoding(k=3), TableEngine(table)).report
    assert report.answer == "8"
    assert report.agreement == pytest.approx(0.8 / 1.4)


def test_tie_goes_to_the_path_of_the_likelier_first_token() -> None:
    table = {
        (): {"a": 0.6, "b": 0.4},
        ("a",): {" 1": 0.75, " 9": 0.25},
        ("b",): {" 2": 0.75, " 9": 0.25},
    }
    assert run(CoTDecoding(k=2), TableEngine(table)).report.selected == 0


def test_empty_truncated_and_answerless_paths_are_dropped() -> None:
    table = {
        (): {END: 0.4, "long": 0.3, "no": 0.2, "ok": 0.1},
        ("long",): {" 7": 1.0},
        ("long", " 7"): {" on": 1.0},
        ("long", " 7", " on"): {" and on": 1.0},
        ("ok",): {" 4": 0.6, " 5": 0.4},
    }
    report = run(CoTDecoding(k=4, answer="number"), TableEngine(table), max_tokens=3).report
    assert [c.dropped for c in report.candidates] == ["empty", "truncated", "no_answer", None]
    assert [c.branch for c in report.candidates] == [0, 1, 2, 3]
    assert report.answer == "4"
    assert report.agreement == 1.0
    assert report.fallback is None


def test_greedy_path_is_the_reply_when_no_path_stands() -> None:
    table = {(): {"no": 0.6, "never": 0.4}}
    outcome = run(CoTDecoding(k=2, answer="number"), TableEngine(table))
    assert outcome.winner.text == "no"
    assert outcome.report.selected == 0
    assert outcome.report.fallback == "no path was complete with an answer"
    assert outcome.report.agreement is None


def test_free_form_paths_are_scored_on_what_follows_the_answer_cue() -> None:
    cue = "\nSo the answer is"
    table = {
        (): {"Rome": 0.6, "Well": 0.4},
        ("Rome", cue): {" Rome": 0.6, " Oslo": 0.4},
        ("Well",): {" thought": 1.0},
        ("Well", " thought", cue): {" Paris": 0.9, " Rome": 0.1},
    }
    outcome = run(CoTDecoding(k=2), TableEngine(table))
    assert [c.answer for c in outcome.report.candidates] == ["rome", "paris"]
    # "Paris" and the end token: Δ of the span is that of the word alone.
    assert outcome.report.confidence == pytest.approx(0.8)
    assert outcome.winner.text == "Well thought"
    assert "cue" in outcome.report.phases_ms


def test_every_token_of_every_path_is_counted() -> None:
    report = run(CoTDecoding(k=3), TableEngine(TABLE)).report
    # "7" END, "First" " 3 + 5 =" " 8" END, "We" " get" " 8" END
    assert [c.num_tokens for c in report.candidates] == [2, 4, 4]
    assert report.num_tokens == 10


def test_fewer_first_tokens_than_k_gives_fewer_paths() -> None:
    assert len(run(CoTDecoding(k=64), TableEngine(TABLE)).report.candidates) == 4


def test_stop_string_that_begins_in_the_first_token_cuts_the_path() -> None:
    table = {(): {"8 S": 0.9, "9": 0.1}, ("8 S",): {"TOP 5": 1.0}}
    outcome = run(CoTDecoding(k=2), TableEngine(table), stop=("STOP",))
    assert outcome.winner.text == "8 "
    assert outcome.winner.finish_reason == "stop"
    assert outcome.winner.stop_reason == "STOP"
    assert outcome.report.answer == "8"


# After each first token the engine would go on for 60 tokens.
RAMBLING = {
    (): {"STOP": 0.6, "8 ST": 0.3, "S": 0.1},
    **{("STOP", *[" on"] * i): {" on": 1.0} for i in range(60)},
    ("8 ST",): {"O": 1.0},
    **{("8 ST", "O", *["P on"] * i): {"P on": 1.0} for i in range(60)},
    ("S",): {"A 9": 1.0},
}


@pytest.mark.parametrize(
    ("is_included", "texts"), [(False, ("", "8 ")), (True, ("STOP", "8 STOP"))]
)
def test_stop_string_ends_a_path_as_soon_as_it_is_complete(
    is_included: bool, texts: tuple[str, str]
) -> None:
    """The first path is stopped by its first token, the second three tokens on, the third never."""
    engine = TableEngine(RAMBLING)
    decoder = CoTDecoding(k=3, return_texts=True)
    report = run(
        decoder,
        engine,
        max_tokens=50,
        stop=("no", "STOP"),
        include_stop_str_in_output=is_included,
    ).report
    assert [c.text for c in report.candidates] == [*texts, "SA 9"]
    assert [c.finish_reason for c in report.candidates] == ["stop"] * 3
    assert [c.num_tokens for c in report.candidates] == [1, 3, 3]
    assert report.num_tokens == 7
    assert engine.num_tokens == 1 + 0 + 2 + 2  # one for the probe


def test_stop_string_in_the_first_token_does_not_start_a_path() -> None:
    engine = TableEngine({(): {"a. b": 1.0}})
    outcome = run(CoTDecoding(k=1, answer="text"), engine, stop=("b", "."))
    assert (outcome.winner.text, outcome.winner.stop_reason) == ("a", ".")
    assert engine.started == 1  # the probe
    assert outcome.winner.decoded.ends == (1,)


def test_answer_cue_ends_at_the_line_whatever_the_request_stops_at() -> None:
    cue = "\nSo the answer is"
    table = {
        (): {"Rome": 1.0},
        ("Rome", cue): {" Rome": 0.6, " Oslo": 0.4},
        ("Rome", cue, " Rome"): {"\n": 1.0},
        ("Rome", cue, " Rome", "\n"): {"Q": 1.0},
    }
    engine = TableEngine(table)
    report = run(CoTDecoding(k=1), engine, stop=("Q",)).report
    assert report.candidates[0].answer == "rome"
    assert report.num_tokens == 2 + 2
    assert engine.num_tokens == 1 + 1 + 2  # the probe, the path's end, the cue


def test_one_token_limit_ends_every_path_at_its_first_token() -> None:
    report = run(CoTDecoding(k=2, answer="number"), TableEngine(TABLE), max_tokens=1).report
    assert [c.finish_reason for c in report.candidates] == ["length", "length"]
    assert report.num_tokens == 2


def test_texts_are_reported_only_on_request() -> None:
    assert run(CoTDecoding(k=2), TableEngine(TABLE)).report.candidates[0].text is None
    shown = run(CoTDecoding(k=2, return_texts=True), TableEngine(TABLE)).report
    assert [c.text for c in shown.candidates] == ["7", "First 3 + 5 = 8"]


def test_paths_run_together_and_progress_is_told() -> None:
    seen: list[Progress | Delta] = []
    engine = TableEngine(TABLE, delays={("7",): 50})
    prompt = Prompt(engine.prompt_token_ids(), max_tokens=20)
    asyncio.run(CoTDecoding(k=3).run(engine, prompt, seen.append))
    assert seen == [Progress(1, 3), Progress(2, 3), Progress(3, 3)]


async def test_cancelling_stops_every_path() -> None:
    engine = TableEngine(TABLE, delays={("7",): 10_000, ("First",): 10_000, ("We",): 10_000})
    prompt = Prompt(engine.prompt_token_ids(), max_tokens=20)
    task = asyncio.create_task(CoTDecoding(k=3).run(engine, prompt, lambda event: None))
    while engine.started < 4:  # noqa: ASYNC110  # the table has no event to wait for
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (engine.finished, engine.aborted) == (1, 3)  # the probe; the paths


async def test_an_engine_failure_stops_the_other_paths_and_is_raised_bare() -> None:
    class Failing(TableEngine):
        def decode(self, token_ids):  # type: ignore[no-untyped-def]  # as the base has it
            if self.words[token_ids[0]] == "We":
                raise RuntimeError("engine died")
            return super().decode(token_ids)

    engine = Failing(TABLE, delays={("7",): 10_000})
    prompt = Prompt(engine.prompt_token_ids(), max_tokens=20)
    with pytest.raises(RuntimeError, match="engine died"):
        await CoTDecoding(k=3).run(engine, prompt, lambda event: None)
    assert engine.aborted >= 1


async def test_a_path_that_the_engine_gave_up_is_an_error_and_no_reply() -> None:
    class ShuttingDown(TableEngine):
        async def generate(self, token_ids, sampling):  # type: ignore[no-untyped-def]  # as the base
            if self.started:
                yield Delta((), finish_reason="abort")
                return
            async for delta in super().generate(token_ids, sampling):
                yield delta

    engine = ShuttingDown(TABLE)
    prompt = Prompt(engine.prompt_token_ids(), max_tokens=20)
    with pytest.raises(PathAborted):
        await CoTDecoding(k=3).run(engine, prompt, lambda event: None)
