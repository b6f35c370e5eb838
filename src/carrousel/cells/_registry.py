"""The family by name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from carrousel.cells import math
from carrousel.cells._contract import Cell
from carrousel.cells._trial import option_defaults

__all__ = ["Registry", "UnknownCellError"]

_CALL = re.compile(r"^\s*(\w+)\s*(?:\((.*)\))?\s*$")


class UnknownCellError(KeyError, ValueError):
    """An error: no cell has that name. It is a mapping's as well as that of a wrong argument."""

    def __str__(self) -> str:
        return str(self.args[0])  # a KeyError would show its message in quotes


class Registry(Mapping[str, Cell]):
    """A mapping from names to cells, in the order in which they were added."""

    def __init__(self) -> None:
        self._cells: dict[str, Cell] = {}

    def __getitem__(self, name: str) -> Cell:
        return self._cells[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._cells)

    def __len__(self) -> int:
        return len(self._cells)

    def register(self, cell: Cell) -> Cell:
        """Adds a cell under its name, so that the name works wherever the cell does; also a decorator.

        Raises:
            ValueError: another cell has that name.
        """
        if self._cells.setdefault(cell.name, cell) != cell:
            raise ValueError(f"there is a cell named {cell.name!r} already")
        return cell

    def resolve(self, cell: str | Cell) -> Cell:
        """Returns the cell that a name, a name with options such as ``"elman(squash=relu)"``, or a cell stands for.

        Raises:
            ValueError: no cell has that name (the message gives the nearest), or no such option.
        """
        if isinstance(cell, Cell):
            return cell
        if not isinstance(cell, str):
            raise TypeError(
                f"a cell is a name or the result of the decorator carrousel.cell, got {type(cell).__name__}"
            )
        match = _CALL.match(cell)
        if match is None:
            raise ValueError(f"cannot read {cell!r} as a cell; 'lstm' or 'elman(squash=relu)', for example")
        name, options = match.groups()
        if name not in self._cells:
            near = difflib.get_close_matches(name, self._cells, n=1, cutoff=0.4)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise UnknownCellError(f"unknown cell {name!r}{hint} (known: {', '.join(self._cells)})")
        member = self._cells[name]
        return member.using(**_read_options(member, options)) if options else member


def _read_options(cell: Cell, text: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for item in text.split(","):
        key, equals, value = (part.strip() for part in item.partition("="))
        if not equals:
            raise ValueError(f"cannot read the option {item.strip()!r} of cell {cell.name!r}: name=value is wanted")
        options[key] = int(value) if key == "dimensions" and value.isdecimal() else _read_value(cell, key, value)
    return options


def _read_value(cell: Cell, key: str, value: str) -> Any:
    if value in math.__all__:
        return getattr(math, value)
    try:
        return float(value)
    except ValueError:
        options = ", ".join(option_defaults(cell.equations)) or "none"
        raise ValueError(
            f"option {key!r} of cell {cell.name!r} (options: {options}) is {value!r}: "
            f"a number or one of {', '.join(math.__all__)} is wanted"
        ) from None
