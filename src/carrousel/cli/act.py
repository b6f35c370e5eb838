"""``carrousel act``: a saved agent in a world."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from carrousel.cli._options import Json, flat
from carrousel.cli._output import emit, say
from carrousel.cli._worlds import Place, made_world

if TYPE_CHECKING:
    import numpy as np

__all__ = ["act"]


@flat
def act(
    model: Annotated[Path, typer.Argument(metavar="MODEL", show_default=False, help="an agent's file")],
    *,
    acting_in: Place,
    episodes: Annotated[int, typer.Option(min=1, max=10**6, help="how many")] = 100,
    greedy: Annotated[bool, typer.Option("--greedy", help="take the best action, draw none")] = False,
    longest: Annotated[int, typer.Option(min=1, max=10**9, help="steps after which an episode is endless")] = 100_000,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="of the world and of the choices")] = 0,
    json: Json = False,
) -> None:
    """Let a saved agent act in a world, and say what that earned; it does not learn."""
    from carrousel.learning.acting import load

    name, place, choices = made_world(acting_in)
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
