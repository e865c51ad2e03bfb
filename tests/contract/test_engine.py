"""What every engine keeps, so that decoders need not know which one they run on."""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from decoding.decoder import Outcome
from decoding.decoders.cot_decoding import CoTDecoding
from decoding.decoders.greedy import Greedy
from decoding.engine import Delta, Engine, OutOfTime, PathAborted, Prompt, Sampling
from decoding.path import Path, collect_path
from tests.contract.subject import Subject

NUM_LOGPROBS = 3
TIMEOUT_S = 30.0
MANY_TOKENS = 1500


async def greedy_path(subject: Subject, **fields: int | bool) -> Path:
    sampling = Sampling(**{"max_tokens": subject.prompt.max_tokens, **fields})  # type: ignore[arg-type]  # the test's own fields
    return await collect_path(subject.engine, subject.prompt, sampling)


async def run(decoder: CoTDecoding | Greedy, subject: Subject) -> Outcome:
    return await decoder.run(subject.engine, subject.prompt, lambda event: None)


async def poll(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not holds():
        if time.monotonic() > deadline:
            pytest.fail(f"after {TIMEOUT_S} s: not {what}")
        await asyncio.sleep(0)


async def test_streamed_deltas_concatenate_to_the_answer_given_at_once(subject: Subject) -> None:
    deltas: list[Delta] = []
    sampling = Sampling(max_tokens=subject.prompt.max_tokens, stream=True)
    streamed = await collect_path(subject.engine, subject.prompt, sampling, on_delta=deltas.append)
    at_once = await greedy_path(subject)
    assert len(deltas) > 1
    assert streamed.token_ids == at_once.token_ids
    assert streamed.text == at_once.text != ""
    assert [d.finish_reason for d in deltas[:-1]] == [None] * (len(deltas) - 1)
    assert deltas[-1].finish_reason == "stop"


async def test_every_token_has_its_ranked_distribution(subject: Subject) -> None:
    path = await greedy_path(subject, num_logprobs=NUM_LOGPROBS)
    assert len(path.ranked) == len(path.token_ids)
    for token_id, ranked in zip(path.token_ids, path.ranked, strict=True):
        logprobs = [logprob for _, logprob in ranked]
        assert len(ranked) == NUM_LOGPROBS
        assert len({candidate for candidate, _ in ranked}) == NUM_LOGPROBS
        assert logprobs == sorted(logprobs, reverse=True)
        assert sum(map(math.exp, logprobs)) <= 1 + 1e-6
        assert ranked[0][0] == token_id


async def test_no_distribution_is_given_that_was_not_asked_for(subject: Subject) -> None:
    assert (await greedy_path(subject)).ranked == ()


async def test_one_logprob_is_the_likeliest_tokens(subject: Subject) -> None:
    one = await greedy_path(subject, num_logprobs=1)
    several = await greedy_path(subject, num_logprobs=NUM_LOGPROBS)
    tops = [ranked[0] for ranked in several.ranked]
    assert [ranked[0][0] for ranked in one.ranked] == [token_id for token_id, _ in tops]
    assert [ranked[0][1] for ranked in one.ranked] == pytest.approx([p for _, p in tops], abs=1e-3)
    assert {len(ranked) for ranked in one.ranked} == {1}


async def test_tokens_taken_are_scored_when_asked(subject: Subject) -> None:
    """A greedy path takes the likeliest token: its log-probability is the first of the ranked."""
    path = await greedy_path(subject, num_logprobs=NUM_LOGPROBS, is_scored=True)
    assert list(path.logprobs) == [ranked[0][1] for ranked in path.ranked]
    scored = await greedy_path(subject, is_scored=True)
    assert scored.ranked == ()
    assert list(scored.logprobs) == pytest.approx(list(path.logprobs), abs=1e-3)
    assert (await greedy_path(subject)).logprobs == ()


async def test_scoring_a_path_gives_what_drawing_it_gave(subject: Subject) -> None:
    path = await greedy_path(subject, is_scored=True)
    scored = await subject.engine.score(subject.prompt.token_ids, path.token_ids)
    assert list(scored) == pytest.approx(list(path.logprobs), abs=2e-2)


async def test_tokens_of_every_path_are_counted(subject: Subject) -> None:
    assert subject.engine.num_tokens == 0
    whole = await greedy_path(subject)
    streamed = await greedy_path(subject, stream=True)
    assert subject.engine.num_tokens == len(whole.token_ids) + len(streamed.token_ids)


async def test_aborted_paths_end_with_what_they_generated(subject: Subject) -> None:
    """One path that is read as it comes and one that is given when complete, both on their way."""
    engine, prompt, first = subject.endless, subject.prompt, asyncio.Event()
    watched = Sampling(max_tokens=MANY_TOKENS, is_watched=True)

    async def follow(sampling: Sampling) -> int:
        with pytest.raises(PathAborted) as raised:
            await collect_path(engine, prompt, sampling, on_delta=lambda delta: first.set())
        return raised.value.num_tokens

    paths = [asyncio.create_task(follow(s)) for s in (watched, Sampling(max_tokens=MANY_TOKENS))]
    async with asyncio.timeout(TIMEOUT_S):
        await first.wait()
        await engine.abort_paths()
        num_tokens = await asyncio.gather(*paths)
    assert engine.num_tokens == sum(num_tokens) > 0
    assert subject.num_running() == 0
    await engine.abort_paths()  # none is running


async def test_abort_ends_paths_that_have_said_nothing_yet(subject: Subject) -> None:
    engine, prompt = subject.endless, subject.prompt
    path = asyncio.create_task(collect_path(engine, prompt, Sampling(max_tokens=MANY_TOKENS)))
    await asyncio.sleep(0)
    await engine.abort_paths()
    async with asyncio.timeout(TIMEOUT_S):
        with pytest.raises(PathAborted):
            await path
    assert subject.num_running() == 0


async def test_deadline_ends_running_paths_with_what_they_generated(subject: Subject) -> None:
    """One path that is read as it comes and one that is given when complete."""
    ways = (Sampling(max_tokens=MANY_TOKENS, is_watched=True), Sampling(max_tokens=MANY_TOKENS))
    async with subject.hurried() as engine, asyncio.timeout(TIMEOUT_S):
        assert engine.seconds_left > 0
        paths = await asyncio.gather(*(collect_path(engine, subject.prompt, s) for s in ways))
        assert engine.seconds_left == 0
        assert engine.timed_out
        assert [path.finish_reason for path in paths] == ["timeout"] * 2
        assert engine.num_tokens == sum(len(path.token_ids) for path in paths) > 0
        assert subject.num_running() == 0


async def test_nothing_begins_after_the_deadline(subject: Subject) -> None:
    many = Sampling(max_tokens=MANY_TOKENS)
    async with subject.hurried() as engine, asyncio.timeout(TIMEOUT_S):
        await collect_path(engine, subject.prompt, many)
        num_tokens = engine.num_tokens
        late = await collect_path(engine, subject.prompt, many)
        assert (late.token_ids, late.text, late.finish_reason) == ((), "", "timeout")
        with pytest.raises(OutOfTime):
            await engine.score(subject.prompt.token_ids, subject.prompt.token_ids)
        assert engine.timed_out
        assert engine.num_tokens == num_tokens
        assert subject.num_running() == 0


async def test_path_that_is_given_up_ends_there(subject: Subject) -> None:
    whole = await greedy_path(subject)
    sampling = Sampling(max_tokens=subject.prompt.max_tokens, num_logprobs=2, is_watched=True)
    path = await collect_path(
        subject.engine, subject.prompt, sampling, gives_up=lambda delta: len(delta.ranked) > 0
    )
    assert path.finish_reason == "abort"
    assert 0 < len(path.token_ids) < len(whole.token_ids)
    assert path.token_ids == whole.token_ids[: len(path.token_ids)]
    assert len(path.ranked) == len(path.token_ids)
    await poll(lambda: subject.num_running() == 0, "aborted")


async def test_the_token_limit_ends_a_path_with_length(subject: Subject) -> None:
    path = await greedy_path(subject, max_tokens=2)
    assert len(path.token_ids) == 2
    assert path.finish_reason == "length"


async def test_the_end_token_ends_a_path_with_stop_and_shows_nothing(subject: Subject) -> None:
    path = await greedy_path(subject)
    *said, end = path.token_ids
    assert path.finish_reason == "stop"
    assert subject.engine.is_end(end)
    assert not any(map(subject.engine.is_end, said))
    assert subject.engine.decode(said).text == path.text


async def test_decoded_offsets_cover_the_text(subject: Subject) -> None:
    path = await greedy_path(subject)
    ends = path.decoded.ends
    assert len(ends) == len(path.token_ids)
    assert list(ends) == sorted(ends)
    assert ends[-1] == len(path.text)
    for i in range(1, len(ends)):
        assert subject.engine.decode(path.token_ids[:i]).text == path.text[: ends[i - 1]]


async def test_text_survives_encoding_and_decoding(subject: Subject) -> None:
    token_ids = subject.engine.encode(subject.sample)
    decoded = subject.engine.decode(token_ids)
    assert len(token_ids) > 1
    assert decoded.text == subject.sample
    assert len(decoded.ends) == len(token_ids)


async def test_nothing_decodes_to_nothing(subject: Subject) -> None:
    assert subject.engine.decode(()).text == ""
    assert subject.engine.decode(()).ends == ()


async def test_forcing_the_likeliest_first_token_gives_the_greedy_path(subject: Subject) -> None:
    plain = await greedy_path(subject)
    probe = await greedy_path(subject, max_tokens=1, num_logprobs=NUM_LOGPROBS)
    first = probe.ranked[0][0][0]
    sampling = Sampling(max_tokens=subject.prompt.max_tokens - 1)
    forced = await collect_path(subject.engine, subject.prompt, sampling, prefix=(first,))
    assert forced.token_ids == plain.token_ids
    assert forced.text == plain.text


async def test_prompt_and_reply_fit_the_context(subject: Subject) -> None:
    needed = len(subject.prompt.token_ids) + subject.prompt.max_tokens
    assert subject.engine.context_length >= needed


async def test_cancelling_the_reader_aborts_the_path(subject: Subject) -> None:
    assert subject.num_running() == 0

    async def read(engine: Engine, prompt: Prompt) -> None:
        async for delta in engine.generate(prompt.token_ids, Sampling(max_tokens=MANY_TOKENS)):
            pytest.fail(f"ended by itself: {delta.finish_reason}")

    task = asyncio.create_task(read(subject.endless, subject.prompt))
    await poll(lambda: subject.num_running() == 1, "running")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await poll(lambda: subject.num_running() == 0, "aborted")


async def test_cot_decoding_twice_gives_the_same(subject: Subject) -> None:
    one, two = [await run(CoTDecoding(k=3, return_texts=True), subject) for _ in range(2)]
    assert one.winner.token_ids == two.winner.token_ids
    assert [c.text for c in one.report.candidates] == [c.text for c in two.report.candidates]
    assert len({c.text for c in one.report.candidates}) == 3
    confidences = [[c.confidence for c in o.report.candidates] for o in (one, two)]
    assert confidences[0] == pytest.approx(confidences[1], abs=1e-2)
    assert one.report.answer == two.report.answer


async def test_cot_decoding_of_one_path_says_what_greedy_says(subject: Subject) -> None:
    alone, greedy = await run(CoTDecoding(k=1), subject), await run(Greedy(), subject)
    assert alone.winner.text == greedy.winner.text
    assert alone.report.num_tokens == greedy.report.num_tokens
    assert alone.report.answer == greedy.report.answer


async def test_cot_decoding_reads_delta_off_the_engines_distributions(subject: Subject) -> None:
    for candidate in (await run(CoTDecoding(k=3), subject)).report.candidates:
        assert candidate.confidence is not None
        assert 0.0 <= candidate.confidence <= 1.0


async def test_stop_string_that_begins_in_a_forced_token_ends_the_path(subject: Subject) -> None:
    """One that the forced token holds, and one whose last character is the next token's first."""
    probe = await greedy_path(subject, max_tokens=1, num_logprobs=NUM_LOGPROBS)
    first = (probe.ranked[0][0][0],)
    sampling = Sampling(max_tokens=MANY_TOKENS, num_logprobs=NUM_LOGPROBS)
    whole = await collect_path(subject.engine, subject.prompt, sampling, prefix=first)
    seam = whole.decoded.ends[0]
    stops = {whole.text[:seam]: 1, whole.text[seam - 1 : seam + 1]: 2}
    for stop, num_tokens in stops.items():
        prompt = replace(subject.prompt, max_tokens=MANY_TOKENS, stop=(stop,))
        path = await collect_path(
            subject.engine, prompt, sampling, prefix=first, prefix_ranked=probe.ranked
        )
        assert path.token_ids == whole.token_ids[:num_tokens]
        assert path.text == whole.text[: whole.text.index(stop)]
        assert (path.finish_reason, path.stop_reason) == ("stop", stop)
        assert len(path.ranked) == num_tokens
    await poll(lambda: subject.num_running() == 0, "aborted")
