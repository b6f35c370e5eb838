"""Learning to learn: a net that is trained on functions drawn anew, then frozen, and learns in its activations.

S. Hochreiter, A. S. Younger, P. R. Conwell: Learning to learn using gradient descent, 2001.
"""

from __future__ import annotations

import copy
import numbers
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from carrousel._format import Format, fitted, whole
from carrousel.learning._steps import check_counts
from carrousel.nets.step_regressor import StepRegressor
from carrousel.training import Job, Options, train

__all__ = ["FORMAT", "DrawnAnew", "Metalearned", "metalearn"]

ONE = torch.ones(1, dtype=torch.int64)  # the length of a step
FORMAT = Format("carrousel-metalearned", 1, "a learning algorithm that was learned")


class DrawnAnew(Dataset):
    """Sequences of a task, as items to train on, that are drawn when they are asked for.

    A batch is a function of the numbers of its items, so a run that goes on draws what an unbroken one would have
    drawn. A shuffled epoch hardly ever asks for the same numbers in the same order again: every sequence is new.

    Args:
        task: a task of ``carrousel.tasks`` whose sequences are numbers, all of one length.
        count: items of an epoch.
        seed: of what is drawn.
    """

    def __init__(self, task: Any, count: int, seed: int = 0) -> None:
        check_counts(count=count)
        self.task, self.seed = task, seed
        one = task.draw(np.random.default_rng(0), 2)
        self.length = int(one.spans[0, 1] - one.spans[0, 0])
        if one.inputs.ndim != 2 or one.targets.ndim != 2 or (np.diff(one.spans, axis=1) != self.length).any():
            raise ValueError(f"the sequences of {type(task).__name__} must be numbers, and of one length")
        self.lengths = np.full(count, self.length, np.int64)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, number: int) -> tuple[dict[str, Tensor], Tensor]:
        return self.batch(np.array([number]))

    def batch(self, chosen: np.ndarray) -> tuple[dict[str, Tensor], Tensor]:
        """Draws a batch of sequences, one for each number."""
        drawn = self.task.draw(np.random.default_rng([self.seed, *chosen.tolist()]), len(chosen))
        shape = len(chosen), self.length, -1
        x, y = (torch.from_numpy(np.float32(steps)).view(shape) for steps in (drawn.inputs, drawn.targets))
        return {"input": x, "lengths": torch.from_numpy(self.lengths[chosen])}, y


def metalearn(
    task: Any,
    hidden_size: int = 24,
    *,
    cell: str = "lstm",
    squash: str = "sigmoid",
    epochs: int = 40,
    batches: int = 50,
    batch_size: int = 32,
    rate: float = 0.01,
    truncation: int | None = None,
    seed: int = 0,
    lstm: Mapping[str, Any] | None = None,
    **more: Any,
) -> Metalearned:
    """Trains a net on functions drawn anew for every sequence, and returns it frozen, as a learning algorithm.

    Args:
        task: draws sequences whose inputs are a function's arguments and the last target, and whose targets are its
            values: ``BooleanFunctions``, ``SemilinearFunctions``, ``QuadraticFunctions``, or one of your own.
        hidden_size: units of the net.
        cell: its cell.
        squash: of its output, ``"sigmoid"`` or ``"identity"``.
        epochs: how many there are.
        batches: of an epoch.
        batch_size: sequences of a batch.
        rate: of Adam, at its highest.
        truncation: steps after which back-propagation is cut; None takes whole sequences.
        seed: of the weights and of what is drawn.
        lstm: further keywords of ``carrousel.LSTM``.
        more: what ``carrousel.training.train`` takes besides: ``checkpoint``, ``resume``, ``progress``.

    Raises:
        ValueError: a number is out of its range, or training diverged.

    >>> from carrousel.tasks import BooleanFunctions
    >>> learner = metalearn(BooleanFunctions(length=8), 8, epochs=1, batches=2)
    >>> learner.learn_one({"x": 0.0, "y": 1.0}, 1.0)
    >>> 0.0 < learner.predict_one({"x": 1.0, "y": 1.0}) < 1.0
    True
    """
    check_counts(hidden_size=hidden_size, epochs=epochs, batches=batches, batch_size=batch_size)
    about = {"hidden_size": hidden_size, "cell": cell, **(lstm or {})}
    items, shown = DrawnAnew(task, batches * batch_size, seed), DrawnAnew(task, 64, seed + 1)
    options = Options(
        rate, batch_size=batch_size, max_epochs=epochs, gradient_clip=1.0, optimizer=torch.optim.Adam,
        truncation=truncation,
    )  # fmt: skip

    def build() -> StepRegressor:
        return StepRegressor(task.input_size, task.output_size, squash=squash, lstm=about)

    identity = {"estimator": "metalearn", "seed": seed, "torch": torch.__version__, "params": options.words()}
    facts = {**identity, "data": [repr(task), about, squash]}
    trained = train(Job(build, items, shown), options, seed, identity=facts, **more)
    network: StepRegressor = trained.network  # type: ignore[assignment]
    return Metalearned(network)


class Metalearned:
    """A frozen net as a learning algorithm: weights stay as they are, what it learns is in its activations.

    Args:
        network: a :class:`StepRegressor` whose inputs are a function's arguments and the last target.
        names: the features that are the arguments, in the net's order; None takes the first in the order of their
            names when the first example is learned. An absent one counts as the middle of its range.
        x_range: the least and the greatest value of an argument, which become -1 and 1.
        y_range: those of a target, which become what the net says it is between: 0 and 1, or ``said``.
        said: what the net has been taught for the ends of the range.

    Raises:
        ValueError: a range is none, or names are not as many as the net has arguments.
    """

    def __init__(
        self,
        network: StepRegressor | None = None,
        names: Sequence[Any] | None = None,
        x_range: tuple[float, float] = (-1.0, 1.0),
        y_range: tuple[float, float] = (0.0, 1.0),
        said: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        for name, ends in (("x_range", x_range), ("y_range", y_range), ("said", said)):
            if not (len(ends) == 2 and np.isfinite(ends).all() and ends[0] < ends[1]):
                raise ValueError(f"{name} must be the least and the greatest value, got {ends}")
        self.network, self.names = network, names
        self.x_range, self.y_range, self.said = x_range, y_range, said
        self._frozen = copy.deepcopy(network or _untrained()).eval().requires_grad_(False)
        self._arguments = int(self._frozen.lstm.input_size) - 1
        if names is not None and len(names) != self._arguments:
            raise ValueError(f"the net has {self._arguments} arguments, and there are {len(names)} names")
        self.reset()

    def reset(self) -> None:
        """Forgets the examples: a new function begins."""
        self._state: Any = None
        self._last = 0.0
        self._names = None if self.names is None else list(self.names)

    @property
    def weight_count(self) -> int:
        """The number of weights, none of which changes."""
        return sum(p.numel() for p in self._frozen.parameters())

    def learn_one(self, x: Mapping[Any, Any], y: Any) -> None:
        """Learns from one example.

        Raises:
            ValueError: a number is not finite; nothing has changed then.
        """
        value = _finite(y, "the target")
        names = self._named(x)
        shown = self._shown(x, names)
        _, self._state = self._step(shown)
        self._names, self._last = names, self._squeezed(value)

    def predict_one(self, x: Mapping[Any, Any]) -> float:
        """Returns the value of the function at x; nothing changes."""
        said, _ = self._step(self._shown(x, self._named(x)))
        share = (said - self.said[0]) / (self.said[1] - self.said[0])
        return float(self.y_range[0] + share * (self.y_range[1] - self.y_range[0]))

    def _named(self, x: Mapping[Any, Any]) -> list[Any]:
        return sorted(x, key=str)[: self._arguments] if self._names is None else self._names

    def _shown(self, x: Mapping[Any, Any], names: Sequence[Any]) -> np.ndarray:
        """Returns the input of a step: arguments, cut to a little beyond their range, and the last target."""
        shown = np.zeros(self._arguments + 1, np.float32)
        low, high = self.x_range
        for k, name in enumerate(names):
            if isinstance(x.get(name), numbers.Real):  # words are no arguments of such a function
                shown[k] = 2.0 * (_finite(x[name], repr(name)) - low) / (high - low) - 1.0
        shown[-1] = self._last
        return np.clip(shown, -2.0, 2.0)

    def _squeezed(self, y: float) -> float:
        share = (y - self.y_range[0]) / (self.y_range[1] - self.y_range[0])
        return float(np.clip(self.said[0] + share * (self.said[1] - self.said[0]), -2.0, 2.0))

    def _step(self, shown: np.ndarray) -> tuple[float, Any]:
        with torch.no_grad():
            said, state = self._frozen.carry(torch.from_numpy(shown)[None, None], ONE, self._state)
        return float(said[0, 0, 0]), state

    def save(self, path: str | Path) -> None:
        """Writes the net, and what it has learned since it began, to one safetensors file; see :meth:`load`.

        Raises:
            ValueError: a weight is NaN or infinite; what was at the path stays.
            TypeError: names are more than JSON can hold.
        """
        lstm = self._frozen.lstm
        net = {"channels": lstm.input_size, "outputs": self._frozen.head.out_features, "squash": self._frozen.squash}
        facts = {
            "net": net,
            "lstm": {"hidden_size": lstm.hidden_size, "num_layers": lstm.num_layers, "cell": lstm.cell.spec},
            "names": None if self.names is None else list(self.names),
            "seen": self._names,
            "last": self._last,
            **{name: list(getattr(self, name)) for name in ("x_range", "y_range", "said")},
        }
        arrays = {name: weight.numpy() for name, weight in self._frozen.state_dict().items()}
        state = () if self._state is None else self._state if isinstance(self._state, tuple) else (self._state,)
        arrays |= {f"state.{k}": part.numpy() for k, part in enumerate(state)}
        FORMAT.write(Path(path), facts, arrays)

    @classmethod
    def load(cls, path: str | Path) -> Metalearned:
        """Reads the learner that :meth:`save` wrote, which knows the examples that the saved one had learned.

        Raises:
            ValueError: the file is not such a file, or is damaged.
        """
        with FORMAT.reading(path) as (facts, arrays):
            held = sum(array.size for array in arrays.values())
            about = facts["lstm"]
            for name, value, least in (
                ("channels", facts["net"]["channels"], 2), ("outputs", facts["net"]["outputs"], 1),
                ("units", about["hidden_size"], 1), ("layers", about["num_layers"], 1),
            ):  # fmt: skip
                whole(value, f"its number of {name}", least, held)
            if about["hidden_size"] * (about["hidden_size"] + about["num_layers"]) > held:
                raise ValueError(f"its net has {about['hidden_size']} units, and it holds {held} numbers")
            network = StepRegressor(**facts["net"], lstm=about)
            weights = network.state_dict()
            declared = {name: (tuple(w.shape), w.numpy().dtype) for name, w in weights.items()}
            begun = "state.0" in arrays
            if begun:
                x = torch.zeros(1, 1, facts["net"]["channels"])
                after = network.carry(x, ONE, None)[1]
                parts = after if isinstance(after, tuple) else (after,)
                declared |= {f"state.{k}": (tuple(part.shape), np.float32) for k, part in enumerate(parts)}
            read = fitted(arrays, declared)
            network.load_state_dict({name: torch.from_numpy(read[name]) for name in weights})
            ranges = {name: tuple(facts[name]) for name in ("x_range", "y_range", "said")}
            learner = cls(network, facts["names"], **ranges)
            if not isinstance(facts["last"], float | int) or abs(facts["last"]) > 2:
                raise ValueError(f"its last target is {facts['last']!r}, and should be from -2 to 2")
            learner._last, learner._names = float(facts["last"]), facts["seen"]
            if learner._names is not None and len(learner._names) > learner._arguments:
                raise ValueError(f"it names {len(learner._names)} features, of {learner._arguments}")
            if begun:
                state = tuple(torch.from_numpy(read[f"state.{k}"]) for k in range(len(parts)))
                learner._state = state if isinstance(after, tuple) else state[0]
            return learner


def _untrained() -> StepRegressor:
    """Returns a small net of two arguments that was never taught: a place for one that was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return StepRegressor(3, 1, squash="sigmoid", lstm={"hidden_size": 4})


def _finite(value: Any, what: str) -> float:
    number = float(value)
    if not np.isfinite(number):
        raise ValueError(f"{what} is {number}, and should be a finite number")
    return number
