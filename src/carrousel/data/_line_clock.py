"""The times of a stream's lines: which field says them, how they are written, and what lies between two of them."""

from __future__ import annotations

import numbers
import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from carrousel.data._dates import ISO, TIME_NAMES, fitting, is_date, one_time
from carrousel.data._epoch import EPOCHS, NUMBERS, epoch_of
from carrousel.data._errors import DataError, listed, option
from carrousel.data._languages import LACKING, has_names, letters_in
from carrousel.streams import Step, step_of
from carrousel.streams._records import no_field

__all__ = ["LineClock", "step_named"]

SECOND = 10**6


class LineClock:
    """Tells how many steps were lost before each line of a stream, by its times.

    The field of the times is the one that is called so, or that holds a date, in the first line. How times are written
    is told from line to line; the step of time from the first ten. A line whose time is not after that of the line
    before, as where a clock is set back, is the next step.

    Args:
        column: the field of the times; None finds it.
        date_format: how they are written; None tells it.
        step: the time from line to line; None tells it.
        seasons: lines in each season; None tells them from the step; none are wanted of ``()``.
    """

    def __init__(
        self,
        column: str | None = None,
        date_format: str | None = None,
        step: Step | None = None,
        seasons: tuple[int, ...] | None = None,
    ) -> None:
        self.column, self.step, self.seasons = column, step, seasons
        self.forms: list[str] | None = None if date_format is None else [date_format]
        self.given = {
            "time": column, "date_format": date_format,
            "freq": None if step is None else [step.size, step.unit],
            "seasons": None if seasons is None else list(seasons),
        }  # fmt: skip
        if step is not None and seasons is None:
            self.seasons = step.seasons
        self.settled = step is not None or seasons == ()
        self.early: list[Any] = []
        self.last: Any = None
        self.back = False

    def find(self, record: Mapping[str, Any], taken: Iterable[str]) -> None:
        """Finds the field of the times in the first record, if it has one.

        Raises:
            DataError: the one that was named is not there, or several hold dates.
        """
        if self.column is not None:
            if self.column not in record:
                raise DataError(f"{option('time')}: {no_field(self.column, list(record), 'the first record')}")
            return
        free = {name: value for name, value in record.items() if name not in set(taken)}
        named = [name for name in free if name.strip().lower() in TIME_NAMES and _dated(free[name], numbered=True)]
        dated = named[:1] or [name for name, value in free.items() if _dated(value, numbered=False)]
        if len(dated) > 1:
            raise DataError(
                f"several fields hold dates ({listed(dated)}); {option('time', dated[0])} names that of the times, "
                f"{option('time', 'none')} takes none"
            )
        self.column = dated[0] if dated else None

    def read(self, value: Any) -> list[str]:
        """Returns the formats in which the times so far and this one are written; nothing changes.

        Raises:
            DataError: there is none.
        """
        forms = _forms(value) if self.forms is None else [f for f in self.forms if _time(value, f) is not None]
        if forms:
            return forms
        what = f"{value!r} in field {self.column}"
        if self.forms is None:
            hint = f"{option('date_format')} says how dates are written; {option('time', 'none')} takes none"
            raise DataError(f"{what} is no time\n{LACKING if letters_in(str(value)) and not has_names() else hint}")
        raise DataError(
            f"{what} is no time written as {self.forms[0]}, as those before; leave it empty where it is missing"
        )

    def lost(self, value: Any) -> int:
        """Returns how many steps were lost between the line before and one of this time; then that is the last one."""
        forms = self.read(value)
        before, self.last = self.last, value
        told = before is not None and self.step is not None and self.settled
        if told and len(forms) > 1:  # of several readings the one by which no line is lost
            forms = sorted(forms, key=lambda form: self._between(before, value, form) != 0)
        self.forms = forms
        if not self.settled:
            self.early.append(value)
        self.back |= before is not None and _micro(value, forms[0]) <= _micro(before, forms[0])
        return self._between(before, value, forms[0]) if told else 0

    def skip(self) -> None:
        """Goes on past a line without a time: it is the next step."""
        if not self.settled:
            self.early.append(None)
        self.last = None  # the next line's time is counted from no other

    def settle(self) -> list[int]:
        """Tells step and seasons from the first lines, and returns how many were lost before each of these.

        Raises:
            DataError: their times can be read in two ways, with different steps.
        """
        assert self.forms is not None
        values = self.early
        known = [value for value in values if value is not None]
        if len(known) > 1 and all(
            _micro(later, form) < _micro(earlier, form) for earlier, later in pairwise(known) for form in self.forms
        ):
            raise DataError(
                f"the times in field {self.column} go back from line to line: a stream begins with the oldest\n"
                f"{option('time', 'none')} takes the lines as they stand"
            )
        steps = {form: step_of([_micro(value, form) for value in known]) for form in self.forms}
        even = [form for form, step in steps.items() if step is not None]
        for form in even[1:]:
            if steps[form] != steps[even[0]]:
                raise DataError(
                    f"the times in field {self.column} can be read as {even[0]}, {steps[even[0]].words}, or as "  # type: ignore[union-attr]
                    f"{form}, {steps[form].words}\n{option('date_format', even[0])} or "  # type: ignore[union-attr]
                    f"{option('date_format', form)} says which"
                )
        self.forms = [*even, *(form for form in self.forms if form not in even)]
        self.early, self.settled, self.step = [], True, steps[even[0]] if even else None
        if self.seasons is None:
            self.seasons = () if self.step is None or self.forms == [NUMBERS] else self.step.seasons
        lost, before = [], None
        for value in values:
            told = self.step is not None and before is not None and value is not None
            lost.append(self._between(before, value, self.forms[0]) if told else 0)
            before = value
        return lost

    @property
    def told(self) -> str:
        """What was found, in words."""
        form = self.forms[0] if self.forms else ISO
        written = "" if form == ISO else f", written as {form}"
        where = f"times in field {self.column}{written}"
        if form == NUMBERS and self.step is not None:
            return f"numbers in field {self.column}, each {self.step.size / SECOND:g} after the one before"
        if self.given["seasons"] is not None:
            return f"{where}, {self.step.words}" if self.step is not None else where
        sets = "(--season sets others)"
        if self.step is None:
            return f"{where}, at no equal steps: no season {sets}"
        if not self.seasons:
            return f"{where}, {self.step.words}: no season {sets}"
        many = "seasons" if len(self.seasons) > 1 else "season"
        return f"{where}, {self.step.words}: {many} of {' and '.join(map(str, self.seasons))} lines {sets}"

    @property
    def facts(self) -> dict[str, Any]:
        """What is saved, as JSON can hold it."""
        return {
            "column": self.column, "forms": self.forms, "settled": self.settled, "early": self.early, "last": self.last,
            "step": None if self.step is None else [self.step.size, self.step.unit],
            "seasons": None if self.seasons is None else list(self.seasons), "back": self.back,
        }  # fmt: skip

    def restore(self, facts: Mapping[str, Any]) -> None:
        """Takes what was saved.

        Raises:
            ValueError: it is of no such clock.
        """
        if set(facts) != set(self.facts):
            raise ValueError(f"its times hold {listed(facts)}")
        column, forms, settled, early = (facts[name] for name in ("column", "forms", "settled", "early"))
        if column is not None and type(column) is not str:
            raise ValueError(f"its field of times is {column!r}")
        if forms is not None and not (isinstance(forms, list) and forms and all(type(form) is str for form in forms)):
            raise ValueError(f"its times are written as {forms!r}")
        if type(facts["back"]) is not bool:
            raise ValueError(f"whether its times went back is {facts['back']!r}")
        if type(settled) is not bool or not isinstance(early, list) or (settled and early):
            raise ValueError(f"its first times are {early!r}")
        for value in (*early, facts["last"]):
            if value is not None and (not forms or any(_time(value, form) is None for form in forms)):
                raise ValueError(f"{value!r} is none of its times")
        step, seasons = facts["step"], facts["seasons"]
        if step is not None:
            if not isinstance(step, list) or len(step) != 2 or step[1] not in ("microseconds", "months"):
                raise ValueError(f"its step of time is {step!r}")
            if type(step[0]) is not int or not 0 < step[0] < 2**62:
                raise ValueError(f"its step of time is {step!r}")
        self.column, self.forms, self.settled, self.early, self.last = column, forms, settled, early, facts["last"]
        self.step, self.back = None if step is None else Step(*step), facts["back"]
        self.seasons = None if seasons is None else tuple(seasons)

    def _between(self, before: Any, value: Any, form: str) -> int:
        assert self.step is not None
        return max(0, self.step.between(_micro(before, form), _micro(value, form)) - 1)


def step_named(freq: str, name: str) -> Step:
    """Returns the step of a name of pandas: ``"h"``, ``"15min"``, ``"D"``, ``"MS"``.

    Raises:
        DataError: it is none, or one of no fixed number of hours or months.
    """
    import pandas as pd

    from carrousel.data._regular import offset_of

    offset = offset_of(freq, name)
    months = {"M": 1, "Q": 3, "Y": 12}
    kind = offset.name.split("-")[0]
    if kind in ("MS", "ME", "BMS", "BME", "QS", "QE", "YS", "YE", "BQS", "BQE", "BYS", "BYE"):
        return Step(offset.n * months[kind.removeprefix("B")[0]], "months")
    if kind in ("B", "W"):
        return Step({"B": 1, "W": 7}[kind] * offset.n * 86_400 * SECOND)
    try:
        size = pd.Timedelta(days=offset.n) if kind == "D" else pd.Timedelta(offset)
    except (ValueError, TypeError):
        raise DataError(f"{name}: {option('freq', freq)} is no step of a stream; such are min, h, D, MS") from None
    return Step(int(size / pd.Timedelta(1, "us")))


def _dated(value: Any, numbered: bool) -> bool:
    """Tells whether a field's first value is a time; numbers are some since 1970 alone, where they are looked for."""
    number = _number(value)
    if number is not None:
        return numbered and (epoch_of(np.array([number])) is not None or is_date(str(value)))
    return isinstance(value, str) and is_date(value)


def _forms(value: Any) -> list[str]:
    """Returns the formats of a first time."""
    number = _number(value)
    eight = re.fullmatch(r"(1[789]|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])", str(value).strip())
    if number is not None and not eight:
        return [epoch_of(np.array([number])) or NUMBERS]
    return [form for form in fitting(str(value)) if not (eight and form == ISO)] if value is not None else []


def _time(value: Any, form: str) -> int | None:
    """Returns a time in a format, in microseconds since 1970; of numbers that are no dates, in millionths."""
    if form == NUMBERS or form in EPOCHS:
        number = _number(value)
        per = 1 if form == NUMBERS else EPOCHS[form][1]
        micro = None if number is None else number * SECOND / per
        return round(micro) if micro is not None and abs(micro) < 2**62 else None
    time = one_time(str(value), form)
    return None if time is None else int(np.datetime64(time, "us").astype(np.int64))


def _micro(value: Any, form: str) -> int:
    time = _time(value, form)
    assert time is not None
    return time


def _number(value: Any) -> float | None:
    """Returns a finite number, also one that is written as text; or None."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if np.isfinite(number) else None
