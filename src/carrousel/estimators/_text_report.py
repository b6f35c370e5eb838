"""A language model beside an n-gram model and a packer."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from carrousel.data._errors import listed
from carrousel.data.tokenisers import BOUNDARY, Tokeniser
from carrousel.estimators._bits import bits_of, block_error
from carrousel.estimators._ngram import KneserNey
from carrousel.estimators._packed import packed_size
from carrousel.estimators._report import Report, Score
from carrousel.nets.language_model import LanguageModel

__all__ = ["METRIC", "documents_of", "symbols_of", "text_report", "unknown_of"]

METRIC = "bits per character"
PACKED_STEP = 4  # bytes: the sizes that xz makes are multiples of it
LEAST_PACKED = 10 * PACKED_STEP  # with fewer bytes the rounding is a tenth of the figure and more
ORDERS = {"characters": 6, "pieces": 4, "words": 3, "symbols": 4}  # of the n-gram model


def documents_of(X: Any) -> list[str]:
    """Returns the texts after checking them.

    Raises:
        ValueError: they are none, or one is empty.
    """
    documents = [X] if isinstance(X, str) else list(X)
    for k, document in enumerate(documents):
        if not isinstance(document, str):
            raise ValueError(f"X must be texts; document {k} is a {type(document).__name__}")
        if not document:
            raise ValueError(f"document {k} is empty; it has nothing to learn from or to be judged by")
    if not documents:
        raise ValueError("there are no texts")
    return documents


def symbols_of(tokeniser: Tokeniser, documents: Sequence[str]) -> np.ndarray:
    """Returns texts as symbols, with a boundary before each and at the end."""
    parts = [np.array([BOUNDARY], dtype=np.int64)]
    for document in documents:
        parts += [tokeniser.encode(document).symbols, parts[0]]
    return np.concatenate(parts)


def unknown_of(tokeniser: Tokeniser, documents: Sequence[str]) -> Counter[str]:
    """Returns what in texts is not known, and how often it comes."""
    found: Counter[str] = Counter()
    for document in documents:
        found.update(tokeniser.encode(document).unknown)
    return found


def text_report(
    method: str, network: LanguageModel, tokeniser: Tokeniser, learned: list[str] | None, documents: list[str]
) -> Report:
    """Returns the bits per character of a model, an n-gram model and ``xz -9e`` on documents.

    Args:
        method: the model's name.
        network: the model.
        tokeniser: its tokeniser.
        learned: the texts that it was trained on; None where they were not kept.
        documents: the texts to judge by.
    """
    symbols, characters = symbols_of(tokeniser, documents), sum(map(len, documents))
    found = {method: bits_of(network, symbols)}
    order, notes = ORDERS[tokeniser.name], []
    if learned is None:
        found["all symbols alike"] = np.full(len(symbols) - 1, math.log2(tokeniser.size))
        notes.append("Not compared with an n-gram model and xz: the model kept no training texts (rivals=False).")
    else:
        known = symbols_of(tokeniser, learned)
        found["single symbols"] = KneserNey(known, tokeniser.size, 1).bits(symbols)
        found[f"interpolated {order}-gram"] = KneserNey(known, tokeniser.size, order).bits(symbols)
    scores = [
        Score(name, k > 0, {METRIC: float(bits.sum()) / characters, "perplexity": float(2.0 ** bits.mean())})
        for k, (name, bits) in enumerate(found.items())
    ]
    best = min(list(found)[1:], key=lambda name: float(found[name].sum()))
    per_symbol = block_error(found[method] - found[best])
    error = None if per_symbol is None else per_symbol * (len(symbols) - 1) / characters
    if learned is not None:
        more = packed_size("".join([*learned, *documents])) - packed_size("".join(learned))
        if more < LEAST_PACKED:
            notes.append(
                f"Not compared with xz: {characters} characters are too short to tell. Its sizes come in steps of "
                f"{PACKED_STEP} bytes, and they take {more} bytes more."
            )
        else:
            packed = 8.0 * more / characters
            if packed < min(score.metrics[METRIC] for score in scores[1:]):
                error = None  # what it takes for each character is not known
            scores.append(Score("xz -9e", True, {METRIC: packed}))
    notes.append(f"A symbol is a {tokeniser.unit}; the vocabulary has {tokeniser.size:,}.")
    unknown = unknown_of(tokeniser, documents)
    if unknown:
        words = listed((repr(word) for word, _ in unknown.most_common()), 5)
        notes.append(
            f"{unknown.total():,} of {len(symbols) - 1:,} symbols are not known ({words}). Of these nothing is asked "
            "but that something unknown comes, except of xz."
        )
    return Report("generation", METRIC, False, tuple(scores), characters, error, tuple(notes), "characters")
