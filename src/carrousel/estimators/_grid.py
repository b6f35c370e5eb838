"""The grid of time that a series stands on: where each step lies, and which step a time is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import BaseOffset, Day

from carrousel.estimators._rules import DAY, ByOffset, Fixed, Months, Rule, word_of

__all__ = ["Grid", "clock", "kind_of", "refuse_disorder", "season_of"]

# Steps in a season by the frequency of the index: the next longer natural cycle.
SEASONS = {
    "s": 60, "min": 60, "h": 24, "D": 7, "B": 5, "C": 5, "W": 52, "SME": 24, "SMS": 24, "M": 12, "ME": 12, "MS": 12,
    "BME": 12, "BMS": 12, "CBME": 12, "CBMS": 12, "WOM": 12, "LWOM": 12, "Q": 4, "QE": 4, "QS": 4, "BQE": 4, "BQS": 4,
}  # fmt: skip


@dataclass(frozen=True)
class Grid:
    """Steps of time, numbered from 0 at the anchor.

    Attributes:
        kind: ``"times"``, ``"periods"`` or ``"integers"``.
        rule: how steps follow each other.
        anchor: the tick of step 0.
        unit: of the times: ``"s"``, ``"ms"``, ``"us"`` or ``"ns"``.
        zone: of the times, or None.
        wall: whether the times go by the clock on the wall of the zone.
        frequency: of the periods.
        name: of the index.
    """

    kind: str
    rule: Rule
    anchor: int
    unit: str = "ns"
    zone: Any = None
    wall: bool = False
    frequency: str | None = None
    name: Any = None

    def find(self, index: pd.Index, what: str) -> tuple[np.ndarray, np.ndarray]:
        """Returns the number of the last step at or before each time, int64 [T], and whether it is that step's time.

        Raises:
            ValueError: the times are of another kind or zone, or too far away.
        """
        refuse_missing(index, what)
        ticks = self._ticks_of(index, what)
        try:
            numbers = self.rule.number(ticks, self.anchor, self._fine)
            good = self.rule.ticks(numbers, self.anchor, self._fine) == ticks
        except (ValueError, OverflowError) as error:
            raise ValueError(f"the time index of {what} does not fit: {error}") from None
        if not good.all() and self.wall:  # an hour that daylight saving left out
            odd = np.flatnonzero(~good)
            good[odd] = self._index(numbers[odd]) == index[odd]
        return numbers.astype(np.int64), good

    def numbers(self, index: pd.Index, what: str) -> np.ndarray:
        """Returns the number of each time's step, int64 [T], in whatever order the times stand.

        Raises:
            ValueError: the times are of another kind, zone or frequency, or one is no step of this grid.
        """
        numbers, good = self.find(index, what)
        if not good.all():
            row = int(np.argmin(good))
            raise ValueError(f"the time index of {what} does not fit: row {row} ({index[row]}) is no step of {self}")
        self._refuse_other_frequency(index, numbers, what)
        return numbers

    def elsewhere(self, index: pd.Index, what: str) -> Grid:
        """Returns a grid of the same frequency, numbered from 0 at the first time of an index, in its zone.

        Raises:
            ValueError: the index is of another kind, has a zone where this grid has none, or has none.
        """
        moved = replace(self, zone=getattr(index, "tz", None), name=index.name) if self.zone is not None else self
        first = int(moved._ticks_of(index[:1], what)[0])
        if isinstance(self.rule, Months):
            moved = replace(moved, rule=Months(self.rule.months, int(index.day.max())))  # type: ignore[attr-defined]
        elif isinstance(self.rule, ByOffset):
            moved = replace(moved, rule=ByOffset.begun(self.rule.offset, first, self._fine))
        return replace(moved, anchor=first)

    def fits_elsewhere(self, index: pd.Index, what: str) -> bool:
        """Tells whether times that are no steps of this grid would be after a shift."""
        try:
            shifted = len(index) > 1 and not self.find(index, what)[1].all()
            return shifted and bool(self.elsewhere(index, what).find(index, what)[1].all())
        except (ValueError, OverflowError):
            return False

    def moved(self, steps: int) -> Grid:
        """Returns the grid numbered from 0 at the step that is number ``steps`` here."""
        return replace(self, anchor=int(self.rule.ticks(np.array([steps]), self.anchor, self._fine)[0]))

    def places(self, first: int, count: int) -> pd.Index:
        """Returns the times of ``count`` steps from the one numbered ``first``, with their frequency."""
        index = self._index(first + np.arange(count))
        if isinstance(index, pd.DatetimeIndex) and not isinstance(self.rule, Months):
            try:
                return pd.DatetimeIndex(index, freq=self.offset)
            except ValueError:  # an hour among them is left out by daylight saving, or comes twice
                return index
        return index

    @property
    def offset(self) -> BaseOffset | None:
        """The step as an offset of pandas; None for whole numbers."""
        if self.kind == "integers":
            return None
        if self.kind == "periods":
            base = period_offset(self.frequency)
            return base * (self._step // base.n)
        if isinstance(self.rule, ByOffset):
            return self.rule.offset
        if isinstance(self.rule, Months):
            return pd.DateOffset(months=self.rule.months)
        step = pd.Timedelta(self.rule.step, self._fine)
        whole_days = step % DAY == pd.Timedelta(0) and (self.wall or self.zone is None)
        return Day(step // DAY) if whole_days else to_offset(step)

    @property
    def offset_word(self) -> str:
        """The name of the step; "" for whole numbers."""
        return "" if self.offset is None else word_of(self.offset)

    def __str__(self) -> str:
        if self.kind == "integers":
            return f"the whole numbers every {self._step} from {self.anchor}"
        zone = "" if self.zone is None else f", {self.zone}"
        return f"the grid {self.offset_word!r} through {self._index(np.array([0]))[0]}{zone}"

    @property
    def _step(self) -> int:
        assert isinstance(self.rule, Fixed)
        return self.rule.step

    @property
    def _fine(self) -> str:
        return "ns" if self.unit == "ns" else "us"

    def _index(self, numbers: np.ndarray) -> pd.Index:
        ticks = self.rule.ticks(numbers, self.anchor, self._fine)
        if self.kind == "integers":
            first = int(ticks[0]) if len(ticks) else self.anchor
            return pd.RangeIndex(first, first + len(ticks) * self._step, self._step, name=self.name)
        if self.kind == "periods":
            return pd.PeriodIndex.from_ordinals(ticks, freq=self.frequency, name=self.name)
        index = pd.DatetimeIndex(ticks.astype(f"M8[{self._fine}]"), name=self.name).as_unit(self.unit)
        if self.zone is None:
            return index
        if not self.wall:
            return index.tz_localize("UTC").tz_convert(self.zone)
        # An hour that comes twice is the first one; one that daylight saving leaves out is the next that there is.
        return index.tz_localize(self.zone, nonexistent="shift_forward", ambiguous=np.ones(len(index), dtype=bool))

    def _ticks_of(self, index: pd.Index, what: str) -> np.ndarray:
        kind = kind_of(index, what)
        if kind != self.kind:
            raise ValueError(
                f"the index of {what} holds {kind}, and the model's {self.kind}; an array (.to_numpy()) is taken by "
                "position"
            )
        if kind == "integers":
            return np.asarray(index, dtype=np.int64)
        if isinstance(index, pd.PeriodIndex):
            if index.freq != period_offset(self.frequency):
                raise ValueError(
                    f"the index of {what} holds periods of the frequency {index.freqstr!r}, and the model's are "
                    f"{self.frequency!r}"
                )
            return np.asarray(index.asi8)
        assert isinstance(index, pd.DatetimeIndex)
        if (index.tz is None) != (self.zone is None):
            ours, theirs = ("no zone" if zone is None else f"the zone {zone}" for zone in (self.zone, index.tz))
            raise ValueError(
                f"the times of {what} have {theirs}, and the model's {ours}: tz_localize or tz_convert them"
            )
        return clock(index, self.zone if self.wall else None, self._fine, what)

    def _refuse_other_frequency(self, index: pd.Index, numbers: np.ndarray, what: str) -> None:
        """Refuses times whose own frequency is another, or which all come several steps apart."""
        steps = np.abs(np.diff(numbers))
        several = len(steps) > 1 and int(np.gcd.reduce(steps)) > 1
        if isinstance(index, pd.DatetimeIndex) and index.freq is not None and len(index):
            following = pd.DatetimeIndex([index[-1] + index.freq])
            there, good = self.find(following, what)
            several = several or not good[0] or abs(int(there[0] - numbers[-1])) != 1
        if several:
            own = f" ({word_of(index.freq)})" if getattr(index, "freq", None) is not None else ""
            raise ValueError(
                f"the rows of {what} have another frequency{own} than the model, whose times are {self}: its first row "
                f"is {index[0]}, its last {index[-1]}"
            )


def period_offset(frequency: str | None) -> BaseOffset:
    """Returns the offset between two periods."""
    return pd.PeriodIndex([], freq=frequency).freq


def kind_of(index: pd.Index, what: str) -> str:
    """Returns ``"times"``, ``"periods"`` or ``"integers"``; ValueError for anything else."""
    if isinstance(index, pd.PeriodIndex):
        return "periods"
    if isinstance(index, pd.DatetimeIndex):
        return "times"
    if pd.api.types.is_integer_dtype(index.dtype):
        return "integers"
    raise ValueError(f"the index of {what} holds {index.dtype}; it must be times, periods or integers")


def clock(index: pd.DatetimeIndex, zone: Any, unit: str, what: str) -> np.ndarray:
    """Returns times as ticks, int64: in UTC, or with ``zone`` as the clock on its wall shows them."""
    if index.tz is not None:
        index = index.tz_convert(zone).tz_localize(None)
    try:
        fine = index.as_unit(unit)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"the times of {what} do not fit: {error}") from None
    same = np.asarray(fine == index)
    if not same.all():
        row = int(np.argmin(same))
        raise ValueError(f"the time index of {what} does not fit: row {row} ({index[row]}) is finer than {unit}")
    return np.asarray(fine.asi8)


def refuse_missing(index: pd.Index, what: str) -> None:
    """Refuses rows that have no time."""
    missing = np.asarray(index.isna())
    if missing.any():
        raise ValueError(f"the time index of {what} has no time in row {int(missing.argmax())}")


def refuse_disorder(index: pd.Index, what: str) -> None:
    """Refuses times that do not ascend, or are missing."""
    refuse_missing(index, what)
    timed = isinstance(index, pd.PeriodIndex | pd.DatetimeIndex)
    ticks = np.asarray(index.asi8 if timed else index)
    late = np.flatnonzero(ticks[1:] <= ticks[:-1])
    if not len(late):
        return
    row, repeats = int(late[0]) + 1, np.flatnonzero(ticks[1:] == ticks[:-1])
    if (ticks[1:] < ticks[:-1]).all():
        hint = "sort them by time, oldest first: .sort_index()"
    elif len(repeats):
        row, hint = int(repeats[0]) + 1, "a time comes twice; drop repeats"
    else:
        hint = "sort them by time: .sort_index()"
    raise ValueError(
        f"the time index of {what} is not regular: row {row} ({index[row]}) follows {index[row - 1]}; {hint}"
    )


def season_of(grid: Grid | None) -> int:
    """Returns the steps in a season by the frequency: 24 for hours, 7 for days, 12 for months; 1 if unknown."""
    if grid is None or grid.kind == "integers":
        return 1
    if isinstance(grid.rule, Months):
        return 12 // grid.rule.months if 12 % grid.rule.months == 0 else 1
    offset = grid.offset
    assert offset is not None
    try:
        step = DAY * offset.n if isinstance(offset, Day) else pd.Timedelta(offset)
    except (ValueError, TypeError):
        return SEASONS.get(word_of(offset).split("-")[0], 1)
    for length, steps in ((DAY, 7), (7 * DAY, 52), (pd.Timedelta(1, "min"), 60), (pd.Timedelta(1, "s"), 60)):
        if step == length:
            return steps
    # Several minutes or hours: the steps in a day, if they fill it.
    return int(DAY / step) if step < DAY and DAY % step == pd.Timedelta(0) else 1
