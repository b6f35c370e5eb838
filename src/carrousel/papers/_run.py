"""Runs trials, many at a time, and writes each down as it is done."""

from __future__ import annotations

import math
import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import llvmlite.binding
import numpy as np

from carrousel._spread import ready
from carrousel.papers._experiment import Experiment, Row
from carrousel.papers._files import MADE_WITH, Kept
from carrousel.papers._trial import Trial, run_trial

__all__ = ["quick", "reproduce"]


def reproduce(
    experiment: Experiment,
    *,
    trials: int | None = None,
    rows: Sequence[str] = (),
    seed: int = 0,
    jobs: int = -1,
    backend: str = "loky",
    options: Mapping[str, str] | None = None,
    fresh: bool = False,
    progress: Callable[[Row, Trial | None], None] = lambda row, trial: None,
) -> dict[str, Any]:
    """Runs an experiment's trials and returns its figures beside the published ones.

    Finished trials are written to :func:`carrousel.papers.trials_directory`: a run that was killed goes on where it
    stopped. A trial depends on the seed and its number, not on how many there are or run at a time.

    Args:
        experiment: the experiment.
        trials: how many for each row, by default as many as the row or the experiment says.
        rows: names of rows; all that can be run if empty.
        seed: of all trials.
        jobs: how many at a time, -1 for one a processor.
        backend: joblib's: ``"loky"``, ``"ray"``, ``"dask"`` ...
        options: the experiment's options.
        fresh: forget the trials of earlier runs.
        progress: told of every trial as it is done, and first with None for each that was done before.

    Returns:
        ``{"experiment", "seed", "options", "made": {...}, "rows": [{"row", "published", "measured"}]}``; quoted rows
        have no measured figures. ``made`` says with what: versions and the machine, over all runs that it took
        (each trial keeps its own), how many trials at a time, the ``rows`` and the number of ``trials`` that were
        asked for, and ``seconds``, how long trials ran by the clock.

    Raises:
        BlockingIOError: another process is running trials of one of the rows.
    """
    wanted = experiment.chosen_rows(rows)
    if trials is not None and trials < 1:
        raise ValueError(f"trials must be at least 1, got {trials}")
    counts = {row.name: experiment.count(row, trials) for row in wanted}
    chosen = experiment.choose(options or {})
    with ExitStack() as held, ready(backend):
        kept = {row.name: Kept(experiment, row, chosen, seed, fresh, held) for row in wanted}
        todo = []
        for row in wanted:
            for number in range(counts[row.name]):
                if number in kept[row.name].done:
                    progress(row, None)
                else:
                    todo.append((row, number))
        for name, number, trial in _parallel(experiment, todo, chosen, seed, jobs, backend):
            kept[name].add(number, trial)
            progress(experiment.row(name), trial)
    found = {row.name: [kept[row.name].done[k] for k in range(counts[row.name])] for row in wanted}
    every = [trial for trials_of_row in found.values() for trial in trials_of_row]
    clock = _clock([trial["ran"] for trial in every])
    made = {**_joined(every), "jobs": jobs, "rows": [*rows], "trials": trials, "seconds": clock}
    return _result(experiment, seed, chosen, made, found)


def quick(experiment: Experiment, seed: int = 0) -> dict[str, Any]:
    """Runs the experiment in a few seconds, in this process, and writes nothing; returns what :func:`reproduce` does.

    ``"holds"`` says whether ``"claim"`` was found to be true.
    """
    small = experiment.quick
    if small is None:
        raise ValueError(f"{experiment.name} has no quick run")
    chosen = experiment.choose(small.options)
    start = time.perf_counter()
    found = {
        name: [
            experiment.trial(experiment.config(name).changed(**small.config), chosen, seed, number)
            for number in range(small.trials)
        ]
        for name in small.rows
    }
    made = {**_about(), "jobs": 1, "seconds": time.perf_counter() - start}
    result = _result(experiment, seed, chosen, made, found)
    measured = {entry["row"]: entry["measured"] for entry in result["rows"] if "measured" in entry}
    return {**result, "claim": small.claim, "holds": bool(small.holds(measured))}


def _result(
    experiment: Experiment,
    seed: int,
    options: Mapping[str, str],
    made: Mapping[str, Any],
    found: Mapping[str, Sequence[Trial]],
) -> dict[str, Any]:
    rows, beside = [], experiment.beside(found)
    for row in experiment.rows:
        if row.name in found:
            measured = {**experiment.measure(found[row.name]), **beside.get(row.name, {})}
            rows.append({"row": row.name, "published": dict(row.published), "measured": measured})
        elif row.config is None:
            rows.append({"row": row.name, "published": dict(row.published)})
    return {"experiment": experiment.name, "seed": seed, "options": dict(options), "made": dict(made), "rows": rows}


def _about() -> dict[str, str]:
    """Returns versions and the machine by the names of :data:`MADE_WITH`."""
    import numba

    import carrousel

    machine = f"{platform.machine()}, {llvmlite.binding.get_host_cpu_name()}, {os.cpu_count()} processors"
    versions = (carrousel.__version__, platform.python_version(), np.__version__, numba.__version__)
    return dict(zip(MADE_WITH, (*versions, machine), strict=True))


def _joined(trials: Sequence[Trial]) -> dict[str, Any]:
    """Returns what these trials were made with; where they differ, all values."""
    each = [trial["made"] for trial in trials]
    return {key: "; ".join(sorted({made[key] for made in each})) for key in MADE_WITH}


def _parallel(
    experiment: Experiment,
    todo: Sequence[tuple[Row, int]],
    options: Mapping[str, str],
    seed: int,
    jobs: int,
    backend: str,
) -> Iterable[tuple[str, int, Trial]]:
    import joblib

    trial = partial(run_trial, experiment.prepare, experiment.train)
    calls = [joblib.delayed(_one)(trial, row, options, seed, number) for row, number in todo]
    with joblib.parallel_config(backend=backend, n_jobs=jobs):
        if joblib.parallel.get_active_backend()[0].supports_return_generator:
            yield from joblib.Parallel(return_as="generator_unordered")(calls)
            return
        # Some backends tell nothing before all is done: they get as many calls as run at a time.
        several = joblib.effective_n_jobs()
        for start in range(0, len(calls), several):
            yield from joblib.Parallel()(calls[start : start + several])


def _one(
    trial: Callable[..., Trial], row: Row, options: Mapping[str, str], seed: int, number: int
) -> tuple[str, int, Trial]:
    began = time.time()
    found = trial(row.config, options, seed, number)
    return row.name, number, {**found, "ran": [began, time.time()], "made": _about()}


def _clock(spans: Sequence[list[float]]) -> float:
    """Returns how long at least one of these spans of time ran.

    >>> _clock([[5.0, 6.0], [0.0, 2.0], [1.0, 3.0]])
    4.0
    """
    total, until = 0.0, -math.inf
    for begin, end in sorted(spans):
        total += max(0.0, end - max(begin, until))
        until = max(until, end)
    return total
