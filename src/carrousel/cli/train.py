"""``carrousel train``: a command for each estimator, all by the same steps."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carrousel.cli._options import Json, Knobs, Run, defaults_of, flat
from carrousel.cli._output import emit, note, say
from carrousel.cli._parts import (
    ClassOptions,
    Parts,
    PartsOptions,
    StringOptions,
    TagOptions,
    ValueOptions,
)
from carrousel.cli._place import Place, place
from carrousel.cli._progress import watch
from carrousel.cli._series_parts import SeriesOptions
from carrousel.cli._signals import held_back
from carrousel.cli._text_parts import PairOptions, TextOptions

if TYPE_CHECKING:
    from carrousel.estimators import Progress

__all__ = [
    "class_for",
    "classify",
    "forecast",
    "generate",
    "of_estimator",
    "regress",
    "say_finished",
    "tag",
    "train_into",
    "trainer",
    "transcribe",
    "translate",
]


def trainer(
    estimator: Callable[[], type], group: type[PartsOptions], about: str, defaults: dict[str, str] | None = None
) -> Callable[..., None]:
    """Makes the command that trains an estimator.

    Args:
        estimator: returns its class; called when the command runs, for the import takes seconds.
        group: the options that say what to train on, and whether there may be several sources.
        about: what the help says of the command.
        defaults: what the help says of the estimator's defaults, by parameter.
    """
    several = getattr(group, "several", False)

    def train(data: Any, *, options: Any, run: Run, knobs: Knobs, json: Json = False) -> None:
        first, shown = (data[0], ", ".join(data)) if several else (data, data)
        with place(run, first) as where:
            if where.finished:
                say_finished(where, json)
                return
            opened = options.opened(data, run.seed)
            kind = class_for(options, opened, estimator)
            model = kind(**knobs.parameters(kind, also=options.parameters()), random_state=run.seed)
            train_into(model, shown, options.parts(opened, model), where, run, json)

    source = typer.Argument(metavar="DATA..." if several else "DATA", show_default=False, help=group.source)
    kind_of = list[str] if several else str
    train.__annotations__ |= {"data": Annotated[kind_of, source], "options": group}  # type: ignore[valid-type]
    train.__doc__ = about
    return flat(train, defaults=defaults)


def class_for(options: Any, opened: Any, usual: Callable[[], type]) -> type:
    """Returns the class that learns from opened data by these options: the command's, unless they say another."""
    own: Callable[[Any], type] | None = getattr(options, "estimator", None)
    return usual() if own is None else own(opened)


ESTIMATORS: dict[str, tuple[str, type[PartsOptions]]] = {
    "classify": ("LSTMClassifier", ClassOptions),
    "regress": ("LSTMRegressor", ValueOptions),
    "tag": ("LSTMTagger", TagOptions),
    "transcribe": ("LSTMTranscriber", StringOptions),
    "forecast": ("LSTMForecaster", SeriesOptions),
    "generate": ("LSTMGenerator", TextOptions),
    "translate": ("LSTMTranslator", PairOptions),
}
"""The class of each command, by the module that has it, and the options that say what it learns from."""


OTHERS = {"generate": {"music": ("compose", "LSTMComposer")}}
"""The module and the class that learn from other data of a command, whose defaults its help has too."""


def of_estimator(make: Callable[..., Any], module: str, about: str) -> Any:
    """Makes the command of one of carrousel's estimators, by ``trainer`` or what takes the same."""
    name, group = ESTIMATORS[module]
    path = f"carrousel.estimators.{module}"
    defaults = defaults_of(module, name)
    for what, other in OTHERS.get(module, {}).items():
        for option, value in defaults_of(*other).items():
            defaults[option] += f", of {what} {value}" if defaults[option] != value else ""
    return make(lambda: getattr(import_module(path), name), group, about, defaults)


classify = of_estimator(
    trainer,
    "classify",
    """Train a classifier of sequences.

    It is compared with logistic regressions and the nearest neighbour, on sequences not trained on.
    """,
)
regress = of_estimator(
    trainer,
    "regress",
    """Train a model of one or several values per sequence.

    It is compared with ridge regressions and the nearest neighbour, on sequences not trained on.
    """,
)
tag = of_estimator(
    trainer,
    "tag",
    """Train a tagger, which names the class of every step.

    It is compared with the most frequent class and a logistic regression on a window of steps, on sequences not trained
    on.
    """,
)
transcribe = of_estimator(
    trainer,
    "transcribe",
    """Train a transcriber, which says a string of labels for each sequence, or image of a line.

    It is compared with a frame-wise classifier whose runs are read as a string, on sequences not trained on.
    """,
)
forecast = of_estimator(
    trainer,
    "forecast",
    """Train a forecaster of one series, or of many (--id).

    It is compared with naive, seasonal naive and ridge forecasts, on the end of each series, not trained on.
    """,
)
generate = of_estimator(
    trainer,
    "generate",
    """Train a model of texts, or of music, which goes on from a beginning.

    It is compared with an n-gram model and xz, on texts not trained on, in bits per character. A model of music (.mid,
    .musicxml, .mxl; .abc and .xml with --resolution) is compared with tables of how often keys sound.
    """,
)
translate = of_estimator(
    trainer,
    "translate",
    """Train a model that says one text for another.

    It is compared with rules, on pairs not trained on.
    """,
)


def train_into(
    model: Any, data: str, parts: Parts, where: Place, run: Run, json: bool, also: dict[str, Any] | None = None
) -> None:
    """Trains with checkpoints, saves, reports; ``also`` stands in the JSON object beside that.

    Ctrl-C and SIGTERM end it after the batch that is being learned, or after the report; the second one at once.
    """
    with held_back(lambda: False) as ending:
        if run.force:
            where.checkpoint.unlink(missing_ok=True)
        try:
            with watch("\n".join([*parts.notes, f"{data}: {parts.about}"])) as tell:

                def told(progress: Progress) -> None:
                    tell(progress)
                    ending.end_if_wanted()

                model.fit_on(parts.train, checkpoint=where.checkpoint, resume=run.resume, progress=told)
            report = None if parts.test is None else model.report_on(parts.test)
            ending.end_if_wanted()
            model.save(where.out)
            where.checkpoint.unlink(missing_ok=True)
        except (KeyboardInterrupt, SystemExit, OSError):  # a signal, or a full disk
            if where.checkpoint.exists():
                note(f"stopped; the same command with --resume goes on from {where.checkpoint}")
            raise
    epochs, best = len(model.history_), model.best_epoch_
    weights = sum(p.numel() for p in model.network_.parameters())
    if json:
        emit(
            {
                "model": where.out,
                "data": data,
                "estimator": type(model).__name__,
                "weights": weights,
                "epochs": epochs,
                "best_epoch": best,
                "seconds": round(model.fit_seconds_, 3),
                "report": None if report is None else report.to_dict(),
                **(also or {}),
            }
        )
        return
    say(f"{weights:,} weights trained for {epochs} epochs in {model.fit_seconds_:.1f} s; kept those of epoch {best}")
    if model.improving:
        say(f"validation was still improving in the last epoch: more may do better (--epochs {2 * epochs})")
    if report is not None:
        say(f"\n{report}\n")
    say(f"saved: {where.out}/")


def say_finished(where: Place, json: bool) -> None:
    """Says, after ``--resume`` at the end of a run, that there is nothing left to do."""
    if json:
        emit({"model": where.out, "finished": True})
    else:
        say(f"finished already: {where.out}/")
