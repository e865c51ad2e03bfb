"""Documents read aside: what they say, and what becomes of those that break, stall or swell."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from retrieval import reading
from retrieval.reading import TooMuchText, UnreadableFile, read
from server.collections.reader import Reader
from server.collections.upload import Upload
from server.errors import InvalidRequest
from server.settings import Settings
from tests.retrieval.pdfs import line_pdf, raw_pdf, slow_pdf

BROKEN = Path(__file__).parents[3].parent / "shared" / "data" / "documents"
BROKEN_PDFS = sorted(BROKEN.glob("*.pdf"))
SEEDS = {
    "a.pdf": line_pdf("A duck weighs 2 pounds."),
    "a.html": "<title>x</title><p>Straße <b>und</b> &#xd800; <table><td>1<svg>".encode(),
    "a.jsonl": b'{"text": "A \\ud83d duck", "source": "d"}\n{"question": "2?", "solution": "2"}\n',
    "a.txt": "привет, мир".encode("koi8-r"),
    "a.md": b"# A\n\n```\ncode\n```\n| a | b |\n|--|--|\n| 1 | 2 |\n",
}
NUM_MUTANTS = 60


def reader_of(**settings: object) -> Reader:
    return Reader(Settings.model_validate(settings), takes_uploads=False)


@pytest.fixture(scope="module")
async def reader() -> AsyncIterator[Reader]:
    one = Reader(Settings(), takes_uploads=True)
    yield one
    await one.close()


@pytest.mark.parametrize("name", SEEDS)
async def test_texts_come_back_as_they_were_read(reader: Reader, name: str) -> None:
    assert await reader.read_file(name, SEEDS[name]) == list(read(name, SEEDS[name]))


async def test_upload_is_a_form_or_json(reader: Reader) -> None:
    form = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nHi.\r\n--b--'
    )
    (one,) = await reader.read_upload(Upload("multipart/form-data; boundary=b", form))
    (other,) = await reader.read_upload(Upload("", b'{"source": "a.txt", "text": "Hi."}'))
    assert (one.source, one.pieces[0].text) == ("a.txt", "Hi.")
    assert one == other
    for content in (form[:30], b"--b--", form.replace(b"file", b"\xff\xd8")):
        with pytest.raises(InvalidRequest):
            await reader.read_upload(Upload("multipart/form-data; boundary=b", content))


async def test_document_that_takes_too_long_ends_its_process_and_no_other() -> None:
    slow = reader_of(read_timeout_s=0.5)
    with pytest.raises(InvalidRequest, match=r"longer than 0\.5 s .* WINNOW_READ_TIMEOUT_S") as it:
        await slow.read_file("a.pdf", slow_pdf(1_000_000))
    assert (it.value.param, it.value.status) == ("file", 400)
    assert len(await slow.read_file("a.txt", b"Hi.")) == 1
    await slow.close()


async def test_document_that_takes_too_much_memory_is_refused() -> None:
    small = reader_of(read_memory_mb=512)
    with pytest.raises(InvalidRequest, match="WINNOW_READ_MEMORY_MB") as it:
        await small.read_file("a.jsonl", b"x" + b"\n" * 80_000_000)
    assert it.value.status == 400
    assert len(await small.read_file("a.txt", b"Hi.")) == 1
    await small.close()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", b"word " * 30),
        ("a.md", b"word " * 30),
        ("a.html", b"<p>" + b"word " * 30),
        ("a.pdf", line_pdf("word " * 30)),
        ("a.jsonl", b'{"text": "word word word"}\n' * 10),
        ("a.jsonl", b'{"question": "word word word", "solution": "word"}\n' * 10),
    ],
)
def test_text_of_a_document_is_bounded(name: str, content: bytes) -> None:
    with pytest.raises(TooMuchText, match="more than 100 characters of text"):
        list(read(name, content, 100))


async def test_too_much_text_is_a_413() -> None:
    bounded = Reader(Settings(max_document_chars=100), takes_uploads=True)
    with pytest.raises(InvalidRequest, match="WINNOW_MAX_DOCUMENT_CHARS") as it:
        await bounded.read_file("a.txt", b"word " * 30)
    assert (it.value.param, it.value.status) == ("file", 413)
    body = b'{"source": "a", "exemplars": [{"question": "%s", "solution": "b"}]}' % (b"a" * 101)
    with pytest.raises(InvalidRequest, match="WINNOW_MAX_DOCUMENT_CHARS") as it:
        await bounded.read_upload(Upload("", body))
    assert (it.value.param, it.value.status) == ("text", 413)
    await bounded.close()


def test_lines_of_a_document_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_TEXTS", 2)
    assert len(list(read("a.jsonl", b'{"text": "a"}\n' * 2))) == 2
    with pytest.raises(TooMuchText, match="more than 2 lines"):
        list(read("a.jsonl", b'{"text": "a"}\n' * 3))


async def test_cancelled_reading_ends_its_process(reader: Reader) -> None:
    one = asyncio.create_task(reader.read_file("a.pdf", slow_pdf(1_000_000)))
    await asyncio.sleep(0)
    one.cancel()
    with pytest.raises(asyncio.CancelledError):
        await one
    assert len(await reader.read_file("a.txt", b"Hi.")) == 1


@pytest.mark.parametrize(
    "failure",
    [
        NotImplementedError("x"),
        AssertionError(),
        RecursionError(),
        UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates"),
        OverflowError("x"),
        OSError("/etc"),
        type("DeprecationError", (Exception,), {})("x"),
    ],
    ids=lambda failure: type(failure).__name__,
)
@pytest.mark.parametrize("name", SEEDS)
def test_whatever_a_reader_raises_is_the_files_fault(
    monkeypatch: pytest.MonkeyPatch, name: str, failure: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise failure

    for part in ("PdfReader", "visible_text", "split"):
        monkeypatch.setattr(reading, part, fail)
    with pytest.raises(UnreadableFile) as it:
        list(read(name, SEEDS[name]))
    assert str(it.value).startswith(f"{name} is no ")
    assert str(it.value).endswith(" that can be read: it is damaged or nested too deep")


@pytest.mark.parametrize(
    "content",
    [
        raw_pdf(b"x", b"/Filter /Nonsense"),
        raw_pdf(b"x", b"/Filter /Crypt /DecodeParms << /Name /Other >>"),
        line_pdf("x").replace(b"/Root 1 0 R", b"/Root 1 0 R /Encrypt 5 0 R"),
        line_pdf("x").replace(b"/Kids [3 0 R]", b"/Kids [2 0 R]"),
    ],
    ids=["unknown filter", "crypt filter", "encryption that is none", "circle of pages"],
)
def test_broken_pdf_is_unreadable(content: bytes) -> None:
    with pytest.raises(UnreadableFile, match=r"a\.pdf"):
        list(read("a.pdf", content))


@pytest.mark.parametrize("name", SEEDS)
def test_damaged_file_is_read_or_unreadable(name: str) -> None:
    rng = random.Random(name)
    for _ in range(NUM_MUTANTS):
        content = bytearray(SEEDS[name])
        for _ in range(rng.randint(1, 8)):
            begin = rng.randrange(len(content))
            content[begin : begin + rng.randrange(4)] = rng.randbytes(rng.randrange(4)) or b"<["
        with suppress(UnreadableFile):
            list(read(name, bytes(content)))


@pytest.mark.skipif(not BROKEN_PDFS, reason="documents are not in ../shared/data")
@pytest.mark.parametrize("path", BROKEN_PDFS, ids=lambda path: path.name)
def test_pdf_that_broke_its_reader_is_refused(path: Path) -> None:
    with pytest.raises(UnreadableFile, match="no PDF that can be read"):
        list(read("a.pdf", path.read_bytes()))
