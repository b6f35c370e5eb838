"""The Reber grammar and the embedded Reber grammar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from carrousel.tasks._drawn import Drawn

__all__ = ["ARCS", "END", "EmbeddedReber", "Reber", "Strings"]

ARCS = {0: ("TP", (1, 2)), 1: ("SX", (1, 3)), 2: ("TV", (2, 4)), 3: ("XS", (2, 5)), 4: ("PV", (3, 5))}
"""From each state of the automaton the two symbols that can follow, and the states they lead to."""

END = 5
"""The state in which a string can only end."""


@dataclass(frozen=True)
class Strings(Drawn):
    """Strings as a network sees them: every symbol but the last is an input, what follows it the target.

    Attributes:
        legal: ``[steps, symbols]``, True for every symbol that could have followed.
        text: the strings.
        high, low: the outputs that are wanted for symbols that could have followed, and for the others.
    """

    legal: np.ndarray
    text: tuple[str, ...]
    high: float = 1.0
    low: float = 0.0

    def coded(self) -> np.ndarray:
        """Returns the outputs wanted in every step, ``[steps, symbols]``: ``high`` for symbols that could follow."""
        return np.where(self.legal, self.high, self.low)

    def wanted(self, outputs: int) -> np.ndarray:
        """Returns the outputs wanted in each step of each string, ``[rows, symbols]``."""
        return np.where(self.legal[self.judged], self.high, self.low)

    def _parts(self, numbers: np.ndarray | range, steps: slice) -> dict[str, Any]:
        return {"legal": self.legal[steps], "text": tuple(self.text[k] for k in numbers)}


@dataclass(frozen=True)
class Reber:
    """Predict the next symbol of a string of the Reber grammar, one symbol at a time.

    Strings begin with B and end with E; between them a finite automaton chooses each time with equal probability
    between two symbols. The prediction of a string is right if, at every step, all symbols that could follow are
    more active than all that could not.

    Args:
        symbols: the symbols, by the input and output units that stand for them.
        criterion: ``"all"``, the units of all legal symbols must be the most active; ``"best"``, the most active unit
            must be a legal symbol's, which is the same where only one is legal.

    Raises:
        ValueError: the criterion is neither.

    Reber 1967, "Implicit learning of artificial grammars"; Cleeremans, Servan-Schreiber & McClelland 1989.

    >>> task = Reber()
    >>> task.draw(np.random.default_rng(0), 2).text
    ('BPVVE', 'BTSSSSSXSE')
    """

    symbols: str = "BTPSXVE"
    criterion: str = "all"

    def __post_init__(self) -> None:
        if self.criterion not in ("all", "best"):
            raise ValueError(f"criterion must be 'all' or 'best', got {self.criterion!r}")

    @property
    def input_size(self) -> int:
        """The number of symbols."""
        return len(self.symbols)

    @property
    def output_size(self) -> int:
        """The number of symbols."""
        return len(self.symbols)

    def draw(self, rng: np.random.Generator, count: int) -> Strings:
        """Draws ``count`` strings as a :class:`Strings`."""
        return self.encode([self.string(rng) for _ in range(count)])

    def string(self, rng: np.random.Generator) -> str:
        """Draws one string."""
        symbols, state = ["B"], 0
        while state != END:
            choice = int(rng.integers(2))
            letters, states = ARCS[state]
            symbols.append(letters[choice])
            state = states[choice]
        return "".join([*symbols, "E"])

    def followers(self, string: str) -> list[str]:
        """Returns for every symbol but the last all symbols that could follow.

        >>> Reber().followers("BTXSE")
        ['TP', 'SX', 'XS', 'E']

        Raises:
            ValueError: the string is not of the grammar.
        """
        followers, state = ["TP"], 0
        if string[:1] != "B" or string[-1:] != "E":
            raise ValueError(f"{string!r} does not begin with B and end with E")
        for symbol in string[1:-1]:
            letters, states = ARCS.get(state, ("", ()))
            if symbol not in letters:
                raise ValueError(f"{string!r} is not of the grammar: {symbol!r} cannot follow here")
            state = states[letters.index(symbol)]
            followers.append("E" if state == END else ARCS[state][0])
        if state != END:
            raise ValueError(f"{string!r} is not of the grammar: it ends too early")
        return followers

    def train_test(self, seed: int | Sequence[int], size: int = 256, distinct: bool = False) -> tuple[Strings, Strings]:
        """Draws a training set and a test set of ``size`` strings each; no string is in both.

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
                string = self.string(rng)
                if string not in seen:
                    chosen.append(string)
                    if distinct:
                        seen.add(string)
        return self.encode(training), self.encode(test)

    def encode(self, text: Sequence[str]) -> Strings:
        """Codes strings as a :class:`Strings`."""
        lengths = np.array([len(string) - 1 for string in text], np.int64)
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

    def right(self, outputs: np.ndarray, drawn: Drawn) -> np.ndarray:
        """Judges every step of every string: whether the criterion holds, ``[rows]``."""
        legal = drawn.wanted(self.output_size) > 0
        if self.criterion == "best":
            most = np.take_along_axis(legal, outputs.argmax(1)[:, None], 1)[:, 0]
            return np.asarray(most & ~np.isnan(outputs).any(1))
        return np.where(legal, outputs, np.inf).min(1) > np.where(legal, -np.inf, outputs).max(1)


@dataclass(frozen=True)
class EmbeddedReber(Reber):
    """Predict the next symbol of a string of the embedded Reber grammar: the second returns as the last but one.

    B, then T or P, a whole Reber string, the same T or P again, E: at least 9 symbols, 12 in the mean. What has to be
    remembered over the inner string helps nowhere in between.

    Smith & Zipser 1989; Cleeremans et al. 1989; Hochreiter & Schmidhuber 1997, experiment 1.

    >>> EmbeddedReber().followers("BTBTXSETE")
    ['TP', 'B', 'TP', 'SX', 'XS', 'E', 'T', 'E']
    """

    def string(self, rng: np.random.Generator) -> str:
        """Draws one string."""
        branch = "TP"[int(rng.integers(2))]
        return f"B{branch}{super().string(rng)}{branch}E"

    def followers(self, string: str) -> list[str]:
        """Returns for every symbol but the last all symbols that could follow.

        Raises:
            ValueError: the string is not of the grammar.
        """
        branch = string[1:2]
        if string[:1] != "B" or branch not in ("T", "P") or string[-2:] != f"{branch}E":
            raise ValueError(f"{string!r} is not of the form B T ... T E or B P ... P E")
        return ["TP", "B", *super().followers(string[2:-2]), branch, "E"]
