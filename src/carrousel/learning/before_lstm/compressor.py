"""History compression in levels: each level sees only what the one below it did not predict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from carrousel.learning._optimisers import Optimiser
from carrousel.learning._protocol import Streaming, checked_weights
from carrousel.learning._steps import LEARN, check_counts, one_hot
from carrousel.learning.online import OnlineLSTM

__all__ = ["HistoryCompressor"]


class HistoryCompressor(Streaming):
    """A hierarchy of predictors: level n + 1 goes a step forward only when level n was surprised.

    The lowest level sees every input and predicts the targets, as a rule the next input. A target that it did not
    predict, one output being at least ``threshold`` away, is the next input of the level above, together with a code of
    the time since that level's last input; what that level predicts is the next such target; and so on. What can be
    predicted costs the higher levels no time, so that long gaps are short for them. With ``imitate`` every level has
    further outputs that are to tell what the units above it say, and so learns to hold on to what was worth remembering
    there. With two levels that is the chunker and its automatiser.

    What counts as the answer are the outputs of the lowest level.

    J. Schmidhuber: Learning complex, extended sequences using the principle of history compression. Neural Computation
    4(2), 1992. A level's sizes and learning rate are unknown there.

    Args:
        input_size, output_size: the numbers of inputs and of what is predicted; targets are from 0 to 1.
        hidden_size: units of a level, or of each.
        levels: how many there are.
        cell: of all levels: any of the family. With ``"elman"`` units are simple and see of the past themselves alone,
            and the gradient is exact; with others it is the truncated one of :class:`OnlineLSTM`.
        threshold: of a surprise.
        imitate: whether levels learn what the units above them say.
        time_bits: binary digits of the time since a level's last input, in steps of the lowest level, with which its
            inputs come; longer times are the longest. 0 for none.
        optimiser: of all levels; a number is the rate of plain descent. By default Adam.
        seed: of the first weights.

    Attributes:
        surprises: how many inputs each level above the lowest had, a list.

    Raises:
        ValueError: an argument is not among these.

    >>> stream = np.tile([0, 1, 2, 3], 500)  # nothing comes as a surprise in the end
    >>> learner = HistoryCompressor(4, 4, 4, levels=3)
    >>> learner.learn_many(stream, np.roll(stream, -1))
    >>> before = list(learner.surprises)
    >>> learner.learn_many(stream, np.roll(stream, -1))
    >>> [later - early for early, later in zip(before, learner.surprises)]
    [0, 0]
    """

    def __init__(
        self,
        input_size: int,
        output_size: int,
        hidden_size: int | tuple[int, ...] = 8,
        *,
        levels: int = 2,
        cell: str = "elman",
        threshold: float = 0.25,
        imitate: bool = True,
        time_bits: int = 0,
        optimiser: Optimiser | float | None = None,
        seed: int = 0,
    ) -> None:
        check_counts(input_size=input_size, output_size=output_size, levels=levels)
        check_counts(0, time_bits=time_bits)
        if not isinstance(threshold, int | float) or not 0 < threshold < np.inf:
            raise ValueError(f"threshold must be a positive number, got {threshold!r}")
        sizes = (hidden_size,) * levels if isinstance(hidden_size, int | np.integer) else tuple(hidden_size)
        if len(sizes) != levels:
            raise ValueError(f"hidden_size must be a number, or one for each of {levels} levels; got {hidden_size!r}")
        self.input_size, self.output_size, self.dtype = int(input_size), int(output_size), np.dtype(np.float64)
        self.levels, self.threshold, self.imitate, self.time_bits = levels, float(threshold), bool(imitate), time_bits
        self.surprises = [0] * (levels - 1)
        simple: dict[str, Any] = {"diagonal": True, "truncate": None} if cell.partition("(")[0] == "elman" else {}
        self._nets = []
        for level in range(levels):
            taught = output_size + (sizes[level + 1] if self.imitate and level + 1 < levels else 0)
            seen = input_size if level == 0 else output_size + time_bits
            options: dict[str, Any] = {"loss": "logistic", "dtype": np.float64, "seed": [seed, level], **simple}
            self._nets.append(OnlineLSTM(seen, sizes[level], taught, cell=cell, optimiser=optimiser, **options))
        self._steps = np.zeros(1, np.int64)
        # Of each level above the lowest: its last input, whether there was one and when, and what its units said then.
        self._waiting = [np.zeros(output_size + time_bits) for _ in range(levels - 1)]
        self._seen = np.zeros((levels - 1, 2), np.int64)
        self._said = [np.zeros(net.hidden_size) for net in self._nets[1:]]

    @property
    def weight_count(self) -> int:
        """The number of weights of all levels."""
        return sum(net.weight_count for net in self._nets)

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """Copies of the weights by level and name, ``"level0_weight_ih"``; assign to change them."""
        return {f"level{k}_{name}": w for k, net in enumerate(self._nets) for name, w in net.weights.items()}

    @weights.setter
    def weights(self, weights: Mapping[str, np.ndarray]) -> None:
        checked = checked_weights(weights, {name: w.shape for name, w in self.weights.items()})
        for k, net in enumerate(self._nets):
            net.weights = {name: checked[f"level{k}_{name}"] for name in net.weights}

    @classmethod
    def example(cls, seed: int = 0) -> HistoryCompressor:
        """Returns a small learner of this kind."""
        return cls(3, 3, (4, 3), time_bits=2, optimiser=0.3, seed=seed)

    def predict_many(self, inputs: Any) -> np.ndarray:
        """Returns the outputs of the next steps, those of the lowest level, ``[steps, output_size]``."""
        return self._nets[0].predict_many(self._inputs(inputs))[:, : self.output_size]

    def expected(self) -> list[np.ndarray | None]:
        """Returns what each level above the lowest takes for its next input; None where it has had none yet."""
        told = []
        for level, net in enumerate(self._nets[1:]):
            has = bool(self._seen[level, 0])
            told.append(net.predict_one(self._waiting[level])[: self.output_size] if has else None)
        return told

    def reset(self) -> None:
        """Begins a new sequence: no level knows what was before."""
        for net in self._nets:
            net.reset()
        for array in (*self._waiting, *self._said, self._seen, self._steps):
            array[:] = 0

    def ready(self) -> None:
        """Compiles what all levels need; nothing changes."""
        for net in self._nets:
            net.ready()

    def _targets(self, targets: Any, steps: int) -> np.ndarray:
        goals = super()._targets(targets, steps)
        if goals.ndim == 1:
            return one_hot(goals, self.output_size, np.nan)
        outside = (goals < 0) | (goals > 1)
        if outside.any():
            t, k = np.argwhere(outside)[0]
            raise ValueError(f"target {k} of step {t} is {goals[t, k]}: targets must be from 0 to 1")
        return goals

    def _stream(self, inputs: np.ndarray, targets: np.ndarray | None, learning: int, tell: bool) -> np.ndarray | None:
        lowest = self._nets[0]
        if targets is None or learning != LEARN:
            self._steps += len(inputs)
            told = lowest.observe_many(inputs, tell=tell)
            return told[:, : self.output_size] if told is not None else None
        outputs = np.empty((len(inputs), self.output_size))
        for t in range(len(inputs)):
            outputs[t] = self._learn(0, inputs[t : t + 1], targets[t])
            self._steps += 1
        return outputs if tell else None

    def _learn(self, level: int, input: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Teaches a level a step, and those above it if they are to know of it; returns what it had said."""
        net = self._nets[level]
        goal = target
        if net.output_size > self.output_size:
            above = self._said[level]  # units of tanh, as outputs from 0 to 1
            goal = np.concatenate([target, np.clip(0.5 * (above + 1.0), 0.0, 1.0) + 0.0 * target[0]])
        told = net.learn_many(input, goal[None], tell=True)
        said: np.ndarray = told[0, : self.output_size]  # type: ignore[index]
        surprised = (np.abs(said - target) >= self.threshold).any()
        if surprised and level + 1 < self.levels:
            self._raise(level, target)
        return said

    def _raise(self, level: int, target: np.ndarray) -> None:
        """Gives a target that was not predicted to the level above, which had predicted something too."""
        net, waiting, seen = self._nets[level + 1], self._waiting[level], self._seen[level]
        self.surprises[level] += 1
        if seen[0]:
            self._learn(level + 1, waiting[None], target)
        since = int(self._steps[0] - seen[1])
        code = min(since, 2**self.time_bits - 1)
        waiting[:] = [*target, *((code >> bit) & 1 for bit in range(self.time_bits))]
        seen[:] = 1, self._steps[0]
        self._said[level][:] = net.hidden_one(waiting)

    def _arrays(self) -> dict[str, np.ndarray]:
        """Returns all that changes while it learns."""
        found = {f"level{k}_{name}": a for k, net in enumerate(self._nets) for name, a in net._arrays().items()}
        mine = {"steps": self._steps, "seen": self._seen, "surprises": np.array(self.surprises)}
        for level in range(self.levels - 1):
            mine |= {f"waiting{level}": self._waiting[level], f"said{level}": self._said[level]}
        return {**found, **mine}
