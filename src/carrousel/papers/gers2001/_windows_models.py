"""What forecasts a series: LSTM, which sees one value at a time, and methods that see a window of values."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol

import numpy as np

from carrousel.learning.online import Learner, Network

__all__ = [
    "LSTM",
    "Forecaster",
    "Run",
    "Scale",
    "Window",
    "WindowNet",
    "forecast",
    "network",
    "persistence",
    "polynomial",
]

FAR = 1e6
"""A forecast that is fed back is kept within this, so that one that runs away stays a number."""


class Run(Protocol):
    """Describes copies of a forecaster, each in the middle of a series of its own."""

    def step(self, values: np.ndarray) -> np.ndarray:
        """Takes the next value of each series; returns what each copy says is ``ahead`` steps further, [copies]."""


class Forecaster(ABC):
    """A method that says what a value will be some steps ahead.

    Attributes:
        ahead: how many.
        weights: how many numbers are fitted.
        before: how many values it must have been given before what it says counts.
    """

    ahead: int
    weights: int
    before: int

    @abstractmethod
    def begin(self, copies: int) -> Run:
        """Returns copies at the beginning of a series each."""


def forecast(model: Forecaster, values: np.ndarray, origins: np.ndarray, steps: int) -> np.ndarray:
    """Returns what a method says the next values are after each of some steps, ``[origins, steps]``.

    Beyond its ``ahead`` it goes on from itself: what it said stands for the values that are not known.

    Args:
        model: the method.
        values: the series.
        origins: the last steps whose values are given, in order, ``[origins]``.
        steps: how far it goes beyond each.

    Raises:
        ValueError: there are too few values before the first.
    """
    begin, end = int(origins[0]) - model.before, int(origins[-1])
    if begin < 0:
        raise ValueError(f"a forecast from step {origins[0]} wants {model.before} values before it")
    run = model.begin(len(origins))
    said = np.zeros((len(origins), end + steps + model.ahead - begin + 1))
    for t in range(begin, end + max(0, steps - model.ahead) + 1):
        given = np.where(t <= origins, values[min(t, end)], said[:, t - begin])
        said[:, t - begin + model.ahead] = np.clip(run.step(given), -FAR, FAR)
    return np.take_along_axis(said, origins[:, None] - begin + 1 + np.arange(steps), axis=1)


class Window(Forecaster):
    """A method that sees some of the last values; ``answer`` says from ``[copies, taps]`` what follows, [copies]."""

    def __init__(self, ahead: int, lags: tuple[int, ...], weights: int, answer: Callable[[np.ndarray], np.ndarray]):
        self.ahead, self.lags, self.weights, self.answer = ahead, lags, weights, answer
        self.before = max(lags)

    def begin(self, copies: int) -> Run:
        """Returns windows that hold zeros yet."""
        return _Windows(self, copies)


class _Windows:
    """The last values of each series."""

    def __init__(self, model: Window, copies: int) -> None:
        self.model, self.held, self.lags = model, np.zeros((copies, model.before + 1)), list(model.lags)

    def step(self, values: np.ndarray) -> np.ndarray:
        """Takes the next value of each series; returns what the method says."""
        self.held = np.concatenate([values[:, None], self.held[:, :-1]], axis=1)
        return self.model.answer(self.held[:, self.lags])


def taps(values: np.ndarray, at: np.ndarray, lags: tuple[int, ...]) -> np.ndarray:
    """Returns the values that a window shows at some steps, ``[steps, taps]``."""
    return np.stack([values[at - lag] for lag in lags], axis=1)


def persistence(ahead: int) -> Window:
    """Returns the method that says that nothing will change."""
    return Window(ahead, (0,), 0, lambda seen: seen[:, 0])


def polynomial(values: np.ndarray, at: np.ndarray, ahead: int, lags: tuple[int, ...], degree: int) -> Window:
    """Returns a polynomial of the taps, with all their products up to that degree, by least squares."""
    from sklearn.preprocessing import PolynomialFeatures

    features = PolynomialFeatures(degree).fit(np.zeros((1, len(lags))))
    rows = features.transform(taps(values, at, lags))
    weights = np.linalg.lstsq(rows, values[at + ahead], rcond=None)[0]
    return Window(ahead, lags, len(weights), lambda seen: features.transform(seen) @ weights)


class Scale:
    """Puts values around 0 with a deviation of 1, and differences ahead into [-1, 1]."""

    def __init__(self, values: np.ndarray, at: np.ndarray, ahead: int) -> None:
        self.mean, self.deviation = float(values[at].mean()), float(values[at].std())
        self.most = float(np.abs(values[at + ahead] - values[at]).max())

    def inward(self, values: np.ndarray) -> np.ndarray:
        """Returns values as a network sees them."""
        return (values - self.mean) / self.deviation


class WindowNet(Window):
    """A feed-forward network with one hidden layer of tanh units that sees taps; scikit-learn's."""

    def __init__(
        self, values: np.ndarray, at: np.ndarray, ahead: int, lags: tuple[int, ...], seed: int,
        *, hidden: int, decay: float, iterations: int,
    ) -> None:  # fmt: skip
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPRegressor

        scale = Scale(values, at, ahead)
        net = MLPRegressor(
            hidden_layer_sizes=(hidden,), activation="tanh", solver="lbfgs", alpha=decay, max_iter=iterations,
            max_fun=10 * iterations, tol=1e-9, random_state=seed,
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # it may well stop where it is told to
            net.fit(scale.inward(taps(values, at, lags)), (values[at + ahead] - values[at]) / scale.most)

        def answer(seen: np.ndarray) -> np.ndarray:
            return seen[:, 0] + scale.most * net.predict(scale.inward(seen))

        super().__init__(ahead, lags, hidden * (len(lags) + 2) + 1, answer)


def network() -> Network:
    """Returns the paper's network: one input, four blocks of one cell with peepholes, one output: 113 weights.

    >>> network().weight_count
    113
    """
    groups = ("cell", "input_gate", "forget_gate", "output_gate")
    return Network(
        1, 1, 4, forget_gates=True, peepholes=True, input_squash="tanh", output_squash="tanh", unit_squash="identity",
        feeds={**dict.fromkeys(groups, "input cell bias"), "output": "cell bias"}, init=0.1,
        bias_init={"input_gate": (0.0, -1.0, -2.0, -3.0), "forget_gate": (1.0, 2.0, 3.0, 4.0)},
    )  # fmt: skip


class LSTM(Forecaster):
    """LSTM that sees the value of now, and says by how much it will differ ahead."""

    before = 200

    def __init__(self, learner: Learner, scale: Scale, ahead: int) -> None:
        self.learner, self.scale, self.ahead, self.weights = learner, scale, ahead, learner.weight_count

    def begin(self, copies: int) -> Run:
        """Returns copies of the network, each at rest."""
        return _Copies(self, copies)


class _Copies:
    """Copies of a trained network."""

    def __init__(self, model: LSTM, copies: int) -> None:
        self.model = model
        self.acting = model.learner.acting(np.tile(model.learner.vector, (copies, 1)))

    def step(self, values: np.ndarray) -> np.ndarray:
        """Takes the next value of each series; returns what the network says."""
        scale = self.model.scale
        return values + scale.most * self.acting.step(scale.inward(values)[:, None])[:, 0]
