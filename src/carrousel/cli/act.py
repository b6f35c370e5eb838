"""``carrousel act``: a saved agent in a world."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carrousel.cli._errors import UsageError
from carrousel.cli._options import Json, flat, value_of
from carrousel.cli._output import emit, say

if TYPE_CHECKING:
    import numpy as np

__all__ = ["act"]


@flat
def act(
    model: Annotated[Path, typer.Argument(metavar="MODEL", show_default=False, help="an agent's file")],
    *,
    world: Annotated[str, typer.Option(metavar="NAME", help="t-maze, maze-89, ..., or one of gymnasium's")] = "t-maze",
    length: Annotated[int | None, typer.Option(min=1, max=10**6, help="length of the world's corridor")] = None,
    set: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="any other choice of the world; repeatable")
    ] = None,
    episodes: Annotated[int, typer.Option(min=1, max=10**6, help="how many")] = 100,
    greedy: Annotated[bool, typer.Option("--greedy", help="take the best action, draw none")] = False,
    longest: Annotated[int, typer.Option(min=1, max=10**9, help="steps after which an episode is endless")] = 100_000,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="of the world and of the choices")] = 0,
    json: Json = False,
) -> None:
    """Let a saved agent act in a world, and say what that earned; it does not learn."""
    from carrousel.learning.acting import load

    name, place, choices = _made(world, {} if length is None else {"length": length}, set or [])
    agent = load(model)
    lived = agent.try_out(place, episodes, greedy=greedy, seed=seed, longest=longest)
    told = {
        "episodes": len(lived),
        "return": _figures(lived.returns),
        "steps": _figures(lived.steps),
        "ended_well": float((lived.last_rewards > 0).mean()),
    }
    if json:
        emit({"model": model, "world": name, "choices": choices, "greedy": greedy, "seed": seed, **told})
        return
    say(f"{model} in {name}{''.join(f', {key} {value}' for key, value in choices.items())}: {len(lived)} episodes\n")
    for what in ("return", "steps"):
        row = told[what]
        say(f"{what:10} mean {row['mean']:10.4g}   least {row['least']:10.4g}   most {row['most']:10.4g}")  # type: ignore[index]
    say(f"{told['ended_well']:.1%} of the episodes ended with a reward above 0")


def _figures(values: np.ndarray) -> dict[str, float]:
    return {"mean": float(values.mean()), "least": float(values.min()), "most": float(values.max())}


def _made(world: str, choices: dict[str, Any], words: list[str]) -> tuple[str, Any, dict[str, Any]]:
    """Returns a world's name, the world, and the choices that it was made with."""
    from carrousel.data._errors import nearest
    from carrousel.tasks import ENVIRONMENTS

    for word in words:
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
