"""What a cell's equations are given and give back: values by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Gates", "Named", "Parts", "Several", "State"]


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


class Several:
    """A namespace in which some names stand for several values each, a tuple.

    Args:
        values: the namespace with all values under names of their own.
        names: for each such name, the names of its values.
    """

    def __init__(self, values: Any, names: Mapping[str, tuple[str, ...]]) -> None:
        self._values, self._names = values, names

    def __getattr__(self, name: str) -> Any:
        if name in self._names:
            return tuple([getattr(self._values, one) for one in self._names[name]])
        return getattr(self._values, name)
