"""`winnow collection`: the store at the command line, beside a running server or without one."""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from retrieval.material import Collection, Record
from retrieval.reading import SUFFIXES, Text
from retrieval.store import CollectionError
from server.collections.opening import open_library
from server.collections.quota import quota_of
from server.collections.reader import Reader
from server.errors import InvalidRequest
from server.escaping import escaped, escaped_json, has_control, say
from server.gate.caller import Caller
from server.gate.keyring import Keyring
from server.gate.keys import UnusableKeys
from server.gate.tenancy import tenant_named, tenant_of_key
from server.settings import Settings, WrongSetting, load_settings

EXIT_OK, EXIT_PROBLEMS, EXIT_ERROR = 0, 1, 2
API_KEY = "WINNOW_API_KEY"


def main(arguments: list[str]) -> int:
    """The exit code: 1 where `verify` found problems, 2 for errors."""
    options = _parser().parse_args(arguments)
    try:
        settings = load_settings()
        if options.store is not None:
            settings = settings.model_copy(update={"store": options.store})
        return _Desk(settings, _caller(options, settings)).serve(options)
    except BrokenPipeError:  # whoever reads our output has had enough
        sys.stderr.close()
        return EXIT_OK
    except (WrongSetting, CollectionError, UnusableKeys, OSError) as failure:
        say(f"winnow: error: {failure}", sys.stderr)
        return EXIT_ERROR


def _caller(options: argparse.Namespace, settings: Settings) -> Caller:
    """Return the caller that the options name, by tenant or by API key.

    Raises:
        UnusableKeys: the key is not in the file of keys.
    """
    if options.tenant is not None:
        return Caller(options.tenant, tenant_named(options.tenant))
    if settings.keys is None or not options.api_key:
        return Caller("", tenant_of_key(options.api_key))
    caller = Keyring(settings.keys).find(options.api_key)
    if caller is None:
        raise UnusableKeys(f"--api-key is none of the keys in {settings.keys}")
    return caller


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="winnow collection", description="Documents and solved problems to draw on."
    )
    parser.add_argument("--store", help="a file or postgresql:// URL (WINNOW_STORE)")
    parser.add_argument(
        "--api-key",
        default=os.environ.get(API_KEY, ""),
        help=f"whose collections: those of the requests with this key ({API_KEY})",
    )
    parser.add_argument("--tenant", help="whose collections: those of this tenant's keys")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    create = commands.add_parser("create", help="make an empty collection")
    create.add_argument("name")
    create.add_argument("--memory", action="store_true", help="remember confirmed solutions")
    commands.add_parser("list", help="all collections and their sizes")
    add = commands.add_parser("add", help="add files, or the files of folders")
    add.add_argument("name")
    add.add_argument("paths", nargs="+", type=Path, help=f"files ({', '.join(SUFFIXES)}), folders")
    search = commands.add_parser("search", help="what a question would find")
    search.add_argument("name")
    search.add_argument("query")
    search.add_argument(
        "--num-passages",
        type=int,
        choices=range(1, 51),
        default=5,
        metavar="1..50",
        help="of each kind",
    )
    search.add_argument("--min-score", type=_share, metavar="0..1")
    delete = commands.add_parser("delete", help="delete a collection, or some documents of it")
    delete.add_argument("name")
    delete.add_argument("--source", help="only the documents of this source")
    delete.add_argument("--key", help="only what this key brought, as `export` shows it")
    commands.add_parser("verify", help="compare everything in the store with its hashes")
    export = commands.add_parser("export", help="all records as JSON lines")
    export.add_argument("name")
    export.add_argument("--out", type=Path, help="a file instead of standard output")
    return parser


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must be in 0..1, got {text!r}")
    return value


class _Desk:
    def __init__(self, settings: Settings, caller: Caller) -> None:
        self._settings = settings
        self._tenant = caller.tenant
        self._max_bytes = quota_of(caller, settings)
        self._library = open_library(settings)

    def serve(self, options: argparse.Namespace) -> int:
        try:
            return int(getattr(self, f"_{options.command}")(options) or EXIT_OK)
        finally:
            self._library.close()

    def _named(self, options: argparse.Namespace) -> Collection:
        return self._library.store.collection(self._tenant, options.name)

    def _create(self, options: argparse.Namespace) -> None:
        collection = self._library.create(
            self._tenant, options.name, memory=options.memory, max_bytes=self._max_bytes
        )
        say(f"made {collection.name}, searched by {collection.embedder or 'words alone'}")

    def _list(self, options: argparse.Namespace) -> None:
        for collection in self._library.store.collections(self._tenant):
            num_records = self._library.store.count(collection)
            say(f"{collection.name}\t{num_records} records\t{collection.embedder or 'words'}")

    def _add(self, options: argparse.Namespace) -> int:
        collection = self._named(options)
        num_new = num_known = num_unreadable = 0
        paths: list[Path] = []
        for given in options.paths:
            files, astray = _files(given)
            paths += files
            num_unreadable += len(astray)
            for link in astray:
                say(f"skipped: {link} leads out of {given}; name it to have it added", sys.stderr)
        with tqdm(paths, unit="file", disable=None) as bar, _reading(self._settings) as read:
            for path in bar:
                bar.set_postfix_str(escaped(path.name))
                try:
                    texts = _checked(read(path))
                except (InvalidRequest, OSError) as failure:
                    num_unreadable += 1
                    bar.write(escaped(f"skipped: {_naming(path, failure)}"), file=sys.stderr)
                    continue
                for added in self._progress(collection, texts):
                    num_new += added
                    num_known += not added
        print(f"{num_new} documents added, {num_known} were there, {num_unreadable} skipped")
        return EXIT_PROBLEMS if num_unreadable else EXIT_OK

    def _progress(self, collection: Collection, texts: list[Text]) -> Iterator[bool]:
        is_long = len(texts) > 1
        with tqdm(
            total=len(texts), unit="document", leave=False, disable=None if is_long else True
        ) as bar:
            for added in self._library.add(
                collection, texts, self._tenant, max_bytes=self._max_bytes
            ):
                bar.update()
                yield added.is_new

    def _search(self, options: argparse.Namespace) -> None:
        hits, floor = self._library.search(
            self._named(options),
            options.query,
            {"passage": options.num_passages, "exemplar": options.num_passages},
            options.min_score,
        )
        for hit in hits:
            passage = hit.passage()
            say(f"{passage.score:.3f}\t{passage.id}\t{passage.source}\t{passage.note!r}")
        if not hits:
            print(f"nothing is relevant enough (floor {floor:g})")

    def _delete(self, options: argparse.Namespace) -> None:
        collection = self._named(options)
        if options.source is None and options.key is None:
            self._library.store.delete(collection)
            say(f"deleted {collection.name}")
            return
        num_deleted = self._library.store.delete_documents(
            collection, source=options.source, key=options.key
        )
        say(f"deleted {num_deleted} documents of {collection.name}")

    def _verify(self, options: argparse.Namespace) -> int:
        verified = self._library.store.verify()
        for problem in verified.problems:
            say(problem)
        print(f"{verified.num_records} records, {len(verified.problems)} problems")
        return EXIT_PROBLEMS if verified.problems else EXIT_OK

    def _export(self, options: argparse.Namespace) -> None:
        records = self._library.store.export(self._named(options))
        out = options.out.open("w") if options.out else sys.stdout
        try:
            for record in tqdm(records, unit="record", disable=None if options.out else True):
                said = json.dumps(_exported(record), ensure_ascii=False)
                out.write(escaped_json(said) + "\n")
        finally:
            if options.out:
                out.close()


@contextmanager
def _reading(settings: Settings) -> Iterator[Callable[[Path], list[Text]]]:
    """What reads a file, in a process aside that a broken one cannot hold up."""
    reader = Reader(settings, takes_uploads=False)
    with asyncio.Runner() as runner:
        try:
            yield lambda path: runner.run(reader.read_file(str(path), path.read_bytes()))
        finally:
            runner.run(reader.close())


def _naming(path: Path, failure: Exception) -> str:
    message = str(failure)
    return message if str(path) in message else f"{path}: {message}"


def _files(path: Path) -> tuple[list[Path], list[Path]]:
    """The file itself, or the files below a folder that can be read, by name; and the links in it
    that lead out of it."""
    if not path.is_dir():
        return [path], []
    folder = path.resolve()
    inside: list[Path] = []
    astray: list[Path] = []
    for found in sorted(path.rglob("*")):
        is_wanted = found.suffix.lower() in SUFFIXES and found.is_file()
        if not is_wanted and not (found.is_symlink() and found.is_dir()):
            continue
        if not found.resolve().is_relative_to(folder):
            astray.append(found)
        elif is_wanted:
            inside.append(found)
    return inside, astray


def _checked(texts: list[Text]) -> list[Text]:
    """The texts. Raises: InvalidRequest if the server would not take the source of one either."""
    for text in texts:
        if has_control(text.source):
            raise InvalidRequest("source", f"{text.source} has control characters in its name")
    return texts


def _exported(record: Record) -> dict[str, object]:
    piece = record.piece
    said = (
        {"text": piece.text}
        if piece.question is None
        else {"question": piece.question, "solution": piece.text, "answer": piece.answer}
    )
    about = {"id": f"rec_{record.id}", "kind": piece.kind, "source": record.source}
    times = {"status": record.status, "key": record.key, "created_at": record.created_at}
    return {**about, **said, "span": piece.span, **times}
