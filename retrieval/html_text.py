"""What a reader of an HTML page sees: no scripts, no styles, no attributes."""

from lxml import etree

UNSEEN = frozenset({"script", "style", "template", "noscript", "head", "title"})
BLOCKS = frozenset(
    {"p", "div", "li", "ul", "ol", "tr", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "pre"}
    | {"blockquote", "table", "section", "article", "header", "footer", "dt", "dd", "body"}
)


class _Seen:
    """Takes a page as it is parsed, in one pass: a tree of a hostile page is slow to walk."""

    def __init__(self) -> None:
        self._lines: list[list[str]] = [[]]
        self._num_unseen = 0

    def start(self, tag: str, attributes: object) -> None:
        self._num_unseen += tag in UNSEEN
        if tag in BLOCKS:
            self._lines.append([])

    def end(self, tag: str) -> None:
        self._num_unseen -= tag in UNSEEN
        if tag in BLOCKS:
            self._lines.append([])

    def data(self, text: str) -> None:
        if not self._num_unseen:
            self._lines[-1].append(text)

    def close(self) -> str:
        lines = (" ".join("".join(parts).split()) for parts in self._lines)
        return "\n".join(line for line in lines if line)


def visible_text(html: str) -> str:
    """Blocks are lines; all other white space is single spaces.

    Raises:
        ValueError: it cannot be parsed, such as one that is nested very deep.
    """
    parser = etree.HTMLParser(target=_Seen(), encoding="utf-8", recover=True)
    try:
        parser.feed(html.encode())
        return str(parser.close())
    except etree.LxmlError as failure:
        raise ValueError(str(failure)) from None
