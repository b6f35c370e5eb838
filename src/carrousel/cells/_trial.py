"""A cell's declaration held against its equations."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import torch

from carrousel.cells import math
from carrousel.cells._values import Gates, Parts, State

if TYPE_CHECKING:
    from carrousel.cells._contract import Cell

__all__ = ["Trial", "check_names", "option_defaults"]


def option_defaults(equations: Callable[..., Any]) -> dict[str, Any]:
    """Returns the keyword-only arguments of a cell's equations, and their defaults."""
    parameters = inspect.signature(equations).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


def check_names(cell: Cell) -> None:
    def fail(problem: str) -> None:
        raise ValueError(f"cell {cell.name!r}: {problem}")

    if not cell.name.isidentifier():
        fail("its name must be one word of letters, digits and underscores")
    for option, default in option_defaults(cell.equations).items():
        if default is inspect.Parameter.empty:
            fail(f"its option {option!r} has no default")
    if not cell.rows:
        fail("it declares no rows; rows='i f g o', for example")
    for name in (*cell.rows, *cell.states):
        if not name.isidentifier() or name.startswith("_"):
            fail(f"{name!r} cannot be a name of a row or a state")
    if len(set(cell.rows + cell.states)) < len(cell.rows + cell.states):
        fail(f"a name stands twice among rows {cell.rows} and states {cell.states}")
    if "h" in cell.rows + cell.states:
        fail("'h' is the output of the step before, it cannot be declared")
    for what, names, among in (
        ("candidate", cell.candidates, cell.rows),
        ("peephole", cell.peepholes, cell.gates),
        ("split row", cell.split, cell.rows),
        ("gated row", cell.gated, cell.rows),
    ):
        for name in names:
            if name not in among:
                fail(f"{what} {name!r} is not among {', '.join(among) or 'its gates, for it has none'}")
    for name in cell.split:
        if name in cell.gated:
            fail(f"row {name!r} cannot be both split and gated: gated, its parts are apart already")
    if cell.several and cell.parted:
        fail(f"row {cell.parted[0]!r} cannot be split or gated where others have one for each dimension")
    for how, names in (("split", cell.split), ("gated", cell.gated)):
        if names and not cell.recurrent:
            fail(f"its rows cannot be {how}, for it has no recurrent part")


class UndeclaredError(ValueError):
    """The equations use a name that their declaration does not have."""


class _Watched:
    """A namespace that records which of its names are used."""

    def __init__(self, cell: Cell, what: str, values: Mapping[str, Any], seen: set[str]) -> None:
        self._cell, self._what, self._values, self._seen = cell, what, values, seen

    def __getattr__(self, name: str) -> Any:
        if name not in self._values:
            has = ", ".join(self._values)
            raise UndeclaredError(
                f"cell {self._cell.name!r}: its equations use {self._what}.{name}, which is not declared; "
                f"{self._what} has {has or 'nothing'}"
            )
        self._seen.add(name)
        return self._values[name]


class Trial:
    """One call of the equations on small tensors, to hold them against their declaration."""

    def __init__(self, cell: Cell) -> None:
        self.seen_rows: set[str] = set()
        self.seen_states: set[str] = set()
        self.seen_ports: set[str] = set()
        self.products = dict.fromkeys(cell.gated, 0)
        value = torch.full((1,), 0.5, dtype=torch.float64)
        z = {row: Parts(value, value) if row in cell.split else value for row in cell.rows}
        z |= {row: Parts(value, self._product_of(row)) for row in cell.gated}
        s = dict.fromkeys(cell.old if cell.several else (*cell.old, "h"), value)
        ports = dict.fromkeys((*cell.peepholes, *cell.candidates, *cell.states), math.identity)
        try:
            with torch.no_grad():
                result = cell(
                    _Watched(cell, "z", z, self.seen_rows),
                    _Watched(cell, "s", s, self.seen_states),
                    _Watched(cell, "p", ports, self.seen_ports),
                )
        except UndeclaredError:
            raise
        except Exception as error:
            raise ValueError(f"cell {cell.spec!r}: its equations fail: {type(error).__name__}: {error}") from error
        self._check(cell, result)

    def _product_of(self, row: str) -> Callable[[Any], Any]:
        def product(value: Any) -> Any:
            self.products[row] += 1
            return math.identity(value)

        return product

    def _check(self, cell: Cell, result: Any) -> None:
        def fail(problem: str) -> None:
            raise ValueError(f"cell {cell.name!r}: {problem}")

        def same(what: str, returned: Iterable[str], declared: Iterable[str]) -> None:
            if set(returned) != set(declared):
                returned, declared = ", ".join(returned) or "nothing", ", ".join(declared) or "nothing"
                fail(f"its equations return {what}({returned}), its declaration says {declared}")

        if not (
            isinstance(result, tuple)
            and len(result) == 3
            and isinstance(result[1], State)
            and isinstance(result[2], Gates)
        ):
            fail("its equations must return (h, State(...), Gates(...))")
        h, state, gates = result
        same("State", vars(state), cell.states)
        same("Gates", vars(gates), cell.rows)
        for what, value in {"h": h, **vars(state), **vars(gates)}.items():
            if not isinstance(value, torch.Tensor) or value.shape != (1,):
                fail(f"its equations return for {what} not a value for each cell but {value!r}")
        for row in cell.rows:
            if row not in self.seen_rows:
                fail(f"its equations never use z.{row}")
        for row, times in self.products.items():
            if times != 1:
                fail(f"its equations ask {times} times for z.{row}.recurrent(...), and once is possible")
        for port in (*cell.peepholes, *cell.candidates):
            if port not in self.seen_ports:
                kind = "peephole p.{0}(s.c)" if port in cell.peepholes else "candidate's port p.{0}(tanh(z.{0}))"
                fail(f"its equations never use the {kind.format(port)}")
