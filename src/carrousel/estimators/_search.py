"""A search for good parameters of an estimator, by optuna: a trial is a training, judged on its validation part."""

from __future__ import annotations

import inspect
import logging
import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from carrousel.estimators._report import figure
from carrousel.training._errors import ModelError
from carrousel.training._progress import Progress

__all__ = ["SPACE", "Found", "Search", "space_of"]

VALIDATION = 0.25  # of the training data at least: a trial is judged by it alone
RATIO = 4  # a trial is not given up before this share (one over it) of its epochs is over

SPACE: dict[str, tuple[Any, ...]] = {
    "hidden_size": ("whole", 16, 256),
    "num_layers": ("one of", 1, 2),
    "cell": ("one of", "lstm", "peephole", "coupled", "gru"),
    "learning_rate": ("number", 1e-3, 3e-2),
    "dropout": ("share", 0.0, 0.6),
    "input_noise": ("share", 0.0, 0.8),
    "pooling": ("one of", "mean-max", "mean", "max", "last", "attention"),
}
"""What is searched, by parameter: ``whole`` numbers and a ``number`` on a logarithmic scale, a ``share`` on a plain."""


@dataclass(frozen=True)
class Found:
    """What a search found.

    Attributes:
        best: the parameters of the best trial.
        loss: its validation loss.
        trials: a row for each trial: number, state, loss, epochs, seconds, and its parameters.
        importances: how much of the losses' variance each parameter explains, the largest first; empty for too few
            trials.
    """

    best: dict[str, Any]
    loss: float
    trials: list[dict[str, Any]]
    importances: dict[str, float]


OF_IMAGES: dict[str, tuple[Any, ...]] = {"cell": (), "pooling": ("one of", "mean-max", "mean", "max")}
"""What is searched otherwise over images: their cells have two dimensions, and no place of an image is the last."""


def space_of(estimator: type, fixed: dict[str, Any], *, images: bool = False) -> dict[str, tuple[Any, ...]]:
    """Returns what can be searched for an estimator of sequences or images: its parameters that are not fixed."""
    has = inspect.signature(estimator).parameters
    space = SPACE | (OF_IMAGES if images else {})
    return {name: choices for name, choices in space.items() if choices and name in has and name not in fixed}


@dataclass(frozen=True)
class Search:
    """A search that is kept in a file, and goes on from it.

    Attributes:
        estimator: the class.
        fixed: parameters that are not searched.
        about: what is learned, in words: a search of other words is not gone on with.
        journal: the file; a line for each event.
        seed: of the estimators, whose validation parts are the same then, and of the search.
        images: whether images are learned from.
    """

    estimator: type
    fixed: dict[str, Any]
    about: str
    journal: Path
    seed: int
    images: bool = False

    @property
    def space(self) -> dict[str, tuple[Any, ...]]:
        """What is searched."""
        return space_of(self.estimator, self.fixed, images=self.images)

    def run(
        self,
        data: Any,
        trials: int,
        *,
        timeout: float | None = None,
        jobs: int = 1,
        tell: Callable[[str], None] = lambda _: None,
        each_step: Callable[[], None] = lambda: None,
    ) -> Found:
        """Trains until there are so many trials, or the time is over, and returns what was found.

        The first trial has the estimator's defaults. A trial whose validation loss is above the median of those before
        it, after as many epochs, is given up. Nobody else may use the journal meanwhile.

        Args:
            data: as the estimator's ``fit_on`` takes them.
            trials: how many, with those that the journal has already.
            timeout: seconds after which no epoch is begun.
            jobs: trials that are trained at a time, each in a process of its own.
            tell: called with a line before the first trial, and, if there is one job, with one after each.
            each_step: called after each batch if there is one job; what it raises ends the search.

        Raises:
            ModelError: the journal is of another search, or damaged.
            ValueError: nothing can be searched, there is no validation part, or no trial came to its end in time.
        """
        import optuna

        if not self.space:
            raise ValueError("every parameter that can be searched is fixed")
        begun = time.time()
        study = self._study(make=True)
        running = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,))
        for trial in running:  # whoever ran it was killed
            study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        if not study.get_trials(deepcopy=False):
            defaults = self.estimator().get_params(deep=False)
            study.enqueue_trial({name: defaults[name] for name in self.space})
        ended = [t for t in study.get_trials(deepcopy=False) if t.state.is_finished()]
        left = max(0, trials - sum(t.state != optuna.trial.TrialState.FAIL for t in ended))
        tell(f"{self.about}; {left} trials to go")
        until = math.inf if timeout is None else begun + timeout
        jobs = max(1, min(jobs, left))
        shares = [left // jobs + (k < left % jobs) for k in range(jobs)]
        if jobs == 1:
            self.work(data, shares[0], until, len(ended), tell, each_step)
        else:
            from joblib import Parallel, delayed

            each = delayed(self.work)
            Parallel(n_jobs=jobs)(each(data, share, until, len(ended) + k) for k, share in enumerate(shares))
        return self._found(self._study())

    def work(
        self,
        data: Any,
        trials: int,
        until: float,
        number: int,
        tell: Callable[[str], None] = lambda _: None,
        each_step: Callable[[], None] = lambda: None,
    ) -> None:
        """Runs so many trials in this process.

        Args:
            data: as ``run`` takes them.
            trials: how many.
            until: the time after which no epoch is begun.
            number: by which this process draws other trials than others.
            tell: as ``run`` takes it.
            each_step: as ``run`` takes it.
        """
        import torch

        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            study = self._study(seed=self.seed + 7919 * number)
            for _ in range(trials):
                if time.time() >= until:
                    break
                trial = study.ask()
                tell(self._try(study, trial, data, until, each_step))
        finally:
            torch.set_num_threads(before)

    def _try(self, study: Any, trial: Any, data: Any, until: float, each_step: Callable[[], None]) -> str:
        """Trains once, and returns a line on it."""
        import optuna

        chosen = {name: _suggested(trial, name, how) for name, how in self.space.items()}
        model = self.estimator(**self._judged(), **chosen, random_state=self.seed)
        words = ", ".join(f"{name} {figure(v) if isinstance(v, float) else v}" for name, v in chosen.items())

        def watch(p: Progress) -> None:
            each_step()
            if p.event != "epoch":
                return
            if p.valid_loss is None:
                raise ValueError(
                    "a search judges by a validation part, and there is none: give more data or validation="
                )
            trial.report(p.valid_loss, p.epoch)
            if time.time() >= until or (p.epoch * RATIO >= p.epochs and trial.should_prune()):
                raise optuna.TrialPruned

        try:
            model.fit_on(data, checkpoint=None, resume=False, progress=watch)
        except optuna.TrialPruned:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            return f"trial {trial.number}: given up ({words})"
        except ValueError as error:
            diverged = "diverged" in str(error)
            study.tell(trial, state=optuna.trial.TrialState[("FAIL", "PRUNED")[diverged]])
            if not diverged:
                raise
            return f"trial {trial.number}: diverged ({words})"
        except BaseException:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            raise
        loss = model.history_[model.best_epoch_ - 1]["valid_loss"]
        study.tell(trial, loss)
        return f"trial {trial.number}: validation loss {loss:.4g} ({words})"

    def _judged(self) -> dict[str, Any]:
        """Returns the fixed parameters, and a validation part that is large enough to judge by."""
        usual = self.estimator().get_params(deep=False).get("validation")
        if "validation" in self.fixed or usual is None:
            return self.fixed
        return self.fixed | {"validation": VALIDATION if usual == "auto" else max(usual, VALIDATION)}

    def _study(self, *, make: bool = False, seed: int = 0) -> Any:
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        optuna.logging.set_verbosity(logging.WARNING)
        if make:
            _mend(self.journal)
        about = {"estimator": self.estimator.__name__, "fixed": repr(sorted(self.fixed.items())), "seed": self.seed}
        about |= {"data": self.about, "space": repr(self.space)}
        try:
            storage = JournalStorage(JournalFileBackend(str(self.journal)))
            study = optuna.create_study(
                storage=storage,
                sampler=optuna.samplers.TPESampler(seed=seed % 2**32, constant_liar=True),
                pruner=optuna.pruners.MedianPruner(n_startup_trials=4),
                study_name="carrousel",
                load_if_exists=True,
            )
            known = study.user_attrs
        except (KeyError, ValueError, TypeError, AssertionError, IndexError) as error:
            raise ModelError(f"{self.journal} cannot be read as the journal of a search: {error!r}") from error
        for name, value in about.items():
            if make and name not in known:
                study.set_user_attr(name, value)
            elif known.get(name, value) != value:
                raise ModelError(f"{self.journal} is of a search with {name} {known[name]!r}; it is now {value!r}")
        return study

    def _found(self, study: Any) -> Found:
        import optuna

        rows = []
        words = {"COMPLETE": "complete", "PRUNED": "given up", "FAIL": "broken off"}
        for trial in study.get_trials(deepcopy=False):
            if not trial.state.is_finished():
                continue
            row = {"trial": trial.number, "state": words[trial.state.name], "loss": trial.value}
            took = trial.duration.total_seconds() if trial.duration else 0.0
            rows.append({**row, "epochs": trial.last_step or 0, "seconds": round(took, 2), **trial.params})
        complete = [t for t in study.get_trials(deepcopy=False) if t.state == optuna.trial.TrialState.COMPLETE]
        if not complete:
            raise ValueError("no trial came to its end; give the search more time, or the trainings fewer epochs")
        importances: dict[str, float] = {}
        if len(complete) > 3:
            # Of losses that are all alike nothing can be said.
            with suppress(ValueError, RuntimeError, ZeroDivisionError):
                importances = dict(optuna.importance.get_param_importances(study))
        best = study.best_trial
        return Found(dict(best.params), float(best.value), rows, importances)


def _suggested(trial: Any, name: str, how: tuple[Any, ...]) -> Any:
    kind, *choices = how
    if kind == "one of":
        return trial.suggest_categorical(name, choices)
    low, high = choices
    if kind == "whole":
        return trial.suggest_int(name, low, high, log=True)
    return trial.suggest_float(name, low, high, log=kind == "number")


def _mend(journal: Path) -> None:
    """Takes away what a process that was killed left: half a line, and the lock with which it wrote it."""
    with suppress(FileNotFoundError):
        journal.with_name(f"{journal.name}.lock").unlink()
    if not journal.exists():
        return
    held = journal.read_bytes()
    whole = held.rfind(b"\n") + 1
    if whole < len(held):
        with journal.open("r+b") as file:
            file.truncate(whole)
