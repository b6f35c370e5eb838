"""A saved model, and data as it reads them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from carrousel.cli._errors import UsageError
from carrousel.cli._options import Columns

__all__ = ["chosen", "open_model", "read"]


def open_model(path: Path) -> Any:
    """Returns the estimator that ``carrousel train`` saved."""
    from carrousel.estimators import load

    if not path.exists():
        raise UsageError(f"{path}: there is no such model")
    return load(path)


def chosen(method: Callable[..., Any], **options: Any) -> dict[str, Any]:
    """Returns the options that are not None, as an estimator's method takes them.

    Raises:
        UsageError: the method has no such parameter.
    """
    used = {name: value for name, value in options.items() if value is not None}
    known = inspect.signature(method).parameters
    for name in (name for name in used if name not in known):
        estimator = type(getattr(method, "__self__", method)).__name__
        raise UsageError(f"--{name.replace('_', '-')}: {estimator} takes no such option")
    return used


def read(model: Any, source: str, columns: Columns, split: str | None) -> Any:
    """Returns the data as the model reads them."""
    return model.read(source, **chosen(model.read, split=split, **columns.options()))
