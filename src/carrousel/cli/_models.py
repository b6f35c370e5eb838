"""A saved model, and data as it wants them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carrousel.cli._errors import UsageError
from carrousel.cli._options import Columns

if TYPE_CHECKING:
    import pandas as pd

    from carrousel.data import Sequences, Series


def open_model(path: Path) -> Any:
    """The estimator that ``carrousel train`` saved."""
    from carrousel.estimators import load

    if not path.exists():
        raise UsageError(f"{path}: there is no such model")
    return load(path)


def sequences_for(model: Any, data: str, columns: Columns, split: str | None) -> Sequences:
    """Sequences with the channels that the model knows, in its order."""
    from carrousel.data import DataError, load_sequences, splits

    options = columns.options()
    own = splits(data)
    if split is None:
        split = "test" if "test" in own else "all"
    if options["channels"] is None and Path(data).suffix.lower() in (".csv", ".parquet"):
        options["channels"] = list(model.channel_names_)
    found = load_sequences(data, split=split, **options)
    known = tuple(model.channel_names_)
    if len(found.channels) != len(known):
        raise DataError(f"{data}: it has {len(found.channels)} channels, the model was trained on {len(known)}")
    if found.channels != known and set(found.channels) == set(known):
        order = [found.channels.index(name) for name in known]
        found = replace(found, X=[x[:, order] for x in found.X], channels=known)
    return found


def series_for(data: str, columns: Columns, *, all_channels: bool = False) -> Series:
    """One series with the columns that were asked for, or with all of them."""
    from carrousel.data import load_series

    options = columns.options()
    chosen = None if all_channels else options["channels"]
    return load_series(data, time=columns.time, channels=chosen, max_size=options["max_size"])


def given(model: Any, frame: pd.DataFrame) -> tuple[Any, ...]:
    """What a forecaster takes of a table: its columns in its order, and its target apart if it learned so."""
    columns = list(model.columns_)
    if not set(columns) <= set(frame.columns):
        return (frame,)  # the model says what is lacking
    return (frame[columns[:-1]], frame[columns[-1]]) if model.apart_ else (frame[columns],)


def unseen(model: Any, frame: pd.DataFrame) -> pd.DataFrame:
    """The rows after the last one that the forecaster was trained on, or all rows where it is not among them."""
    last = None if model.tail_.index is None else model.tail_.index[-1]
    if last is None or last not in frame.index:
        return frame
    return frame.iloc[int(frame.index.get_indexer([last])[0]) + 1 :]


def refuse_columns(columns: Columns, split: str | None) -> None:
    """A series has a time and channels, and no parts."""
    for name, value in (("--id", columns.id), ("--label", columns.label), ("--split", split)):
        if value is not None:
            raise UsageError(f"{name}: a forecaster reads one series, which has none")
