"""The family: every cell is one function of its paper's equations.

This module is also the registry: it maps names to cells and iterates over the names.

>>> from carrousel import cells
>>> cells["lstm"].rows
('i', 'f', 'g', 'o')
>>> "peephole" in cells
True
"""

from __future__ import annotations

import sys
from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from types import ModuleType

from carrousel.cells import _classic, _grids, _odyssey, _relatives
from carrousel.cells._contract import Cell, cell
from carrousel.cells._registry import Registry
from carrousel.cells._values import Gates, Named, Parts, State

__all__ = ["Cell", "Gates", "Named", "Parts", "State", "cell", "get", "register"]

_family = Registry()
for _module in (_classic, _odyssey, _relatives, _grids):
    for _value in vars(_module).values():
        # A module also holds cells that it imports to build on; those are their own module's.
        if isinstance(_value, Cell) and _value.name not in _family:
            _family.register(_value)

register = _family.register
get = _family.resolve


class _Family(ModuleType):
    """The module itself, with a mapping's manners."""

    def __getitem__(self, name: str) -> Cell:
        return _family.resolve(name)

    def __iter__(self) -> Iterator[str]:
        return iter(_family)

    def __len__(self) -> int:
        return len(_family)

    def __contains__(self, name: object) -> bool:
        return name in _family

    def keys(self) -> KeysView[str]:
        return _family.keys()

    def values(self) -> ValuesView[Cell]:
        return _family.values()

    def items(self) -> ItemsView[str, Cell]:
        return _family.items()


sys.modules[__name__].__class__ = _Family
