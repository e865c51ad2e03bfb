"""What a compression costs and gains, measured beside the original through vLLM."""

from compression.errors import CompressionError, ProofFailed, UnreadableReport, UnusableInput
from compression.proof.figures import Proof
from compression.proof.gate import accuracy_drop, refusal
from compression.proof.options import ProofOptions, Serving
from compression.proof.proving import prove
from compression.proof.report import read_proof, render_proof, write_proof

__all__ = [
    "CompressionError",
    "Proof",
    "ProofFailed",
    "ProofOptions",
    "Serving",
    "UnreadableReport",
    "UnusableInput",
    "accuracy_drop",
    "prove",
    "read_proof",
    "refusal",
    "render_proof",
    "write_proof",
]
