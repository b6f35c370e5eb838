"""``carrousel cells``: the family."""

from __future__ import annotations

import re
from typing import Any

from carrousel.cli._options import Json
from carrousel.cli._output import emit, say

__all__ = ["family"]


def family(json: Json = False) -> None:
    """List the family: rows, states, and what each cell is."""
    from carrousel import cells

    members: Any = cells  # a module with a mapping's manners
    rows = [
        {
            "name": name,
            "rows": list(cell.rows),
            "gates": list(cell.gates),
            "candidates": list(cell.candidates),
            "states": list(cell.states),
            "peepholes": list(cell.peepholes),
            "about": _first_sentence(cell.equations.__doc__ or ""),
        }
        for name, cell in members.items()
    ]
    if json:
        emit({"cells": rows})
        return
    wide = max(len(str(row["name"])) for row in rows)
    say(f"{'cell':{wide}}  {'rows':7}  {'states':6}  about")
    for row in rows:
        say(f"{row['name']:{wide}}  {' '.join(row['rows']):7}  {' '.join(row['states']) or '-':6}  {row['about']}")


def _first_sentence(doc: str) -> str:
    """Returns the docstring's first paragraph in one line, up to its first full stop, without markup."""
    text = " ".join(doc.strip().split("\n\n")[0].split()).replace("``", "")
    return re.split(r"\.\s+(?=[A-Z])", text)[0].rstrip(". ")
