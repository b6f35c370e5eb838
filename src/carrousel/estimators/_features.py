"""The names of features, as scikit-learn knows them: those of a DataFrame's columns."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import validate_data

from carrousel.training._errors import ModelError

__all__ = ["check_features", "check_width", "restore_features", "stored_features"]


def check_features(estimator: Any, X: Any, *, reset: bool) -> None:
    """Sets ``feature_names_in_`` (``reset``), or holds X's names against it.

    X may be a list of sequences, which all have the columns of the first. There is a warning where only one of the two
    has names, in scikit-learn's words.

    Raises:
        ValueError: the names are not those of ``fit``.
    """
    several = isinstance(X, (list, tuple)) or (isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1)
    first = X[0] if several and len(X) else X
    validate_data(estimator, first, reset=reset, skip_check_array=True, ensure_2d=False)


def check_width(estimator: Any, width: int, dimensions: int) -> None:
    """Refuses X with another number of columns than that of ``fit``."""
    if width != estimator.n_features_in_:
        hint = f". Reshape your data: rows stand in a 2-D array [T, {estimator.n_features_in_}]" * (dimensions == 1)
        raise ValueError(
            f"X has {width} features, but {type(estimator).__name__} is expecting {estimator.n_features_in_} features "
            f"as input{hint}"
        )


def stored_features(estimator: Any) -> list[str] | None:
    """Returns the names as a saved model keeps them."""
    names = getattr(estimator, "feature_names_in_", None)
    return None if names is None else [str(name) for name in names]


def restore_features(estimator: Any, names: Any) -> None:
    """Sets the names that ``stored_features`` returned; ModelError for others than that can return."""
    if names is None:
        return
    good = isinstance(names, list) and all(isinstance(name, str) for name in names)
    if not good or len(names) != estimator.n_features_in_:
        raise ModelError("its names of features are damaged")
    estimator.feature_names_in_ = np.array(names, dtype=object)
