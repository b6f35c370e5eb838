"""Python's own source as symbols: a free text that every machine has."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from carrousel.training import Streams

__all__ = ["MADE", "loss_of_text", "source_text"]

WORDS = re.compile(r"\w+|[^\w\s]|\n")  # names and numbers, marks, and ends of lines

MADE = ("if", "else", "for", "in", "return", "while")
"""The words of the made text that stands for the source in quick runs, drawn each for itself."""


def source_text(
    config: Mapping[str, Any], rng: np.random.Generator, symbols: int, *, words: bool = False
) -> list[np.ndarray]:
    """Returns the symbols of a training, a validation and a test part, whole numbers ``[S]`` each.

    Args:
        config: ``data``, ``"source"`` or ``"made"``; and how many symbols the parts have, ``items``, ``valid`` and
            ``test``.
        rng: the order of the training modules; the test part is the same for all.
        symbols: how many have a number, the most frequent of the training part; number 0 is all others.
        words: whether symbols are words, and not characters.
    """
    counts = [config["items"], config["valid"], config["test"]]
    if config["data"] == "made":
        text = [MADE[k] for k in rng.integers(len(MADE), size=sum(counts))]
        every = text if words else list(" ".join(text))
        ends = np.cumsum([0, *counts])
        parts = [every[begin:end] for begin, end in pairwise(ends)]
    else:
        from carrousel.data.load import load_texts

        documents = load_texts("python-source", split="train").documents
        held = load_texts("python-source", split="test").documents
        learned = "".join(documents[k] for k in rng.permutation(len(documents)))
        units, tested = (_units(text, words) for text in (learned, "".join(held)))
        parts = [units[: counts[0]], units[counts[0] : sum(counts[:2])], tested[: counts[2]]]
    common = [symbol for symbol, _ in Counter(parts[0]).most_common(symbols - 1)]
    number = {symbol: k + 1 for k, symbol in enumerate(common)}
    return [np.array([number.get(symbol, 0) for symbol in part]) for part in parts]


def _units(text: str, words: bool) -> list[str]:
    return WORDS.findall(text) if words else list(text)


def loss_of_text(network: Any, text: np.ndarray, steps: int = 500) -> float:
    """Returns minus the mean log probability of a text's symbols, read from its beginning to its end, in nats."""
    pieces, state, total, count = Streams(text, 1, steps), None, 0.0, 0
    network.eval()
    with torch.no_grad():
        for k in range(len(pieces)):
            inputs, targets = pieces.batch(np.array([k]))
            output, state = network.carry(inputs["input"], inputs["lengths"], state)
            total += float(network.each_step(output, targets).sum())
            count += targets.numel()
    return total / count
