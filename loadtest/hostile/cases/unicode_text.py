"""Text that is rare but right: it is answered, or refused cleanly."""

from collections.abc import Iterator

from loadtest.hostile.case import Case, Target
from loadtest.hostile.cases.requests import COMPLETIONS, Group, completion
from loadtest.hostile.expectations import handled

TEXTS = {
    "right to left": "مرحبا كم هو 2 + 3؟",
    "overriding direction": "2 \u202e+ 3\u202c \u2066= ?\u2069",
    "zero width": "2\u200b+\u200c3\u200d=\ufeff?",
    "emoji": "🦆🦆 + 🦆 = ?",
    "joined emoji": "👩‍👩‍👧‍👦🏳️‍🌈👍🏿" * 20,
    "flags": "🇩🇪🇨🇭" * 50,
    "stacked marks": "Z" + "\u0301\u0336\u0489" * 500,
    "Hangul Jamo": "\u1112\u1161\u11ab" * 50,
    "private use": "\ue000\uf8ff\U0010fffd",
    "no characters": "\ufffe\uffff\U0010ffff",
    "controls": "".join(map(chr, range(1, 32))) + "\x7f\x80\x9f",
    "terminal escapes": "\x1b[2J\x1b]0;title\x07",
    "line separators": "a\u2028b\u2029c\x85d\x0be",
    "mathematical letters": "𝟐 + 𝟑 = ?",
    "full width": "２＋３＝？",
    "Turkish case": "İıIi ß ŉ ǰ",
    "replacement": "\ufffd" * 50,
    "tags": "\U000e0041\U000e0042\U000e007f" * 20,
    "all planes": "".join(
        chr(0x800 * i) for i in range(1, 500) if not 0xD800 <= 0x800 * i < 0xE000
    ),
    "Cuneiform and Linear B": "𒀀𒁀𐀀𐀁" * 20,
    "Zalgo over 10 KB": "h" + "\u0315\u031b\u0340\u0358" * 2500,
}


def cases(target: Target) -> Iterator[Case]:
    group = Group("unicode", target)
    for name, text in TEXTS.items():
        message = [{"role": "user", "content": text}]
        yield group.chat(f"message: {name}", handled, messages=message)
        yield group.chat(f"stop: {name}", handled, stop=[text], user=text)
        yield group.post(
            f"prompt: {name}",
            COMPLETIONS,
            completion(target, prompt=text, decoding={"strategy": "cot_decoding", "k": 2}),
            handled,
        )
