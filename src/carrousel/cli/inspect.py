"""``carrousel inspect``: pictures of a saved model at work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from carrousel.cli._errors import UsageError
from carrousel.cli._models import chosen, open_model, read
from carrousel.cli._options import DATA, AnyColumns, Json, Split, flat
from carrousel.cli._output import emit, note, say
from carrousel.cli._place import folders_of
from carrousel.cli._worlds import Place, made_world

__all__ = ["inspect"]

TRIES = 50


@flat
def inspect(
    model: Annotated[
        Path,
        typer.Argument(metavar="MODEL", show_default=False, help="what `carrousel train` made, or an agent's file"),
    ],
    data: Annotated[
        str | None, typer.Argument(metavar="[DATA]", show_default=False, help=f"for all but agents: {DATA}")
    ] = None,
    *,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="folder for the pictures  [default: MODEL/pictures]")
    ] = None,
    sequence: Annotated[
        str | None, typer.Option(help="id of the sequence whose gates are drawn  [default: the first]")
    ] = None,
    layer: Annotated[int, typer.Option(min=0, help="layer whose gates are drawn, from 0")] = 0,
    acting_in: Place,
    episodes: Annotated[int | None, typer.Option(min=1, max=6, help="episodes of an agent  [default: 2]")] = None,
    steps: Annotated[int | None, typer.Option(min=2, max=5000, help="first steps of each  [default: 200]")] = None,
    greedy: Annotated[bool, typer.Option("--greedy", help="an agent takes the best action")] = False,
    seed: Annotated[int | None, typer.Option(min=0, max=2**32 - 1, help="of an agent's episodes  [default: 0]")] = None,
    split: Split = None,
    columns: AnyColumns,
    json: Json = False,
) -> None:
    """Draw gates and states, learning curve and predictions.

    Pictures: every gate and state over time for one sequence; the losses of training; the confusion matrix, or
    predicted over actual values, or forecasts with their intervals; tags under a sequence, or when a string is said;
    what each direction sees in an image.

    Of an agent: what it saw, what its cells held, and what it did, in episodes of a world that begin differently.
    """
    is_agent = model.is_file()
    folder = out or (model.with_name(f"{model.name}-pictures") if is_agent else model / "pictures")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--out {folder}: a file of that name is there")
    of_agents = {"--episodes": episodes, "--steps": steps, "--greedy": greedy or None, "--seed": seed}
    if is_agent:
        others = {"--sequence": sequence, "--split": split, "--layer": layer or None}
        others |= {f"--{name.replace('_', '-')}": value for name, value in columns.options().items()}
        if data is not None:
            raise UsageError(f"{model} is an agent, which acts in a world (--world) and reads no data: {data}")
        if wrong := [name for name, value in others.items() if value is not None]:
            raise UsageError(f"{', '.join(wrong)}: {model} is an agent, which reads no data")
        _of_agent(model, folder, acting_in, episodes or 2, steps or 200, greedy, seed or 0, json)
        return
    if wrong := [*acting_in.given(), *(name for name, value in of_agents.items() if value is not None)]:
        raise UsageError(f"{', '.join(wrong)}: for agents, and {model} is none")
    if data is None:
        raise UsageError(f"DATA is missing: what {model} shall read")
    estimator, source = open_model(model, data, columns, split=split, sequence=sequence)
    from carrousel import pictures

    depth = int(estimator.num_layers)
    if layer >= depth:
        raise UsageError(f"--layer {layer}: the model has {depth} layer{'s' * (depth > 1)}, counted from 0")
    options = chosen(estimator.drawings, layer=layer, sequence=sequence)
    notes: list[str] = []
    figures = estimator.drawings(read(estimator, source, columns, split, notes), **options)
    for line in notes:
        note(line)
    with folders_of(folder / "x"):
        paths = [pictures.save(figure, folder / f"{name}.png") for name, figure in figures.items()]
    if json:
        emit({"model": model, "data": data, "pictures": paths})
    else:
        for path in paths:
            say(str(path))


def _of_agent(
    model: Path, folder: Path, acting_in: Place, episodes: int, steps: int, greedy: bool, seed: int, json: bool
) -> None:
    """Draws episodes of an agent."""
    from carrousel import pictures
    from carrousel.learning.acting import load, watch

    name, place, choices = made_world(acting_in)
    agent = load(model)
    seeds = _begin_differently(place, episodes, seed)
    watched = [watch(agent, place, steps=steps, greedy=greedy, seed=each) for each in seeds]
    above = [
        f"seed {each}: {len(one.rewards)} steps earn {one.rewards.sum():.4g}"
        for each, one in zip(seeds, watched, strict=True)
    ]
    title = f"{model.name} in {name}{''.join(f', {key} {value}' for key, value in choices.items())}"
    figure = pictures.draw_episodes(watched, title, names=above)
    with folders_of(folder / "x"):
        path = pictures.save(figure, folder / "episodes.png")
    if json:
        told = [
            {"seed": each, "steps": len(one.rewards), "return": float(one.rewards.sum())}
            for each, one in zip(seeds, watched, strict=True)
        ]
        emit({"model": model, "world": name, "choices": choices, "episodes": told, "pictures": [path]})
    else:
        say(str(path))


def _begin_differently(place: Any, count: int, seed: int) -> list[int]:
    """Returns seeds of episodes whose first observations differ, as far as some tries find such."""
    import numpy as np

    seeds, begun = [seed], [np.ravel(place.reset(seed=seed)[0])]
    for other in range(seed + 1, seed + 1 + TRIES):
        if len(seeds) == count:
            break
        first = np.ravel(place.reset(seed=other)[0])
        if not any(np.array_equal(first, one) for one in begun):
            seeds.append(other)
            begun.append(first)
    return seeds + [seed + TRIES + 1 + k for k in range(count - len(seeds))]
