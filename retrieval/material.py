"""What collections hold: documents, cut into records that are searched one by one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal

import numpy as np
import numpy.typing as npt

from decoding.retrieval import Kind, Span

Vector = npt.NDArray[np.float32]
Status = Literal["active", "quarantined"]
"""A quarantined record is kept and never found."""

DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Piece:
    """A record before it is stored. `span` is in characters of the document's text.

    Of an exemplar `question` is the solved problem, `text` its solution and `answer` its result.
    """

    kind: Kind
    text: str
    span: Span | None = None
    question: str | None = None
    answer: str | None = None

    @property
    def searched_text(self) -> str:
        """What a query is compared to: of a solved problem, the problem."""
        return self.question or self.text


@dataclass(frozen=True, slots=True)
class Document:
    """What is stored together or not at all: a file, or a line of one.

    `vectors` has a row for each piece, `(num_pieces, dimension)`, or is None without an embedder.
    `key` says who brought it.
    """

    source: str
    pieces: tuple[Piece, ...]
    key: str = ""
    status: Status = "active"
    vectors: Vector | None = None

    @property
    def content_hash(self) -> bytes:
        """The same for the same pieces, wherever they come from; but what is quarantined is of its
        source alone, which decides on it."""
        said = (
            part
            for piece in self.pieces
            for part in (piece.kind, piece.text, piece.question, piece.answer)
        )
        return digest(self.source if self.status == "quarantined" else None, *said)


@dataclass(frozen=True, slots=True)
class Record:
    """A piece as stored."""

    id: int
    document_id: int
    source: str
    piece: Piece
    status: Status
    key: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Collection:
    """`embedder` names what its vectors were made with; None where it is searched by words alone.
    `created_at` is in seconds since 1970."""

    id: int
    tenant: str
    name: str
    embedder: str | None
    dimension: int | None
    memory: bool
    created_at: int


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a document: `is_new` is false where its content was there before, from the
    source that is given here."""

    document_id: int
    source: str
    num_records: int
    is_new: bool


@dataclass(frozen=True, slots=True)
class StoredDocument:
    id: int
    source: str
    key: str
    status: Status
    num_records: int
    created_at: int


@dataclass(frozen=True, slots=True)
class Frequencies:
    """The number of records that are searched, and of those that contain each term."""

    num_records: int
    by_term: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verified:
    """What a check of the whole store found: how much was read, and what is wrong with it."""

    num_records: int
    problems: Sequence[str]


def digest(*parts: object) -> bytes:
    """A hash of the parts, of which each is told from the next; None is no text."""
    hasher = blake2b(digest_size=DIGEST_BYTES)
    for part in parts:
        encoded = b"" if part is None else part if isinstance(part, bytes) else str(part).encode()
        hasher.update(b"-" if part is None else b"%d:" % len(encoded))
        hasher.update(encoded)
    return hasher.digest()


def sound(text: str) -> str:
    """Replace each lone surrogate, which no store or tokenizer accepts, by a question mark."""
    return text.encode(errors="replace").decode()
