"""All hostile cases, by group. A group is a module that yields its cases for a target."""

from collections.abc import Callable, Iterator, Mapping

from loadtest.hostile.case import Case, Target
from loadtest.hostile.cases import (
    bodies,
    branches,
    chat_fields,
    collections,
    connections,
    decoding,
    keys,
    large_replies,
    messages,
    methods,
    origins,
    other_apis,
    paths,
    protocol,
    request_ids,
    sampling,
    sizes,
    structured,
    tools,
    unicode_text,
    unread,
)

GROUPS: Mapping[str, Callable[[Target], Iterator[Case]]] = {
    "keys": keys.cases,
    "methods": methods.cases,
    "origins": origins.cases,
    "paths": paths.cases,
    "protocol": protocol.cases,
    "unread": unread.cases,
    "sizes": sizes.cases,
    "bodies": bodies.cases,
    "request ids": request_ids.cases,
    "sampling": sampling.cases,
    "fields": chat_fields.cases,
    "messages": messages.cases,
    "unicode": unicode_text.cases,
    "tools": tools.cases,
    "branches": branches.cases,
    "decoding": decoding.cases,
    "structured": structured.cases,
    "large replies": large_replies.cases,
    "other APIs": other_apis.cases,
    "collections": collections.cases,
    "connections": connections.cases,
}


def all_cases(target: Target) -> list[Case]:
    return [case for cases in GROUPS.values() for case in cases(target)]
