"""One step of llm-compressor's or optimum's; runs in their environment, and imports none of ours.

A job comes as JSON on stdin: `step` (as `compression.steps` writes it), `source`, `out` and
`texts`. Progress goes to stdout, an object a line; whatever the libraries print goes to stderr.
"""

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

Json = dict[str, Any]  # a step, as `compression.steps` writes it
Rows = list[list[int]]
# Models, tokenizers and modifiers are Any: their libraries give them no usable types.

COPIED = (
    *("tokenizer*", "special_tokens_map.json", "added_tokens.json", "chat_template*"),
    *("vocab.*", "merges.txt", "*.model", "generation_config.json", "LICENSE*", "NOTICE*"),
)
TARGETS = ["Linear"]
IGNORED = ["lm_head"]


def main() -> None:
    progress = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    import torch  # only now: what imports print is no progress
    from transformers import AutoModelForCausalLM, AutoTokenizer

    job = json.load(sys.stdin)
    step, source, out = job["step"], Path(job["source"]), Path(job["out"])

    def tell(done: int, total: int) -> None:
        print(json.dumps({"done": done, "total": total, "what": step["kind"]}), file=progress)

    tell(0, 1)
    torch.manual_seed(0)
    model: Any = AutoModelForCausalLM.from_pretrained(source, dtype="auto", local_files_only=True)
    tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=True)
    rows = tokenized(job["texts"], tokenizer, step)
    if step.get("tool") == "optimum":
        by_optimum(model, tokenizer, rows, step, out)
    else:
        by_llmcompressor(model, rows, step, out, tell)
    for pattern in COPIED:
        for path in source.glob(pattern):
            if path.is_file():
                shutil.copyfile(path, out / path.name)
    tell(1, 1)


def tokenized(texts: list[str], tokenizer: Any, step: Json) -> Rows:
    """Token ids of up to as many samples as the step takes, drawn evenly from all texts."""
    most = step.get("num_samples", 0)
    stride = max(1, len(texts) / most) if most else 1
    drawn = [texts[int(i * stride)] for i in range(min(most, len(texts)))]
    start = tokenizer.bos_token or ""
    rows = [
        tokenizer.encode(text, add_special_tokens=not (start and text.startswith(start)))
        for text in drawn
    ]
    kept = [row[: step["sequence_length"]] for row in rows if len(row) > 1]
    if texts and not kept:
        sys.exit("error: calibration: no sample has two tokens or more")
    return kept


def by_llmcompressor(
    model: Any, rows: Rows, step: Json, out: Path, tell: Callable[[int, int], None]
) -> None:
    import torch
    from datasets import Dataset
    from llmcompressor import oneshot

    if not torch.cuda.is_available():
        spare_pinning()
    recipe = modifiers(step)
    tell_passes(tell, len(recipe))
    # Token ids alone: `rows` are samples of their own, and need no mask.
    data = Dataset.from_dict({"input_ids": rows}) if rows else None
    calibrated = {} if data is None else {
        "dataset": data,
        "num_calibration_samples": len(rows),
        "max_seq_length": step["sequence_length"],
        "shuffle_calibration_samples": False,
    }  # fmt: skip
    oneshot(model=model, recipe=recipe, **calibrated)
    model.save_pretrained(out, save_compressed=True)
    (out / "recipe.yaml").unlink(missing_ok=True)  # winnow_compression.json says it


def modifiers(step: Json) -> list[Any]:
    from llmcompressor.modifiers.gptq import GPTQModifier
    from llmcompressor.modifiers.pruning.sparsegpt import SparseGPTModifier
    from llmcompressor.modifiers.pruning.wanda import WandaPruningModifier
    from llmcompressor.modifiers.quantization import QuantizationModifier
    from llmcompressor.modifiers.transform.awq import AWQModifier
    from llmcompressor.modifiers.transform.smoothquant import SmoothQuantModifier

    kind, method = step["kind"], step.get("method", "")
    linear = {"ignore": IGNORED}
    if kind == "w8a8":
        smooth = step["smoothing"]
        rounding = GPTQModifier if method == "gptq" else QuantizationModifier
        first = [SmoothQuantModifier(smoothing_strength=smooth)] if smooth else []
        return [*first, rounding(targets=TARGETS, scheme="W8A8", **linear)]
    if kind == "w4a16":
        groups = {"group_0": {"targets": TARGETS, "weights": {
            "num_bits": 4, "type": "int", "strategy": "group", "group_size": step["group_size"],
            "symmetric": method != "awq", "dynamic": False,
        }}}  # fmt: skip
        if method == "awq":
            return [AWQModifier(), QuantizationModifier(config_groups=groups, **linear)]
        rounding = GPTQModifier if method == "gptq" else QuantizationModifier
        return [rounding(config_groups=groups, **linear)]
    if kind in ("fp8_dynamic", "nvfp4"):
        return [QuantizationModifier(targets=TARGETS, scheme=kind.upper(), **linear)]
    if kind == "kv_cache":
        scheme = {"num_bits": 8, "type": "float", "strategy": "tensor", "dynamic": False,
                  "symmetric": True}  # fmt: skip
        return [QuantizationModifier(kv_cache_scheme=scheme)]
    assert kind == "sparsify", kind
    pruning = {"sparsegpt": SparseGPTModifier, "wanda": WandaPruningModifier}[method]
    structure = "2:4" if step["pattern"] == "2:4" else "0:0"
    return [pruning(sparsity=step["sparsity"], mask_structure=structure, targets=TARGETS, **linear)]


def spare_pinning() -> None:
    """llm-compressor pins what it keeps for the accelerator, also where there is none."""
    from llmcompressor.pipelines.cache import IntermediatesCache

    IntermediatesCache.pin_memory = lambda *_, **__: None


def tell_passes(tell: Callable[[int, int], None], num_modifiers: int) -> None:
    """llm-compressor names its passes over the text "(part/parts): what is done", two a part."""
    from llmcompressor.pipelines.sequential import pipeline

    num_done = 0

    def telling(batches: Iterable[Any], total: int, desc: str) -> Iterator[Any]:
        nonlocal num_done
        yield from batches
        num_done += 1
        _, parts = re.findall(r"\d+", desc)[:2]
        tell(num_done, max(num_done, 2 * int(parts) * num_modifiers))

    pipeline.tqdm = telling


def by_optimum(model: Any, tokenizer: Any, rows: Rows, step: Json, out: Path) -> None:
    import torch
    from optimum.gptq import GPTQQuantizer

    samples = [torch.tensor([row]) for row in rows]
    quantizer = GPTQQuantizer(
        bits=4,
        dataset=[{"input_ids": one, "attention_mask": torch.ones_like(one)} for one in samples],
        group_size=step["group_size"],
        desc_act=False,
        sym=True,
        model_seqlen=step["sequence_length"],
    )
    model = quantizer.quantize_model(model, tokenizer)
    quantizer.dataset = None  # it would go into the config, text and all
    model.config.quantization_config = quantizer.to_dict()
    quantizer.save(model, out)
    # Saving turns the weights into the format that vLLM reads, after the config has been written.
    file = out / "config.json"
    config = json.loads(file.read_text()) | {"quantization_config": quantizer.to_dict()}
    file.write_text(json.dumps(config, indent=2) + "\n")


if __name__ == "__main__":
    main()
