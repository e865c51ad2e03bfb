"""Files as documents: text, Markdown, HTML, PDF and JSON lines."""

import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from charset_normalizer import from_bytes
from pypdf import PdfReader
from semantic_text_splitter import MarkdownSplitter, TextSplitter

from retrieval.html_text import visible_text
from retrieval.material import Piece, sound

CHUNK_CHARS = (500, 900)
"""Fewest and most characters of a chunk: about what small embedders read (256 word pieces)."""
OVERLAP_CHARS = 100
MAX_LINE_CHARS = 100_000
MAX_EXEMPLAR_CHARS = 10_000
"""Of a problem or a solution, neither of which is cut in pieces."""
MAX_RUN_CHARS = 20_000
"""What is cut at once: the time of the splitter grows with the square of a run without a seam."""
MAX_DOCUMENT_CHARS = 5_000_000
MAX_PDF_PAGES = 5_000
MAX_TEXTS = 50_000
"""Lines of a file, each of which is a document of its own when it is stored."""
SUFFIXES = (".txt", ".md", ".html", ".htm", ".pdf", ".jsonl")
KINDS = {".html": "HTML", ".htm": "HTML", ".pdf": "PDF", ".jsonl": "JSON lines", ".md": "Markdown"}
EXEMPLAR_KEYS = ("question", "solution", "answer")
TEXT_KEYS = ("text", "source")


class UnreadableFile(ValueError):
    """A file cannot be read as what its name says it is; the message says why."""


class TooMuchText(UnreadableFile):
    """A file says more than one document may."""


@dataclass(frozen=True, slots=True)
class Text:
    """A stretch of a file with a name of its own: the file, a page, a line."""

    source: str
    pieces: tuple[Piece, ...]

    @property
    def num_chars(self) -> int:
        """Characters, of which those in an overlap count once."""
        passages = max((p.span[1] for p in self.pieces if p.span is not None), default=0)
        exemplars = (p for p in self.pieces if p.span is None)
        return passages + sum(
            len(part or "") for p in exemplars for part in (p.text, p.question, p.answer)
        )


def read(name: str, content: bytes, max_chars: int = MAX_DOCUMENT_CHARS) -> Iterator[Text]:
    """What a file says, in the pieces that are stored; by its suffix, plain text if unknown.

    Raises:
        UnreadableFile: while reading, too, and for whatever a reader stumbles over.
        TooMuchText: it has more than `max_chars` characters, or too many lines.
    """
    try:
        yield from within(_read(name, content, max_chars), max_chars)
    except (UnreadableFile, MemoryError):
        raise
    except Exception as failure:
        kind = KINDS.get(PurePath(name).suffix.lower(), "text")
        raise UnreadableFile(
            f"{name} is no {kind} that can be read: it is damaged or nested too deep"
        ) from failure


def check_length(text: str, max_chars: int) -> str:
    """Return the text. It is checked before it is cut into pieces, which takes longer.

    Raises:
        TooMuchText: it has more than `max_chars` characters.
    """
    if len(text) > max_chars:
        raise _too_long(max_chars)
    return text


def _too_long(max_chars: int) -> TooMuchText:
    return TooMuchText(
        f"the document has more than {max_chars:,} characters of text; split it, or have the "
        "operator raise WINNOW_MAX_DOCUMENT_CHARS"
    )


def within(texts: Iterable[Text], max_chars: int) -> Iterator[Text]:
    """The texts of one document.

    Raises:
        TooMuchText: they have more than `max_chars` characters, or there are too many.
    """
    num_chars = 0
    for number, text in enumerate(texts):
        num_chars += text.num_chars
        if num_chars > max_chars:
            raise _too_long(max_chars)
        if number == MAX_TEXTS:
            raise TooMuchText(f"the document has more than {MAX_TEXTS:,} lines; split it")
        yield text


def _read(name: str, content: bytes, max_chars: int) -> Iterator[Text]:
    suffix = PurePath(name).suffix.lower()
    if not content.strip():
        raise UnreadableFile(f"{name} is empty")
    match suffix:
        case ".pdf":
            yield from _read_pdf(name, content, max_chars)
        case ".jsonl":
            yield from _read_lines(name, _decode(name, content))
        case ".html" | ".htm":
            seen = _visible(_decode(name, content), name)
            yield Text(name, split(check_length(seen, max_chars)))
        case ".md":
            text = check_length(_decode(name, content), max_chars)
            yield Text(name, split(text, is_markdown=True))
        case _:
            yield Text(name, split(check_length(_decode(name, content), max_chars)))


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
    text = visible_text(html)
    if not text:
        raise UnreadableFile(f"{name} shows no text")
    return text


def _read_pdf(name: str, content: bytes, max_chars: int) -> Iterator[Text]:
    reader = PdfReader(io.BytesIO(content))
    if reader.is_encrypted and not reader.decrypt(""):
        raise UnreadableFile(f"{name} is encrypted; save it without its password first")
    if len(reader.pages) > MAX_PDF_PAGES:
        raise UnreadableFile(f"{name} has {len(reader.pages)} pages; {MAX_PDF_PAGES} are allowed")
    says_something = False
    for number, page in enumerate(reader.pages, start=1):
        text = page.extract_text()
        if text.strip():
            says_something = True
            yield Text(f"{name}#page={number}", split(check_length(text, max_chars)))
    if not says_something:
        raise UnreadableFile(f"{name} has no text, as a scan has not; recognise it first")


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
