"""Names and labels: text, whole numbers, booleans and values, in the few types that a saved model knows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from carrousel.data._errors import DataError

__all__ = ["first_no_number", "group_names", "native", "plain_labels", "plain_names", "refuse_twice"]


def plain_names(names: Any, what: str) -> np.ndarray:
    """Returns names ``[N]`` as text, or as the numbers that they are.

    Raises:
        DataError: they are nothing of the kind; the message begins with ``what``.
    """
    names = native(np.asarray(names), what)
    if names.ndim != 1 or names.dtype.kind not in "biufU":
        raise DataError(f"{what} must be words or numbers [N]; they are {names.dtype} {list(names.shape)}")
    if names.dtype.kind == "f" and not np.isfinite(names).all():
        raise DataError(f"{what}: number {int(np.isfinite(names).argmin())} is NaN or infinite")
    return names


def group_names(groups: Any, count: int, what: str, name: str) -> np.ndarray | None:
    """Returns the names of groups as text ``[N]``, or None where there are none.

    Args:
        groups: what items have in common, ``[N]``; or None.
        count: how many items there are.
        what: what the items are called, such as ``"images"``.
        name: where the data came from, for messages.

    Raises:
        DataError: they are no names, or not as many as there are items.
    """
    if groups is None:
        return None
    names = plain_names(groups, f"{name}: groups").astype(str)
    if len(names) != count:
        raise DataError(f"{name}: {count} {what} but {len(names)} groups")
    return names


def plain_labels(labels: Any, words: Sequence[str], name: str) -> np.ndarray:
    """Returns labels ``[N]`` or values ``[N, K]`` of as many sequences, as bool, integers, finite float64 or text.

    Raises:
        DataError: they are nothing of the kind; the message names the sequence by ``words``.
    """
    labels = native(np.asarray(labels), f"{name}: labels")
    if labels.ndim not in (1, 2) or labels.shape[1:] == (0,) or labels.dtype.kind not in "biufU":
        raise DataError(
            f"{name}: labels must be words or numbers, [N] or [N, K]; they are {labels.dtype} {list(labels.shape)}"
        )
    if len(labels) != len(words):
        raise DataError(f"{name}: {len(words)} sequences but {len(labels)} labels")
    if labels.dtype.kind == "f":
        with np.errstate(over="ignore"):
            labels = labels.astype(np.float64)
        bad = np.argwhere(~np.isfinite(labels))
        if len(bad):
            value = labels[tuple(bad[0])]
            fault = "is missing or NaN" if np.isnan(value) else "is infinite"
            raise DataError(f"{name}: {words[int(bad[0][0])]}: the label {fault}")
    return labels


def refuse_twice(names: Iterable[str], what: str, where: str) -> None:
    """Refuses a name that occurs twice: it would stand for the first of two columns alone."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DataError(f"{where}: there are two {what} {name!r}")
        seen.add(name)


def first_no_number(words: np.ndarray) -> int | None:
    """Returns the place of the first word that is no number, or None."""
    for k, word in enumerate(words.ravel().tolist()):
        try:
            np.float64(word)
        except (TypeError, ValueError):
            return k
    return None


def native(array: np.ndarray, what: str) -> np.ndarray:
    """Returns an array in this machine's byte order, without bytes or Python's objects: they become text or numbers."""
    kind = array.dtype.kind
    if kind == "O":
        return _of_objects(array, what)
    if kind == "S":
        try:
            return np.char.decode(array, "utf-8")
        except UnicodeDecodeError:
            raise DataError(f"{what} hold bytes that are not UTF-8 text") from None
    array = array.astype(array.dtype.newbyteorder("="))
    if kind == "U" and array.size:
        signs = np.ascontiguousarray(array).view(np.uint32)
        if ((signs > 0x10FFFF) | ((signs >= 0xD800) & (signs < 0xE000))).any():
            raise DataError(f"{what} hold what is no text (code points that Unicode does not have)")
    return array


def _of_objects(array: np.ndarray, what: str) -> np.ndarray:
    kinds = {type(value) for value in array.ravel().tolist()}
    if kinds == {str}:
        return native(array.astype(str), what)
    if kinds and kinds <= {bool, int, float}:
        simple = np.array(array.tolist())
        return simple if simple.dtype.kind != "O" else array.astype(str)  # integers beyond 64 bits are names
    mixed = ", ".join(sorted(kind.__name__ for kind in kinds)) or "nothing"
    raise DataError(f"{what} hold {mixed}; all are words, or all are numbers")
