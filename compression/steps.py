"""What may be done to a checkpoint, one step at a time. Nothing here needs torch."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from compression.pruning.recipe import Heal, Prune

MIN_GROUP = 32


class Calibrated(BaseModel):
    """A step that watches the model read text."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)

    num_samples: int = Field(256, ge=1, le=100_000, description="most samples to calibrate by")
    sequence_length: int = Field(
        1024, ge=2, le=1_000_000, description="tokens of a sample; the rest is cut off"
    )


class W8A8(Calibrated):
    """8-bit integer weights by channel and activations by token, which the processor multiplies as
    such: smaller and faster."""

    kind: Literal["w8a8"] = "w8a8"
    method: Literal["gptq", "rtn"] = Field(
        "gptq", description="how weights are rounded: by their effect on the output, or to nearest"
    )
    smoothing: float = Field(
        0.5, ge=0, le=1, description="SmoothQuant's strength; 0 leaves activations as they are"
    )


class W4A16(Calibrated):
    """4-bit integer weights in groups, read back as 16 bits: for memory, not for speed."""

    kind: Literal["w4a16"] = "w4a16"
    method: Literal["gptq", "awq", "rtn"] = Field(
        "gptq", description="how weights are rounded; awq's are asymmetric"
    )
    tool: Literal["llmcompressor", "optimum"] = Field(
        "llmcompressor", description="optimum knows gptq only"
    )
    group_size: Literal[32, 64, 128] = Field(128, description="weights that share a scale")

    @model_validator(mode="after")
    def _tool_knows_method(self) -> "W4A16":
        if self.tool == "optimum" and self.method != "gptq":
            raise ValueError(f"method must be gptq with tool optimum, got {self.method}")
        return self


class FP8Dynamic(BaseModel):
    """8-bit floating-point weights by channel, activations by token. Needs no text."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kind: Literal["fp8_dynamic"] = "fp8_dynamic"


class NVFP4(Calibrated):
    """4-bit floating-point weights and activations in groups of 16, for NVIDIA GPUs."""

    kind: Literal["nvfp4"] = "nvfp4"


class KVCache(Calibrated):
    """Scales for a KV cache of 8-bit floating-point numbers; the weights stay as they are."""

    kind: Literal["kv_cache"] = "kv_cache"


class Sparsify(Calibrated):
    """Zeros in place of the weights that matter least. vLLM stores and multiplies zeros as it does
    any weight: neither smaller nor faster there."""

    kind: Literal["sparsify"] = "sparsify"
    method: Literal["sparsegpt", "wanda"] = Field(
        "sparsegpt", description="sparsegpt adjusts what stays, wanda only chooses"
    )
    sparsity: float = Field(0.5, gt=0, lt=1, description="share of zeros in each layer")
    pattern: Literal["unstructured", "2:4"] = Field(
        "unstructured", description="2:4 has two zeros in each four weights in a row"
    )

    @model_validator(mode="after")
    def _pattern_says_sparsity(self) -> "Sparsify":
        if self.pattern == "2:4" and self.sparsity != 0.5:
            raise ValueError(f"sparsity must be 0.5 with pattern 2:4, got {self.sparsity}")
        return self


Quantization = W8A8 | W4A16 | FP8Dynamic | NVFP4 | KVCache
ToolStep = Quantization | Sparsify
"""Done by a library, in an environment of its own."""
Step = Annotated[ToolStep | Prune | Heal, Field(discriminator="kind")]

Tool = Literal["llmcompressor", "optimum"]


def tool_of(step: ToolStep) -> Tool:
    return step.tool if isinstance(step, W4A16) else "llmcompressor"


def needs_text(step: "ToolStep | Prune | Heal") -> bool:
    """Whether the step reads calibration text."""
    if isinstance(step, W8A8):
        return step.method == "gptq" or step.smoothing > 0
    if isinstance(step, W4A16):
        return step.method != "rtn"
    return not isinstance(step, FP8Dynamic)


def weight_bits(step: "ToolStep | Prune | Heal") -> float | None:
    """Bits of a weight in a linear layer, its share of the scales included; None if it stays as it
    was."""
    if isinstance(step, W8A8 | FP8Dynamic):
        return 8.0
    if isinstance(step, W4A16):
        scale_bits = 16 + (4 if step.method == "awq" else 0)
        return 4 + scale_bits / step.group_size
    if isinstance(step, NVFP4):
        return 4 + 8 / 16
    return None
