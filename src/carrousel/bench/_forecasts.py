"""How good forecasts are: the forecaster beside the simple methods on real series, over rolling origins."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from carrousel._format import number, whole
from carrousel.bench._kept import keep_figures, kept_figures
from carrousel.bench._series import CASES, missing

__all__ = ["BOUNDS", "ENOUGH", "Record", "forecast_records", "read_records"]

SEEDS = 5
LAST = 5  # forecasts begin after so many fifths but one
ENOUGH = 100  # forecast steps from which a coverage is judged
BOUNDS = (0.65, 0.92)  # of the coverage of an interval of 80 %
Record = dict[str, Any]
"""What was measured on one series with one seed."""


def forecast_records(
    names: list[str], seeds: int, path: Path | None, say: Callable[[Record, bool], None], **options: Any
) -> list[Record]:
    """Measures each series with each seed, but for what stands in a file of records, and returns all of them.

    The first model learns from four fifths of a series. It is fitted anew once, half way through the last fifth, and
    forecasts from every row of it.

    Args:
        names: of the series.
        seeds: how many, from 0.
        path: a file that is written after each series, and from which it is gone on; None keeps nothing.
        say: is told each record, and whether it was there before.
        **options: of the forecaster, other than its defaults.

    Raises:
        MissingPackages: a series' package is not installed.
        ValueError: the file holds something else, or records made with other options.
    """
    missing(names)
    records = read_records(path) if path is not None and path.exists() else []
    for record in records:
        if record["options"] != options:
            raise ValueError(f"{path} has records made with {record['options']}, not {options}; give another file")
    done = {(record["series"], record["seed"]): record for record in records}
    for seed in range(seeds):
        for name in names:
            known = done.get((name, seed))
            if known is None:
                known = done[name, seed] = measured(name, seed, options)
                if path is not None:
                    _write(path, done)
                say(known, False)
            else:
                say(known, True)
    return [done[key] for key in sorted(done)]


def _write(path: Path, done: dict[tuple[str, int], Record]) -> None:
    keep_figures(path, "forecasts", {"records": [done[key] for key in sorted(done)]})


def measured(name: str, seed: int, options: dict[str, Any]) -> Record:
    """Measures one series with one seed."""
    from carrousel.estimators import LSTMForecaster

    case = CASES[name]
    series, begun = case.load(), time.perf_counter()
    model = LSTMForecaster(horizon=case.horizon, season=case.season, random_state=seed, **options)
    first = len(series) - len(series) // LAST
    origins = len(series) - case.horizon + 1 - first
    test = model.backtest(series, refit=-(-origins // 2), first=first)
    report = test.report()
    return {
        "series": name,
        "seed": seed,
        "options": options,
        "rows": len(series),
        "origins": report.count,
        "horizon": case.horizon,
        "seconds": round(time.perf_counter() - begun, 1),
        "uncertainty": _rounded(report.uncertainty),
        "best": report.best_simple.method,
        "start": report.notes[0],
        "methods": {
            score.method: {
                "MAE": _rounded(score.metrics["MAE"]),
                "coverage": _rounded(score.metrics["coverage of 80%"]),
                "simple": score.simple,
            }
            for score in report.scores
        },
    }


def read_records(path: Path) -> list[Record]:
    """Reads what was measured.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no such file, or it was changed.
    """
    with kept_figures(path, "forecasts") as facts:
        return [_checked(record) for record in facts["records"]]


def _checked(record: Record) -> Record:
    """Returns a record as a file has it, after checking it."""
    for name in ("seed", "origins", "horizon"):
        whole(record[name], f"its {name}", 0 if name == "seed" else 1)
    if record["uncertainty"] is not None:
        number(record["uncertainty"], "an uncertainty")
    for name, method in record["methods"].items():
        for figure in ("MAE", "coverage"):
            number(method[figure], f"the {figure} of {name}")
    simple = [method["simple"] for method in record["methods"].values()]
    if record["series"] not in CASES or simple.count(False) != 1 or simple.count(True) != len(simple) - 1:
        raise ValueError(f"it has a record of {record['series']!r}, or one without a model, that is none")
    if record["best"] not in record["methods"] or not isinstance(record["options"], dict):
        raise ValueError("the best method of a record is not among its methods, or its options are none")
    return record


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")
