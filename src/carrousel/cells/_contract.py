"""What a cell is: the ``cell`` decorator, which makes one of a function of equations and checks it."""

from __future__ import annotations

import importlib
import inspect
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from carrousel.cells._trial import Trial, check_names, option_defaults
from carrousel.cells._values import Gates, Several, State

__all__ = ["Cell", "cell"]


Equations = Callable[..., tuple[Any, State, Gates]]


@dataclass(frozen=True)
class Cell:
    """A member of the family: its equations and what must be known to lay out its weights.

    Made by the decorator :func:`cell`; its fields are that decorator's arguments. Calling a cell evaluates its
    equations on whatever it is given.

    Attributes:
        several: the rows of which there is one for each dimension. Over two dimensions ``f`` among them stands in
            ``rows`` as ``f0`` and ``f1``.
        dimensions: the dimensions over which the cell recurs, 1 over a sequence; see :meth:`using`.
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
    several: tuple[str, ...] = ()
    options: tuple[tuple[str, Any], ...] = ()
    dimensions: int = 1
    reads_output: bool = field(default=False, init=False)
    exits: tuple[str, ...] = field(default=(), init=False)

    def __post_init__(self) -> None:
        check_names(self)
        trial = Trial(self)
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
    def old(self) -> tuple[str, ...]:
        """The names of the old states that the equations are given: over several dimensions one for each of these."""
        return tuple(name for state in self.states for name in _of_each(state, self.dimensions))

    @property
    def spec(self) -> str:
        """The name with its options, ``elman(squash=relu)``: what ``carrousel.cells.get`` takes back."""
        options = (*self.options, *((("dimensions", self.dimensions),) if self.dimensions > 1 else ()))
        if not options:
            return self.name
        shown = ((key, getattr(value, "__name__", value)) for key, value in options)
        return f"{self.name}({', '.join(f'{key}={value}' for key, value in shown)})"

    @property
    def doc(self) -> str:
        """The docstring of the equations."""
        return inspect.getdoc(self.equations) or ""

    def __call__(self, z: Any, s: Any, p: Any) -> tuple[Any, State, Gates]:
        if not self.several:
            return self.equations(z, s, p, **dict(self.options))
        rows = {row: _of_each(row, self.dimensions) for row in self.several}
        states = {state: _of_each(state, self.dimensions) for state in self.states}
        h, state, gates = self.equations(Several(z, rows), Several(s, states), Several(p, rows), **dict(self.options))
        return h, state, self._one_by_one(gates, rows)

    def _one_by_one(self, gates: Any, rows: dict[str, tuple[str, ...]]) -> Gates:
        """Returns the activations with those that are several under names of their own."""
        values: dict[str, Any] = {}
        for name, value in vars(gates).items():
            names = rows.get(name)
            if names is not None and (not isinstance(value, (tuple, list)) or len(value) != len(names)):
                raise ValueError(f"{name} of its Gates should be a tuple, an activation for each dimension")
            values |= {name: value} if names is None else dict(zip(names, value, strict=True))
        return Gates(**values)

    def using(self, *, dimensions: int | None = None, **options: Any) -> Cell:
        """Returns the same cell over so many dimensions, and with other values for its equations' options.

        Args:
            dimensions: over an image there are 2. A cell can recur over several if it has a row for each of them, or no
                states at all. None: as many as before.
            options: values for the keyword-only arguments of the equations.

        Raises:
            ValueError: the cell has no such option, or cannot recur over several dimensions.

        >>> import carrousel
        >>> from carrousel.cells.math import relu
        >>> carrousel.cells["elman"].using(squash=relu).spec
        'elman(squash=relu)'
        >>> carrousel.cells["multidimensional"].using(dimensions=2).rows
        ('i', 'f0', 'f1', 'g', 'o')
        """
        if dimensions is not None:
            return self._over(dimensions).using(**options)
        defaults = option_defaults(self.equations)
        for option in options:
            if option not in defaults:
                has = f"its options are {', '.join(defaults)}" if defaults else "it has none"
                raise ValueError(f"cell {self.name!r} has no option {option!r}: {has}")
        # A default that is spelled out is no other cell.
        chosen = {key: value for key, value in {**dict(self.options), **options}.items() if value != defaults[key]}
        return replace(self, options=tuple(sorted(chosen.items())))

    def _over(self, dimensions: int) -> Cell:
        if not isinstance(dimensions, int) or isinstance(dimensions, bool) or dimensions < 1:
            raise ValueError(f"dimensions of a cell should be a whole number of at least 1, got {dimensions!r}")
        if dimensions > 1 and not self.several:
            wants = "has split or gated rows" if self.parted else "reads its old output" if self.reads_output else ""
            wants = wants or ("" if self.recurrent else "has no recurrent part")
            wants = wants or ("has states and no row for each dimension" if self.states else "")
            if wants:
                raise ValueError(f"cell {self.spec!r} is for sequences, of one dimension: it {wants}")
        before = {name: row for row in self.several for name in _of_each(row, self.dimensions)}

        def over(rows: tuple[str, ...]) -> tuple[str, ...]:
            declared = dict.fromkeys(before.get(row, row) for row in rows)
            return tuple(n for row in declared for n in (_of_each(row, dimensions) if row in self.several else (row,)))

        rows, candidates, peepholes = (over(names) for names in (self.rows, self.candidates, self.peepholes))
        return replace(self, rows=rows, candidates=candidates, peepholes=peepholes, dimensions=dimensions)

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
        return _restore, (module, qualname, self.name, self.options, self.dimensions)


def _look_up(module: str, qualname: str) -> Any:
    value: Any = importlib.import_module(module)
    for name in qualname.split("."):
        value = getattr(value, name)
    return value


def _restore(module: str, qualname: str, name: str, options: tuple[tuple[str, Any], ...], dimensions: int = 1) -> Cell:
    cell = replace(_look_up(module, qualname), name=name, options=options)
    return cell if dimensions == 1 else cell.using(dimensions=dimensions)


def _of_each(name: str, dimensions: int) -> tuple[str, ...]:
    """Returns the names of what there is of each dimension."""
    return (name,) if dimensions == 1 else tuple(f"{name}{k}" for k in range(dimensions))


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

    A cell that can recur over several dimensions, as over an image, has rows of which there is one for each dimension:
    ``"i f* g o"``. Then ``z.f`` and ``p.f`` are tuples, one value and one port for each dimension; so is every old
    state, ``s.c`` those of the neighbours that come before along each; and ``Gates`` is given a tuple. Such equations
    do not see ``s.h``.

    Args:
        rows: the names of gates and candidates, separated by spaces, in the order of the weights' rows; a star after
            those of which there is one for each dimension.
        candidates: those of the rows that are candidates for the carrousel and not gates. The cells of a block
            share gates, never candidates. Each must pass through its port.
        states: the states besides the output ``h``.
        peepholes: the gates that see the carrousel, in the order of the rows of ``weight_peephole``, with the same
            stars.
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
            rows=tuple(row.removesuffix("*") for row in rows.split()),
            candidates=tuple(row.removesuffix("*") for row in candidates.split()),
            states=tuple(states.split()),
            peepholes=tuple(row.removesuffix("*") for row in peepholes.split()),
            several=tuple(row[:-1] for row in rows.split() if row.endswith("*")),
            split=tuple(split.split()),
            gated=tuple(gated.split()),
            recurrent=recurrent,
        )

    return decorate
