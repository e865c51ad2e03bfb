from pathlib import Path

import pytest

from compression.errors import UnusableText
from compression.samples import Message, Sample, bundled_text, read_samples


def test_three_kinds_of_lines(tmp_path: Path) -> None:
    file = tmp_path / "text.jsonl"
    file.write_text(
        '{"text": "Running text.", "source": "a book"}\n\n'
        '{"question": "1 + 1?", "solution": "1 + 1 = 2.", "answer": "2"}\n'
        '{"question": "1 + 1?", "answer": "2"}\n'
        '{"messages": [{"role": "user", "content": "Hi"}, '
        '{"role": "assistant", "content": "Hello"}]}\n'
    )
    question = Message(role="user", content="1 + 1?")
    assert read_samples(file) == (
        Sample(1, "Running text."),
        Sample(3, None, (question, Message(role="assistant", content="1 + 1 = 2."))),
        Sample(4, None, (question, Message(role="assistant", content="2"))),
        Sample(
            5,
            None,
            (Message(role="user", content="Hi"), Message(role="assistant", content="Hello")),
        ),
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "Invalid JSON"),
        ("[]", "should be an object"),
        ("{}", 'must hold one of "text", "question" and "messages"'),
        ('{"text": "a", "question": "b", "answer": "c"}', "must hold one of"),
        ('{"text": 1}', "text: Input should be a valid string"),
        ('{"question": "b"}', '"question" needs a "solution" or an "answer"'),
        ('{"messages": [{"role": "user", "content": "b"}]}', "messages: "),
        (
            '{"messages": [{"role": "system", "content": ""}, {"role": "user", "content": ""}]}',
            "the last of messages must be the assistant's",
        ),
    ],
)
def test_other_lines_are_refused_by_number(line: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "text.jsonl"
    file.write_text('{"text": "Running text."}\n' + line + "\n")
    with pytest.raises(UnusableText) as caught:
        read_samples(file)
    assert str(caught.value).startswith(f"{file}, line 2: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_hold_nothing_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for name, said in [("empty", "holds no line"), ("binary", "utf-8"), ("none", "No such file")]:
        with pytest.raises(UnusableText, match=said):
            read_samples(tmp_path / name)


def test_bundled_text_can_be_read() -> None:
    assert len(read_samples(bundled_text())) == 400
