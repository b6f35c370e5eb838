"""The forecasts that an LSTM has to beat, and the one from which it starts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from carrousel._format import number, whole
from carrousel.estimators._candidates import RELATIVE, Candidate, Extent, judged, nearly_best
from carrousel.estimators._conformal import offsets_of, ordered
from carrousel.estimators._gauge import POWERS, Gauge, in_words
from carrousel.estimators._linear import Form, Linear, Shape
from carrousel.estimators._scaling import Scaler
from carrousel.estimators._smoothing import there_is_statsmodels

__all__ = ["Calibrated", "SimpleForecasts", "Starts"]

MEDIAN = "median of the best"
MOST_IN_MEDIAN = 12
BLOCKS = 5  # of training windows, each forecast by a fit to the others
MOST_METHODS = 100  # of a saved model; more are damage


@dataclass(frozen=True)
class Calibrated:
    """A simple forecast with intervals.

    Attributes:
        name: for people.
        parts: linear forecasts, of which it is the median.
        gauge: the window whose scale is the unit of ``offsets``, and which powers are taken.
        offsets: what the quantiles add to the point forecast, [H, Q].
    """

    name: str
    parts: tuple[Linear, ...]
    gauge: Gauge
    offsets: np.ndarray

    def __call__(self, values: np.ndarray, origins: np.ndarray) -> np.ndarray:  # [N, H]
        return np.median([part(values, origins) for part in self.parts], axis=0)

    def quantiles(self, values: np.ndarray, origins: np.ndarray, middle: int) -> np.ndarray:  # [N, H, Q]
        """Returns the quantiles, of which number ``middle`` is the median."""
        point = self(values, origins)
        scale = self.gauge.scales(self.gauge.windows(values, origins))[:, None, None]
        around = self.gauge.down(self.gauge.up(point)[:, :, None] + scale * self.offsets)
        around[:, :, middle] = point
        return ordered(around, middle)

    def __str__(self) -> str:
        if len(self.parts) > 1:
            counts = Counter(part.name for part in self.parts)
            powers = sorted({part.form.gauge.power for part in self.parts if part.form.gauge.power is not None})
            some = f", some of {' and '.join(map(in_words, powers))}" if powers else ""
            return f"{self.name} ({', '.join(f'{count} of {name}' for name, count in counts.items())}{some})"
        about = self.parts[0].about
        return f"{self.name} ({about})" if about else self.name


@dataclass(frozen=True)
class Starts:
    """The starting forecasts of windows from which the network learns: none was fitted to its own window.

    Attributes:
        training: of the training windows, [N, H].
        valid: of the validation windows, [M, H].
    """

    training: np.ndarray
    valid: np.ndarray


@dataclass(frozen=True)
class SimpleForecasts:
    """All simple methods on one series.

    Attributes:
        methods: with their intervals; of each kind the variant that did best on the folds.
        begin: the number of the starting forecast.
        skill: the error of the best variant on the folds, as a share of the best naive method's (a geometric mean).
        complete: whether exponential smoothing and theta could be tried.
    """

    methods: tuple[Calibrated, ...]
    begin: int
    skill: float
    complete: bool

    @property
    def start(self) -> Calibrated:
        """The starting forecast."""
        return self.methods[self.begin]

    @property
    def reach(self) -> int:
        """Rows that must stand before an origin."""
        return max(part.form.reach for method in self.methods for part in method.parts)

    @classmethod
    def fit(
        cls, values: np.ndarray, training: np.ndarray, valid: np.ndarray, shape: Shape, extent: Extent, context: int,
        levels: tuple[float, ...], ages: np.ndarray | None = None,
    ) -> tuple[SimpleForecasts, Starts]:  # fmt: skip
        """Returns the simple methods of one series, and the starting forecasts of its windows.

        The start is the variant that did best on folds of all windows, or the median of those that did nearly as
        well, as far as the folds can tell (Petropoulos & Svetunkov 2020): one that runs wild moves it little.
        Intervals come from the errors on the validation windows, where there are any; what is kept learns from all.

        Args:
            values: the series, [T, C].
            training: origins to learn from.
            valid: origins after them.
            shape: what is forecast.
            extent: how far back to look.
            context: rows of the window that gives the scale.
            levels: the levels of the quantiles.
            ages: of all windows, where they are of many series, as ``judged`` takes them.
        """
        found = judged(values, np.concatenate([training, valid]), shape, extent, ages)
        ranked = sorted(found, key=lambda one: one.score)
        kinds = dict.fromkeys(one.name for one in found)
        recipes = {name: [next(one for one in ranked if one.name == name)] for name in kinds}
        near = nearly_best(found, MOST_IN_MEDIAN)
        exact = [one.name for one in found if one.exact]  # of which the first is the plainest
        best = exact[0] if exact else near[0].name
        if len(near) > 1 and not exact:
            best = MEDIAN
            recipes[best] = near
        methods = [_calibrated(n, c, values, training, valid, shape, context, levels) for n, c in recipes.items()]
        begin = list(recipes).index(best)
        late = _median(recipes[best], training)(values, valid) if len(valid) else np.zeros((0, shape.horizon))
        starts = Starts(_crossed(recipes[best], values, training, shape), late)
        naive = min(one.score for one in found if "naive" in one.name)
        return cls(tuple(methods), begin, float(np.exp(ranked[0].score - naive)), there_is_statsmodels()), starts

    def notes(self, method: str, share: float) -> tuple[str, ...]:
        """Returns what a report says of the start, and of what is left out.

        Args:
            method: the model's name.
            share: of the network's corrections, that is taken.
        """
        said = (
            f"The network adds nothing to its starting forecast, {self.start}: {method} says the same."
            if share == 0
            else f"{method} corrects a starting forecast, {self.start}, by {share:.0%} of what its network says."
        )
        chosen = f"On folds of the training data the best had {self.skill:.2g} of the error of the best naive method."
        lacking = (
            "Exponential smoothing and theta are left out: they need statsmodels, pip install 'carrousel[forecast]'."
        )
        return (f"{said} {chosen}",) if self.complete else (f"{said} {chosen}", lacking)

    def points(self, values: np.ndarray, origins: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the point forecasts, [N, H] by name."""
        return {each.name: each(values, origins) for each in self.methods}

    def quantiles(self, values: np.ndarray, origins: np.ndarray, middle: int) -> dict[str, np.ndarray]:
        """Returns the quantiles, of which number ``middle`` is the median, [N, H, Q] by name."""
        return {each.name: each.quantiles(values, origins, middle) for each in self.methods}

    def facts(self) -> dict[str, Any]:
        """Returns what a saved model says of it."""
        return {
            "begin": self.begin,
            "skill": self.skill,
            "complete": self.complete,
            "methods": [
                {"name": each.name, "gauge": _to_json(each.gauge), "parts": [_part_to_json(p) for p in each.parts]}
                for each in self.methods
            ],
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns the arrays that a saved model has of it."""
        found = {}
        for k, each in enumerate(self.methods):
            found[f"simple.{k}.offsets"] = each.offsets
            for j, part in enumerate(each.parts):
                parts = {"mean": part.scaler.mean, "scale": part.scaler.scale, "weight": part.weight, "bias": part.bias}
                found |= {f"simple.{k}.{j}.{name}": value for name, value in parts.items()}
        return found

    @classmethod
    def restored(
        cls, facts: Any, array: Callable[[str, tuple[int, ...]], np.ndarray], shape: Shape, levels: int, rows: int
    ) -> SimpleForecasts:
        """Returns the forecasts of a saved model.

        Args:
            facts: what ``facts`` returned.
            array: gives an array of a name after checking its shape.
            shape: what is forecast.
            levels: how many quantiles there are.
            rows: of the series that is kept, the most that a method may look back.
        """
        if len(facts["methods"]) > MOST_METHODS or not isinstance(facts["complete"], bool):
            raise ValueError("its simple forecasts are damaged")
        methods = []
        for k, one in enumerate(facts["methods"]):
            if not isinstance(one["name"], str) or not 1 <= len(one["parts"]) <= MOST_METHODS:
                raise ValueError(f"its simple forecast {k} is damaged")
            parts = [_part(part, array, f"simple.{k}.{j}", shape, rows) for j, part in enumerate(one["parts"])]
            offsets = array(f"simple.{k}.offsets", (shape.horizon, levels))
            methods.append(Calibrated(one["name"], tuple(parts), _from_json(one["gauge"], shape.target, rows), offsets))
        if len({each.name for each in methods}) < len(methods):
            raise ValueError("two of its simple forecasts have one name")
        begin = whole(facts["begin"], "its start", 0, len(methods) - 1)
        return cls(tuple(methods), begin, number(facts["skill"], "its skill"), facts["complete"])


Forecast = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _median(candidates: list[Candidate], origins: np.ndarray) -> Forecast:
    """Returns the median of the candidates' forecasts when they are fitted to windows."""
    parts = [one.build(origins) for one in candidates]
    return lambda values, then: np.median([part(values, then) for part in parts], axis=0)


def _calibrated(
    name: str, candidates: list[Candidate], values: np.ndarray, training: np.ndarray, valid: np.ndarray, shape: Shape,
    context: int, levels: tuple[float, ...],
) -> Calibrated:  # fmt: skip
    """Fits a method to all windows, with the intervals of a fit that has not seen the last ones."""
    held = valid if len(valid) else training
    point = (
        _median(candidates, training)(values, valid) if len(valid) else _crossed(candidates, values, training, shape)
    )
    parts = tuple(one.build(np.concatenate([training, valid])) for one in candidates)
    gauge = Gauge.fit(values, training, context, shape.target, parts[0].form.gauge.power)
    actual = values[held[:, None] + np.arange(shape.horizon), shape.target]
    errors = (gauge.up(actual) - gauge.up(point)) / gauge.scales(gauge.windows(values, held))[:, None]
    offsets = offsets_of(np.repeat(errors[:, :, None], len(levels), axis=2), levels)
    return Calibrated(name, parts, gauge, offsets)


def _crossed(candidates: list[Candidate], values: np.ndarray, training: np.ndarray, shape: Shape) -> np.ndarray:
    """Returns forecasts of the training windows [N, H], each by a fit to those whose rows ahead it does not share."""
    if len(training) < 4 * BLOCKS:
        return _median(candidates, training)(values, training)
    parts = []
    for block in np.array_split(training, BLOCKS):
        rest = training[(training <= block[0] - shape.horizon) | (training >= block[-1] + shape.horizon)]
        parts.append(_median(candidates, rest if len(rest) >= 4 else training)(values, block))
    return np.concatenate(parts)


def _part_to_json(part: Linear) -> dict[str, Any]:
    form = part.form
    return {
        "name": part.name,
        "about": part.about,
        "seasons": list(form.seasons),
        "relative": form.relative,
        "scaled": form.scaled,
        "beside": form.beside,
        "window": _to_json(form.gauge),
    }


def _part(
    facts: Any, array: Callable[[str, tuple[int, ...]], np.ndarray], name: str, shape: Shape, rows: int
) -> Linear:
    words = [facts["name"], facts["about"], facts["relative"]]
    good = all(isinstance(word, str) for word in words) and facts["relative"] in dict(RELATIVE)
    if not good or not all(isinstance(facts[key], bool) for key in ("scaled", "beside")):
        raise ValueError(f"{name} is damaged")
    seasons = tuple(whole(season, "a season", 1, rows) for season in facts["seasons"])
    if len(seasons) > MOST_METHODS:
        raise ValueError(f"{name} has {len(seasons)} seasons")
    window = _from_json(facts["window"], shape.target, rows)
    form = Form(window, seasons, facts["relative"], facts["scaled"], facts["beside"])
    count = form.count(shape)
    scaler = Scaler(array(f"{name}.mean", (count,)), array(f"{name}.scale", (count,)))
    if not (scaler.scale > 0).all():
        raise ValueError(f"a scale of {name} is not positive")
    weight, bias = array(f"{name}.weight", (shape.horizon, count)), array(f"{name}.bias", (shape.horizon,))
    return Linear(facts["name"], facts["about"], shape, form, scaler, weight, bias)


def _to_json(gauge: Gauge) -> dict[str, Any]:
    """Returns a gauge in JSON, but for its target."""
    return {"context": gauge.context, "power": gauge.power, "least": gauge.least, "floor": gauge.floor}


def _from_json(facts: Any, target: int, rows: int) -> Gauge:
    """Returns the gauge of what ``_to_json`` returned; ``rows`` is the most that it may look back."""
    least, floor = number(facts["least"], "a least value"), number(facts["floor"], "a least scale")
    if "power" not in facts:
        raise ValueError("it is of a time when starting forecasts were others: train it again")
    power = facts["power"]
    known = power in (None, 0) or POWERS[0] <= number(power, "a power") <= POWERS[1]
    if not known or isinstance(power, bool) or (power is not None and least <= 0) or floor <= 0:
        raise ValueError("the scale of a window is damaged")
    return Gauge(whole(facts["context"], "a window", 1, rows), target, power, least, floor)
