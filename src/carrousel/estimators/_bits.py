"""What a language model gives for every symbol of a text, in bits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from carrousel.data.tokenisers import BOUNDARY
from carrousel.nets._losses import NO_LABEL
from carrousel.nets.language_model import LanguageModel

__all__ = ["bits_of", "block_error"]

ROWS, STEPS = 16, 256  # documents that are read side by side, and symbols of a piece
BLOCK = 500  # symbols, whose mean differences are taken for independent


def bits_of(network: LanguageModel, symbols: np.ndarray) -> np.ndarray:
    """Returns minus the base-2 logarithm of the probability of every symbol but the first, ``[S - 1]``.

    Documents, of which each begins with a boundary, are read side by side: nothing of one is known in another.
    """
    begins = np.flatnonzero(symbols[:-1] == BOUNDARY)
    if not len(begins) or begins[0] != 0:
        begins = np.concatenate([[0], begins])
    ends = np.append(begins[1:], len(symbols) - 1)
    rows: list[list[np.ndarray]] = [[] for _ in range(min(ROWS, len(begins)))]
    sizes = np.zeros(len(rows), dtype=np.int64)
    for k in np.argsort(begins - ends, kind="stable"):  # the longest first, each where there is most room
        row = int(sizes.argmin())
        rows[row].append(np.arange(begins[k], ends[k]))
        sizes[row] += ends[k] - begins[k]
    places = np.full((len(rows), int(sizes.max())), -1, dtype=np.int64)
    for row, parts in enumerate(rows):
        places[row, : sizes[row]] = np.concatenate(parts)
    inputs = torch.from_numpy(np.where(places < 0, BOUNDARY, symbols[places]))
    targets = torch.from_numpy(np.where(places < 0, NO_LABEL, symbols[np.minimum(places + 1, len(symbols) - 1)]))
    bits, state = np.zeros(len(symbols) - 1), None
    device = next(network.parameters()).device
    network.eval()
    with torch.no_grad():
        for begin in range(0, places.shape[1], STEPS):
            part = slice(begin, begin + STEPS)
            count = len(inputs[0, part])
            output, state = network.carry(inputs[:, part].to(device), torch.full((len(rows),), count), state)
            losses = network.each_step(output, targets[:, part].to(device)).double().cpu().numpy() / math.log(2.0)
            there = places[:, part] >= 0
            bits[places[:, part][there]] = losses[there]
    return bits


def block_error(difference: np.ndarray) -> float | None:
    """Returns the standard error of the mean of differences of neighbouring symbols; None of too short a text."""
    count = len(difference) // BLOCK
    if count < 2:
        return None
    means: Any = difference[: count * BLOCK].reshape(count, BLOCK).mean(axis=1)
    return float(means.std(ddof=1) / math.sqrt(count))
