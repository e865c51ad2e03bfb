"""What can be asked for. Nothing here needs torch."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Step(BaseModel):
    """What pruning and healing have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)

    sequence_length: int = Field(512, ge=2, description="tokens of a sample; the rest is cut off")
    batch_size: int = Field(16, ge=1, description="samples at a time")
    seed: int = Field(0, ge=0, lt=2**32, description="of what is drawn")


class Prune(Step):
    """Cuts whole layers, FFN channels and key-value groups out of a checkpoint, and refits what
    reads them; what is left is a smaller checkpoint of the same architecture.

    Either `fraction`, or one or more of `num_layers`, `ffn_width` and `num_kv_groups`; what is not
    named stays as it is.
    """

    kind: Literal["prune"] = "prune"
    fraction: float | None = Field(
        None, gt=0, lt=1, description="share of all parameters to remove, as evenly as can be"
    )
    num_layers: int | None = Field(None, ge=2, description="layers to keep")
    ffn_width: int | None = Field(None, ge=32, description="FFN channels to keep in each layer")
    num_kv_groups: int | None = Field(
        None, ge=1, description="key-value heads, each with its query heads, to keep in each layer"
    )
    width_multiple: int = Field(
        32,
        ge=32,
        multiple_of=32,
        description="of which the FFN width is a multiple; 128 for quantization in groups of 128",
    )
    refit: bool = Field(
        True, description="refit the projections behind the cuts by ridge least squares"
    )
    ridge: float = Field(
        1e-3, gt=0, description="of the refit, as a share of the mean square of what is kept"
    )
    num_samples: int = Field(256, ge=1, description="most samples to draw for calibration")

    @model_validator(mode="after")
    def _is_one_of_the_two(self) -> "Prune":
        explicit = (self.num_layers, self.ffn_width, self.num_kv_groups)
        if (self.fraction is None) == all(value is None for value in explicit):
            raise ValueError(
                "give either fraction, or one or more of num_layers, ffn_width and num_kv_groups"
            )
        if self.ffn_width is not None and self.ffn_width % self.width_multiple:
            raise ValueError(
                f"ffn_width must be a multiple of width_multiple ({self.width_multiple}), "
                f"got {self.ffn_width}"
            )
        return self


class Heal(Step):
    """Trains a pruned checkpoint to predict as the original does: distillation of its logits."""

    kind: Literal["heal"] = "heal"
    steps: int = Field(500, ge=1, description="optimizer steps")
    learning_rate: float = Field(1e-4, gt=0, description="at its highest")
    warmup_steps: int = Field(20, ge=0, description="steps up to there; a cosine to zero follows")
    optimizer: Literal["adamw", "muon"] = Field(
        "adamw",
        description="muon moves the matrices between the layers by Muon and the rest by AdamW: "
        "nearer to the original in as many steps, where much was cut",
    )
    weight_decay: float = Field(0.0, ge=0, description="of AdamW, or of Muon's matrices")
    max_grad_norm: float = Field(1.0, gt=0, description="to which gradients are clipped")
    temperature: float = Field(1.0, gt=0, description="that softens both distributions")
    cross_entropy: float = Field(
        0.0, ge=0, le=1, description="share of the loss that is cross-entropy with the text itself"
    )
    lora_rank: int | None = Field(
        None,
        ge=1,
        le=1024,
        description="train LoRA adapters of this rank on all linear layers and merge them, instead "
        "of all weights: less memory",
    )
    save_every: int = Field(100, ge=1, description="steps between states to go on from")

    @model_validator(mode="after")
    def _optimizer_suits_adapters(self) -> "Heal":
        if self.optimizer == "muon" and self.lora_rank is not None:
            raise ValueError('optimizer "muon" is for all weights; leave lora_rank out')
        return self
