"""The arithmetic that a reply states, recomputed."""

from decoding.verifiers.equations.checking import Checked, check_equations

__all__ = ["Checked", "check_equations"]
