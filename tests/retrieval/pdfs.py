"""PDFs for tests, written by hand so that they can be wrong in any place."""

import zlib


def raw_pdf(content: bytes, filters: bytes = b"") -> bytes:
    """One page whose content stream is this; `filters` stands in the stream's dictionary."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), filters, content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    begin = len(out)
    out += b"xref\n0 6\n0000000000 65535 f \n"
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return out + b"trailer << /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % begin


def line_pdf(line: str) -> bytes:
    return raw_pdf(f"BT /F1 12 Tf 10 100 Td ({line}) Tj ET".encode())


def slow_pdf(num_operators: int) -> bytes:
    """A few kilobytes that take minutes to read, if `num_operators` are a million."""
    stream = b"BT /F1 12 Tf 10 100 Td " + b"(a) Tj 1 0 Td " * (num_operators // 2) + b"ET"
    return raw_pdf(zlib.compress(stream, 9), b"/Filter /FlateDecode")
