"""Simple methods that turn one string into another, with which a network is compared."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

__all__ = ["ContextRules", "EndingRules"]

Symbols = Sequence[str]
Chunk = tuple[str, ...]

MOST = 10_000  # pairs that rules in context are learned from
CHUNK = 3  # the most symbols that one of the source becomes
ROUNDS = 3
WINDOW = 3  # symbols on each side
SUFFIX = 12  # the longest ending
UNSEEN = 12.0  # the cost of what was not counted, in nats


class EndingRules:
    """Rules of the kind: of a word that ends so, this is taken away and that is put there.

    Of all endings that were learned the longest decides, and of its rules the most frequent.

    >>> rules = EndingRules([("Hund", "Hunde"), ("Mund", "Munde"), ("Katze", "Katzen"), ("Auto", "Autos")])
    >>> "".join(rules.say("Fund")), "".join(rules.say("Tatze"))
    ('Funde', 'Tatzen')
    """

    def __init__(self, pairs: Sequence[tuple[Symbols, Symbols]]):
        counts: dict[Chunk, Counter[tuple[int, Chunk]]] = defaultdict(Counter)
        for source, target in pairs:
            same = next((k for k, (a, b) in enumerate(zip(source, target, strict=False)) if a != b),
                        min(len(source), len(target)))  # fmt: skip
            taken, rule = len(source) - same, (len(source) - same, tuple(target[same:]))
            for length in range(taken, min(len(source), SUFFIX) + 1):
                counts[tuple(source[len(source) - length :])][rule] += 1
        self._best = {ending: rules.most_common(1)[0][0] for ending, rules in counts.items()}

    def say(self, source: Symbols) -> list[str]:
        """Returns what a string becomes: itself, if no ending is known."""
        for length in range(min(len(source), SUFFIX), -1, -1):
            rule = self._best.get(tuple(source[len(source) - length :]))
            if rule is not None:
                return [*source[: len(source) - rule[0]], *rule[1]]
        return list(source)


class ContextRules:
    """What each symbol becomes, none to three others, told by its neighbours.

    Symbols of the pairs are aligned, at first by how often two stand in the same pairs, then by counts that are
    improved in a few rounds. The widest window of neighbours that was learned decides.

    >>> pairs = [("cat", ["K", "AE", "T"]), ("city", ["S", "IH", "T", "IY"]), ("tan", ["T", "AE", "N"])]
    >>> ContextRules(pairs * 3).say("can")
    ['K', 'AE', 'N']
    """

    def __init__(self, pairs: Sequence[tuple[Symbols, Symbols]], seed: int = 0):
        if len(pairs) > MOST:
            chosen = np.sort(np.random.default_rng(seed).permutation(len(pairs))[:MOST])
            pairs = [pairs[k] for k in chosen]
        pairs = [(s, t) for s, t in pairs if len(t) <= CHUNK * len(s)]
        costs: dict[str, dict[Chunk, float]] = {}
        strange = _strangeness(pairs)
        for _ in range(ROUNDS):
            counts: dict[str, Counter[Chunk]] = defaultdict(Counter)
            for source, target in pairs:
                for symbol, chunk in zip(source, _aligned(source, target, costs, strange), strict=True):
                    counts[symbol][chunk] += 1
            costs = {
                symbol: {chunk: -math.log(count / found.total()) for chunk, count in found.items()}
                for symbol, found in counts.items()
            }
        rules: dict[tuple[str, ...], Counter[Chunk]] = defaultdict(Counter)
        for source, target in pairs:
            for k, chunk in enumerate(_aligned(source, target, costs, strange)):
                for width in range(WINDOW + 1):
                    rules[_window(source, k, width)][chunk] += 1
        self._best = {window: found.most_common(1)[0][0] for window, found in rules.items()}

    def say(self, source: Symbols) -> list[str]:
        """Returns what a string becomes; symbols that were not learned are left out."""
        said: list[str] = []
        for k in range(len(source)):
            for width in range(WINDOW, -1, -1):
                chunk = self._best.get(_window(source, k, width))
                if chunk is not None:
                    said += chunk
                    break
        return said


def _window(source: Symbols, k: int, width: int) -> tuple[str, ...]:
    around = [source[j] if 0 <= j < len(source) else "" for j in range(k - width, k + width + 1)]
    return tuple(around)


def _strangeness(pairs: Sequence[tuple[Symbols, Symbols]]) -> dict[tuple[str, str], float]:
    """Returns of two symbols the share of pairs with either in which not both stand (1 less Dice's coefficient)."""
    one: Counter[str] = Counter(symbol for source, _ in pairs for symbol in set(source))
    other: Counter[str] = Counter(symbol for _, target in pairs for symbol in set(target))
    both = Counter((a, b) for source, target in pairs for a in set(source) for b in set(target))
    return {(a, b): 1 - 2 * count / (one[a] + other[b]) for (a, b), count in both.items()}


def _aligned(
    source: Symbols, target: Symbols, costs: dict[str, dict[Chunk, float]], strange: dict[tuple[str, str], float]
) -> list[Chunk]:
    """Returns the cheapest division of the target into a chunk for each symbol of the source."""
    ends = len(target)
    least = [[math.inf] * (ends + 1) for _ in range(len(source) + 1)]
    came = [[0] * (ends + 1) for _ in range(len(source) + 1)]
    least[0][0] = 0.0
    for i, symbol in enumerate(source):
        known = costs.get(symbol, {})
        for j in range(ends + 1):
            cost = least[i][j]
            if cost == math.inf:
                continue
            for size in range(min(CHUNK, ends - j) + 1):
                chunk = tuple(target[j : j + size])
                if costs:
                    price = known.get(chunk, UNSEEN)
                else:  # before anything is counted
                    price = 0.5 * abs(size - 1) + sum(strange[symbol, each] for each in chunk)
                if cost + price < least[i + 1][j + size]:
                    least[i + 1][j + size], came[i + 1][j + size] = cost + price, size
    chunks, j = [], ends
    for i in range(len(source), 0, -1):
        size = came[i][j]
        chunks.append(tuple(target[j - size : j]))
        j -= size
    return chunks[::-1]
