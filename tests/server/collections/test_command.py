"""`winnow collection`."""

import json
from pathlib import Path

import pytest

from retrieval.material import Document, Piece
from retrieval.sqlite_store import SQLiteStore
from server.collections.command import main
from server.escaping import has_control
from server.gate.tenancy import tenant_of_key

FACTS = '{"text": "The market is 5 miles away."}\n{"text": "A kite costs 52 dollars."}\n'


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]  # a function
    def run(*arguments: str, code: int = 0, key: str = "") -> str:
        store = str(tmp_path / "store" / "c.sqlite3")
        assert main(["--store", store, "--api-key", key, *arguments]) == code
        out, err = capsys.readouterr()
        return str(err if code == 2 else out)

    return run


@pytest.fixture
def facts(tmp_path: Path) -> Path:
    path = tmp_path / "facts.jsonl"
    path.write_text(FACTS)
    return path


def test_collection_is_filled_searched_and_deleted(run, facts: Path) -> None:  # type: ignore[no-untyped-def]
    assert run("create", "physics") == "made physics, searched by words alone\n"
    assert run("add", "physics", str(facts)) == "2 documents added, 0 were there, 0 skipped\n"
    assert run("add", "physics", str(facts)) == "0 documents added, 2 were there, 0 skipped\n"
    assert run("list") == "physics\t2 records\twords\n"
    found = run("search", "physics", "How far is the market?")
    assert found.startswith("0.")
    assert found.endswith(f"\t{facts}#line=1\t'The market is 5 miles away.'\n")
    assert run("search", "physics", "zebra") == "nothing is relevant enough (floor 0.1)\n"
    assert run("verify") == "2 records, 0 problems\n"
    assert run("delete", "physics", "--source", f"{facts}#line=1") == (
        "deleted 1 documents of physics\n"
    )
    assert run("delete", "physics") == "deleted physics\n"
    assert run("list") == ""


def test_export_gives_everything_back(run, facts: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    solved = {"question": "2 + 2?", "solution": "2 + 2 = 4", "answer": "4"}
    facts.write_text(FACTS + json.dumps(solved))
    run("create", "physics")
    run("add", "physics", str(facts))
    lines = [json.loads(line) for line in run("export", "physics").splitlines()]
    assert [line.get("text") for line in lines] == [
        "The market is 5 miles away.",
        "A kite costs 52 dollars.",
        None,
    ]
    assert {name: lines[2][name] for name in solved} == solved
    assert {line["status"] for line in lines} == {"active"}
    out = tmp_path / "out.jsonl"
    assert run("export", "physics", "--out", str(out)) == ""
    assert len(out.read_text().splitlines()) == 3


def test_folder_is_read_and_what_cannot_be_is_skipped(run, tmp_path: Path, facts: Path) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "notes"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a.md").write_text("# Ducks\n\nA duck weighs 2 pounds.")
    (folder / "broken.pdf").write_text("%PDF")
    (folder / "picture.png").write_bytes(b"\x89PNG")
    run("create", "physics")
    report = run("add", "physics", str(folder), str(facts), code=1)
    assert report == "3 documents added, 0 were there, 1 skipped\n"


def test_collections_belong_to_keys(run) -> None:  # type: ignore[no-untyped-def]
    run("create", "physics", key="one")
    assert run("list", key="two") == ""
    assert 'no collection "physics"' in run("search", "physics", "a", key="two", code=2)


def test_errors_are_one_line(run, facts: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert run("add", "nope", str(facts), code=2) == (
        'winnow: error: there is no collection "nope" of this API key\n'
    )
    run("create", "physics")
    assert "already" in run("create", "physics", code=2)
    (tmp_path / "store" / "c.sqlite3").write_bytes(b"rubbish" * 1000)
    assert run("list", code=2).count("\n") == 1


@pytest.mark.parametrize("name", ["a/b", "../x", "é", "", "a" * 65])
def test_name_that_no_request_could_say_is_refused(run, name: str) -> None:  # type: ignore[no-untyped-def]
    assert "a collection's name is at most 64 letters" in run("create", name, code=2)


@pytest.mark.parametrize("store", ["mysql://h/x", "postgresql+psycopg://h/x", " "])
def test_store_of_another_kind_is_refused(
    store: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["--store", store, "list"]) == 2
    assert "must be a file or a postgresql:// URL" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_missing_file_is_told(run) -> None:  # type: ignore[no-untyped-def]
    run("create", "physics")
    assert run("add", "physics", "/nowhere.txt", code=1).endswith("1 skipped\n")


def test_control_characters_of_sources_are_escaped(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    source = "a\x1b]0;owned\x07\n\x9b"
    run("create", "physics")
    store = SQLiteStore(tmp_path / "store" / "c.sqlite3")  # as one from before they were refused
    collection = store.collection(tenant_of_key(""), "physics")
    piece = Piece("passage", "A kite costs 52 dollars.\x9b", (0, 25))
    list(store.add(collection, [Document(source, (piece,))]))
    store.close()
    for arguments in (("search", "physics", "kite"), ("export", "physics"), ("list",)):
        shown = run(*arguments)
        assert not has_control(shown.removesuffix("\n").replace("\t", ""))
    assert "a\\x1b]0;owned\\x07\\n\\x9b" in run("search", "physics", "kite")
    assert json.loads(run("export", "physics"))["source"] == source


def test_file_with_control_characters_in_its_name_is_skipped(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "a\x1b[2J.txt").write_text("A kite costs 52 dollars.")
    run("create", "physics")
    report = run("add", "physics", str(tmp_path), code=1)
    assert report == "0 documents added, 0 were there, 1 skipped\n"


def test_links_out_of_a_folder_are_skipped(  # type: ignore[no-untyped-def]
    run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, outside = tmp_path / "notes", tmp_path / "private"
    folder.mkdir()
    outside.mkdir()
    (outside / "secret.txt").write_text("The password is kite.")
    (folder / "own.txt").write_text("A kite costs 52 dollars.")
    (folder / "again.txt").symlink_to("own.txt")
    (folder / "loop.txt").symlink_to("loop.txt")
    (folder / "gone.txt").symlink_to("nothing.txt")
    (folder / "secret.txt").symlink_to(outside / "secret.txt")
    (folder / "all").symlink_to(outside)
    (folder / "up").symlink_to("..")
    run("create", "physics")
    arguments = ["--store", str(tmp_path / "store" / "c.sqlite3"), "add", "physics", str(folder)]
    assert main(arguments) == 1
    out, err = capsys.readouterr()
    assert out == "1 documents added, 1 were there, 3 skipped\n"
    for name in ("secret.txt", "all", "up"):
        assert f"skipped: {folder / name} leads out of {folder}" in err
    assert run("search", "physics", "password") == "nothing is relevant enough (floor 0.1)\n"


def test_link_that_is_named_is_followed(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "private"
    folder.mkdir()
    (folder / "a.txt").write_text("A kite costs 52 dollars.")
    (folder / "b.txt").write_text("The market is 5 miles away.")
    (tmp_path / "file.txt").symlink_to(folder / "a.txt")
    (tmp_path / "folder").symlink_to(folder)
    run("create", "physics")
    named = (str(tmp_path / "file.txt"), str(tmp_path / "folder"))
    assert run("add", "physics", *named) == "2 documents added, 1 were there, 0 skipped\n"
