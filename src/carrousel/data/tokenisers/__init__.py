"""Tokenisers: from text to symbols, whole numbers, and back; learned from the text, kept as JSON.

A tokeniser is one public class in a file of this folder; put there, it is discovered.
"""

from __future__ import annotations

from inspect import isabstract
from typing import Any

from carrousel._discover import classes_in, modules_of
from carrousel.data.tokenisers._base import BOUNDARY, UNKNOWN, Encoded, Speller, Tokeniser

TOKENISERS: dict[str, type[Tokeniser]] = {
    kind.name: kind
    for kind in classes_in(modules_of(__name__, __path__), "learned", "encode").values()
    if issubclass(kind, Tokeniser) and not isabstract(kind)
}
"""Every tokeniser, by name: the tests run the same checks on each."""

__all__ = ["BOUNDARY", "TOKENISERS", "UNKNOWN", "Encoded", "Speller", "Tokeniser", "tokeniser_from_json"]


def tokeniser_from_json(facts: Any) -> Tokeniser:
    """Returns the tokeniser of what ``to_json`` returned, after checking it.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(facts, dict) or facts.get("kind") not in TOKENISERS:
        raise ValueError(f"a tokeniser is one of {', '.join(TOKENISERS)}; this is none of them")
    return TOKENISERS[facts["kind"]].from_json(facts)
