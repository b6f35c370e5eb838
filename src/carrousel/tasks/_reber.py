"""The Reber grammar and the embedded Reber grammar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from carrousel.tasks._drawn import Drawn

__all__ = ["EmbeddedReber", "Reber", "Strings"]

# From each state the two symbols that can follow, and the states they lead to.
_ARCS = {0: ("TP", (1, 2)), 1: ("SX", (1, 3)), 2: ("TV", (2, 4)), 3: ("XS", (2, 5)), 4: ("PV", (3, 5))}
_END = 5


@dataclass(frozen=True)
class Strings(Drawn):
    """Strings as a network sees them: every symbol but the last is an input, what follows it the target.

    Attributes:
        legal: ``[steps, symbols]``, True for every symbol that could have followed.
        text: the strings.
    """

    legal: np.ndarray
    text: tuple[str, ...]

    def _parts(self, sequences: slice, steps: slice) -> dict[str, Any]:
        return {"legal": self.legal[steps], "text": self.text[sequences]}


@dataclass(frozen=True)
class Reber:
    """Predict the next symbol of a string of the Reber grammar, one symbol at a time.

    Strings begin with B and end with E; between them a finite automaton chooses each time with equal probability
    between two symbols. The prediction of a string is right if, at every step, all symbols that could follow are
    more active than all that could not.

    Reber 1967, "Implicit learning of artificial grammars"; Cleeremans, Servan-Schreiber & McClelland 1989.

    >>> task = Reber()
    >>> task.draw(np.random.default_rng(0))
    'BPVVE'
    """

    symbols: str = "BTPSXVE"

    def draw(self, rng: np.random.Generator) -> str:
        """One random string."""
        symbols, state = ["B"], 0
        while state != _END:
            choice = int(rng.integers(2))
            letters, states = _ARCS[state]
            symbols.append(letters[choice])
            state = states[choice]
        return "".join([*symbols, "E"])

    def followers(self, string: str) -> list[str]:
        """For every symbol but the last, all symbols that could follow.

        >>> Reber().followers("BTXSE")
        ['TP', 'SX', 'XS', 'E']

        Raises:
            ValueError: the string is not of the grammar.
        """
        found, state = ["TP"], 0
        if string[:1] != "B" or string[-1:] != "E":
            raise ValueError(f"{string!r} does not begin with B and end with E")
        for symbol in string[1:-1]:
            letters, states = _ARCS.get(state, ("", ()))
            if symbol not in letters:
                raise ValueError(f"{string!r} is not of the grammar: {symbol!r} cannot follow here")
            state = states[letters.index(symbol)]
            found.append("E" if state == _END else _ARCS[state][0])
        if state != _END:
            raise ValueError(f"{string!r} is not of the grammar: it ends too early")
        return found

    def train_test(self, seed: int | Sequence[int], size: int = 256, distinct: bool = False) -> tuple[Strings, Strings]:
        """A training set and a test set of ``size`` random strings each; no string is in both.

        Args:
            seed: of the draws.
            size: of each set.
            distinct: no string twice in a set either. Short strings, which are the most probable, then come once;
                otherwise they come as often as they are drawn.
        """
        rng = np.random.default_rng(seed)
        training: list[str] = []
        test: list[str] = []
        for chosen in (training, test):
            seen = set(training)
            while len(chosen) < size:
                string = self.draw(rng)
                if string not in seen:
                    chosen.append(string)
                    if distinct:
                        seen.add(string)
        return self.encode(training), self.encode(test)

    def encode(self, text: Sequence[str]) -> Strings:
        """The coding of these strings."""
        lengths = np.array([len(string) - 1 for string in text])
        ends = np.cumsum(lengths)
        number = {symbol: k for k, symbol in enumerate(self.symbols)}
        legal = [[symbol in followers for symbol in self.symbols] for s in text for followers in self.followers(s)]
        return Strings(
            np.array([number[symbol] for string in text for symbol in string[:-1]], np.int64),
            np.array([number[symbol] for string in text for symbol in string[1:]], np.int64),
            np.stack([ends - lengths, ends], 1),
            np.array(legal, bool).reshape(-1, len(self.symbols)),
            tuple(text),
        )

    def right(self, outputs: np.ndarray, legal: np.ndarray, criterion: str = "all") -> np.ndarray:
        """The criterion at every step, ``[steps]``.

        Args:
            outputs, legal: ``[steps, symbols]``.
            criterion: ``"all"``, the units of all legal symbols must be the most active; ``"best"``, the most active
                unit must be a legal symbol's, which is the same where only one is legal.

        Raises:
            ValueError: the criterion is neither.
        """
        if criterion not in ("all", "best"):
            raise ValueError(f"criterion must be 'all' or 'best', got {criterion!r}")
        if criterion == "best":
            return np.asarray(np.take_along_axis(legal, outputs.argmax(1)[:, None], 1)[:, 0])
        return np.where(legal, outputs, np.inf).min(1) > np.where(legal, -np.inf, outputs).max(1)


@dataclass(frozen=True)
class EmbeddedReber(Reber):
    """The same for the embedded Reber grammar: the second symbol returns as the last but one.

    B, then T or P, a whole Reber string, the same T or P again, E: at least 9 symbols, 12 in the mean. What has to be
    remembered over the inner string helps nowhere in between.

    Smith & Zipser 1989; Cleeremans et al. 1989; Hochreiter & Schmidhuber 1997, experiment 1.

    >>> EmbeddedReber().followers("BTBTXSETE")
    ['TP', 'B', 'TP', 'SX', 'XS', 'E', 'T', 'E']
    """

    def draw(self, rng: np.random.Generator) -> str:
        """One random string."""
        branch = "TP"[int(rng.integers(2))]
        return f"B{branch}{super().draw(rng)}{branch}E"

    def followers(self, string: str) -> list[str]:
        """For every symbol but the last, all symbols that could follow.

        Raises:
            ValueError: the string is not of the grammar.
        """
        branch = string[1:2]
        if string[:1] != "B" or branch not in ("T", "P") or string[-2:] != f"{branch}E":
            raise ValueError(f"{string!r} is not of the form B T ... T E or B P ... P E")
        return ["TP", "B", *super().followers(string[2:-2]), branch, "E"]
