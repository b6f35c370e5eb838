"""Forecasts that are linear in what stands before them: naive, seasonal, drift, ridge, and exponential smoothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from carrousel.estimators._gauge import Gauge, in_words
from carrousel.estimators._scaling import Scaler

__all__ = ["Form", "Linear", "Shape", "drift", "drift_of_window", "naive", "plain", "ridge", "seasonal_drift"]

WINDOWS = 4000  # the most that a ridge regression learns from, evenly spaced
FEATURES = 1000  # the most lags of all columns together; beyond it only the target keeps all its lags
PENALTIES = np.logspace(-6, 3, 28)  # of a ridge regression, in units of the windows' number


@dataclass(frozen=True)
class Shape:
    """What all forecasts of one series have in common.

    Attributes:
        horizon: steps ahead.
        target: the column to forecast.
        known: the columns known ahead.
        columns: how many there are.
        calendar: those known ahead of which what lies behind says nothing more.
    """

    horizon: int
    target: int
    known: tuple[int, ...]
    columns: int
    calendar: tuple[int, ...] = ()

    @property
    def others(self) -> list[int]:
        """The columns beside the target that are looked back at."""
        return [c for c in range(self.columns) if c != self.target and c not in self.calendar]


@dataclass(frozen=True)
class Form:
    """What a linear forecast reads, and relative to what.

    Attributes:
        gauge: the window of the target's last values.
        seasons: seasons longer than the window, of which the values one season before each step are read too.
        relative: ``"none"`` takes values as they are, ``"mean"`` relative to the window's mean, ``"last"`` to its last.
        scaled: whether they are divided by the window's scale.
        beside: whether the other columns, and those known ahead, are read.
    """

    gauge: Gauge
    seasons: tuple[int, ...] = ()
    relative: str = "none"
    scaled: bool = False
    beside: bool = False

    @property
    def reach(self) -> int:
        """Rows that must stand before an origin."""
        return max(self.gauge.context, *self.seasons, 1)

    def count(self, shape: Shape) -> int:
        """Returns how many numbers ``read`` makes of a window."""
        lags = self.gauge.context
        target = lags + len(self.seasons) * shape.horizon
        if not self.beside:
            return target
        others = len(shape.others) * (lags if lags * (len(shape.others) + 1) <= FEATURES else 1)
        return target + others + shape.horizon * len(shape.known)

    def read(
        self, values: np.ndarray, origins: np.ndarray, shape: Shape
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # [N, F], [N, 1], [N, 1]
        """Returns what the forecast reads, where the series stands, and its scale."""
        gauge, ahead = self.gauge, np.arange(shape.horizon)
        window = gauge.windows(values, origins)
        parts = [window]
        for season in self.seasons:
            before = origins[:, None] - season + ahead % season
            parts.append(gauge.up(values[before, shape.target]))
        target = np.concatenate(parts, axis=1)
        centre = {"none": np.zeros((len(origins), 1)), "mean": window.mean(axis=1, keepdims=True)}.get(
            self.relative, window[:, -1:]
        )
        scale = gauge.scales(window)[:, None] if self.scaled else np.ones((len(origins), 1))
        target = (target - centre) / scale
        if not self.beside:
            return target, centre, scale
        others = shape.others
        rows = np.arange(-gauge.context if gauge.context * (len(others) + 1) <= FEATURES else -1, 0)
        parts = [target, values[origins[:, None] + rows][:, :, others].reshape(len(origins), -1)]
        if shape.known:
            parts.append(values[origins[:, None] + ahead][:, :, list(shape.known)].reshape(len(origins), -1))
        return np.concatenate(parts, axis=1), centre, scale

    def wanted(self, values: np.ndarray, origins: np.ndarray, shape: Shape) -> np.ndarray:  # [N, H]
        """Returns the steps ahead as they are looked at."""
        return self.gauge.up(values[origins[:, None] + np.arange(shape.horizon), shape.target])

    def __str__(self) -> str:
        lags = f"{self.gauge.context} lags" + "".join(f" and the values {m} steps before" for m in self.seasons)
        ending = {"none": "", "mean": ", relative to their mean", "last": ", relative to the last"}[self.relative]
        looked = in_words(self.gauge.power)
        return lags + (f" ({looked})" if looked else "") + ending + " and scale" * self.scaled


@dataclass(frozen=True)
class Linear:
    """A linear forecast: weight [H, F], bias [H].

    Attributes:
        name: for people.
        about: what it reads or is made of, for people; "" where the name says it.
        shape, form: as they say.
        scaler: of what is read.
    """

    name: str
    about: str
    shape: Shape
    form: Form
    scaler: Scaler
    weight: np.ndarray
    bias: np.ndarray

    def __call__(self, values: np.ndarray, origins: np.ndarray) -> np.ndarray:  # [N, H]
        read, centre, scale = self.form.read(values, origins, self.shape)
        seen = ((read - self.scaler.mean) / self.scaler.scale) @ self.weight.T + self.bias
        return self.form.gauge.down(seen * scale + centre)

    def __str__(self) -> str:
        return f"{self.name}, {self.about}" if self.about else self.name


def plain(values: np.ndarray, origins: np.ndarray, shape: Shape, lags: int, power: float | None = None) -> Form:
    """Returns the form that reads the last values of the target, and nothing else."""
    return Form(Gauge.fit(values, origins, lags, shape.target, power))


def rate(power: float | None) -> str:
    """Returns how a line goes on in what is looked at, for people; "" for values as they are."""
    return "" if power is None else "at a constant rate" if power == 0 else f"of {in_words(power)}"


def naive(values: np.ndarray, origins: np.ndarray, shape: Shape, season: int = 1) -> Linear:
    """Returns the forecast that says the value one season before each step; with season 1 the last value."""
    weight = np.zeros((shape.horizon, season))
    weight[np.arange(shape.horizon), np.arange(shape.horizon) % season] = 1.0
    name = "naive" if season == 1 else f"seasonal naive ({season})"
    form = plain(values, origins, shape, season)
    return Linear(name, "", shape, form, Scaler.identity(season), weight, np.zeros(shape.horizon))


def drift(values: np.ndarray, origins: np.ndarray, shape: Shape, power: float | None) -> Linear:
    """Returns the forecast that goes on from the last value at the mean slope of the training part."""
    form = plain(values, origins, shape, 1, power)
    seen = form.gauge.up(values[: origins.max() + shape.horizon, shape.target])
    slope = (seen[-1] - seen[0]) / max(1, len(seen) - 1)
    steps = np.arange(1, shape.horizon + 1)
    about = rate(power)
    return Linear("drift", about, shape, form, Scaler.identity(1), np.ones((shape.horizon, 1)), slope * steps)


def drift_of_window(values: np.ndarray, origins: np.ndarray, shape: Shape, rows: int, power: float | None) -> Linear:
    """Returns the forecast that goes on from the last value at the mean slope of the last rows, at least two."""
    steps = np.arange(1, shape.horizon + 1) / (rows - 1)
    weight = np.zeros((shape.horizon, rows))
    weight[:, -1], weight[:, 0] = 1.0 + steps, -steps
    about = ", ".join(part for part in (f"over {rows} rows", rate(power)) if part)
    form = plain(values, origins, shape, rows, power)
    return Linear("drift", about, shape, form, Scaler.identity(rows), weight, np.zeros(shape.horizon))


def seasonal_drift(values: np.ndarray, origins: np.ndarray, shape: Shape, season: int, power: float | None) -> Linear:
    """Returns the forecast that says the value one season before each step, and what the last season has changed."""
    steps = np.arange(shape.horizon)
    weight = np.zeros((shape.horizon, season + 1))
    np.add.at(weight, (steps, 1 + steps % season), 1.0)
    cycles = 1.0 + steps // season
    weight[:, -1] += cycles
    weight[:, 0] -= cycles
    form = plain(values, origins, shape, season + 1, power)
    about = ", ".join(part for part in (f"{season} rows", rate(power)) if part)
    zero = np.zeros(shape.horizon)
    return Linear("seasonal drift", about, shape, form, Scaler.identity(season + 1), weight, zero)


def ridge(values: np.ndarray, origins: np.ndarray, shape: Shape, form: Form, most: int = WINDOWS) -> Linear:
    """Returns a ridge regression of every step ahead on what ``form`` reads at ``origins``.

    Its penalty is chosen by generalised cross-validation (Golub, Heath & Wahba 1979). One decomposition serves all
    penalties and steps: many forms are tried.
    """
    some = origins[np.linspace(0, len(origins) - 1, min(most, len(origins))).astype(int)]
    gauge = Gauge.fit(values, some, form.gauge.context, shape.target, form.gauge.power)
    form = replace(form, gauge=gauge)
    read, centre, scale = form.read(values, some, shape)
    wanted = (form.wanted(values, some, shape) - centre) / scale
    scaler = Scaler.fit(read)
    x, mean, n = (read - scaler.mean) / scaler.scale, wanted.mean(axis=0), len(some)
    y = wanted - mean
    values_, vectors = np.linalg.eigh(x.T @ x / n)
    values_ = np.maximum(values_, 0.0)
    along = vectors.T @ (x.T @ y / n)  # [F, H]
    energy = (along**2).sum(axis=1)
    shrunk = values_ + PENALTIES[:, None]  # [P, F]
    explained = (energy * (2 / shrunk - values_ / shrunk**2)).sum(axis=1)
    rest = np.maximum((y**2).mean(axis=0).sum() - explained, 0.0)
    used = 1.0 + (values_ / shrunk).sum(axis=1)
    cost = np.where(used < n, rest / np.maximum(1 - used / n, 1e-9) ** 2, np.inf)
    best = len(PENALTIES) - 1 if not np.isfinite(cost).any() else int(cost.argmin())
    weight = (vectors @ (along / shrunk[best][:, None])).T
    return Linear("ridge on a window", str(form), shape, form, scaler, np.ascontiguousarray(weight), mean)
