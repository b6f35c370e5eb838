"""Worlds as the command line names them, and agents' files."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, fields
from typing import Annotated, Any

import typer

from carrousel.cli._errors import UsageError
from carrousel.cli._options import value_of

__all__ = ["Place", "made_world"]

DEFAULT = "t-maze"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where an agent acts."""

    world: Annotated[
        str | None,
        typer.Option(metavar="NAME", help=f"t-maze, maze-89, ..., or one of gymnasium's  [default: {DEFAULT}]"),
    ] = None
    length: Annotated[int | None, typer.Option(min=1, max=10**6, help="length of the world's corridor")] = None
    set: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="any other choice of the world; repeatable")
    ] = None

    def given(self) -> list[str]:
        """Returns the options that were given."""
        return [f"--{each.name}" for each in fields(self) if getattr(self, each.name) is not None]


def made_world(where: Place) -> tuple[str, Any, dict[str, Any]]:
    """Returns a world's name, the world, and the choices that it was made with."""
    from carrousel.data._errors import nearest
    from carrousel.tasks import ENVIRONMENTS

    world = where.world or DEFAULT
    choices: dict[str, Any] = {} if where.length is None else {"length": where.length}
    for word in where.set or []:
        key, equals, text = word.partition("=")
        key = key.strip().replace("-", "_")
        if not equals or not key:
            raise UsageError(f"--set {word}: write NAME=VALUE")
        if key in choices:
            raise UsageError(f"--set {word}: {key} is given twice")
        choices[key] = value_of(text)
    ours = {_hyphened(name): make for name, make in ENVIRONMENTS.items()}
    if world not in ours:
        return world, _of_gymnasium(world, choices, ours), choices
    kind = ours[world]
    known = [field.name for field in dataclasses.fields(kind)]
    for key in choices:
        if key not in known:
            raise UsageError(f"{world} has no {key!r}{nearest(key, known)}; it has {', '.join(known)}")
    try:
        place = kind(**choices)
        place.observation_space, place.action_space  # noqa: B018 - made of the choices, so wrong ones show here
    except (TypeError, AttributeError, OverflowError) as error:
        raise UsageError(f"{world}: {', '.join(f'{k}={v}' for k, v in choices.items())}: {error}") from error
    return world, place, choices


def _of_gymnasium(world: str, choices: dict[str, Any], ours: dict[str, Any]) -> Any:
    from carrousel.data._errors import nearest

    if not re.fullmatch(r"[\w./:-]+-v\d+", world, re.ASCII):
        raise UsageError(f"--world {world}: there is no such world{nearest(world, ours)}; ours are {', '.join(ours)}")
    import gymnasium

    try:
        return gymnasium.make(world, **choices)
    except (gymnasium.error.Error, ImportError, TypeError) as error:
        raise UsageError(f"--world {world}: {error}") from error


def _hyphened(name: str) -> str:
    """Returns a class's name as it is written on the command line: TMaze is t-maze, Maze89 is maze-89."""
    return re.sub(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).lower()
