"""Files as documents: text, Markdown, HTML, PDF and JSON lines."""

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from charset_normalizer import from_bytes
from pypdf import PdfReader
from pypdf.errors import PyPdfError
from semantic_text_splitter import MarkdownSplitter, TextSplitter

from server.collections.html_text import visible_text
from server.collections.material import Piece, sound

CHUNK_CHARS = (500, 900)
"""Fewest and most characters of a chunk: about what small embedders read (256 word pieces)."""
OVERLAP_CHARS = 100
MAX_LINE_CHARS = 100_000
MAX_EXEMPLAR_CHARS = 10_000
"""Of a problem or a solution, neither of which is cut in pieces."""
MAX_RUN_CHARS = 20_000
"""What is cut at once: the time of the splitter grows with the square of a run without a seam."""
MAX_PDF_PAGES = 5_000
SUFFIXES = (".txt", ".md", ".html", ".htm", ".pdf", ".jsonl")
EXEMPLAR_KEYS = ("question", "solution", "answer")
TEXT_KEYS = ("text", "source")

logging.getLogger("pypdf").setLevel(logging.ERROR)  # it warns of every oddity of every file


class UnreadableFile(ValueError):
    """A file cannot be read as what its name says it is; the message says why."""


@dataclass(frozen=True, slots=True)
class Text:
    """A stretch of a file with a name of its own: the file, a page, a line."""

    source: str
    pieces: tuple[Piece, ...]


def read(name: str, content: bytes) -> Iterator[Text]:
    """What a file says, in the pieces that are stored; by its suffix, plain text if unknown.

    Raises:
        UnreadableFile: while reading, too.
    """
    suffix = PurePath(name).suffix.lower()
    if not content.strip():
        raise UnreadableFile(f"{name} is empty")
    match suffix:
        case ".pdf":
            yield from _read_pdf(name, content)
        case ".jsonl":
            yield from _read_lines(name, _decode(name, content))
        case ".html" | ".htm":
            yield Text(name, split(_visible(_decode(name, content), name)))
        case ".md":
            yield Text(name, split(_decode(name, content), is_markdown=True))
        case _:
            yield Text(name, split(_decode(name, content)))


def split(text: str, *, is_markdown: bool = False) -> tuple[Piece, ...]:
    """Chunks of 500 to 900 characters, cut where sections, paragraphs and sentences end; each
    overlaps the one before by up to 100."""
    kind = MarkdownSplitter if is_markdown else TextSplitter
    splitter = kind(CHUNK_CHARS, overlap=OVERLAP_CHARS)
    return tuple(
        Piece("passage", chunk, (start + begin, start + begin + len(chunk)))
        for start, run in _runs(text)
        for begin, chunk in splitter.chunk_indices(run)
    )


def _runs(text: str) -> Iterator[tuple[int, str]]:
    """The text in stretches of at most 20,000 characters, cut at white space where there is any,
    each with its place."""
    begin = 0
    while begin < len(text):
        end = min(len(text), begin + MAX_RUN_CHARS)
        if end < len(text):
            seam = max(text.rfind(mark, begin + 1, end) for mark in ("\n", " "))
            end = seam if seam > begin else end
        yield begin, text[begin:end]
        begin = end


def exemplar(question: str, solution: str, answer: str | None = None) -> Piece:
    return Piece("exemplar", solution, None, question, answer)


def _decode(name: str, content: bytes) -> str:
    if b"\0" in content:
        raise UnreadableFile(f"{name} is not text: it has bytes of value 0")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        best = from_bytes(content).best()
    if best is None:
        raise UnreadableFile(f"{name} is not text in any encoding that is known")
    return str(best)


def _visible(html: str, name: str) -> str:
    try:
        text = visible_text(html)
    except ValueError as failure:
        raise UnreadableFile(f"{name} is no HTML that can be read: {failure}") from None
    if not text:
        raise UnreadableFile(f"{name} shows no text")
    return text


def _read_pdf(name: str, content: bytes) -> Iterator[Text]:
    try:
        pages = PdfReader(io.BytesIO(content)).pages
        if len(pages) > MAX_PDF_PAGES:
            raise UnreadableFile(f"{name} has {len(pages)} pages; {MAX_PDF_PAGES} are allowed")
        texts = [page.extract_text() for page in pages]
    except UnreadableFile:
        raise
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as failure:
        # pypdf raises whatever a broken file makes it stumble over.
        raise UnreadableFile(f"{name} is no PDF that can be read: {failure}") from failure
    if not any(text.strip() for text in texts):
        raise UnreadableFile(f"{name} has no text, as a scan has not; recognise it first")
    for number, text in enumerate(texts, start=1):
        if text.strip():
            yield Text(f"{name}#page={number}", split(text))


def _read_lines(name: str, content: str) -> Iterator[Text]:
    """Each line `{"text", "source"?}` or `{"question", "solution", "answer"?}`."""
    for number, line in enumerate(content.split("\n"), start=1):
        if line.strip():
            yield _read_line(f"{name}#line={number}", line)


def _read_line(source: str, line: str) -> Text:
    if len(line) > MAX_LINE_CHARS:
        raise UnreadableFile(f"{source} has {len(line)} characters; {MAX_LINE_CHARS} are allowed")
    try:
        value: Any = json.loads(line)
    except (ValueError, RecursionError):
        raise UnreadableFile(f"{source} is not JSON") from None
    if not isinstance(value, dict) or not {"text", "question"} & value.keys():
        raise UnreadableFile(
            f'{source} must be an object with "text", or with "question" and "solution"'
        )
    allowed = EXEMPLAR_KEYS if "question" in value else TEXT_KEYS
    value = {key: sound(said) if isinstance(said, str) else said for key, said in value.items()}
    for key, said in value.items():
        if key not in allowed:
            raise UnreadableFile(f'{source} has an unknown key "{sound(key)}"; allowed: {allowed}')
        if not isinstance(said, str) or not said.strip():
            raise UnreadableFile(f'{source}: "{key}" must be a text that says something')
    if "question" not in value:
        return Text(value.get("source", source), split(value["text"]))
    for key in value:
        if len(value[key]) > MAX_EXEMPLAR_CHARS:
            raise UnreadableFile(
                f'{source}: "{key}" has {len(value[key])} characters; {MAX_EXEMPLAR_CHARS} are '
                "allowed"
            )
    if "solution" not in value:
        raise UnreadableFile(f'{source} has a "question" and no "solution"')
    return Text(source, (exemplar(value["question"], value["solution"], value.get("answer")),))
