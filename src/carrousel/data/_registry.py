"""Which reader reads what. A reader is one function in one file of ``carrousel.data.readers``."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeVar, get_args

__all__ = ["ANY", "KINDS", "Kind", "Reader", "by_ending", "by_name", "plain", "reads_file", "reads_name"]

Kind = Literal["sequences", "series", "panel", "tags", "strings", "images", "texts", "pairs", "music"]
"""What a reader makes: ``Sequences``, a ``Series``, a ``Panel``, ``Tagged`` or ``Transcribed`` sequences, ``Images``,
``Texts``, ``Pairs`` or ``Pieces`` of music."""
ANY = "*"
"""What stands for every ending that no other reader of a kind has."""
KINDS: tuple[Kind, ...] = get_args(Kind)
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Reader:
    """A reader.

    Attributes:
        read: the function.
        options: the names of its keyword-only parameters.
        splits: the parts of a data set.
        look: does what can be done with a file of any content, or None.
        seen: the keyword-only parameters of ``look``.
    """

    read: Callable[..., Any]
    options: frozenset[str]
    splits: tuple[str, ...] = ()
    look: Callable[..., None] | None = None
    seen: frozenset[str] = frozenset()


_by_ending: dict[tuple[Kind, str], Reader] = {}
_by_name: dict[tuple[Kind, str], Reader] = {}


def plain(name: str) -> str:
    """Returns a name without case, hyphens and underscores: ``JapaneseVowels`` and ``japanese-vowels`` are one."""
    return name.lower().replace("-", "").replace("_", "").replace(" ", "")


def reads_file(kind: Kind, *endings: str, look: Callable[..., None] | None = None) -> Callable[[F], F]:
    """Makes ``read(file, *, options...)`` the reader of files with these endings (``".csv"``).

    ``look(file, *, options...)`` finds mistakes that are none of the kind's, before it is known.
    """
    seen = frozenset() if look is None else _options(look)

    def register(function: F) -> F:
        for ending in endings:
            _by_ending[kind, ending] = Reader(function, _options(function), look=look, seen=seen)
        return function

    return register


def reads_name(kind: Kind, *names: str, splits: tuple[str, ...] = ()) -> Callable[[F], F]:
    """Makes ``read(name, split, *, options...)`` the reader of these names (a series has no ``split``)."""

    def register(function: F) -> F:
        for name in names:
            _by_name[kind, name] = Reader(function, _options(function), splits)
        return function

    return register


def by_ending(kind: Kind) -> dict[str, Reader]:
    """Returns the readers of files, by the file's ending."""
    _discover()
    return {ending: reader for (k, ending), reader in _by_ending.items() if k == kind}


def by_name(kind: Kind) -> dict[str, Reader]:
    """Returns the readers of named data sets that need no network, by name."""
    _discover()
    return {name: reader for (k, name), reader in _by_name.items() if k == kind}


def _options(function: Callable[..., Any]) -> frozenset[str]:
    parameters = inspect.signature(function).parameters.values()
    return frozenset(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)


@cache
def _discover() -> None:
    from carrousel.data import readers

    for module in pkgutil.iter_modules(readers.__path__):
        importlib.import_module(f"{readers.__name__}.{module.name}")
