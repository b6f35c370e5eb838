"""``carrousel train classify | regress | forecast``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carrousel.cli._errors import UsageError
from carrousel.cli._options import Columns, Data, Json, Knobs, MaxSize, Run, defaults_of, flat, names, size
from carrousel.cli._output import emit, note, say
from carrousel.cli._place import Place, place
from carrousel.cli._progress import watch
from carrousel.cli._signals import terminated_gently

if TYPE_CHECKING:
    from carrousel.data import Sequences
    from carrousel.estimators import Report

HOLDOUT = 0.2

Holdout = Annotated[
    float | None,
    typer.Option(
        help="share kept out of training and used for the report; 0 trains on everything  "
        f"[default: {HOLDOUT} of a file; a data set's own test part]",
    ),
]
Test = Annotated[
    str | None, typer.Option("--test", metavar="DATA", help="other data to report on; nothing is held out")
]


@flat(defaults=defaults_of("classify", "LSTMClassifier"))
def classify(
    data: Data,
    *,
    run: Run,
    columns: Columns,
    knobs: Knobs,
    holdout: Holdout = None,
    test: Test = None,
    json: Json = False,
) -> None:
    """Train a classifier of sequences.

    It is compared with a logistic regression on each channel's mean and deviation, on sequences not trained on.
    """
    from carrousel.estimators import LSTMClassifier

    chosen = knobs.parameters(LSTMClassifier)
    with place(run, data) as where:
        if where.finished:
            return _finished(where, json)
        parts = _parts(data, holdout, test, columns, run.seed)
        parts.train.classes()
        model = LSTMClassifier(**chosen, random_state=run.seed)
        _train_sequences(model, parts, lambda part: part.y, where, run, json)


@flat(defaults=defaults_of("regress", "LSTMRegressor"))
def regress(
    data: Data,
    *,
    run: Run,
    columns: Columns,
    knobs: Knobs,
    holdout: Holdout = None,
    test: Test = None,
    json: Json = False,
) -> None:
    """Train a model of one or several values per sequence.

    It is compared with a ridge regression on each channel's mean and deviation, on sequences not trained on.
    """
    from carrousel.estimators import LSTMRegressor

    chosen = knobs.parameters(LSTMRegressor)
    with place(run, data) as where:
        if where.finished:
            return _finished(where, json)
        parts = _parts(data, holdout, test, columns, run.seed)
        model = LSTMRegressor(**chosen, random_state=run.seed)
        _train_sequences(model, parts, lambda part: part.values(), where, run, json)


@flat(defaults=defaults_of("forecast", "LSTMForecaster"))
def forecast(
    data: Annotated[
        str, typer.Argument(metavar="DATA", show_default=False, help="airline, lynx, shampoo-sales, or a file")
    ],
    *,
    target: Annotated[str | None, typer.Option(help="column to forecast  [default: the only column]")] = None,
    horizon: Annotated[int, typer.Option(min=1, show_default=False, help="steps to forecast")],
    season: Annotated[int | None, typer.Option(min=1, help="steps in a season  [default: told by the times]")] = None,
    context: Annotated[
        int | None,
        typer.Option(min=1, help="steps that a forecast looks back  [default: chosen from horizon and season]"),
    ] = None,
    known: Annotated[str | None, typer.Option(help="columns known in advance: a,b")] = None,
    time: Annotated[str | None, typer.Option(help="column of times (tables)  [default: time, date, …]")] = None,
    channels: Annotated[str | None, typer.Option(help="columns to use: a,b,c (tables)  [default: all]")] = None,
    max_size: MaxSize = None,
    run: Run,
    knobs: Knobs,
    holdout: Annotated[
        float, typer.Option(help="share at the end kept out of training and used for the report; 0 trains on all")
    ] = HOLDOUT,
    json: Json = False,
) -> None:
    """Train a forecaster of one series.

    It is compared with naive, seasonal naive and ridge forecasts, on the end of the series, not trained on.
    """
    from carrousel.data import load_series
    from carrousel.estimators import LSTMForecaster

    chosen = knobs.parameters(LSTMForecaster)
    for name, value in (("season", season), ("context", context)):
        if value is not None:
            if name in chosen:
                raise UsageError(f"--set {name}=…: {name} is given twice")
            chosen[name] = value
    with place(run, data) as where:
        if where.finished:
            return _finished(where, json)
        series = load_series(data, time=time, channels=names(channels), max_size=size(max_size))
        if target is None and len(series.columns) > 1:
            raise UsageError(f"{data}: say with --target which column to forecast ({', '.join(series.columns)})")
        target = target or series.columns[0]
        ahead = names(known) or []
        for option, column in [("--target", target), *(("--known", c) for c in ahead)]:
            if column not in series.columns:
                from carrousel.data._errors import nearest

                raise UsageError(
                    f"{data}: no column {column!r} ({option}){nearest(column, series.columns)} "
                    f"(it has {', '.join(series.columns)})"
                )
        if not 0 <= holdout < 1:
            raise UsageError(f"--holdout {holdout}: a share between 0 and 1")
        if horizon >= len(series):
            raise UsageError(f"{data}: --horizon {horizon} is longer than the series allows ({len(series)} steps)")
        kept = 0 if holdout == 0 else max(round(holdout * len(series)), horizon)
        frame = series.frame
        fitted = frame.iloc[: len(frame) - kept]
        if kept and len(fitted) <= horizon:
            raise UsageError(
                f"{data}: with --horizon {horizon}, {kept} of {len(frame)} steps are held out and too few are left; "
                "give a shorter --horizon, or --holdout 0"
            )
        model = LSTMForecaster(target, horizon, known=tuple(ahead), random_state=run.seed, **chosen)
        said = f"training on the first {len(fitted)}, reporting on the last {kept}" if kept else "nothing is held out"
        _run(
            model,
            lambda **keywords: model.fit(fitted, **keywords),
            lambda: model.report(frame.iloc[len(fitted) :]) if kept else None,
            data,
            f"{data}: {series}; {said}",
            where,
            run,
            json,
        )


@dataclass(frozen=True)
class _Parts:
    train: Sequences
    test: Sequences | None
    said: str
    data: str


def _parts(data: str, holdout: float | None, test: str | None, columns: Columns, seed: int) -> _Parts:
    """What to train on, and what to report on."""
    from carrousel.data import hold_out, load_sequences, splits

    options = columns.options()
    if holdout is not None and not 0 <= holdout < 1:
        raise UsageError(f"--holdout {holdout}: a share between 0 and 1")
    if test is not None and holdout:
        raise UsageError("--test gives data to report on, --holdout keeps some out of DATA: give one of them")
    own = splits(data)
    if "test" in own and holdout is None:
        train = load_sequences(data, split="train", **options)
        if test is None:
            rest = load_sequences(data, split="test", **options)
            return _Parts(train, rest, f"its test part has {len(rest)}", data)
    elif own and holdout is not None:
        raise UsageError(f"--holdout: {data} has a test part of its own")
    else:
        train = load_sequences(data, **options)
    if test is not None:
        other = splits(test)
        rest = load_sequences(test, split="test" if "test" in other else "all", **options)
        return _Parts(train, rest, f"reporting on {len(rest)} of {test}", data)
    share = HOLDOUT if holdout is None else holdout
    if share == 0:
        return _Parts(train, None, "nothing is held out", data)
    train, rest = hold_out(train, share, seed=seed)
    return _Parts(train, rest, f"{len(rest)} more are held out for the report", data)


def _train_sequences(
    model: Any, parts: _Parts, targets: Callable[[Sequences], Any], where: Place, run: Run, json: bool
) -> None:
    y = targets(parts.train)
    if parts.test is not None and parts.test.channels != parts.train.channels:
        raise UsageError(f"{parts.test.name}: its channels are not those of {parts.train.name}")
    y_test = None if parts.test is None else targets(parts.test)
    _run(
        model,
        lambda **keywords: model.fit(parts.train.X, y, channel_names=list(parts.train.channels), **keywords),
        lambda: None if parts.test is None else model.report(parts.test.X, y_test),
        parts.data,
        f"{parts.data}: {parts.train}; {parts.said}",
        where,
        run,
        json,
    )


def _run(
    model: Any,
    fit: Callable[..., Any],
    report: Callable[[], Report | None],
    data: str,
    about: str,
    where: Place,
    run: Run,
    json: bool,
) -> None:
    """Train with checkpoints, save, report."""
    with terminated_gently():
        if run.force:
            where.checkpoint.unlink(missing_ok=True)
        try:
            with watch(about) as tell:
                fit(checkpoint=where.checkpoint, resume=run.resume, progress=tell)
            result = report()
            model.save(where.out)
            where.checkpoint.unlink(missing_ok=True)
        except (KeyboardInterrupt, OSError):  # the second for a full disk
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
                "report": None if result is None else result.to_dict(),
            }
        )
        return
    say(f"{weights:,} weights trained for {epochs} epochs in {model.fit_seconds_:.1f} s; kept those of epoch {best}")
    if result is not None:
        say(f"\n{result}\n")
    say(f"saved: {where.out}/")


def _finished(where: Place, json: bool) -> None:
    """``--resume`` after the end of a run: there is nothing left to do."""
    if json:
        emit({"model": where.out, "finished": True})
    else:
        say(f"finished already: {where.out}/")
