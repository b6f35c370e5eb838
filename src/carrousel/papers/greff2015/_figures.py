"""What a random search says: of each variant its best settings, beside the vanilla cell's, and what mattered."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from statistics import fmean, median
from typing import Any

from carrousel.papers._experiment import Trial
from carrousel.papers.greff2015._trial import RATE, REST, UNITS

__all__ = ["BEST", "beside_vanilla", "best", "shares", "summary"]

BEST = 0.2
"""The share of a variant's trials that is compared, those with the lowest validation loss."""

FEWEST = 8  # trials from which on variance is parted


def best(trials: Sequence[Trial]) -> list[float]:
    """Returns the test figures of the best fifth of trials by validation, at least one, the best first."""
    ordered = sorted(trials, key=lambda trial: trial["valid"])
    return [trial["test"] for trial in ordered[: max(1, round(BEST * len(trials)))]]


def summary(trials: Sequence[Trial]) -> dict[str, Any]:
    """Returns a variant's figures, and the test figures of all its trials in their order."""
    found = best(trials)
    first = min(trials, key=lambda trial: trial["valid"])
    return {
        "best": found[0],
        "fifth": fmean(found),
        "median": median(trial["test"] for trial in trials),
        "failed": sum(not trial["success"] for trial in trials),
        "rate": first["rate"],
        "units": first["units"],
        **{f"of_{name}": share for name, share in shares(trials).items()},
        "tests": [trial["test"] for trial in trials],
        "of_best": found,
    }


def shares(trials: Sequence[Trial]) -> dict[str, float | None]:
    """Returns what share of the variance of the test figure each of the settings explains alone, by fANOVA.

    Functional analysis of variance on a random forest (Hutter, Hoos & Leyton-Brown 2014), as optuna has it: with few
    trials a rough answer. Of fewer than eight trials, or of trials that are all alike, there is none.
    """
    names = ["units", "rate", "momentum"] + (["noise"] if any(trial["noise"] for trial in trials) else [])
    values = [trial["test"] for trial in trials]
    if len(trials) < FEWEST or max(values) - min(values) < 1e-9:
        return dict.fromkeys(("units", "rate", "momentum"))
    import optuna
    from optuna.distributions import FloatDistribution

    within = {
        "units": FloatDistribution(UNITS[0] - 0.5, UNITS[1] + 0.5, log=True),
        "rate": FloatDistribution(*RATE, log=True),
        "momentum": FloatDistribution(*REST, log=True),
        "noise": FloatDistribution(0.0, 1.0),
    }
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.create_study()
        for trial in trials:
            chosen = {name: 1.0 - trial[name] if name == "momentum" else float(trial[name]) for name in names}
            chosen = {name: min(max(value, within[name].low), within[name].high) for name, value in chosen.items()}
            made = optuna.trial.create_trial(
                params=chosen, distributions={name: within[name] for name in names}, value=trial["test"]
            )
            study.add_trial(made)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # optuna calls what it has for years experimental
            evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
            parted = optuna.importance.get_param_importances(study, evaluator=evaluator, params=names, normalize=False)
    finally:
        optuna.logging.set_verbosity(before)
    return {name: float(share) for name, share in parted.items()}


def beside_vanilla(found: Mapping[str, Sequence[Trial]]) -> dict[str, dict[str, Any]]:
    """Returns for each variant by how much the best fifth of its trials is above the vanilla cell's, and Welch's p."""
    from scipy.stats import ttest_ind

    if "vanilla" not in found:
        return {}
    vanilla = best(found["vanilla"])
    said = {}
    for name, trials in found.items():
        own = best(trials)
        p = math.nan
        if name != "vanilla" and min(len(own), len(vanilla)) > 1:
            p = float(ttest_ind(own, vanilla, equal_var=False).pvalue)
        said[name] = {"above": fmean(own) - fmean(vanilla), "p": p if math.isfinite(p) else None}
    return said
