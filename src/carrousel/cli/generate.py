"""``carrousel generate``: text that a model makes up."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from carrousel.cli._errors import UsageError
from carrousel.cli._kinds import KINDS_OF, kinds_of
from carrousel.cli._options import Json, Model, flat
from carrousel.cli._output import emit, note

__all__ = ["generate"]


@flat
def generate(
    model: Model,
    *,
    prompt: Annotated[str, typer.Option(help="beginning to go on from; - is standard input")] = "",
    length: Annotated[int, typer.Option(min=0, help="most symbols: characters, words or pieces")] = 200,
    temperature: Annotated[
        float, typer.Option(min=0.0, help="below 1 the probable becomes more so; 0 takes the most probable")
    ] = 1.0,
    top_k: Annotated[int | None, typer.Option(min=1, help="draw from so many of the most probable")] = None,
    top_p: Annotated[
        float | None, typer.Option(help="draw from the most probable that have this probability together")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="the same seed makes up the same text")] = 0,
    stop: Annotated[str | None, typer.Option(help="text before which to end")] = None,
    json: Json = False,
) -> None:
    """Go on from a beginning, with a model that `carrousel train generate` made.

    The text comes as it is made up: the beginning, and what follows it. It ends after so many symbols, where the model
    ends a document, or before the stop.
    """
    if not model.exists():
        raise UsageError(f"{model}: there is no such model")
    kind = kinds_of(model)
    if kind is not None and "texts" not in KINDS_OF[kind][1]:
        raise UsageError(f"{model} is {KINDS_OF[kind][0]}, which makes up no text; carrousel train generate makes one")
    if prompt == "-":
        from carrousel.data._file import Piped
        from carrousel.data._limit import MAX_SIZE

        prompt = Piped.standard_input().text(None, MAX_SIZE).content.decode("utf-8", "replace")
        prompt = prompt.removesuffix("\n")  # with which a program's line ends
    from carrousel.estimators import load

    estimator = load(model)
    if not hasattr(estimator, "stream"):  # of a class that is not carrousel's own
        raise UsageError(
            f"{model} is a model of the class {type(estimator).__name__}, which makes up no text; carrousel train "
            "generate makes one"
        )
    unknown = estimator.unknown(prompt)
    if unknown:
        words = ", ".join(repr(word) for word, _ in unknown.most_common(5))
        note(f"--prompt: {unknown.total()} of its symbols are not known to the model and say nothing to it: {words}")
    stream = estimator.stream(prompt, length, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed, stop=stop)
    if json:
        emit({"model": model, "prompt": prompt, "seed": seed, "text": "".join(stream)})
        return
    sys.stdout.write(prompt)
    for piece in stream:
        sys.stdout.write(piece)
        sys.stdout.flush()
    sys.stdout.write("\n")
