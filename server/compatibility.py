"""Which of a request's other fields a decoder honours.

Sampling fields that say otherwise than the decoder are set aside and reported, since many clients
always send them. Other fields that the decoder would have to ignore are refused, by name.
"""

from collections.abc import Callable, Mapping
from typing import Any

from decoding.decoder import Decoder
from decoding.sampled import NO_SEED
from server.errors import InvalidRequest, shown

Fields = Mapping[str, Any]  # a request's fields as the client gave them, any JSON

NEUTRAL: dict[str, tuple[Any, ...]] = {
    "n": (1,),
    "best_of": (1,),
    "use_beam_search": (False,),
    "prompt_logprobs": (),
    "echo": (False,),
    "background": (False,),
    "kv_transfer_params": (),
    "logprob_token_ids": (),
}
"""Fields that no decoder honours yet, with the values that ask for nothing."""

SAMPLING_FIELDS: dict[str, tuple[Any, ...]] = {
    "temperature": (),
    "top_p": (),
    "top_k": (0, -1),
    "seed": (NO_SEED,),
}
"""Fields that requests have and decoders which sample have, too; with values that mean nothing."""

NEUTRAL_WHEN_GREEDY: dict[str, tuple[Any, ...]] = {
    "temperature": (0,),
    "top_p": (1,),
    "top_k": (0, -1),
    "min_p": (0,),
}

NEUTRAL_WHEN_FANNED_OUT: dict[str, tuple[Any, ...]] = {
    "logprobs": (False,),
    "top_logprobs": (0,),
}
"""The winner's log-probabilities are not kept in the API's form."""

INCLUDED_LOGPROBS = "message.output_text.logprobs"
"""The entry of `include` that asks for them. The others are of tools and of reasoning that nothing
here makes, and agents' libraries send them with every request."""

NEUTRAL_WITH_PROMPTING: dict[str, tuple[Any, ...]] = {
    "truncate_prompt_tokens": (),
    "truncation": ("disabled",),
}
"""A prompt that the stage adds to would lose another part than the client's own."""

NEUTRAL_WHEN_FORCED: dict[str, tuple[Any, ...]] = {
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "repetition_penalty": (1,),
    "logit_bias": ({},),
    "allowed_token_ids": ([],),
    "bad_words": ([],),
    "repetition_detection": (),
    "thinking_token_budget": (),
    "min_tokens": (0,),
}
"""Branches begin with a token that was not generated there: penalties and budgets would restart
behind it, and biases would not have chosen it."""

NEUTRAL_WITHOUT_GRAMMARS: dict[str, tuple[Any, ...]] = {
    "tool_choice": ("auto", "none"),
    "structured_outputs": (),
}
"""A grammar would restart behind a forced token, and cuts distributions down to what it allows."""


def sampling_of(decoder: type[Decoder], given: Fields) -> Fields:
    """What the request's own sampling fields say that the decoder has, too.

    A temperature of 0 says nothing to one that samples: all samples would be the same.
    """
    said = _said(given, SAMPLING_FIELDS)
    if said.get("temperature") == 0:
        del said["temperature"]
    return {name: value for name, value in said.items() if name in decoder.model_fields}


def overridden_by(decoder: Decoder, given: Fields) -> Fields:
    """The request's own sampling fields that say otherwise than the decoder, which does not follow
    them: it takes the likeliest token, or has a value of its own."""
    if decoder.is_greedy:
        return _said(given, NEUTRAL_WHEN_GREEDY)
    own = decoder.model_dump(include=set(SAMPLING_FIELDS))
    said = _said(given, SAMPLING_FIELDS)
    return {name: value for name, value in said.items() if name in own and value != own[name]}


def _said(given: Fields, neutral: Mapping[str, tuple[Any, ...]]) -> dict[str, Any]:
    """Those of the fields that ask for something."""
    return {
        name: value
        for name, values in neutral.items()
        if (value := given.get(name)) is not None and not _is_neutral(value, values)
    }


def refuse_contradictions(decoder: Decoder, given: Fields) -> None:
    """Raise InvalidRequest for the first field that the decoder would have to ignore, but for those
    of sampling.

    `given` holds only what the client sent, so that vLLM's own defaults are not held against it.
    """
    strategy = decoder.strategy
    _refuse(given, NEUTRAL, f'is not available with decoding strategy "{strategy}"')
    _refuse_many_prompts(given)
    _refuse_weights_without_logprobs(decoder, given)
    if decoder.prompting is not None or decoder.retrieval is not None:
        maker = f'prompting "{decoder.prompting}"' if decoder.prompting else "retrieval"
        _refuse(given, NEUTRAL_WITH_PROMPTING, f"would cut the prompt that {maker} makes")
    if decoder.fan_out_field is not None:
        neutral = NEUTRAL_WHEN_FANNED_OUT
        if "prompt" in given:  # of a completion, logprobs are a number; 0 asks for one
            neutral = {**neutral, "logprobs": ()}
        _refuse(
            given,
            neutral,
            f'is not available with strategy "{strategy}", which chooses among several paths',
        )
        _refuse_included_logprobs(given, strategy)
    if decoder.forces_tokens:
        _refuse(
            given,
            NEUTRAL_WHEN_FORCED,
            f'cannot be honoured by strategy "{strategy}", whose paths begin with chosen tokens',
        )
    if decoder.forces_tokens or decoder.reads_distributions:
        why = f'cannot be honoured by strategy "{strategy}", whose paths begin with chosen tokens'
        if not decoder.forces_tokens:
            name = decoder.logprobs_field
            why = (
                f"cannot be honoured by {name} {shown(getattr(decoder, name))}, which judges "
                "samples by distributions that a grammar cuts down"
            )
        _refuse(given, NEUTRAL_WITHOUT_GRAMMARS, why)
        _refuse_structured_text(given, why)


def _refuse(given: Fields, neutral: Mapping[str, tuple[Any, ...]], why: str) -> None:
    for name, value in _said(given, neutral).items():
        values = neutral[name]
        allowed = " or ".join(map(shown, values))
        way_out = f"leave it out or send {allowed}" if values else "leave it out"
        raise InvalidRequest(name, f"{name} {why}; {way_out}, got {shown(value)}")


def _is_neutral(value: object, values: tuple[object, ...]) -> bool:
    return any(value == neutral and _is_flag(value) == _is_flag(neutral) for neutral in values)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _refuse_many_prompts(given: Fields) -> None:
    prompt = given.get("prompt")
    is_many = isinstance(prompt, list) and len(prompt) > 1 and not isinstance(prompt[0], int)
    if is_many:
        raise InvalidRequest(
            "prompt", f"decoding takes one prompt a request, got {len(prompt or ())}"
        )


def _refuse_weights_without_logprobs(decoder: Decoder, given: Fields) -> None:
    weight = getattr(decoder, "weight", "count")
    if given.get("logprobs") is False and weight != "count":
        raise InvalidRequest(
            "logprobs",
            f'weight "{weight}" is made of log-probabilities, which logprobs false forbids; leave '
            'logprobs out or use weight "count"',
        )


def _refuse_included_logprobs(given: Fields, strategy: str) -> None:
    included = given.get("include")
    if isinstance(included, list) and INCLUDED_LOGPROBS in included:
        raise InvalidRequest(
            "include",
            f'include "{INCLUDED_LOGPROBS}" is not available with strategy "{strategy}", which '
            f"chooses among several paths; leave the entry out, got {shown(included)}",
        )


def _refuse_structured_text(given: Fields, why: str) -> None:
    formats: tuple[tuple[str, Callable[[Any], Any]], ...] = (
        ("response_format", lambda value: value),
        ("text", lambda value: value.get("format") if isinstance(value, dict) else None),
    )
    for name, pick in formats:
        wanted = pick(given.get(name))
        if isinstance(wanted, dict) and wanted.get("type", "text") != "text":
            raise InvalidRequest(
                name,
                f'structured output {why}; use "greedy", got {shown(wanted.get("type"))}',
            )
