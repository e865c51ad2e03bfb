"""The process in which a client's grammar may take too long, too much or crash: `python -m` this.

It reads lines of JSON: first what to compile for, then one list of texts after another. To each
list it answers with a line: null, or which text failed, at what stage and why.
"""

import json
import os
import re
import resource
import signal
import sys
import time
from types import ModuleType
from typing import Any

import numpy as np

MAX_MEMORY_BYTES = 3 * 1024**3  # of addresses, of which threads take more than they fill
MAX_REASON_CHARS = 200
MAX_THREADS = 8  # as vLLM compiles
NUM_STEPS = 16
# The engine takes a step between two tokens of everybody's. An ordinary one is a millisecond.
MAX_STEPS_S = 0.8


class Absent(ModuleType):
    """Stands for a module that xgrammar imports and a compiler never calls."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {"__init__": lambda self, *args, **kwargs: None})


def import_xgrammar() -> Any:
    """xgrammar without torch and transformers: 0.5 s and 60 MB instead of 5 s and 280 MB."""
    names = ("torch", "transformers")
    for name in names:
        sys.modules[name] = None  # type: ignore[assignment]  # so tvm_ffi does without them
    import tvm_ffi  # noqa: F401

    sys.modules.update({name: Absent(name) for name in names})
    import xgrammar

    return xgrammar


class Compiler:
    """xgrammar as vLLM calls it (v1/structured_output/backend_xgrammar.py)."""

    def __init__(self, setup: dict[str, Any]) -> None:
        self._xgr = import_xgrammar()
        tokenizer = self._xgr.TokenizerInfo.deserialize_json(setup["tokenizer"])
        self._vocab_size = tokenizer.vocab_size
        self._compiler = self._xgr.GrammarCompiler(
            tokenizer,
            max_threads=min(MAX_THREADS, os.cpu_count() or 1),
            cache_enabled=False,
        )
        self._is_compact = setup["disable_any_whitespace"]

    def parse(self, kind: str, text: str) -> None:
        """What the API server does with it."""
        grammar = self._xgr.Grammar
        if kind == "structural_tag":
            grammar.from_structural_tag(*self._tag(text))
            return
        parse = {
            "json": grammar.from_json_schema,
            "regex": grammar.from_regex,
            "ebnf": grammar.from_ebnf,
            "lark": grammar.from_lark,
        }
        parse[kind](text)

    def compile(self, kind: str, text: str) -> None:
        """What the engine does with it, for each token of the vocabulary."""
        self._walk(self._compiled(kind, text))

    def _compiled(self, kind: str, text: str) -> Any:
        compiler = self._compiler
        if kind == "json":
            separators = (",", ":") if self._is_compact else None
            return compiler.compile_json_schema(
                text, any_whitespace=not self._is_compact, separators=separators
            )
        if kind == "structural_tag":
            return compiler.compile_structural_tag(*self._tag(text))
        compile_text = {
            "regex": compiler.compile_regex,
            "ebnf": compiler.compile_grammar,
            "lark": compiler.compile_lark,
        }
        return compile_text[kind](text)

    def _walk(self, compiled: Any) -> None:
        """Take a few steps: a grammar may compile at once and then hold the engine up at each."""
        matcher = self._xgr.GrammarMatcher(compiled)
        mask = np.zeros((1, -(-self._vocab_size // 32)), dtype=np.int32)
        began = time.monotonic()
        for step in range(NUM_STEPS):
            mask.fill(-1)  # untouched where every token is allowed
            matcher.fill_next_token_bitmask(mask)
            bits = np.unpackbits(mask.view(np.uint8), bitorder="little")[: self._vocab_size]
            (allowed,) = np.nonzero(bits)
            if not step and not len(allowed):
                raise ValueError("no text conforms to it")
            if time.monotonic() - began > MAX_STEPS_S:
                raise ValueError("too complex: it takes too long at each token")
            if not len(allowed) or not matcher.accept_token(int(allowed[step % len(allowed)])):
                return
            if matcher.is_terminated():
                return

    def _tag(self, text: str) -> tuple[Any, ...]:
        tag = json.loads(text)
        if "structures" not in tag:
            return (text,)
        items = [
            self._xgr.StructuralTagItem(
                begin=item["begin"], schema=json.dumps(item["schema"]), end=item["end"]
            )
            for item in tag["structures"]
        ]
        return items, tag["triggers"]


def failure_of(compiler: Compiler, texts: list[tuple[str, str]]) -> dict[str, Any] | None:
    """The first text that is refused, if one is."""
    for index, (kind, text) in enumerate(texts):
        for stage in (compiler.parse, compiler.compile):
            try:
                stage(kind, text)
            except Exception as failure:  # whatever it is, the request is at fault
                return {"index": index, "stage": stage.__name__, "reason": _reason(failure)}
    return None


def _reason(failure: Exception) -> str:
    """The compiler's message, without its times and paths, cut to MAX_REASON_CHARS."""
    text = re.sub(r"^\s*\[[\d:]+\] \S+:\d+: ", "", str(failure))
    return " ".join(text.split())[:MAX_REASON_CHARS]


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    setup = json.loads(sys.stdin.readline())
    compiler = Compiler(setup)
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the native code writes is no answer
    answer.write("null\n")
    answer.flush()
    for line in sys.stdin:
        # Nobody may be left to end it: the default action of the signal does.
        signal.setitimer(signal.ITIMER_REAL, setup["timeout_s"] + 1)
        failure = failure_of(compiler, json.loads(line))
        signal.setitimer(signal.ITIMER_REAL, 0)
        answer.write(json.dumps(failure) + "\n")
        answer.flush()


if __name__ == "__main__":
    main()
