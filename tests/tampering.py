"""Files changed by somebody who knows the format and seals them again, which no checksum notices."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from carrousel import _format
from carrousel._format import Format

ODD = (
    *(0, 1, -1, 2, 3, 7, 255, 2**31 - 1, 2**31, 2**32, 2**53, 2**62, 2**63, 10**9, 10**30, 0.5, -2.5, 1e-300, 1e300),
    *(True, False, None, "", "x", "lstm", "step", "float64", "1", [], [0], [[1, 2]], {}, {"pairs": []}),
    *(float("nan"), float("inf")),
)  # fmt: skip
"""What a field of a description might be changed to."""

NUMBERS = (
    0,
    1,
    -1,
    2,
    5,
    127,
    255,
    2**31 - 1,
    -(2**31),
    2**53,
    2**62,
    -(2**63),
    float("nan"),
    float("inf"),
    1e30,
    -3.5,
)
"""What a number of an array might be changed to."""


def resealed(form: Format, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """As ``form.seal``, whatever stands in facts and arrays."""
    named = json.loads(json.dumps({"format": form.name, "version": form.version, **facts}))
    return {**named, "sha256": _format._digest(named, arrays)}


def opened(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Facts and arrays of a file, or of a model's directory, without what the format adds."""
    metadata, arrays = _format.unpack(path / "model.safetensors" if path.is_dir() else path)
    sealed = json.loads((path / "model.json").read_text() if path.is_dir() else metadata[_format._FACTS])
    return {name: value for name, value in sealed.items() if name not in ("format", "version", "sha256")}, arrays


def close(path: Path, form: Format, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Puts a file, or a model's directory, there that is whole by its checksum."""
    text = json.dumps(resealed(form, facts, arrays))
    if path.is_dir():
        (path / "model.json").write_text(text)
        (path / "model.safetensors").write_bytes(_format.pack(arrays))
    else:
        path.write_bytes(_format.pack(arrays, {_format._FACTS: text}))


def tampered(
    facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray], count: int, seed: int = 0
) -> Iterator[tuple[dict[str, Any], dict[str, np.ndarray]]]:
    """Yields ``count`` copies of facts and arrays, each with one to three changes; the same ones for the same seed."""
    draw = random.Random(seed)
    for _ in range(count):
        changed, held = json.loads(json.dumps(facts)), {name: array.copy() for name, array in arrays.items()}
        for _ in range(draw.randint(1, 3)):
            if held and draw.random() < 0.5:
                _change_arrays(held, draw)
            else:
                _change_facts(changed, draw)
        yield changed, held


def _change_facts(facts: Any, draw: random.Random) -> None:
    """Changes one leaf of a tree, or a branch."""
    while True:
        places = list(facts) if isinstance(facts, dict) else list(range(len(facts)))
        if not places:
            return
        place = draw.choice(places)
        below = facts[place]
        if isinstance(below, dict | list) and below and draw.random() < 0.85:
            facts = below
            continue
        kind = draw.random()
        if kind < 0.1:
            del facts[place]
        elif kind < 0.2 and isinstance(facts, list):
            facts.append(copy.deepcopy(below))
        elif kind < 0.3 and isinstance(facts, dict):
            facts["surprise"] = _odd(draw)
        elif kind < 0.5 and type(below) in (int, float):
            facts[place] = below + draw.choice((1, -1, 8, 100))
        else:
            facts[place] = _odd(draw)
        return


def _odd(draw: random.Random) -> Any:
    """Draws one of ``ODD``, apart from it: another change may go into it, or put it into itself."""
    return copy.deepcopy(draw.choice(ODD))


def _change_arrays(arrays: dict[str, np.ndarray], draw: random.Random) -> None:
    name = draw.choice(sorted(arrays))
    array, kind = arrays[name], draw.random()
    if kind < 0.5 and array.size:
        with np.errstate(all="ignore"):
            array.reshape(-1)[draw.randrange(array.size)] = np.array(draw.choice(NUMBERS)).astype(array.dtype)
    elif kind < 0.6 and array.size:
        whole = array.reshape(-1).view(np.uint8)
        whole[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
    elif kind < 0.7:
        arrays[name] = np.zeros(draw.choice((0, 3, array.size + 1)), array.dtype)
    elif kind < 0.8:
        arrays[name] = array[None] if draw.random() < 0.5 else array.reshape(-1)[: array.size // 2]
    elif kind < 0.9:
        arrays[name] = array.astype(draw.choice([np.float16, np.float32, np.float64, np.int32, np.int64, np.uint8]))
    elif kind < 0.95:
        del arrays[name]
    else:
        arrays[name + "x"] = array
