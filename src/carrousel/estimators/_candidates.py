"""All variants of the simple forecasts, and how well each does on folds of the training data."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import numpy as np

from carrousel.estimators._gauge import POWERS, Gauge, likeliest_power
from carrousel.estimators._linear import Form, Linear, Shape, drift, drift_of_window, naive, ridge, seasonal_drift
from carrousel.estimators._smoothing import (
    LONGEST_SEASON,
    fit_smoothing,
    smoothed,
    there_is_statsmodels,
    usual_smoothings,
)
from carrousel.estimators._theta import fit_theta, theta, theta_sliding, usual_thetas

__all__ = ["RELATIVE", "Candidate", "Extent", "extent_of", "judged", "nearly_best", "of_many"]

FOLDS = 5
FADES = 0.6  # what a fold counts beside the next later one, which learned from more and is nearer to what comes
BEGIN = 0.4  # the share of the windows that the first fold learns from
LEARNED, JUDGED = 800, 200  # windows of a fold, at most
LONGEST_LAGS = 200
GROWS = 1.1  # how many times its least value a series reaches before powers are tried
LARGEST_POWER = 0.9  # what is larger hardly differs from values as they are, and what is below POWERS from logarithms
SEASONS_OF_SMOOTHING, LEAST_SMOOTHING = 3, 24  # the window of exponential smoothing: seasons, and rows without one
SPANS = (2, 3, 5, 8, 12)  # rows over which the drift of one of many series is taken
TRENDS = ((False, False), (True, True), (True, False))  # of exponential smoothing: whether there is one, and damped
RELATIVE = (("none", False), ("mean", False), ("mean", True), ("last", False), ("last", True))

NEARLY = 0.05  # how much larger than the least an error may be, as a share of it, to do as well in any case
UNSURE = 1.5  # standard errors over the folds, within which a larger error is taken for chance
FURTHEST = 0.4  # the largest logarithm of the errors' ratio that is
ALIKE = 0.05  # the largest logarithm of the errors' ratio, on any fold, of variants that say about the same
NOTHING = 1e-6  # of a series' usual size: smaller errors are of rounding

Build = Callable[[np.ndarray], Linear]


@dataclass(frozen=True)
class Extent:
    """How far back the methods look.

    Attributes:
        lags: the windows that ridge regressions are tried with.
        seasons: steps in every season that is plausible, the shortest first.
        smoothing: rows from which exponential smoothing is started; 0 leaves it out.
        reach: rows that must stand before an origin.
        many: whether rows are of many series: then no method has parameters of one.
    """

    lags: tuple[int, ...]
    seasons: tuple[int, ...]
    smoothing: int
    reach: int
    many: bool = False


def extent_of(rows: int, horizon: int, seasons: tuple[int, ...], context: int, given: bool) -> Extent:
    """Returns how far back to look in a series.

    Args:
        rows: of the series.
        horizon: steps ahead.
        seasons: steps in the seasons that it may have, the shortest first.
        context: rows that the network sees.
        given: whether the user has chosen ``context``: then no method looks further back, but for seasons.
    """
    season = seasons[0] if seasons else 1
    if season > 1:
        tried = {16, 2 * season, 3 * season, season + 1, max(2 * season, 2 * horizon)}
    else:
        tried = {8, 16, 2 * horizon}
    tried |= {each for each in seasons[1:] if each <= LONGEST_LAGS}
    lags = (context,) if given else tuple(sorted(n for n in tried if 8 <= n <= min(rows // 3, LONGEST_LAGS)))
    lags = lags or (context,)
    wanted = SEASONS_OF_SMOOTHING * season if 1 < season <= LONGEST_SEASON else LEAST_SMOOTHING
    furthest = max(context, *lags, *seasons, 1)
    smoothing = wanted if wanted <= max(furthest, 0 if given else rows // 2) else 0
    return Extent(lags, seasons, smoothing, max(furthest, smoothing))


def of_many(extent: Extent, context: int) -> Extent:
    """Returns how far to look back in many series that are as long as the one of ``extent`` in the middle."""
    reach = max(context, *extent.lags, *extent.seasons, 1)
    return Extent(extent.lags, extent.seasons, reach, reach, many=True)


@dataclass(frozen=True)
class Candidate:
    """A variant of a simple forecast.

    Attributes:
        name: of the method that it is a variant of.
        build: fits it to the windows at origins.
        quick: the same on folds, where it may go without what takes long.
        ratios: the logarithm of its error as a share of the best naive method's, on each fold.
        exact: whether it has no errors on the folds but those of rounding.
    """

    name: str
    build: Build
    quick: Build
    ratios: tuple[float, ...] = ()
    exact: bool = False

    @property
    def score(self) -> float:
        """The mean over folds of ``ratios``, of which the later ones count more."""
        return float(np.array(self.ratios) @ _counting(len(self.ratios))) if self.ratios else 0.0

    def nearly(self, best: Candidate) -> bool:
        """Tells whether it does as well as the best one, as far as the folds can tell them apart."""
        gaps, counting = np.array(self.ratios) - np.array(best.ratios), _counting(len(self.ratios))
        if len(gaps) == 0:
            return True
        mean, folds = (
            float(gaps @ counting),
            1 / float(counting @ counting),
        )  # as many that count alike would tell as much
        doubt = float(np.sqrt((gaps - mean) ** 2 @ counting / (folds - 1))) if len(gaps) > 1 else 0.0
        return mean <= max(np.log1p(NEARLY), min(UNSURE * doubt, FURTHEST))


def _counting(folds: int) -> np.ndarray:
    """Returns what each of so many folds counts; all together count 1."""
    each = FADES ** np.arange(folds)[::-1]
    return each / each.sum()


def nearly_best(found: list[Candidate], most: int) -> list[Candidate]:
    """Returns the best variants in their order: those that folds do not tell apart, each kind of forecast once.

    What errs alike on every fold is taken for the same forecast, which would count twice.

    Args:
        found: the variants.
        most: how many, at most.
    """
    chosen: list[Candidate] = []
    ranked = sorted(found, key=lambda one: one.score)
    for one in (one for one in ranked if one.nearly(ranked[0])):
        others = (np.abs(np.array(one.ratios) - np.array(other.ratios)) for other in chosen)
        if not one.ratios or all(gap.max() >= ALIKE for gap in others):
            chosen.append(one)
    return chosen[:most]


def judged(
    values: np.ndarray, every: np.ndarray, shape: Shape, extent: Extent, ages: np.ndarray | None = None
) -> list[Candidate]:
    """Returns every variant of every method with its score.

    Each fold learns from the windows up to a point and is judged on the next ones: what suits the end of the series
    alone is not taken for what suits it always.

    Args:
        values: the series, [T, C].
        every: the origins of all windows, ascending.
        shape: what is forecast.
        extent: how far back to look.
        ages: of the windows of many series, the steps from each to the last of its series, [N]: their order in time.
    """
    folds = _folds(every, -every if ages is None else ages, shape.horizon)
    actual = [values[then[:, None] + np.arange(shape.horizon), shape.target] for _, then in folds]
    tiny = NOTHING * float(np.abs(values[:, shape.target]).mean()) + 1e-300

    def errors(build: Build) -> np.ndarray:
        forecasts = (build(learned)(values, then) for learned, then in folds)
        return np.array([np.abs(f - a).mean() for f, a in zip(forecasts, actual, strict=True)]) + tiny

    powers = _powers(values, every, shape, extent)
    found = list(_simplest(values, shape, extent, powers))
    if folds:
        found += _smoothings(values, folds[0][0], every, shape, extent, powers)
        found += _ridges(values, shape, extent, powers)
    elif len(every) >= 4:
        found += _ridges(values, shape, extent, (None,))
    lost = [errors(one.quick) for one in found]
    reference = np.min([e for one, e in zip(found, lost, strict=True) if "naive" in one.name], axis=0)
    return [
        replace(one, ratios=tuple(np.log(e / reference).tolist()), exact=bool((e < 2 * tiny).all())) if folds else one
        for one, e in zip(found, lost, strict=True)
    ]


def _folds(every: np.ndarray, ages: np.ndarray, horizon: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns the windows that each fold learns from, and those after them on which it is judged."""
    order = np.argsort(-ages, kind="stable")
    every, ages = every[order], ages[order]
    edges = np.linspace(BEGIN * len(every), len(every), FOLDS + 1).astype(int)
    folds = []
    for first, last in itertools.pairwise(edges):
        learned, then = every[ages >= ages[min(first, len(every) - 1)] + horizon], every[first:last]
        if len(learned) >= 2 and len(then):
            folds.append((_some(np.sort(learned), LEARNED), _some(np.sort(then), JUDGED)))
    return folds


def _powers(values: np.ndarray, every: np.ndarray, shape: Shape, extent: Extent) -> tuple[float | None, ...]:
    """Returns the powers of the target that are tried: itself, and of a positive one that grows its logarithm and more.

    The likeliest power is that of changes in a season.
    """
    target = values[: every.max() + shape.horizon, shape.target]
    if target.min() <= 0 or target.max() < GROWS * target.min():
        return (None,)
    season = extent.seasons[0] if extent.seasons else 1
    power = round(likeliest_power(target[every], target[every - season]), 2)
    return (None, 0.0, power) if POWERS[0] <= power <= LARGEST_POWER else (None, 0.0)


def _simplest(
    values: np.ndarray, shape: Shape, extent: Extent, powers: tuple[float | None, ...]
) -> Iterator[Candidate]:
    for season in (1, *extent.seasons):
        name = "naive" if season == 1 else f"seasonal naive ({season})"
        build = partial(naive, values, shape=shape, season=season)
        yield Candidate(name, build, build)
    if not extent.many:
        for power in powers:
            whole = partial(drift, values, shape=shape, power=power)
            yield Candidate("drift", whole, whole)
    for power, rows in itertools.product(powers, _spans(extent)):
        recent = partial(drift_of_window, values, shape=shape, rows=rows, power=power)
        yield Candidate("drift", recent, recent)
    for power, season in itertools.product(powers, (m for m in extent.seasons if m < extent.reach)):
        again = partial(seasonal_drift, values, shape=shape, season=season, power=power)
        yield Candidate("seasonal drift", again, again)


def _spans(extent: Extent) -> list[int]:
    """Returns the numbers of rows over which a drift is taken: whole seasons, or a few rows."""
    of_seasons = {k * m + 1 for m in extent.seasons for k in (1, 2, 3)}
    tried = of_seasons or {*SPANS, *extent.lags}
    return sorted(rows for rows in {*tried, extent.reach} if 2 <= rows <= extent.reach)


def _ridges(values: np.ndarray, shape: Shape, extent: Extent, powers: tuple[float | None, ...]) -> Iterator[Candidate]:
    for lags, power, (relative, scaled) in itertools.product(extent.lags, powers, RELATIVE):
        beyond = tuple(m for m in extent.seasons if m > lags)
        form = Form(Gauge(lags, shape.target, power, 0.0, 1.0), beyond, relative, scaled, beside=True)
        build = partial(ridge, values, shape=shape, form=form)
        yield Candidate("ridge on a window", build, build)


def _smoothings(
    values: np.ndarray, early: np.ndarray, every: np.ndarray, shape: Shape, extent: Extent,
    powers: tuple[float | None, ...],
) -> Iterator[Candidate]:  # fmt: skip
    """Yields exponential smoothing and theta in their variants.

    All folds have the parameters of the rows before the first one.
    """
    if not extent.smoothing or not (extent.many or there_is_statsmodels()):
        return
    season = extent.seasons[0] if extent.seasons and extent.seasons[0] <= LONGEST_SEASON else 1
    first = int(early.max())
    kinds = list(_kinds_of_smoothing(season, extent.many, extent.smoothing >= 2 * season))
    for power in powers:
        seen = Gauge.fit(values, every, extent.smoothing, shape.target, power).up(values[:, shape.target])
        found = {fits: _fitted(fits, seen, shape.horizon) for _, _, fits in kinds}
        for name, build, fits in kinds:
            if found[fits](first) is None:
                continue

            def full(origins: np.ndarray, power=power, build=build, of=found[fits]) -> Linear:
                return build(values, origins, shape, extent.smoothing, of(int(origins.max())) or of(first), power)

            def quick(origins: np.ndarray, power=power, build=build, of=found[fits]) -> Linear:
                return build(values, origins, shape, extent.smoothing, of(first), power)

            yield Candidate(name, full, quick)


def _fitted(fits: Callable[..., Any], seen: np.ndarray, horizon: int) -> Callable[[int], Any]:
    """Returns what fits parameters to the rows up to the last one of a window's, each time once."""
    return cache(lambda last: fits(seen[: last + horizon]))


def _kinds_of_smoothing(
    season: int, many: bool, whole: bool
) -> Iterator[tuple[str, Callable[..., Linear], Callable[..., Any]]]:
    """Yields the name of each variant, what makes a forecast of its parameters, and what fits these to a series.

    A season is taken off for theta if the window holds it twice, ``whole``.
    """
    smoothing = "exponential smoothing"
    if many:
        for usual in usual_smoothings(season):
            yield smoothing, smoothed, lambda seen, usual=usual: usual
        if there_is_statsmodels():
            for one in usual_thetas(season if whole else 1):
                yield "theta", theta, lambda seen, one=one: one
        return
    seasons = sorted({1, season})
    for (trend, damped), m in itertools.product(TRENDS, seasons):
        yield smoothing, smoothed, partial(fit_smoothing, season=m, trend=trend, damped=damped)
    for m in seasons if whole else (1,):
        fits = partial(fit_theta, season=m)
        yield "theta", theta, fits
        yield "theta", theta_sliding, fits


def _some(origins: np.ndarray, most: int) -> np.ndarray:
    """Returns at most so many origins, evenly spaced."""
    return origins[np.linspace(0, len(origins) - 1, min(most, len(origins))).astype(int)]
