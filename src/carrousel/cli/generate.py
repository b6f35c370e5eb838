"""``carrousel generate``: text or music that a model makes up."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from carrousel.cli._errors import UsageError
from carrousel.cli._kinds import KINDS_OF, kinds_of
from carrousel.cli._music import write_music
from carrousel.cli._options import Json, Model, flat
from carrousel.cli._output import emit, note

__all__ = ["generate"]

LENGTH, TEMPERATURE = 200, 1.0
MAKES = {"texts": "text", "music": "music"}  # what a model of such data makes up


@flat
def generate(
    model: Model,
    *,
    prompt: Annotated[
        str, typer.Option(help="beginning to go on from; - is standard input; of music, a file of it")
    ] = "",
    length: Annotated[
        int, typer.Option(min=0, help="most symbols: characters, words or pieces; frames of music")
    ] = LENGTH,
    temperature: Annotated[
        float,
        typer.Option(min=0.0, help="below 1 the probable becomes more so; 0 takes the most probable (text)"),
    ] = TEMPERATURE,
    top_k: Annotated[int | None, typer.Option(min=1, help="draw from so many of the most probable (text)")] = None,
    top_p: Annotated[
        float | None, typer.Option(help="draw from the most probable that have this probability together (text)")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="a key sounds if its probability is above  [default: it is drawn] (music)")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="the same seed makes up the same")] = 0,
    stop: Annotated[str | None, typer.Option(help="text before which to end (text)")] = None,
    out: Annotated[
        list[Path] | None,
        typer.Option("--out", "-o", help=".mid, .wav, .png, .svg or .pdf; repeatable (music)"),
    ] = None,
    tempo: Annotated[float | None, typer.Option(help="quarter notes in a minute  [default: 100] (music)")] = None,
    json: Json = False,
) -> None:
    """Go on from a beginning, with a model that `carrousel train generate` made.

    Text comes as it is made up: the beginning, and what follows it. It ends after so many symbols, where the model
    ends a document, or before the stop. Music is written into files: as MIDI, as sound, as a picture.
    """
    if not model.exists():
        raise UsageError(f"{model}: there is no such model")
    kind = kinds_of(model)
    makes = next((MAKES[each] for each in (() if kind is None else KINDS_OF[kind][1]) if each in MAKES), None)
    if kind is not None and makes is None:
        raise UsageError(f"{model} is {KINDS_OF[kind][0]}, which makes up no text; carrousel train generate makes one")
    of_text = {"top_k": top_k, "top_p": top_p, "stop": stop}
    of_music: dict[str, Any] = {"threshold": threshold, "tempo": tempo, "out": out or None}
    for option, value in (of_text if makes == "music" else of_music).items():
        if value is not None:
            other = "text" if makes == "music" else "music"
            raise UsageError(f"--{option.replace('_', '-')}: that is of {other}, and {model} makes up {makes}")
    if makes == "music":
        draw = {"length": length, "temperature": temperature, "threshold": threshold, "seed": seed}
        write_music(model, prompt, out or [], tempo, draw, json)
        return
    if prompt == "-":
        from carrousel.data._file import Piped
        from carrousel.data._limit import MAX_SIZE

        prompt = Piped.standard_input().text(None, MAX_SIZE).content.decode("utf-8", "replace")
        prompt = prompt.removesuffix("\n")  # with which a program's line ends
    from carrousel.estimators import load

    estimator = load(model)
    try:
        unknown, begin = estimator.unknown(prompt), estimator.stream
    except AttributeError:  # of a class that is not carrousel's own
        raise UsageError(
            f"{model} is a model of the class {type(estimator).__name__}, which makes up no text; carrousel train "
            "generate makes one"
        ) from None
    if unknown:
        words = ", ".join(repr(word) for word, _ in unknown.most_common(5))
        note(f"--prompt: {unknown.total()} of its symbols are not known to the model and say nothing to it: {words}")
    stream = begin(prompt, length, temperature=temperature, seed=seed, **of_text)
    if json:
        emit({"model": model, "prompt": prompt, "seed": seed, "text": "".join(stream)})
        return
    sys.stdout.write(prompt)
    for piece in stream:
        sys.stdout.write(piece)
        sys.stdout.flush()
    sys.stdout.write("\n")
