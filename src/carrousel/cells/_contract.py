"""What a cell is: the ``cell`` decorator and the three things its equations are given and give back."""

from __future__ import annotations

import importlib
import inspect
import pickle
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from carrousel.cells import math

__all__ = ["Cell", "Gates", "Named", "Parts", "State", "cell", "option_defaults"]


class Named:
    """Values by name, as attributes; torch.compile cannot look into ``types.SimpleNamespace``."""

    def __init__(self, **values: Any) -> None:
        for name, value in values.items():
            setattr(self, name, value)

    def __getattr__(self, name: str) -> Any:
        # Called for missing names only. It is here for mypy, to which an attribute of any name is of any type now.
        raise AttributeError(f"{type(self).__name__} has no {name!r}")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"


class State(Named):
    """The states of a cell by name, ``State(c=c)``.

    The equations are given the old ones, with the cell's last output as ``h``, and return the new ones.
    """


class Gates(Named):
    """The activations of a cell's gates and candidates by name, ``Gates(i=i, f=f, g=g, o=o)``.

    They are what is seen from outside, and what feeds back under gate recurrence.
    """


@dataclass(frozen=True)
class Parts:
    """A pre-activation in two parts, which the equations want apart.

    Attributes:
        input: what comes from the input.
        recurrent: what comes from the output of the step before. Of a row in ``gated=`` it is a function: of a value,
            what comes from that.
    """

    input: Any
    recurrent: Any


Equations = Callable[..., tuple[Any, State, Gates]]


@dataclass(frozen=True)
class Cell:
    """A member of the family: its equations and what must be known to lay out its weights.

    Made by the decorator :func:`cell`; its fields are that decorator's arguments. Calling a cell evaluates its
    equations on whatever it is given.
    """

    name: str
    equations: Equations = field(repr=False)
    rows: tuple[str, ...]
    candidates: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    peepholes: tuple[str, ...] = ()
    split: tuple[str, ...] = ()
    gated: tuple[str, ...] = ()
    recurrent: bool = True
    options: tuple[tuple[str, Any], ...] = ()
    reads_output: bool = field(default=False, init=False)
    exits: tuple[str, ...] = field(default=(), init=False)

    def __post_init__(self) -> None:
        _check_names(self)
        trial = _Trial(self)
        object.__setattr__(self, "reads_output", "h" in trial.seen_states)
        object.__setattr__(self, "exits", tuple(s for s in self.states if s in trial.seen_ports))

    def __hash__(self) -> int:
        # Kernels are looked up by their cell at every call.
        return hash((self.name, self.equations))

    @property
    def gates(self) -> tuple[str, ...]:
        """The rows that are gates: the cells of a block share these."""
        return tuple(row for row in self.rows if row not in self.candidates)

    @property
    def parted(self) -> tuple[str, ...]:
        """The rows whose input and recurrent parts the equations have apart."""
        return tuple(row for row in self.rows if row in self.split or row in self.gated)

    @property
    def spec(self) -> str:
        """The name with its options, ``elman(squash=relu)``: what ``carrousel.cells.get`` takes back."""
        if not self.options:
            return self.name
        shown = ((key, getattr(value, "__name__", value)) for key, value in self.options)
        return f"{self.name}({', '.join(f'{key}={value}' for key, value in shown)})"

    @property
    def doc(self) -> str:
        """The docstring of the equations."""
        return inspect.getdoc(self.equations) or ""

    def __call__(self, z: Any, s: Any, p: Any) -> tuple[Any, State, Gates]:
        return self.equations(z, s, p, **dict(self.options))

    def using(self, **options: Any) -> Cell:
        """Returns the same cell with other values for the keyword-only arguments of its equations.

        >>> import carrousel
        >>> from carrousel.cells.math import relu
        >>> carrousel.cells["elman"].using(squash=relu).spec
        'elman(squash=relu)'
        """
        defaults = option_defaults(self.equations)
        for option in options:
            if option not in defaults:
                has = f"its options are {', '.join(defaults)}" if defaults else "it has none"
                raise ValueError(f"cell {self.name!r} has no option {option!r}: {has}")
        # A default that is spelled out is no other cell.
        chosen = {key: value for key, value in {**dict(self.options), **options}.items() if value != defaults[key]}
        return replace(self, options=tuple(sorted(chosen.items())))

    def __deepcopy__(self, memo: dict[int, Any]) -> Cell:
        return self  # nothing in it changes

    def __reduce__(self) -> tuple[Any, ...]:
        # A pickled function is looked up by its name, and under that name must stand the cell.
        module, qualname = self.equations.__module__, self.equations.__qualname__
        try:
            value = _look_up(module, qualname)
        except (ImportError, AttributeError):
            value = None
        if not isinstance(value, Cell) or value.equations is not self.equations:
            raise pickle.PicklingError(
                f"cell {self.name!r} cannot be pickled: it is not to be found as {module}.{qualname}; "
                "put @carrousel.cell above a function at the top of a module"
            )
        return _restore, (module, qualname, self.name, self.options)


def _look_up(module: str, qualname: str) -> Any:
    value: Any = importlib.import_module(module)
    for name in qualname.split("."):
        value = getattr(value, name)
    return value


def _restore(module: str, qualname: str, name: str, options: tuple[tuple[str, Any], ...]) -> Cell:
    return replace(_look_up(module, qualname), name=name, options=options)


def option_defaults(equations: Equations) -> dict[str, Any]:
    """Returns the keyword-only arguments of a cell's equations, and their defaults."""
    parameters = inspect.signature(equations).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


def cell(
    rows: str,
    *,
    candidates: str = "",
    states: str = "",
    peepholes: str = "",
    split: str = "",
    gated: str = "",
    recurrent: bool = True,
    name: str | None = None,
) -> Callable[[Equations], Cell]:
    """Makes a cell of a function that holds its paper's equations for one time step.

    The function takes ``(z, s, p)`` and returns ``(h, State(...), Gates(...))``. All its values have the shape
    ``[..., hidden_size]``.

    * ``z`` holds the pre-activations, one for each row: ``z.i`` is W_i x + R_i h + b_i. For a row named in
      ``split``, ``z.n.input`` and ``z.n.recurrent`` are the two parts. For a row named in ``gated``,
      ``z.n.recurrent(r * s.h)`` is the recurrent part of what the equations give it, R_n (r h) + d_n.
    * ``s`` holds the old states, ``s.c``, and as ``s.h`` the cell's output of the step before.
    * ``p`` holds the cell's ports, each a function of one value. ``p.i(s.c)`` is what gate ``i`` sees of the
      carrousel through its peepholes (its weights times the state, summed over the cells of the block);
      ``p.g(tanh(z.g))`` is candidate ``g`` as it enters the carrousel (where dropout on candidates acts);
      ``p.c(c)`` is state ``c`` as it leaves the carrousel towards the output (where layer norm acts).

    Keyword-only arguments of the function are options of the cell, see :meth:`Cell.using`.

    Args:
        rows: the names of gates and candidates, separated by spaces, in the order of the weights' rows.
        candidates: those of the rows that are candidates for the carrousel and not gates. The cells of a block
            share gates, never candidates. Each must pass through its port.
        states: the states besides the output ``h``.
        peepholes: the gates that see the carrousel, in the order of the rows of ``weight_peephole``.
        split: the rows whose input and recurrent parts the equations want apart.
        gated: the rows whose recurrent weights are multiplied with a value of the equations, and not with h itself.
            Each such product is asked for once.
        recurrent: False if the pre-activations depend on the input alone.
        name: the cell's name; by default the function's.

    Returns:
        The decorator, which turns the function into a :class:`Cell`.

    Raises:
        ValueError: the function and the declaration disagree; the message says in what.

    >>> import carrousel
    >>> from carrousel.cells.math import sigmoid, tanh
    >>> @carrousel.cell("i f g", candidates="g", states="c")
    ... def leaky(z, s, p):
    ...     i, f, g = sigmoid(z.i), sigmoid(z.f), p.g(tanh(z.g))
    ...     c = f * s.c + i * g
    ...     return tanh(c), carrousel.State(c=c), carrousel.Gates(i=i, f=f, g=g)
    >>> carrousel.LSTM(3, 5, cell=leaky).weight_ih_l0.shape
    torch.Size([15, 3])
    """

    def decorate(equations: Equations) -> Cell:
        return Cell(
            name=name or equations.__name__,
            equations=equations,
            rows=tuple(rows.split()),
            candidates=tuple(candidates.split()),
            states=tuple(states.split()),
            peepholes=tuple(peepholes.split()),
            split=tuple(split.split()),
            gated=tuple(gated.split()),
            recurrent=recurrent,
        )

    return decorate


def _check_names(cell: Cell) -> None:
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
    for how, names in (("split", cell.split), ("gated", cell.gated)):
        if names and not cell.recurrent:
            fail(f"its rows cannot be {how}, for it has no recurrent part")


class _UndeclaredError(ValueError):
    """The equations use a name that their declaration does not have."""


class _Watched:
    """A namespace that records which of its names are used."""

    def __init__(self, cell: Cell, what: str, values: Mapping[str, Any], seen: set[str]) -> None:
        self._cell, self._what, self._values, self._seen = cell, what, values, seen

    def __getattr__(self, name: str) -> Any:
        if name not in self._values:
            has = ", ".join(self._values)
            raise _UndeclaredError(
                f"cell {self._cell.name!r}: its equations use {self._what}.{name}, which is not declared; "
                f"{self._what} has {has or 'nothing'}"
            )
        self._seen.add(name)
        return self._values[name]


class _Trial:
    """One call of the equations on small tensors, to hold them against their declaration."""

    def __init__(self, cell: Cell) -> None:
        self.seen_rows: set[str] = set()
        self.seen_states: set[str] = set()
        self.seen_ports: set[str] = set()
        self.products = dict.fromkeys(cell.gated, 0)
        value = torch.full((1,), 0.5, dtype=torch.float64)
        z = {row: Parts(value, value) if row in cell.split else value for row in cell.rows}
        z |= {row: Parts(value, self._product_of(row)) for row in cell.gated}
        s = dict.fromkeys((*cell.states, "h"), value)
        ports = dict.fromkeys((*cell.peepholes, *cell.candidates, *cell.states), math.identity)
        try:
            with torch.no_grad():
                result = cell(
                    _Watched(cell, "z", z, self.seen_rows),
                    _Watched(cell, "s", s, self.seen_states),
                    _Watched(cell, "p", ports, self.seen_ports),
                )
        except _UndeclaredError:
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
