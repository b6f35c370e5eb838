"""What a saved forecaster holds beside its parameters and its network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from carrousel._format import fitted, whole
from carrousel.estimators import _saved
from carrousel.estimators._correction import Correction
from carrousel.estimators._features import restore_features, stored_features
from carrousel.estimators._params import choice, integer, training_options
from carrousel.estimators._seasons import levels_of
from carrousel.estimators._series import Regular
from carrousel.estimators._series_gaps import FILLS
from carrousel.estimators._simple_forecasts import SimpleForecasts
from carrousel.estimators._stored_grid import grid_from_json, grid_to_json
from carrousel.estimators._windows import Window

__all__ = ["arrays_of", "facts_of", "restore"]


def facts_of(model: Any) -> dict[str, Any]:
    """Returns what a saved forecaster says of itself beside its parameters."""
    window = model.correction_.window
    return {
        "columns": [int(n) if isinstance(n, (int, np.integer)) else str(n) for n in model.columns_],
        "apart": model.apart_,
        "features": stored_features(model),
        "grid": grid_to_json(model.tail_.grid),
        "calendar": model.calendar_,
        "usual": model._widened.filling.usual.tolist(),
        "masked": list(model._widened.filling.masked),
        "season": model.season_,
        "context": model.context_,
        "seasons": list(model.seasons_),
        "unit": window.unit,
        "share": model.correction_.share,
        "simple": model.simple_.facts(),
        "mase_unit": model.mase_unit_,
        "scaler": {"mean": window.scaler.mean.tolist(), "scale": window.scaler.scale.tolist()},
    }


def arrays_of(model: Any) -> dict[str, np.ndarray]:
    """Returns the arrays that a saved forecaster has beside its network's."""
    tail, gone = model.tail_.values, np.isnan(model.tail_.values)
    return {
        "series.tail": np.where(gone, 0.0, tail),
        **({"series.gone": gone} if model.fill is not None else {}),
        "offsets": model.correction_.offsets,
        "gaps": model._gaps,
        **model.simple_.arrays(),
    }


def restore(model: Any, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Gives a forecaster back what ``facts_of`` and ``arrays_of`` returned, after checking it.

    Raises:
        ValueError: it is damaged, or of a time when forecasters were others.
    """
    if "simple" not in facts:
        raise ValueError("it is of a time when forecasts had no starting forecast: train it again")
    training_options(model)
    columns = _saved.words(facts["columns"], "its columns", (str, int))
    rows = len(arrays["series.tail"])
    model.season_ = whole(facts["season"], "its season", 1, rows)
    model.seasons_ = tuple(whole(season, "a season", 2, rows) for season in facts["seasons"])
    model.context_ = whole(facts["context"], "its context", 1, rows)
    integer(model, "horizon")
    model.levels_ = levels_of(model.quantiles)
    model.tail_ = Regular(arrays["series.tail"], tuple(columns), grid_from_json(facts["grid"]))
    model.apart_ = facts.get("apart") is True
    model._set_columns(model.tail_)
    restore_features(model, facts.get("features"))
    choice(model, "fill", (None, *FILLS))
    model.calendar_ = _saved.truth(facts.get("calendar", False), "calendar")
    model._widened = model._restored_widening(facts)
    shape, levels = model._widened.shape, len(model.levels_)

    def array(name: str, wanted: tuple[int, ...]) -> np.ndarray:
        return _saved.array(arrays, name, wanted)

    model.simple_ = SimpleForecasts.restored(facts["simple"], array, shape, levels, rows)
    tail = array("series.tail", (model._reach, len(columns)))
    if model.fill is not None:
        gone = fitted({"gone": arrays["series.gone"]}, {"gone": (tail.shape, np.bool_)})["gone"]
        tail = np.where(gone, np.nan, tail)
    model.tail_ = replace(model.tail_, values=tail)
    model._gaps = array("gaps", (shape.horizon, levels))
    figures = [facts["unit"], facts["mase_unit"], facts["share"]]
    unit, model.mase_unit_, share = _saved.numbers(figures, 3, "its units").tolist()
    if unit <= 0 or model.mase_unit_ < 0 or not 0 <= share <= 1:
        raise ValueError(f"its units are {unit}, {model.mase_unit_} and {share}")
    gauge = replace(model.simple_.start.gauge, context=model.context_)
    scaler = _saved.scaler(facts["scaler"], shape.columns)
    window = Window(shape, scaler, gauge, unit, model._widened.filling.masks)
    model.correction_ = Correction(window, share, array("offsets", (shape.horizon, levels)))
