"""The process in which a client's document may take too long, too much memory or crash: `python -m`
this.

It reads its setup as a line of JSON, then one job after another: a line of JSON with the number of
bytes that follow it. To each it answers with lines of JSON: every text's source, each followed by
its pieces, and at the end `{"end": null}` or `{"end": …}` with what is wrong with the document.
"""

import json
import logging
import os
import resource
import signal
import sys
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import IO, Any

from retrieval.material import sound
from retrieval.reading import Text, TooMuchText, UnreadableFile, read

BYTES_PER_MB = 10**6
Job = dict[str, Any]  # JSON
Problem = dict[str, Any]


def lines_of(texts: Sequence[Text]) -> Iterator[object]:
    for text in texts:
        yield {"source": text.source}
        for piece in text.pieces:
            yield [piece.kind, piece.text, piece.span, piece.question, piece.answer]


def answer_to(job: Job, content: bytes, setup: Job) -> tuple[Sequence[Text], Problem | None]:
    """The texts, or what is wrong with the document: nothing that it makes a reader raise is
    anybody else's fault."""
    try:
        if "file" in job:
            return list(read(job["file"], content, setup["max_chars"])), None
        return answer_to_upload(job["content_type"], content, setup["max_chars"])
    except UnreadableFile as failure:
        is_too_much = isinstance(failure, TooMuchText)
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE if is_too_much else HTTPStatus.BAD_REQUEST
        return (), problem(None, str(failure), status)
    except MemoryError:
        message = (
            f"the document takes more than {setup['memory_mb']} MB of memory to read; split it, or "
            "have the operator raise WINNOW_READ_MEMORY_MB"
        )
        return (), {**problem(None, message), "is_spent": True}
    except BaseException:  # of Rust's panics, too
        return (), {**problem(None, "the document cannot be read"), "is_spent": True}


def answer_to_upload(
    content_type: str, content: bytes, max_chars: int
) -> tuple[Sequence[Text], Problem | None]:
    """Return the texts of an upload, or no texts and what is wrong with it.

    Raises:
        UnreadableFile: its file cannot be read, or is too long.
    """
    # FastAPI is a second to import, which the command line does without.
    from server.collections.upload import Upload, texts_of_upload
    from server.errors import InvalidRequest

    try:
        return texts_of_upload(Upload(content_type, content), max_chars), None
    except InvalidRequest as failure:
        return (), problem(failure.param, failure.message, failure.status)


def problem(
    param: str | None, message: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST
) -> Problem:
    """`param` None is the document itself."""
    return {"param": param, "message": sound(message), "status": int(status)}


def main() -> None:
    setup = json.loads(sys.stdin.buffer.readline())
    if setup["takes_uploads"]:
        import server.collections.upload  # noqa: F401  # it takes a second, which is no document's
    limit = setup["memory_mb"] * BYTES_PER_MB
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    logging.disable()  # of what the libraries find odd about a client's document
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the libraries print is no answer
    write(answer, [{"end": None}])
    for line in sys.stdin.buffer:
        job = json.loads(line)
        # Nobody may be left to end it: the default action of the signal does.
        signal.setitimer(signal.ITIMER_REAL, setup["timeout_s"] + 1)
        texts, wrong = answer_to(job, sys.stdin.buffer.read(job["num_bytes"]), setup)
        signal.setitimer(signal.ITIMER_REAL, 0)
        write(answer, [*lines_of(texts), {"end": wrong}])


def write(answer: IO[bytes], lines: Sequence[object]) -> None:
    for line in lines:
        answer.write(json.dumps(line).encode() + b"\n")
    answer.flush()


if __name__ == "__main__":
    main()
