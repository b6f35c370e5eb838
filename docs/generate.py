"""Writes the tables of the documentation from the code: ``python docs/generate.py``.

A page says where a table goes by a pair of comments, ``<!-- family -->`` and ``<!-- end -->``; what stands between
them is replaced. ``docs/cells.md`` is written whole.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import carrousel
from carrousel.cells import Cell

ROOT = Path(__file__).resolve().parent.parent

FAMILY = """\
# The family

Every cell is one function of its paper's equations, in `carrousel.cells`. Gate rows of `weight_ih_l0` and
`weight_hh_l0` stand in the order of the column *rows*; candidates are set in italics. This page is written by
`python docs/generate.py` from the cells themselves.

{table}

Options of a cell are given in its name, `carrousel.LSTM(3, 8, cell="elman(squash=relu)")`, or with
`carrousel.cells["elman"].using(squash=relu)`. A squashing function is any of `carrousel.cells.math`, or your own.

{sections}
"""

# Name of the parameter, its shape, when a layer has it: in words, and as expressions that the tests evaluate.
PARAMETERS = (
    ("weight_ih", "[R, I]", "always", "(R, I)", "True"),
    ("weight_hh", "[R, P / heads]", "the cell is recurrent", "(R, P // heads)", "recurrent and not diagonal"),
    ("weight_hh", "[R]", "`diagonal`", "(R,)", "recurrent and diagonal"),
    ("bias_ih", "[R]", "`bias`", "(R,)", "bias"),
    ("bias_hh", "[R]", "`bias`, the cell is recurrent", "(R,)", "bias and recurrent"),
    ("weight_hr", "[P, H]", "`proj_size`", "(P, H)", "proj_size > 0"),
    ("weight_peephole", "[Q, H]", "the cell has peepholes", "(Q, H)", "Q > 0"),
    ("weight_gh", "[N·H/S, N·H/S]", '`gate_recurrence="gates"`', "(N * H // S,) * 2", "gate_recurrence == 'gates'"),
    ("weight_gh", "[R, N·H/S]", '`gate_recurrence="all"`', "(R, N * H // S)", "gate_recurrence == 'all'"),
    ("norm_ih", "[R]", "`layer_norm`", "(R,)", "layer_norm"),
    ("norm_hh", "[R]", "`layer_norm`, the cell is recurrent", "(R,)", "layer_norm and recurrent"),
    ("norm_c", "[H]", "`layer_norm`, the cell has the state c", "(H,)", "layer_norm and 'c' in exits"),
    ("norm_bias_c", "[H]", "the same, and `bias`", "(H,)", "layer_norm and bias and 'c' in exits"),
)

# An option as it is written, and a value with which to try what it goes together with.
OPTIONS: dict[str, dict[str, Any]] = {
    "bias=False": {"bias": False},
    "bidirectional": {"bidirectional": True},
    "proj_size": {"proj_size": 4},
    "forget_bias": {"forget_bias": 1.0},
    "layer_norm": {"layer_norm": True},
    "recurrent_dropout=p": {"recurrent_dropout": 0.1},
    'recurrent_dropout=("candidate", p)': {"recurrent_dropout": ("candidate", 0.1)},
    "zoneout=p": {"zoneout": 0.1},
    "zoneout=(p, q)": {"zoneout": (0.1, 0.1)},
    "block_size": {"block_size": 2},
    "gate_recurrence": {"gate_recurrence": "all"},
    "heads": {"heads": 2},
    "diagonal": {"diagonal": True},
    'init="orthogonal"': {"init": "orthogonal"},
}


def markdown(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(head), ["---"] * len(list(head)), *(list(row) for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def citation(cell: Cell) -> str:
    """The paper, as the docstring's second paragraph begins with it: up to its year, and its title or its own name
    for the cell if one follows."""
    paragraph = " ".join(cell.doc.split("\n\n")[1].split())
    found = re.match(r'.+? (19|20)\d\d(, "[^"]+"| \([A-Z]+\))?', paragraph)
    assert found, f"the docstring of {cell.name} does not cite its paper in its second paragraph"
    return found[0].replace(',"', '"')


def shown(names: Iterable[str], candidates: Iterable[str] = ()) -> str:
    return " ".join(f"*{name}*" if name in candidates else name for name in names) or "–"


def family() -> str:
    """The table of the family."""
    rows = (
        [f"`{name}`", shown(c.rows, c.candidates), shown(("h", *c.states)), shown(c.peepholes), citation(c)]
        for name, c in carrousel.cells.items()
    )
    return markdown(["cell", "rows", "states", "peepholes", "paper"], rows)


def section(name: str, cell: Cell) -> str:
    text = cell.doc.replace("``", "`").replace("::\n", ":\n")
    return f"## {name}\n\n{text}".rstrip()


def cells_page() -> str:
    sections = "\n\n".join(section(name, cell) for name, cell in carrousel.cells.items())
    return FAMILY.format(table=family(), sections=sections)


def parameters() -> str:
    """The table of parameters."""
    return markdown(["parameter", "shape", "present with"], [[f"`{n}`", s, w] for n, s, w, _, _ in PARAMETERS])


def refused(cell: str, **options: Any) -> bool:
    try:
        carrousel.LSTM(3, 8, cell=cell, **options)
    except ValueError:
        return True
    return False


def combinations() -> str:
    """What every option does not go together with, found by trying."""
    rows = []
    for name, option in OPTIONS.items():
        cells = [cell for cell in carrousel.cells if refused(cell, **option)]
        others = [
            other
            for other, more in OPTIONS.items()
            if other != name and not set(option) & set(more) and refused("lstm", **option, **more)
        ]
        rows.append([f"`{name}`", *(", ".join(f"`{each}`" for each in found) or "–" for found in (cells, others))])
    return markdown(["option", "not with the cells", "not with"], rows)


TABLES: dict[str, Callable[[], str]] = {"family": family, "parameters": parameters, "combinations": combinations}


def filled(text: str) -> str:
    """A page with its tables as the code has them now."""

    def table(found: re.Match[str]) -> str:
        return f"<!-- {found[1]} -->\n{TABLES[found[1]]()}\n<!-- end -->"

    return re.sub(r"<!-- (\w+) -->\n.*?<!-- end -->", table, text, flags=re.DOTALL)


def pages() -> dict[Path, str]:
    """What every generated page should hold."""
    wanted = {ROOT / "docs" / "cells.md": cells_page()}
    for path in (ROOT / "docs" / "module.md", ROOT / "README.md"):
        wanted[path] = filled(path.read_text(encoding="utf-8"))
    return wanted


if __name__ == "__main__":
    for path, text in pages().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"written: {path.relative_to(ROOT)}", file=sys.stderr)
