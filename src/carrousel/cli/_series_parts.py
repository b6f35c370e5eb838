"""Options of ``carrousel train forecast``: one series, or many of one table, and what of them is held out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import typer

from carrousel.cli._errors import UsageError
from carrousel.cli._models import told
from carrousel.cli._options import Written, names
from carrousel.cli._parts import HOLDOUT, Parts, refuse_no_share

__all__ = ["SeriesOptions"]


@dataclass(frozen=True, kw_only=True)
class SeriesOptions(Written):
    """Options of one series whose next steps are to be forecast, or of many for one model."""

    source: ClassVar[str] = "airline, lynx, shampoo-sales, or a file"

    target: Annotated[
        str | None,
        typer.Option(help="column to forecast; several, a model of all: a,b  [default: the only column]"),
    ] = None
    horizon: Annotated[int, typer.Option(min=1, show_default=False, help="steps to forecast")]
    season: Annotated[int | None, typer.Option(min=1, help="steps in a season  [default: told by the times]")] = None
    context: Annotated[
        int | None,
        typer.Option(min=1, help="steps that a forecast looks back  [default: chosen from horizon and season]"),
    ] = None
    known: Annotated[str | None, typer.Option(help="columns known in advance: a,b")] = None
    id: Annotated[
        str | None,
        typer.Option(help="column that tells many series apart, for one model of all (tables)  [default: one series]"),
    ] = None
    static: Annotated[
        str | None, typer.Option(help="columns that are the same throughout a series of many: a,b (with --id)")
    ] = None
    embedding: Annotated[
        int | None, typer.Option(min=1, help="numbers to learn of each series of many  [default: none]")
    ] = None
    time: Annotated[
        str | None,
        typer.Option(help="column of times, several such as year,month, or none (tables)  [default: found]"),
    ] = None
    channels: Annotated[str | None, typer.Option(help="columns to use: a,b,c (tables)  [default: all numbers]")] = None
    freq: Annotated[str | None, typer.Option(help="step of time: h, D, MS, 15min, …  [default: told]")] = None
    holdout: Annotated[
        float, typer.Option(help="share at the end kept out of training and used for the report; 0 trains on all")
    ] = HOLDOUT

    @property
    def many(self) -> bool:
        """Whether one model is to learn from many series."""
        return self.id is not None or len(self._targets()) > 1

    def estimator(self, opened: Any) -> type:
        """Returns the forecaster of one series, or of many, whatever was opened."""
        from carrousel.estimators import LSTMForecaster, LSTMPanelForecaster

        return LSTMPanelForecaster if self.many else LSTMForecaster

    def parameters(self) -> dict[str, Any]:
        """Returns the estimator's parameters among them."""
        known, target = tuple(names(self.known) or ()), self._targets()
        values: dict[str, Any] = {"season": self.season, "context": self.context, "known": known or None}
        values["target"] = target if len(target) > 1 else target[0] if target else None
        if self.many:
            values |= {"id": self.id, "static": tuple(names(self.static) or ()) or None, "embedding": self.embedding}
        return {
            "horizon": self.horizon,
            **super().parameters(),
            **{name: value for name, value in values.items() if value is not None},
        }

    def options(self) -> dict[str, Any]:
        """Returns those of the reader."""
        columns = {"time": names(self.time), "channels": self._channels(), "freq": self.freq}
        of_many = {"id": self.id, "static": names(self.static)} if self.id is not None else {}
        return {**super().options(), **columns, **of_many}

    def opened(self, source: str, seed: int) -> Parts:
        """Reads one series or many, and holds the end out."""
        from carrousel.data import Panel, load_panel, load_series

        refuse_no_share(self.holdout)
        self._refuse_mixed()
        notes: list[str] = []
        with told(notes) as tell:
            data: Any
            if not self.many:
                data = load_series(source, **self.to_learn_from())
            elif self.id is not None:
                data = load_panel(source, **self.to_learn_from())
            else:
                data = load_panel(source, target=self._targets(), **self.to_learn_from())
            tell(data)
        self._refuse_columns(source, data)
        return self._cut_all(source, data, notes) if isinstance(data, Panel) else self._cut(source, data, notes)

    def parts(self, opened: Parts, model: Any) -> Parts:
        """Returns the series."""
        return opened

    def _targets(self) -> tuple[str, ...]:
        return tuple(names(self.target) or ())

    def _channels(self) -> list[str] | None:
        """Returns the columns to use: with those that are asked for, the target and what is known."""
        if self.channels is None:
            return None
        return list(dict.fromkeys([*(names(self.channels) or []), *self._targets(), *(names(self.known) or [])]))

    def _cut(self, source: str, series: Any, notes: list[str]) -> Parts:
        """Divides one series."""
        steps = len(series)
        if self.horizon >= steps:
            raise UsageError(f"{source}: --horizon {self.horizon} is longer than the series allows ({steps} steps)")
        last = self._held_out(steps)
        first = steps - last
        if last and first <= self.horizon:
            raise UsageError(
                f"{source}: with --horizon {self.horizon}, {last} of {steps} steps are held out and too few are left; "
                "give a shorter --horizon, or --holdout 0"
            )
        train, test = (replace(series, frame=frame) for frame in (series.frame.iloc[:first], series.frame.iloc[first:]))
        if not last:
            return Parts(train, None, f"{series}; nothing is held out", tuple(notes))
        about = f"{series}; training on the first {first}, reporting on the last {last}"
        return Parts(train, test, about, tuple(notes))

    def _cut_all(self, source: str, panel: Any, notes: list[str]) -> Parts:
        """Divides each series that is long enough; of others all rows are learned from."""
        longest = max(panel.steps)
        if self.horizon >= longest:
            raise UsageError(
                f"{source}: --horizon {self.horizon} is longer than every series allows (the longest has {longest} "
                "steps)"
            )
        if self.holdout == 0:
            return Parts(panel, None, f"{panel}; nothing is held out", tuple(notes))
        train, test = {}, {}
        for key, frame in panel.frames.items():
            first = len(frame) - self._held_out(len(frame))
            long = first > self.horizon
            train[key] = frame.iloc[:first] if long else frame
            if long:
                test[key] = frame.iloc[first:]
        if not test:
            raise UsageError(
                f"{source}: with --horizon {self.horizon} no series is long enough to hold its end out (the longest "
                f"has {longest} steps); give a shorter --horizon, or --holdout 0"
            )
        share = (
            f"the last {self.holdout:.0%} of each" if len(test) == len(panel) else f"the ends of {len(test)} of them"
        )
        parts = replace(panel, frames=train), replace(panel, frames=test)
        return Parts(*parts, f"{panel}; reporting on {share}", tuple(notes))

    def _held_out(self, steps: int) -> int:
        return 0 if self.holdout == 0 else max(round(self.holdout * steps), self.horizon)

    def _refuse_mixed(self) -> None:
        """Refuses options of many series that there are not."""
        if self.id is not None and len(self._targets()) > 1:
            raise UsageError("--id tells series of one target apart, and --target names several: give one target")
        for option, value, wanted in (("static", self.static, self.id is not None),
                                      ("embedding", self.embedding, self.many)):  # fmt: skip
            if value is not None and not wanted:
                raise UsageError(
                    f"--{option} {value}: it is for many series; --id names the column that tells them apart"
                )

    def _refuse_columns(self, source: str, data: Any) -> None:
        """Refuses columns that the series do not have, and several without a target."""
        from carrousel.data._errors import nearest

        known = [("--known", name) for name in names(self.known) or []]
        if len(self._targets()) > 1:  # which are looked for when they are read
            wanted = known
        else:
            wanted = [*(("--target", name) for name in self._targets()), *known]
            if self.target is None and len(data.columns) > 1:
                there = ", ".join(data.columns)
                raise UsageError(f"{source}: say with --target which column to forecast ({there})")
        for option, column in wanted:
            if column not in data.columns:
                there = ", ".join(data.columns)
                near = nearest(column, data.columns)
                raise UsageError(
                    f"{source}: no column {column!r} ({option}){near}; those that hold numbers are {there}"
                )
