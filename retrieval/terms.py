"""The words by which texts are found: folded, without accents, stemmed."""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import snowballstemmer

from retrieval.material import Frequencies

_WORD = re.compile(r"\w+")
_STEMMER = snowballstemmer.stemmer("english")
MAX_TERM_CHARS = 64
MAX_QUERY_TERMS = 32
FUNCTION_WORDS = frozenset(
    _WORD.findall(
        """
        a an the of in is are there to and or at by for from with on it its that this these those he
        she they his her their him them what how many much who whom which when where why do does did
        be was were been being has have had as so then than if will would can could should may not
        no nor
        """
    )
)
"""English words that tell nothing of what a text is about."""


def terms(text: str) -> list[str]:
    """The terms of a text in its order, with repetitions and without function words.

    Words longer than 64 characters are cut.
    """
    folded = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(c for c in folded if not unicodedata.combining(c))
    words = _WORD.findall(plain.replace("_", " "))
    return [_stem(word[:MAX_TERM_CHARS]) for word in words if word not in FUNCTION_WORDS]


@lru_cache(2**16)
def _stem(word: str) -> str:
    return word if word.isdigit() else str(_STEMMER.stemWord(word))


def telling_terms(query: Sequence[str], frequencies: Frequencies) -> list[str]:
    """Those of a query's terms that occur, rarest first; at most 32, so that a long question stays
    a cheap query."""
    found = [term for term in dict.fromkeys(query) if frequencies.by_term.get(term)]
    return sorted(found, key=lambda term: frequencies.by_term[term])[:MAX_QUERY_TERMS]


def similarity(query: Sequence[str], text: Sequence[str], frequencies: Frequencies) -> float:
    """Cosine of the two texts' TF-IDF vectors (1 + log tf, smoothed idf), in 0..1."""
    one, two = _weights(query, frequencies), _weights(text, frequencies)
    norms = math.hypot(*one.values()) * math.hypot(*two.values())
    return sum(one[term] * two[term] for term in one.keys() & two.keys()) / norms if norms else 0.0


def _weights(said: Sequence[str], frequencies: Frequencies) -> dict[str, float]:
    return {
        term: (1 + math.log(count)) * _idf(frequencies.by_term.get(term, 0), frequencies)
        for term, count in Counter(said).items()
    }


def _idf(num_with: int, frequencies: Frequencies) -> float:
    return math.log((1 + frequencies.num_records) / (1 + num_with)) + 1
