"""Streams of strings one after the other, with nothing that says where one ends: when to forget has to be learned."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from carrousel._jit import entry
from carrousel.tasks._drawn import Drawn, near
from carrousel.tasks._reber import ARCS, END
from carrousel.tasks._task import Task
from carrousel.tasks._temporal_order import TemporalOrder

__all__ = ["ContinualReber", "ContinualTask", "ContinualTemporalOrder", "Endless", "Stream"]

_ROOM = 1000  # random choices beyond those that are surely needed


@dataclass(frozen=True)
class Stream:
    """Whole strings, one after the other, as numbers of symbols and of targets.

    Attributes:
        codes: ``[steps]``, the input unit that is 1.
        kinds: ``[steps]``, which of the task's goals is the target, -1 for none.
        ends: ``[strings]``, after how many steps each string ends.
    """

    codes: np.ndarray
    kinds: np.ndarray
    ends: np.ndarray

    def spans(self) -> np.ndarray:
        """Returns where in the steps the strings begin and end, ``[strings, 2]``."""
        return np.stack([np.concatenate([[0], self.ends[:-1]]), self.ends], 1)


class ContinualTask(Task, Protocol):
    """A task whose sequences are streams of strings, of which more can be drawn without end."""

    @property
    def symbols(self) -> str:
        """The symbols, by the input units that stand for them."""

    @property
    def tolerance(self) -> float:
        """A step is right if all outputs are off by no more than this, or if it has no target."""

    @property
    def goals(self) -> np.ndarray:
        """All targets that there are, ``[kinds, outputs]``."""

    def stream(self, rng: np.random.Generator, steps: int) -> Stream:
        """Draws whole strings, at least ``steps`` steps of them, as a :class:`Stream`."""

    def targets(self, kinds: np.ndarray) -> np.ndarray:
        """Returns targets as a learner takes them, ``[steps, outputs]`` or ``[steps]`` numbers of outputs."""


class _Streams(ABC):
    """What both tasks share: a sequence is a stream of ``steps`` steps or a few more, which ends with a string."""

    steps: int
    tolerance: float

    @property
    def input_size(self) -> int:
        """The number of symbols."""
        return len(self.symbols)

    @property
    def output_size(self) -> int:
        """The number of outputs, which the goals have."""
        return self.goals.shape[1]

    @property
    @abstractmethod
    def symbols(self) -> str: ...

    @property
    @abstractmethod
    def goals(self) -> np.ndarray: ...

    @abstractmethod
    def stream(self, rng: np.random.Generator, steps: int) -> Stream: ...

    @abstractmethod
    def targets(self, kinds: np.ndarray) -> np.ndarray: ...

    def draw(self, rng: np.random.Generator, count: int) -> Drawn:
        """Draws ``count`` streams of at least ``steps`` steps as a :class:`Drawn`."""
        streams = [self.stream(rng, self.steps) for _ in range(count)]
        ends = np.cumsum([len(each.codes) for each in streams], dtype=np.int64)
        kinds = np.concatenate([np.zeros(0, np.int64), *(each.kinds for each in streams)])
        codes = np.concatenate([np.zeros(0, np.int64), *(each.codes for each in streams)])
        return Drawn(codes, self.targets(kinds), np.stack([np.concatenate([[0], ends])[:-1], ends], 1))

    def right(self, outputs: np.ndarray, drawn: Drawn) -> np.ndarray:
        """Judges every step: whether all outputs are near enough to their targets, or it has none, ``[rows]``."""
        return near(outputs, drawn.wanted(self.output_size), self.tolerance, inclusive=True)


@dataclass(frozen=True)
class ContinualReber(_Streams):
    """Predict what can come next in an endless sequence of embedded Reber strings.

    Strings follow one another without a mark; after the last E of a string comes the B of the next. Outputs should be
    1 for all symbols that can follow, 0 for the others; a prediction is right if all are off by no more than 0.49.

    Gers, Schmidhuber & Cummins 2000, section 4.

    Args:
        symbols: the symbols, by the input and output units that stand for them.
        tolerance: how far off an output can be.
        steps: how many a stream has at least.

    >>> task = ContinualReber()
    >>> stream = task.stream(np.random.default_rng(0), 30)
    >>> "".join(task.symbols[code] for code in stream.codes)
    'BPBPVVEPEBPBPVPXVVEPEBTBTXXTVPXTTTVPXTTVPXTVPXVVETE'
    >>> stream.ends.tolist()
    [9, 21, 51]
    >>> [symbol for symbol, goal in zip(task.symbols, task.goals[stream.kinds[0]]) if goal]
    ['T', 'P']
    """

    symbols: str = "BTPSXVE"
    tolerance: float = 0.49
    steps: int = 1000

    @cached_property
    def _automaton(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The symbols that can follow each state, where they lead, ``[states, 2]``, and the goals ``[kinds, outputs]``.

        Where but one symbol can follow it stands there twice. State 0 is the beginning of a string.
        """
        arcs: dict[Hashable, tuple[str, tuple[Hashable, ...]]] = {"begin": ("B", ("branch",))}
        arcs["branch"] = ("TP", (("T", "open"), ("P", "open")))
        for branch in "TP":
            arcs[branch, "open"] = ("B", ((branch, 0),))
            for state, (letters, states) in ARCS.items():
                arcs[branch, state] = (letters, tuple((branch, then) for then in states))
            arcs[branch, END] = ("E", ((branch, "closed"),))
            arcs[branch, "closed"] = (branch, ("end",))
        arcs["end"] = ("E", ("begin",))
        number = {state: k for k, state in enumerate(arcs)}
        symbols = np.array(
            [[self.symbols.index(s) for s in letters * (3 - len(letters))] for letters, _ in arcs.values()]
        )
        then = np.array([[number[state] for state in states * (3 - len(states))] for _, states in arcs.values()])
        goals = np.zeros((len(arcs), len(self.symbols)), np.float32)
        np.put_along_axis(goals, symbols, 1, 1)
        return symbols, then, goals

    @property
    def goals(self) -> np.ndarray:
        """All targets that there are, one for each place in a string, ``[kinds, outputs]``."""
        return self._automaton[2]

    def stream(self, rng: np.random.Generator, steps: int) -> Stream:
        """Draws whole strings, at least ``steps`` steps of them, as a :class:`Stream`."""
        symbols, then, _ = self._automaton
        bits = rng.integers(0, 2, steps + _ROOM, np.uint8)
        codes, kinds = np.empty((2, len(bits)), np.int64)
        while (length := _walk(symbols, then, bits, steps, codes, kinds)) < 0:
            bits = np.concatenate([bits, rng.integers(0, 2, _ROOM, np.uint8)])
            codes, kinds = np.empty((2, len(bits)), np.int64)
        return Stream(codes[:length], kinds[:length], np.flatnonzero(kinds[:length] == 0) + 1)

    def targets(self, kinds: np.ndarray) -> np.ndarray:
        """Returns targets ``[steps, outputs]``."""
        return self.goals[kinds]


@entry
def _walk(symbols, then, bits, steps, codes, kinds):
    """Walks through the automaton to the end of a string; returns the steps, -1 if ``bits`` are too few."""
    state = 0
    for t in range(len(bits)):
        if state == 0 and t >= steps:
            return t
        bit = bits[t]
        codes[t] = symbols[state, bit]
        state = then[state, bit]
        kinds[t] = state
    return -1


@dataclass(frozen=True)
class ContinualTemporalOrder(_Streams):
    """Name the order of three widely separated symbols in one sequence after the other.

    Sequences of the noisy temporal order problem (:class:`TemporalOrder` with three relevant symbols) follow one
    another; at the last symbol of each, B, its class has to be named. An answer is right if all outputs are off by no
    more than 0.49.

    Gers, Schmidhuber & Cummins 2000, section 5.

    Args:
        quiet: whether all outputs should be 0 at all other steps; else these have no target.
        tolerance: how far off an output can be.
        steps: how many a stream has at least.

    >>> task = ContinualTemporalOrder()
    >>> stream = task.stream(np.random.default_rng(0), 200)
    >>> len(stream.ends), np.flatnonzero(stream.kinds >= 0).tolist() == (stream.ends - 1).tolist()
    (2, True)
    """

    quiet: bool = False
    tolerance: float = 0.49
    steps: int = 1000

    @property
    def symbols(self) -> str:
        """The symbols, by the input units that stand for them."""
        return TemporalOrder(3).symbols

    @property
    def goals(self) -> np.ndarray:
        """One output for each class, and none, ``[9, 8]``."""
        return np.eye(9, 8, dtype=np.float32)

    def stream(self, rng: np.random.Generator, steps: int) -> Stream:
        """Draws whole sequences, at least ``steps`` steps of them, as a :class:`Stream`."""
        drawn = TemporalOrder(3).draw(rng, max(1, -(-steps // 100)))
        kinds = np.where((drawn.targets < 0) & self.quiet, 8, drawn.targets)
        return Stream(drawn.inputs, kinds, drawn.spans[:, 1])

    def targets(self, kinds: np.ndarray) -> np.ndarray:
        """Returns targets, ``[steps, 8]`` if quiet, else ``[steps]`` numbers of outputs, -1 for none."""
        return self.goals[kinds] if self.quiet else kinds


class Endless:
    """A task's strings without end, drawn as they are needed, each used once.

    Args:
        task: the task.
        rng: where its draws come from.
        steps: how many are drawn at a time.

    >>> endless = Endless(ContinualReber(), np.random.default_rng(0), 1000)
    >>> stream = endless.ahead(40)
    >>> endless.skip(2)
    >>> bool((endless.ahead(10).codes[:9] == stream.codes[stream.ends[1]:][:9]).all())
    True
    """

    def __init__(self, task: ContinualTask, rng: np.random.Generator, steps: int) -> None:
        self.task, self.rng, self.steps = task, rng, steps
        self._drawn = task.stream(rng, steps)
        self._first = 0

    def ahead(self, steps: int, strings: int | None = None) -> Stream:
        """Returns the next strings, at least so many steps of them but no more than so many strings."""
        drawn = self._drawn
        begin = int(drawn.ends[self._first - 1]) if self._first else 0
        if begin + steps > len(drawn.codes):
            new = self.task.stream(self.rng, max(steps, self.steps))
            left = len(drawn.codes) - begin
            drawn = self._drawn = Stream(
                np.concatenate([drawn.codes[begin:], new.codes]),
                np.concatenate([drawn.kinds[begin:], new.kinds]),
                np.concatenate([drawn.ends[self._first :] - begin, new.ends + left]),
            )
            self._first, begin = 0, 0
        last = self._first + int(np.searchsorted(drawn.ends[self._first :], begin + steps)) + 1
        last = min(last, self._first + strings) if strings else last
        end = int(drawn.ends[last - 1])
        return Stream(drawn.codes[begin:end], drawn.kinds[begin:end], drawn.ends[self._first : last] - begin)

    def skip(self, strings: int) -> None:
        """Goes past so many of the strings that :meth:`ahead` returns."""
        self._first += strings
