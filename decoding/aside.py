"""Questions that a decoder itself puts to the model, beside the client's."""

from decoding.engine import Engine, Prompt, Sampling, UnaskableQuestion
from decoding.path import Path, collect_path


async def ask_aside(
    engine: Engine,
    question: str,
    max_tokens: int,
    *,
    num_logprobs: int = 0,
    stop: tuple[str, ...] = (),
) -> Path | None:
    """The model's greedy reply to another question in place of the client's.

    The client's stop strings, grammar and penalties do not hold for it; it ends at `stop`. None
    where the question cannot be asked, as one that leaves no room for a reply. A reply that the
    deadline cut off has the finish reason "timeout".

    Raises:
        PathAborted: the engine stopped before the reply's end.
    """
    try:
        token_ids = await engine.render(question, is_aside=True)
    except UnaskableQuestion:
        return None
    room = engine.context_length - len(token_ids)
    if room < 1:
        return None
    sampling = Sampling(
        max_tokens=min(max_tokens, room), num_logprobs=num_logprobs, is_aside=True, stop=stop
    )
    return await collect_path(engine, Prompt(token_ids, sampling.max_tokens, stop), sampling)
