"""A saved model, and data as it reads them."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from carrousel.cli._errors import UsageError
from carrousel.cli._kinds import KINDS_OF, OF_TEXT, check_options, kinds_of
from carrousel.cli._options import AnyColumns

__all__ = ["chosen", "open_model", "opened", "read", "takes", "told"]


def open_model(path: Path, source: str, columns: AnyColumns, **options: Any) -> tuple[Any, Any]:
    """Returns the estimator that ``carrousel train`` saved, and the opened data.

    Before the estimators are imported, which takes seconds, both are looked for, options that are none for such a model
    are refused, and a file is divided into its fields.

    Args:
        path: of the model.
        source: the data.
        columns: how they are read.
        **options: all others that not every model has; those that are None were not given.
    """
    if not path.exists():
        raise UsageError(f"{path}: there is no such model")
    given = {name: value for name, value in columns.options().items() if value is not None}
    kind = kinds_of(path)
    found = opened(source, () if kind is None else KINDS_OF[kind][1])
    if kind is not None:
        check_options(path, kind, found, {**given, **options})
    from carrousel.data import File, look

    if isinstance(found, File) and kind not in OF_TEXT:
        look(found, **given)
    from carrousel.estimators import load

    return load(path), found


def opened(source: str, kinds: tuple[Any, ...] = ()) -> Any:
    """Returns the file of a path, opened and looked at, or the name of a data set; DataError if there is none.

    ``kinds`` are those of data that it may hold; without any it may hold all. ``-`` is standard input, read as text.
    """
    from carrousel.data import DataError, find
    from carrousel.data._file import Piped
    from carrousel.data._registry import KINDS

    if source == "-":
        return Piped.standard_input()
    first: DataError | None = None
    for kind in kinds or KINDS:
        try:
            return find(source, kind)
        except DataError as error:
            first = first or error
    if not kinds and Path(source).is_file():
        return source  # of a kind that another estimator may read
    assert first is not None
    raise first


@contextmanager
def told(notes: list[str]) -> Iterator[Callable[[Any], None]]:
    """Gives a function that adds to the notes how data were read, and adds what is warned of meanwhile."""
    from carrousel.data import DataWarning

    def tell(data: Any) -> None:
        how = getattr(data, "how", ())
        if how:
            notes.append(f"read {data.name}: {'; '.join(how)}")

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DataWarning)
        yield tell
    for warning in caught:
        if not issubclass(warning.category, DataWarning):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        elif not any(str(warning.message).split(": ", 1)[-1] in written for written in notes):
            notes.append(str(warning.message))


def chosen(method: Callable[..., Any], **options: Any) -> dict[str, Any]:
    """Returns the options that are not None, as an estimator's method takes them.

    Raises:
        UsageError: the method has no such parameter.
    """
    used = {name: value for name, value in options.items() if value is not None}
    known = inspect.signature(method).parameters
    anything = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in known.values())
    for name in (name for name in used if name not in known and not anything):
        estimator = type(getattr(method, "__self__", method)).__name__
        raise UsageError(f"--{name.replace('_', '-')}: {estimator} takes no such option")
    return used


def takes(method: Callable[..., Any], option: str) -> bool:
    """Tells whether an estimator's method has an option of this name."""
    return option in inspect.signature(method).parameters


def read(model: Any, source: Any, columns: AnyColumns, split: str | None, notes: list[str]) -> Any:
    """Returns the data as the model reads them, and adds to the notes how.

    Missing values are left to the model, which fills them as it did in training; with ``--fill interpolate`` and
    ``last`` they are filled while they are read.
    """
    options = columns.options()
    if columns.fill in (None, "mask"):
        gaps = model.get_params().get("fill") is not None
        if columns.fill is not None and not gaps:
            raise UsageError(
                f"--fill {columns.fill}: the model was trained without missing values; --fill interpolate or last "
                "fills them while reading"
            )
        options["fill"] = "mask" if gaps else None
    with told(notes) as tell:
        data = model.read(source, **chosen(model.read, split=split, **options))
        tell(data)
    return data
