"""The temporal order problem: in which order did the widely separated symbols come?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carrousel.tasks._drawn import Drawn, WithGoals, near, random_spans, steps

__all__ = ["TemporalOrder"]

# For each number of relevant symbols the least of their places, counted from 1; the greatest is ten more.
_PLACES = {2: (10, 50), 3: (10, 33, 66)}
_WIDTH = 11
_LEAST, _MOST = 100, 110
_FILLERS = 2  # the number of the first filler among the symbols


@dataclass(frozen=True)
class TemporalOrder:
    """Name the order in which X and Y came, two or three of them in a hundred random symbols.

    A sequence of 100 to 110 symbols begins with E and ends with B; between them are symbols drawn from a, b, c and d,
    and X or Y at two places (in 10 to 20 and 50 to 60) or three (in 10 to 20, 33 to 43 and 66 to 76), all of which is
    uniform. Its class is the order: XX, XY, YX, YY, or XXX, XXY, ... YYY. There is an output for each class, which
    should be 1 in the end, the others 0; a sequence is right if all are off by less than 0.3.

    Hochreiter & Schmidhuber 1997, experiments 6a and 6b.

    Args:
        relevant: the number of relevant symbols, 2 or 3.

    >>> task = TemporalOrder()
    >>> drawn = task.draw(np.random.default_rng(1), 1)
    >>> text = "".join(task.symbols[code] for code in drawn.inputs)
    >>> text[:30]
    'EddaaddabdbbYbbccaadddcdbbdaba'
    >>> [symbol for symbol in text if symbol in "XY"], task.classes[int(drawn.goals[0].argmax())]
    (['Y', 'Y'], 'YY')
    """

    relevant: int = 2
    symbols: str = "EBabcdXY"

    input_size = 8
    tolerance = 0.3

    def __post_init__(self) -> None:
        if self.relevant not in _PLACES:
            raise ValueError(f"there can be 2 or 3 relevant symbols, got {self.relevant!r}")

    @property
    def output_size(self) -> int:
        """The number of classes."""
        return 2**self.relevant

    @property
    def classes(self) -> list[str]:
        """The orders by the outputs that stand for them."""
        return [f"{k:0{self.relevant}b}".translate({48: "X", 49: "Y"}) for k in range(self.output_size)]

    def draw(self, rng: np.random.Generator, count: int) -> WithGoals:
        """Draws ``count`` sequences as a :class:`WithGoals`."""
        spans = random_spans(rng, count, _LEAST, _MOST)
        begin, end = spans.T
        codes = rng.integers(_FILLERS, _FILLERS + 4, steps(spans))
        codes[begin], codes[end - 1] = 0, 1
        which = rng.integers(0, 2, (count, self.relevant))
        places = np.array(_PLACES[self.relevant]) - 1 + rng.integers(0, _WIDTH, which.shape)
        codes[begin[:, None] + places] = self.symbols.index("X") + which
        classes = which @ (2 ** np.arange(self.relevant)[::-1])
        targets = np.full(len(codes), -1)
        targets[end - 1] = classes
        return WithGoals(codes, targets, spans, np.eye(self.output_size)[classes])

    def right(self, outputs: np.ndarray, drawn: Drawn) -> np.ndarray:
        """Judges each sequence's last outputs: whether all are near enough to their goals, ``[sequences]``."""
        return near(outputs, drawn.wanted(self.output_size), self.tolerance)
