"""Connectionist temporal classification: what an unsegmented string of labels costs, and how it is read off.

Graves, Fernández, Gomez & Schmidhuber 2006, "Connectionist temporal classification: labelling unsegmented sequence data
with recurrent neural networks". The blank is the last of K + 1 outputs.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

__all__ = [
    "Model",
    "beam_search",
    "best_path",
    "blank_past",
    "collapse",
    "ctc",
    "prefix_search",
    "sections",
    "steps_needed",
]

Model = Callable[[tuple[int, ...], int | None], float]
"""Gives log p(label | prefix); of the label None, that the string is over. A model of characters or of words."""

_NEVER = -math.inf
_CERTAIN = -1e30  # the log probability of what is not said past an end; minus infinity has no derivative
_INFEASIBLE = 1e20  # a loss beyond it: there is no path


def steps_needed(labels: Sequence[int]) -> int:
    """Returns the fewest steps in which a string can be said: one for each label, and a blank between equal ones.

    >>> steps_needed([3, 3, 1])
    4
    """
    return len(labels) + sum(a == b for a, b in pairwise(labels))


def blank_past(log_probabilities: Tensor, lengths: Tensor) -> Tensor:
    """Returns log probabilities [B, T, K + 1] that say blank for certain past a length [B]; so no string's changes."""
    there = torch.arange(log_probabilities.shape[1], device=log_probabilities.device) < lengths[:, None]
    nothing = torch.full_like(log_probabilities[0, 0], _CERTAIN)
    nothing[-1] = 0.0
    return torch.where(there[:, :, None], log_probabilities, nothing)


def ctc(log_probabilities: Tensor, targets: Tensor) -> Tensor:
    """Returns minus the log probability of each string, [B].

    Args:
        log_probabilities: [B, T, K + 1], the blank last; a step past a sequence's end says blank for certain.
        targets: [B, U], -1 past the end of a string.

    Raises:
        ValueError: a string needs more steps than its sequence has.
    """
    batch, steps, outputs = log_probabilities.shape
    there = targets >= 0
    losses = nn.functional.ctc_loss(
        log_probabilities.transpose(0, 1),
        targets.clamp(min=0),
        torch.full((batch,), steps, dtype=torch.long),
        there.sum(dim=1),
        blank=outputs - 1,
        reduction="none",
    )
    bad = ~(losses < _INFEASIBLE)
    if bad.any() and not log_probabilities.isnan().any():
        item = int(bad.nonzero()[0, 0])
        needed = steps_needed(targets[item][there[item]].tolist())
        raise ValueError(f"item {item} of the batch: its {int(there[item].sum())} labels need {needed} steps or more")
    return losses


def collapse(path: Sequence[int], blank: int) -> list[int]:
    """Returns the string that a path says: each run of one label once, and no blanks.

    >>> collapse([2, 0, 0, 2, 0, 1, 1], blank=2)
    [0, 0, 1]
    """
    return [int(b) for a, b in zip([blank, *path], path, strict=False) if b not in (a, blank)]


def best_path(log_probabilities: np.ndarray) -> list[int]:
    """Returns the string of the most probable path of [T, K + 1], which need not be the most probable string."""
    return collapse(log_probabilities.argmax(axis=1).tolist(), log_probabilities.shape[1] - 1)


def sections(log_probabilities: np.ndarray, threshold: float) -> list[np.ndarray]:
    """Returns the parts of [T, K + 1] between the steps whose blank is more probable than ``threshold``."""
    certain = log_probabilities[:, -1] > np.log(threshold)
    edges = np.flatnonzero(np.diff(np.concatenate([[True], certain, [True]]).astype(int)))
    return [log_probabilities[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]


def prefix_search(log_probabilities: np.ndarray, threshold: float = 0.9999, limit: int = 10_000) -> list[int]:
    """Returns the most probable string, found best prefix first (Graves et al. 2006).

    The sequence is cut where the blank is nearly certain, and each section is searched by itself, as in the paper:
    within a section the string is the most probable one, over all of them it nearly always is.

    Args:
        log_probabilities: [T, K + 1], the blank last.
        threshold: the probability of a blank at which the sequence is cut.
        limit: the most prefixes that are extended in a section; then the best string so far is taken.
    """
    return [label for part in sections(log_probabilities, threshold) for label in _search(part, limit)]


def _search(y: np.ndarray, limit: int) -> tuple[int, ...]:
    """Returns the most probable string of a section, [T, K + 1].

    Of each prefix two rows over the steps are kept: the log probabilities of having said it by then, ending with its
    last label or with a blank. ``later`` of a prefix is the probability of all that begin with it and go on.
    """
    steps, labels = len(y), y.shape[1] - 1
    said_label, said_blank = np.full(steps, _NEVER), np.cumsum(y[:, -1])
    best: tuple[int, ...] = ()
    highest = float(said_blank[-1])
    waiting = [(-_less(0.0, highest), best, said_label, said_blank)]
    for _ in range(limit):
        if not waiting:
            break
        negative, prefix, said_label, said_blank = heapq.heappop(waiting)
        if -negative <= highest:
            break  # nothing that begins with it, or with any other that waits, can be more probable
        # [T, K]: what may be followed by each label, as it was said a step before; at first the empty string was.
        before = np.full((steps, labels), 0.0 if not prefix else _NEVER)
        before[1:] = np.logaddexp(said_blank, said_label)[:-1, None]
        if prefix:
            before[1:, prefix[-1]] = said_blank[:-1]
        else:
            before[1:] = said_blank[:-1, None]
        new = before + y[:, :labels]
        ends_label, ends_blank = np.empty((steps, labels)), np.full((steps, labels), _NEVER)
        ends_label[0] = new[0]
        for t in range(1, steps):
            ends_label[t] = np.logaddexp(new[t], ends_label[t - 1] + y[t, :labels])
            ends_blank[t] = np.logaddexp(ends_blank[t - 1], ends_label[t - 1]) + y[t, -1]
        whole, begun = np.logaddexp(ends_label[-1], ends_blank[-1]), np.logaddexp.reduce(new, axis=0)
        for label in range(labels):
            longer = (*prefix, label)
            if whole[label] > highest:
                best, highest = longer, float(whole[label])
            later = _less(float(begun[label]), float(whole[label]))
            if later > highest:
                heapq.heappush(waiting, (-later, longer, ends_label[:, label], ends_blank[:, label]))
    return best


def _less(whole: float, part: float) -> float:
    """Returns log(exp(whole) - exp(part)), never below what rounding leaves of it."""
    return whole + float(np.log(-np.expm1(min(part - whole, -1e-12)))) if whole > _NEVER else _NEVER


def beam_search(
    log_probabilities: np.ndarray, width: int = 16, model: Model | None = None, weight: float = 1.0, bonus: float = 0.0
) -> list[int]:
    """Returns the best string of those that are kept from step to step, of all paths that say it together.

    With a model a string's score is its log probability + ``weight`` times the model's + ``bonus`` for each label.

    Args:
        log_probabilities: [T, K + 1], the blank last.
        width: how many strings are kept.
        model: log p(label | prefix), of characters or words: ``model((4, 0), 7)``, and ``model((4, 0, 7), None)`` for
            the end.
        weight: how much the model counts.
        bonus: what each label adds, against a model's preference for short strings.
    """
    blank = log_probabilities.shape[1] - 1
    beam: dict[tuple[int, ...], _Kept] = {(): _Kept(0.0, _NEVER, 0.0)}
    for y in log_probabilities.tolist():
        found: dict[tuple[int, ...], _Kept] = {}
        for string, kept in beam.items():
            both = _sum(kept.by_blank, kept.by_label)
            stays = found.setdefault(string, _Kept(_NEVER, _NEVER, kept.added))
            stays.by_blank = _sum(stays.by_blank, both + y[blank])
            if string:
                stays.by_label = _sum(stays.by_label, kept.by_label + y[string[-1]])
            for label in range(blank):
                comes = (kept.by_blank if string and string[-1] == label else both) + y[label]
                if comes == _NEVER:
                    continue
                longer = (*string, label)
                if longer not in found:
                    spoken = bonus + (weight * model(string, label) if model is not None else 0.0)
                    found[longer] = _Kept(_NEVER, _NEVER, kept.added + spoken)
                found[longer].by_label = _sum(found[longer].by_label, comes)
        beam = dict(heapq.nlargest(width, found.items(), key=lambda item: item[1].score))
    ends = {string: weight * model(string, None) if model is not None else 0.0 for string in beam}
    best, _ = max(beam.items(), key=lambda item: item[1].score + ends[item[0]])
    return list(best)


@dataclass
class _Kept:
    """A string of a beam: log probabilities of its paths that end with a blank and with a label, and what is added."""

    by_blank: float
    by_label: float
    added: float

    @property
    def score(self) -> float:
        return _sum(self.by_blank, self.by_label) + self.added


def _sum(a: float, b: float) -> float:
    """Returns log(exp(a) + exp(b))."""
    high, low = (a, b) if a > b else (b, a)
    return high if low == _NEVER else high + math.log1p(math.exp(low - high))
