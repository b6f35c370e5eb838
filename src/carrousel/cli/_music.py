"""Music that a model makes up, as files of MIDI, of sound, and as pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from carrousel.cli._errors import UsageError
from carrousel.cli._models import told
from carrousel.cli._output import emit, note, say
from carrousel.cli._place import folders_of, plain_file

__all__ = ["write_music"]

MIDI, SOUND, PICTURES = (".mid", ".midi"), (".wav",), (".png", ".svg", ".pdf")


def write_music(
    path: Path, prompt: str, out: list[Path], tempo: float | None, draw: dict[str, Any], json: bool
) -> None:
    """Has a model make up music, and writes it.

    Args:
        path: of the model.
        prompt: the file of the beginning, whose first piece is gone on from; empty begins a piece.
        out: the files, whose endings say what they are.
        tempo: quarter notes in a minute; None takes the usual.
        draw: the keywords of the model's ``generate``.
        json: whether to print an object.

    Raises:
        UsageError: there is no file to write, or of an unknown ending.
    """
    from carrousel.data.music import TEMPO, check_tempo

    if not out:
        raise UsageError(f"--out: {path} makes up music, which is written into a file: --out tune.mid")
    for each in out:
        if each.suffix.lower() not in (*MIDI, *SOUND, *PICTURES):
            raise UsageError(f"--out {each}: write .mid, .wav, .png, .svg or .pdf")
        plain_file("--out", each)
    if not draw["length"]:
        raise UsageError("--length 0: music of no frames is none")
    speed = TEMPO if tempo is None else tempo
    check_tempo(speed)
    from carrousel.estimators import load

    estimator = load(path)
    begin: Any = None
    notes: list[str] = []
    if prompt:
        with told(notes) as tell:
            data = estimator.read(prompt)
            tell(data)
        begin = data.frames[0]
    made = estimator.generate(begin, **draw)
    for line in notes:
        note(line)
    for each in out:
        with folders_of(each):
            _write(each, made if begin is None else _after(begin, made), estimator.resolution_, speed, draw["seed"])
    if json:
        facts = {"frames": len(made), "resolution": estimator.resolution_, "tempo": speed}
        emit({"model": path, "prompt": prompt, "seed": draw["seed"], **facts, "files": out})
    else:
        for each in out:
            say(str(each))


def _after(begin: Any, made: Any) -> Any:
    import numpy as np

    return np.concatenate([begin, made])


def _write(path: Path, frames: Any, resolution: int, tempo: float, seed: int) -> None:
    """Writes frames as the ending says."""
    from carrousel import pictures
    from carrousel.data.music import write_midi, write_sound

    ending = path.suffix.lower()
    if ending in MIDI:
        write_midi(path, frames, resolution=resolution, tempo=tempo)
    elif ending in SOUND:
        write_sound(path, frames, resolution=resolution, tempo=tempo)
    else:
        pictures.save(pictures.draw_roll(frames, resolution=resolution, title=f"made up, seed {seed}"), path)
