"""``carrousel search``: a command for each estimator, which tries parameters and trains with the best."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from carrousel.cli._options import Json, Knobs, Run, flat
from carrousel.cli._output import note, say, write_table
from carrousel.cli._parts import PartsOptions
from carrousel.cli._place import Place, place
from carrousel.cli._signals import held_back
from carrousel.cli.train import class_for, of_estimator, say_finished, train_into

__all__ = [
    "search_classify",
    "search_forecast",
    "search_regress",
    "search_tag",
    "search_transcribe",
    "searcher",
]


@dataclass(frozen=True)
class Effort:
    """How much is tried."""

    trials: Annotated[int, typer.Option(min=1, max=100_000, help="trainings, with those that --resume finds")] = 30
    timeout: Annotated[
        float | None, typer.Option(min=0.0, help="seconds after which no more is tried  [default: none]")
    ] = None
    jobs: Annotated[int, typer.Option(min=1, max=1024, help="trainings at a time, each on one core")] = 1


def searcher(
    estimator: Callable[[], type], group: type[PartsOptions], about: str, defaults: dict[str, str] | None = None
) -> Callable[..., None]:
    """Makes the command that searches parameters of an estimator; the arguments are those of ``trainer``."""

    def search(data: str, *, options: Any, run: Run, effort: Effort, knobs: Knobs, json: Json = False) -> None:
        with place(run, data, search=True) as where:
            if where.finished:
                say_finished(where, json)
                return
            opened = options.opened(data, run.seed)
            kind = class_for(options, opened, estimator)
            parameters = knobs.parameters(kind, also=options.parameters())
            first = kind(**parameters, random_state=run.seed)
            parts = options.parts(opened, first)
            about = "\n".join([*parts.notes, f"{data}: {parts.about}"])
            found = _search(kind, parameters, parts, where, run, effort, about)
            importances = {name: round(share, 4) for name, share in found.importances.items()}
            if not json:
                _say(found)
            model = kind(**parameters, **found.best, random_state=run.seed)
            counts = {state: sum(row["state"] == state for row in found.trials) for state in ("complete", "given up")}
            told = {"best": found.best, "loss": found.loss, "trials": counts, "importances": importances}
            train_into(model, data, parts, where, run, json, {"search": told})
            _keep(found, where)

    source = typer.Argument(metavar="DATA", show_default=False, help=group.source)
    search.__annotations__ |= {"data": Annotated[str, source], "options": group}
    search.__doc__ = about
    return flat(search, defaults=defaults)


ABOUT = """Search parameters of a {what}, train with the best, and save that model.

    Tried are its size, layers, cell, learning rate, dropout{more}; what an option gives is left as it is. A trial is
    judged by its validation loss, and given up where others had less after as many epochs. The model is then trained
    and reported as `carrousel train` does it; search.csv beside it has every trial.
    """

search_classify = of_estimator(
    searcher,
    "classify",
    ABOUT.format(what="classifier of sequences", more=", noise and pooling"),
)
search_regress = of_estimator(
    searcher,
    "regress",
    ABOUT.format(what="model of one or several values per sequence", more=", noise and pooling"),
)
search_tag = of_estimator(searcher, "tag", ABOUT.format(what="tagger", more=" and noise"))
search_transcribe = of_estimator(searcher, "transcribe", ABOUT.format(what="transcriber", more=" and noise"))
search_forecast = of_estimator(
    searcher,
    "forecast",
    ABOUT.format(what="forecaster of one series, or of many (--id)", more=" and noise"),
)


def _search(
    kind: type, parameters: dict[str, Any], parts: Any, where: Place, run: Run, effort: Effort, about: str
) -> Any:
    from carrousel.data import Images
    from carrousel.estimators._search import Search

    assert where.journal is not None
    if run.force:
        for path in (where.journal, where.checkpoint):
            path.unlink(missing_ok=True)
    before = where.journal.exists()
    search = Search(kind, parameters, about, where.journal, run.seed, isinstance(parts.train, Images))
    try:
        # One that waits for others may be ended at once.
        with held_back(lambda: effort.jobs > 1) as ending:
            return search.run(
                parts.train,
                effort.trials,
                timeout=effort.timeout,
                jobs=effort.jobs,
                tell=note,
                each_step=ending.end_if_wanted,
            )
    except ValueError:
        if not before:
            where.journal.unlink(missing_ok=True)  # nothing was found that could be gone on from
        raise
    except (KeyboardInterrupt, SystemExit, OSError):
        note(f"stopped; the same command with --resume goes on from {where.journal}")
        raise


def _say(found: Any) -> None:
    complete = [row for row in found.trials if row["state"] == "complete"]
    say(f"{len(found.trials)} trials, {len(complete)} to the end; the best has validation loss {found.loss:.4g}:")
    for name, value in found.best.items():
        say(f"  {name} = {value:.4g}" if isinstance(value, float) else f"  {name} = {value}")
    if found.importances:
        shares = ", ".join(f"{name} {100 * share:.0f} %" for name, share in found.importances.items())
        say(f"what mattered: {shares}")
    say("")


def _keep(found: Any, where: Place) -> None:
    """Writes every trial beside the model; the journal has done its work then."""
    import pandas as pd

    assert where.journal is not None
    write_table(pd.DataFrame(found.trials), where.out / "search.csv")
    where.journal.unlink(missing_ok=True)
