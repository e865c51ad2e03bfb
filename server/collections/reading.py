"""Files as documents: text, Markdown, HTML, PDF and JSON lines."""

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from bs4 import BeautifulSoup
from charset_normalizer import from_bytes
from pypdf import PdfReader
from pypdf.errors import PyPdfError
from semantic_text_splitter import MarkdownSplitter, TextSplitter

from server.collections.material import Piece

CHUNK_CHARS = (500, 900)
"""Fewest and most characters of a chunk: about what small embedders read (256 word pieces)."""
OVERLAP_CHARS = 100
MAX_LINE_CHARS = 100_000
MAX_PDF_PAGES = 5_000
UNSEEN = ("script", "style", "template", "noscript", "head")
BLOCKS = ("p", "div", "li", "tr", "br", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote")
BREAK = "\ue000"
"""Stands for a line's end in a page, whose own line ends are spaces; a character of no text."""
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
    splitter = MarkdownSplitter if is_markdown else TextSplitter
    chunks = splitter(CHUNK_CHARS, overlap=OVERLAP_CHARS).chunk_indices(text)
    return tuple(Piece("passage", chunk, (begin, begin + len(chunk))) for begin, chunk in chunks)


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
    """What a reader of the page sees: no scripts, no styles, no attributes."""
    page = BeautifulSoup(html, "html.parser")
    for unseen in page(UNSEEN):
        unseen.decompose()
    for block in page(BLOCKS):
        block.insert_before(BREAK)
        block.append(BREAK)
    lines = (" ".join(line.split()) for line in page.get_text().split(BREAK))
    text = "\n".join(line for line in lines if line)
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
    for number, line in enumerate(content.splitlines(), start=1):
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
    for key, said in value.items():
        if key not in allowed:
            raise UnreadableFile(f'{source} has an unknown key "{key}"; allowed are {allowed}')
        if not isinstance(said, str) or not said.strip():
            raise UnreadableFile(f'{source}: "{key}" must be a text that says something')
    if "question" not in value:
        return Text(value.get("source", source), split(value["text"]))
    if "solution" not in value:
        raise UnreadableFile(f'{source} has a "question" and no "solution"')
    return Text(source, (exemplar(value["question"], value["solution"], value.get("answer")),))
