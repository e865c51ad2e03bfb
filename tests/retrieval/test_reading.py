import io
import json
from contextlib import suppress
from itertools import pairwise

import pytest
from pypdf import PdfWriter

from retrieval.reading import Text, UnreadableFile, read, split


def texts(name: str, content: bytes) -> list[Text]:
    return list(read(name, content))


def said(name: str, content: bytes) -> list[str]:
    return [piece.text for text in texts(name, content) for piece in text.pieces]


def pdf(*pages: str) -> bytes:
    """A PDF of the smallest kind: one line of text a page."""
    writer = PdfWriter()
    for line in pages:
        page = writer.add_blank_page(200, 200)
        page.merge_page(_page_with(line))
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _page_with(line: str):  # type: ignore[no-untyped-def]  # pypdf's page
    from pypdf import PdfReader

    stream = f"BT /F1 12 Tf 10 100 Td ({line}) Tj ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    begin = len(out)
    out += b"xref\n0 6\n0000000000 65535 f \n"
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer << /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % begin
    return PdfReader(io.BytesIO(out)).pages[0]


def test_text_is_cut_at_sentences_with_its_place() -> None:
    sentences = [f"Sentence number {i} says something about the number {i}." for i in range(60)]
    whole = " ".join(sentences)
    (text,) = texts("a.txt", whole.encode())
    assert text.source == "a.txt"
    assert len(text.pieces) > 2
    for piece in text.pieces:
        assert piece.span is not None
        begin, end = piece.span
        assert whole[begin:end] == piece.text
        assert len(piece.text) <= 900
        assert piece.text.endswith(".")
    assert all(any(s in piece.text for piece in text.pieces) for s in sentences)


def test_short_text_is_one_piece() -> None:
    assert said("a.txt", b"The market is 5 miles away.\n") == ["The market is 5 miles away."]


def test_markdown_is_cut_at_its_headings() -> None:
    sections = "\n\n".join(f"# Part {i}\n\n{'word ' * 120}" for i in range(3))
    starts = [piece.text[:8] for piece in split(sections, is_markdown=True)]
    assert starts == ["# Part 0", "# Part 1", "# Part 2"]


def test_html_shows_what_a_reader_sees() -> None:
    page = b"""<html><head><title>no</title><style>p {}</style></head><body onload="evil()">
    <h1>Ducks</h1><script>alert('no')</script><p>A duck <b>weighs</b>
    2 pounds.</p><!-- no --><noscript>no</noscript>So:<ul><li>one</li>
    <li>two</li></ul></body></html>"""
    assert said("a.html", page) == ["Ducks\nA duck weighs 2 pounds.\nSo:\none\ntwo"]


def test_html_may_be_deep_or_never_closed() -> None:
    items = "".join(f"<li>item {i}" for i in range(2000))
    (text,) = texts("a.html", f"<ul>{items}</ul>".encode())
    assert text.pieces[-1].text.endswith("item 1999")
    deep = b"<div>" * 100_000 + b"end"
    with suppress(UnreadableFile):  # the parser has a limit
        assert "end" in said("a.html", deep)[0]


def test_text_without_a_seam_is_cut_all_the_same() -> None:
    pieces = split("a" * 100_000)
    assert all(len(piece.text) <= 900 for piece in pieces)
    spans = [piece.span for piece in pieces if piece.span is not None]
    assert spans[0][0] == 0
    assert spans[-1][1] == 100_000
    assert all(one[1] >= other[0] for one, other in pairwise(spans))


def test_lines_end_at_line_feeds_alone() -> None:
    content = json.dumps({"text": "one\u2028two\u0085three"}, ensure_ascii=False).encode()
    assert len(said("a.jsonl", content)) == 1


def test_half_a_character_in_a_line_becomes_a_question_mark() -> None:
    (text,) = texts("a.jsonl", b'{"text": "a \\ud800", "source": "b \\udfff"}')
    assert (text.source, text.pieces[0].text) == ("b ?", "a ?")


def test_pdf_is_cited_by_page() -> None:
    pages = texts("a.pdf", pdf("A duck weighs 2 pounds.", "A hen weighs 3."))
    assert [text.source for text in pages] == ["a.pdf#page=1", "a.pdf#page=2"]
    assert [text.pieces[0].text for text in pages] == ["A duck weighs 2 pounds.", "A hen weighs 3."]


def test_json_lines_are_passages_or_solved_problems() -> None:
    lines = [
        {"text": "A duck weighs 2 pounds.", "source": "ducks"},
        {"text": "A hen weighs 3."},
        {"question": "2 + 2?", "solution": "2 + 2 = 4", "answer": "4"},
    ]
    content = "\n".join(map(json.dumps, lines)).encode() + b"\n\n"
    one, two, three = texts("a.jsonl", content)
    assert (one.source, two.source, three.source) == ("ducks", "a.jsonl#line=2", "a.jsonl#line=3")
    (solved,) = three.pieces
    assert (solved.kind, solved.question, solved.text, solved.answer) == (
        "exemplar", "2 + 2?", "2 + 2 = 4", "4",
    )  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_usual_encodings_are_read(encoding: str) -> None:
    text = "Die Straße ist naß und führt über die Brücke zum Bäcker. " * 5
    if encoding == "utf-16":
        with pytest.raises(UnreadableFile, match="bytes of value 0"):
            said("a.txt", text.encode(encoding))
    else:
        assert said("a.txt", text.encode(encoding)) == [text.strip()]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.txt", b"", "a.txt is empty"),
        ("a.md", b" \n\t", "is empty"),
        ("a.txt", bytes(range(256)) * 40, "bytes of value 0"),
        ("a.pdf", b"%PDF-1.7 rubbish", "no PDF that can be read"),
        ("a.pdf", pdf("Hello")[:300], "no PDF that can be read"),
        ("a.html", b"<script>alert(1)</script>", "shows no text"),
        ("a.jsonl", b'{"text": "a"}\n{"text": ', "a.jsonl#line=2 is not JSON"),
        ("a.jsonl", b"[1]", "must be an object"),
        ("a.jsonl", b'{"txt": "a"}', "must be an object"),
        ("a.jsonl", b'{"text": "a", "url": "b"}', 'unknown key "url"'),
        ("a.jsonl", b'{"text": 5}', '"text" must be a text'),
        ("a.jsonl", b'{"question": "a"}', 'a "question" and no "solution"'),
        ("a.jsonl", b"[" * 100_000, "is not JSON"),
        ("a.jsonl", json.dumps({"question": "a" * 10_001, "solution": "b"}).encode(), "10000 are"),
        ("a.jsonl", b'{"text": "' + b"a" * 200_000 + b'"}', "characters; 100000 are allowed"),
    ],
)
def test_what_cannot_be_read_says_why(name: str, content: bytes, says: str) -> None:
    with pytest.raises(UnreadableFile, match=says):
        texts(name, content)


def test_pdf_without_text_says_so() -> None:
    with pytest.raises(UnreadableFile, match="has no text"):
        texts("scan.pdf", pdf(" "))
