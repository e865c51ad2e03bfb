import json
import logging

import pytest

from server.escaping import escaped, escaped_json, has_control, say
from server.log_lines import bounded_line

NASTY = "a\x1b[2J\x9b31m\r\n\u202eb\u2028\x7f"
SHOWN = r"a\x1b[2J\x9b31m\r\n\u202eb\u2028\x7f"


def test_control_characters_are_shown_as_python_writes_them() -> None:
    assert escaped(NASTY) == SHOWN
    assert escaped("a\tb\n", kept="\t") == r"a	b\n"
    assert escaped(r"Käse \x1b 語 👩‍🔬") == r"Käse \x1b 語 👩‍🔬"


def test_json_keeps_its_meaning() -> None:
    text = json.dumps({"source": NASTY}, ensure_ascii=False)
    assert has_control(text)
    assert not has_control(escaped_json(text))
    assert json.loads(escaped_json(text)) == {"source": NASTY}


def test_line_for_people_stays_one(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"0.5\t{NASTY}")
    assert capsys.readouterr().out == f"0.5\t{SHOWN}\n"


def test_log_keeps_its_lines_and_nothing_else_of_control() -> None:
    record = logging.LogRecord("a", logging.INFO, "", 0, "1\n2\t\x1b %s", ("\u202e\x9b",), None)
    assert bounded_line(record)
    assert record.getMessage() == "1\n2\t\\x1b \\u202e\\x9b"
