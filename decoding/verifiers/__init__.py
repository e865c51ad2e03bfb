"""Verifiers: how good a reply is, as a number."""

from decoding.verifiers.built_in import Equations, SelfJudge, built_in_verifiers
from decoding.verifiers.verifier import Claim, Verifier, Verifiers

__all__ = ["Claim", "Equations", "SelfJudge", "Verifier", "Verifiers", "built_in_verifiers"]
