"""Splits of pocket's evaluation set, as lm-evaluation-harness calls them."""

from typing import Any

Documents = Any  # datasets.Dataset: the harness has an environment of its own


def held_out_numbers(documents: Documents) -> Documents:
    return _split(documents, "held_out_numbers")


def held_out_templates(documents: Documents) -> Documents:
    return _split(documents, "held_out_templates")


def _split(documents: Documents, name: str) -> Documents:
    return documents.filter(lambda document: document["split"] == name)
