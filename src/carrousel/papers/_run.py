"""Runs trials, many at a time, and keeps what is done."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from carrousel.papers._experiment import Experiment, Row, Trial

__all__ = ["reproduce", "summary", "trials_directory"]


def trials_directory() -> Path:
    """Where finished trials are kept: ``carrousel/trials`` in ``$XDG_CACHE_HOME``, by default ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "carrousel" / "trials"


def summary(trials: Sequence[Trial]) -> dict[str, Any]:
    """A row's figures: the share of trials that succeeded, and over these the sequences that it took.

    >>> one = {"success": True, "sequences": 30, "seconds": 0.5}
    >>> summary([one, {"success": False, "sequences": 99, "seconds": 1.0}])["sequences_mean"]
    30.0
    """
    won = [trial["sequences"] for trial in trials if trial["success"]]
    return {
        "trials": len(trials),
        "success_rate": len(won) / len(trials) if trials else None,
        "sequences_mean": sum(won) / len(won) if won else None,
        "sequences_min": min(won, default=None),
        "sequences_max": max(won, default=None),
        "seconds": sum(trial["seconds"] for trial in trials),
    }


def reproduce(
    experiment: Experiment,
    *,
    trials: int = 30,
    rows: Sequence[str] = (),
    seed: int = 0,
    jobs: int = -1,
    backend: str = "loky",
    options: Mapping[str, str] | None = None,
    fresh: bool = False,
    progress: Callable[[Row, Trial | None], None] = lambda row, trial: None,
) -> dict[str, Any]:
    """Runs an experiment's trials and puts the figures beside the published ones.

    Trials that are done are kept in :func:`trials_directory`: a run that was killed goes on where it stopped.

    Args:
        experiment: the experiment.
        trials: how many for each row.
        rows: names of rows; all that can be run if empty.
        seed: of all trials.
        jobs: how many at a time, -1 for one a processor.
        backend: joblib's: ``"loky"``, ``"ray"``, ``"dask"`` ...
        options: the experiment's options.
        fresh: forget the trials that are kept.
        progress: told of every trial as it is done, and first with None for each that was done before.

    Returns:
        ``{"experiment", "seed", "options", "rows": [{"row", "published", "measured"}]}``; quoted rows have no
        measured figures.
    """
    import joblib

    if trials < 1:
        raise ValueError(f"trials must be at least 1, got {trials}")
    chosen = experiment.choose(options or {})
    wanted = [experiment.row(name) for name in rows] or [row for row in experiment.rows if row.config is not None]
    if backend != "loky":
        _register(backend)
    kept = {row.name: _Kept(experiment, row, chosen, seed, trials, fresh) for row in wanted}
    todo = []
    for row in wanted:
        for number in range(trials):
            if number in kept[row.name].done:
                progress(row, None)
            else:
                todo.append((row, number))
    parallel = joblib.Parallel(n_jobs=jobs, backend=backend, return_as="generator_unordered")
    calls = (joblib.delayed(_one)(experiment.trial, row, chosen, seed, number, trials) for row, number in todo)
    for name, number, trial in parallel(calls):
        kept[name].add(number, trial)
        progress(experiment.row(name), trial)
    found = {name: [store.done[number] for number in range(trials)] for name, store in kept.items()}
    return {
        "experiment": experiment.name,
        "seed": seed,
        "options": chosen,
        "rows": [
            {"row": row.name, "published": dict(row.published), "measured": summary(found[row.name])}
            if row.name in found
            else {"row": row.name, "published": dict(row.published)}
            for row in experiment.rows
            if row.name in found or row.config is None
        ],
    }


def _one(
    trial: Callable[..., Trial], row: Row, options: Mapping[str, str], seed: int, number: int, trials: int
) -> tuple[str, int, Trial]:
    return row.name, number, trial(row.config or {}, options, seed, number, trials)


def _register(backend: str) -> None:
    """Makes joblib know the backends of other packages."""
    if backend == "ray":
        from ray.util.joblib import register_ray

        register_ray()
    elif backend == "dask":
        from dask.distributed import Client

        Client()


class _Kept:
    """One row's finished trials: a file with a line for each, added as it is done."""

    def __init__(
        self, experiment: Experiment, row: Row, options: Mapping[str, str], seed: int, trials: int, fresh: bool
    ) -> None:
        what = json.dumps([experiment.name, row.name, dict(row.config or {}), options, seed, trials], sort_keys=True)
        digest = hashlib.sha256(what.encode()).hexdigest()[:16]
        self.path = trials_directory() / f"{experiment.name.replace('/', '-')}-{row.name}-{digest}.jsonl"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if fresh:
            self.path.unlink(missing_ok=True)
        self.done: dict[int, Trial] = {}
        if self.path.exists():
            self.done.update(_lines(self.path.read_text(encoding="utf-8").split("\n")))

    def add(self, number: int, trial: Trial) -> None:
        self.done[number] = trial
        # The line break comes first: a line that a crash cut off spoils no other.
        with open(self.path, "a", encoding="utf-8") as file:
            file.write("\n" + json.dumps({"trial": number, **trial}))


def _lines(lines: Iterable[str]) -> Iterable[tuple[int, Trial]]:
    for line in lines:
        try:
            found = json.loads(line)
        except json.JSONDecodeError:
            continue  # a line break, or a line that was cut off
        yield found.pop("trial"), found
