"""How good forecasts are: the forecaster beside the simple methods on real series, over rolling origins."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from carrousel._atomic import write_file
from carrousel.bench._series import CASES, missing

__all__ = ["Record", "forecast_records", "forecast_table", "read_records"]

SEEDS = 5
LAST = 5  # forecasts begin after so many fifths but one
ENOUGH = 100  # forecast steps from which a coverage is judged
BOUNDS = (0.65, 0.92)  # of the coverage of an interval of 80 %
Record = dict[str, Any]
"""What was measured on one series with one seed."""


def forecast_records(
    names: list[str], seeds: int, path: Path, say: Callable[[Record, bool], None], **options: Any
) -> list[Record]:
    """Measures what is not yet in a file of records, one line for a series and seed, and returns all of them.

    The first model learns from four fifths of a series. It is fitted anew once, half way through the last fifth, and
    forecasts from every row of it.

    Args:
        names: of the series.
        seeds: how many, from 0.
        path: the file; after a break the same call goes on.
        say: is told each record, and whether it was there before.
        **options: of the forecaster, other than its defaults.

    Raises:
        MissingPackages: a series' package is not installed.
        ValueError: the file holds something else, or records made with other options.
    """
    missing(names)
    records = read_records(path)
    for record in records:
        if record["options"] != options:
            raise ValueError(f"{path} has records made with {record['options']}, not {options}; give another file")
    done = {(record["series"], record["seed"]): record for record in records}
    for seed in range(seeds):
        for name in names:
            known = done.get((name, seed))
            if known is None:
                known = done[name, seed] = measured(name, seed, options)
                _write(path, done)
                say(known, False)
            else:
                say(known, True)
    return [done[key] for key in sorted(done)]


def _write(path: Path, done: dict[tuple[str, int], Record]) -> None:
    lines = [json.dumps(done[key], ensure_ascii=False) for key in sorted(done)]
    write_file(path, ("\n".join(lines) + "\n").encode())


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
    """Returns the records of a file, none if it is not there.

    Raises:
        ValueError: a line is none.
    """
    records = []
    for number, line in enumerate(path.read_text("utf-8").splitlines() if path.exists() else [], 1):
        try:
            record = json.loads(line)
            good = record["series"] in CASES and isinstance(record["seed"], int) and bool(record["methods"])
        except (ValueError, KeyError, TypeError):
            good = False
        if not good:
            raise ValueError(f"{path}, line {number}: it is no record of `carrousel bench forecasts`")
        records.append(record)
    return records


def forecast_table(records: list[Record]) -> str:
    """Returns the table of all series in Markdown: MAE, coverage of 80 %, and what is wanted."""
    head = ["series", "best simple method", "its MAE", "LSTM", "± seeds", "LSTM / best", "wanted", "80 % holds", "use"]
    lines = [head, ["---", "---", *(["---:"] * 6), "---"]]
    inside = []
    for name, case in CASES.items():
        own = [record for record in records if record["series"] == name]
        if not own:
            continue
        row, coverage = _row(case, own)
        lines.append(row)
        inside.append(coverage)
    if not inside:
        return "Not measured yet: `carrousel bench forecasts` does."
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    seeds = len({record["seed"] for record in records})
    origins = min(record["origins"] for record in records)
    return (
        f"{table}\n\nMAE over every origin of the last fifth ({origins} or more), fitted twice, mean of {seeds} seeds. "
        f"Intervals of 80 % hold {np.mean(inside):.0%} of the values in the mean over series."
    )


def _row(case: Any, own: list[Record]) -> tuple[list[str], float]:
    ours = [next(m for m in record["methods"].values() if not m["simple"]) for record in own]
    simple = {name: m["MAE"] for name, m in own[0]["methods"].items() if m["simple"]}
    best = min(simple, key=lambda name: simple[name])
    errors = np.array([m["MAE"] for m in ours])
    mae, coverage = float(errors.mean()), float(np.mean([m["coverage"] for m in ours]))
    limit = simple[best] if case.wanted is None else case.wanted
    gap = simple[best] - mae if abs(simple[best] - mae) > 1e-9 * mae else 0.0
    wanted = "≤ best" if case.wanted is None or (mae > limit and gap >= 0) else f"≤ {case.wanted:g}"
    missed = "" if case.wanted is None or mae <= limit or gap < 0 else f", not ≤ {case.wanted:g}"
    between = float(errors.std(ddof=1)) if np.ptp(errors) > 1e-9 * mae else 0.0
    known = [record["uncertainty"] for record in own if record["uncertainty"] is not None]
    doubt = float(np.sqrt(np.mean(np.square(known)) + between**2 / len(own))) if len(known) == len(own) else None
    sure = doubt is not None and gap != 0 and abs(gap) > 2 * doubt
    use = ("LSTM" if gap > 0 else best) if sure else f"{best}, which is simpler" if gap <= 0 else f"LSTM or {best}"
    judged = own[0]["origins"] * own[0]["horizon"] >= ENOUGH
    off = judged and not BOUNDS[0] <= coverage <= BOUNDS[1]
    return [
        f"{case.title}, {case.horizon} ahead",
        best,
        f"{simple[best]:.4g}",
        f"{mae:.4g}",
        f"{between:.2g}",
        f"{mae / simple[best]:.3f}",
        wanted + (" ✓" if mae <= limit or gap >= 0 else " ✗") + missed,
        f"{coverage:.0%}" + (" ✗" if off else ""),
        use,
    ], coverage


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")
