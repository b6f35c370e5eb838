"""Beam search for the most probable string that a network says, symbol by symbol."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

__all__ = ["Found", "beam_search", "greedy"]

Step = Callable[[Tensor, Any], tuple[Tensor, Any]]
"""From the last symbols of N strings, [N], and a state to log probabilities, [N, K + 1], and the new state."""

Take = Callable[[Any, Tensor], Any]
"""Returns the state of the strings of these numbers, [M]: some of the N, some of them more than once."""


@dataclass(frozen=True)
class Found:
    """A string that was found.

    Attributes:
        symbols: without the end.
        log_probability: of the string and its end.
        score: that by which it was chosen: the log probability over a power of the length.
    """

    symbols: list[int]
    log_probability: float
    score: float


def greedy(step: Step, take: Take, state: Any, count: int, *, end: int, most: int) -> list[list[int]]:
    """Returns for each of ``count`` items the string whose every symbol is the most probable one at its place.

    Args:
        step: says what may come next; the first symbol it is given is the end, as if another string went before.
        take: chooses among states.
        state: of the items, before the first symbol.
        count: the number of items.
        end: the symbol that ends a string.
        most: the most symbols of a string.
    """
    said: list[list[int]] = [[] for _ in range(count)]
    items = list(range(count))
    symbols = torch.full((count,), end)
    for _ in range(most):
        scores, state = step(symbols, state)
        symbols = scores.argmax(dim=1)
        goes_on = (symbols != end).nonzero()[:, 0]
        if not len(goes_on):
            break
        if len(goes_on) < len(symbols):
            state, symbols = take(state, goes_on), symbols[goes_on]
            items = [items[k] for k in goes_on.tolist()]
        for item, symbol in zip(items, symbols.tolist(), strict=True):
            said[item].append(symbol)
    return said


def beam_search(
    step: Step, take: Take, state: Any, count: int, *, end: int, width: int, most: int, normalise: float = 0.0,
    best: int = 1,
) -> list[list[Found]]:  # fmt: skip
    """Returns for each of ``count`` items the strings with the highest scores that were found, the best first.

    A score is the log probability of a string and its end, over the number of symbols with the end to the power of
    ``normalise``. Of all strings that have not ended the ``width`` most probable are kept at each step; a string that
    has ended is out of the beam. The search of an item ends when no string that goes on can come to a higher score.

    Args:
        step: as in ``greedy``, as are ``take``, ``state``, ``count``, ``end`` and ``most``.
        take: as there.
        state: as there.
        count: as there.
        end: as there.
        width: of the beam.
        most: as there.
        normalise: 0 compares probabilities, which favours short strings; 1 compares their mean over symbols.
        best: how many strings to return of each item.

    Raises:
        ValueError: a number is out of its range.
    """
    for name, value, least in (("width", width, 1), ("most", most, 0), ("best", best, 1), ("normalise", normalise, 0)):
        if value < least:
            raise ValueError(f"{name} must be at least {least}, got {value!r}")
    found: list[list[Found]] = [[] for _ in range(count)]
    items = torch.arange(count)
    scores = torch.zeros(count, 1, dtype=torch.float64)  # of every string in a beam, [items, strings]
    strings = torch.zeros(count, 1, 0, dtype=torch.long)
    for length in range(1, most + 2):  # with the end
        last = strings[:, :, -1].flatten() if length > 1 else torch.full((count,), end)
        said, state = step(last, state)
        totals = scores[:, :, None] + said.double().cpu().view(*scores.shape, -1)  # [items, strings, K + 1]
        _keep(found, items, strings, totals[:, :, end], length**normalise, best)
        if length > most or not len(items):
            break
        totals[:, :, end] = -torch.inf
        outputs = totals.shape[2]
        scores, chosen = totals.flatten(1).topk(min(width, totals[0].numel()), dim=1)
        parents = chosen // outputs
        strings = torch.cat([strings[torch.arange(len(items))[:, None], parents], (chosen % outputs)[:, :, None]], 2)
        # A sum only falls, and it is divided by no more than the greatest length.
        hopes = (scores[:, 0] / (most + 1) ** normalise).tolist()
        open_ = [
            row for row, (item, hope) in enumerate(zip(items.tolist(), hopes, strict=True))
            if hope > -torch.inf and (len(found[item]) < best or found[item][-1].score < hope)
        ]  # fmt: skip
        if not open_:
            break
        before = totals.shape[1]
        rows = torch.tensor(open_)
        state = take(state, (rows[:, None] * before + parents[rows]).flatten())
        items, scores, strings = items[rows], scores[rows], strings[rows]
    return found


def _keep(found: list[list[Found]], items: Tensor, strings: Tensor, ended: Tensor, divisor: float, best: int) -> None:
    """Adds strings that have ended, [items, strings], to the best of their items."""
    for item, said, totals in zip(items.tolist(), strings.tolist(), ended.tolist(), strict=True):
        for symbols, total in zip(said, totals, strict=True):
            if total > -torch.inf:
                found[item].append(Found(symbols, total, total / divisor))
        found[item] = sorted(found[item], key=lambda one: -one.score)[:best]
