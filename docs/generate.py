"""Writes the tables of the documentation and the list of experiments from the code: ``python docs/generate.py``.

A page says where a table goes by a pair of comments, ``<!-- family -->`` and ``<!-- end -->``; what stands between
them is replaced. ``docs/cells.md``, ``docs/licences.md`` and ``docs/pictures/rooms.svg`` are written whole.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, get_args, get_type_hints

import licences
import rooms
import torch
from torch import Tensor, nn
from typer.models import OptionInfo

import carrousel
from carrousel import pictures
from carrousel._atomic import write_file
from carrousel.bench._classification import read_outcomes
from carrousel.bench._forecasts import read_records
from carrousel.bench._goals import read_goals
from carrousel.bench._streams import read_judged, read_over_time
from carrousel.bench._tables import forecast_table, goal_table, learner_table, markdown, outcome_table, stream_table
from carrousel.cells import Cell
from carrousel.cli._options import AnyColumns
from carrousel.data._file import FOLDER
from carrousel.data._registry import ANY, KINDS, by_ending, by_name
from carrousel.papers import _index

ROOT = Path(__file__).resolve().parent.parent
BENCH = ROOT / "docs" / "results" / "bench"

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


class Under(nn.Module):
    """A network called in some other way than by itself."""

    def __init__(self, net: nn.Module, call: Callable[[nn.Module, Tensor], Any]) -> None:
        super().__init__()
        self.net, self.call = net, call

    def forward(self, x: Tensor) -> Any:
        return self.call(self.net, x)


# What a network may be asked for: in words, its options, and how it is called with x [T, B, 3].
ASKED: tuple[tuple[str, dict[str, Any], Callable[[nn.Module, Tensor], Any]], ...] = (
    *((f"`cell=\"{name}\"`", {"cell": name}, lambda net, x: net(x)) for name in carrousel.cells),
    ("`bias=False`", {"bias": False}, lambda net, x: net(x)),
    ("`num_layers`, `bidirectional`", {"num_layers": 2, "bidirectional": True}, lambda net, x: net(x)),
    ("`proj_size`", {"proj_size": 4}, lambda net, x: net(x)),
    ("`layer_norm`", {"layer_norm": True}, lambda net, x: net(x)),
    ("initial states, `lengths`, `resets`", {}, lambda net, x: net(
        x, (torch.zeros(1, 2, 8), torch.zeros(1, 2, 8)), lengths=[5, 0], resets=torch.zeros(5, 2, dtype=torch.bool)
    )),
    ("`return_states=True`", {}, lambda net, x: net(x, return_states=True)),
    ('`return_states="gates"`', {}, lambda net, x: net(x, return_states="gates")),
    ("`recurrent_dropout=p`", {"recurrent_dropout": 0.1}, lambda net, x: net(x)),
    ('`recurrent_dropout=("candidate", p)`', {"recurrent_dropout": ("candidate", 0.1)}, lambda net, x: net(x)),
    ("`recurrent_dropout`, in evaluation", {"recurrent_dropout": 0.1}, lambda net, x: net.eval()(x)),
    ("`zoneout`", {"zoneout": 0.1}, lambda net, x: net(x)),
    ("`zoneout`, in evaluation", {"zoneout": 0.1}, lambda net, x: net.eval()(x)),
    ("`block_size`", {"block_size": 2}, lambda net, x: net(x)),
    ('`gate_recurrence="gates"`', {"gate_recurrence": "gates"}, lambda net, x: net(x)),
    ('`gate_recurrence="all"`', {"gate_recurrence": "all"}, lambda net, x: net(x)),
    ("`heads`", {"heads": 2}, lambda net, x: net(x)),
    ("`diagonal`", {"diagonal": True}, lambda net, x: net(x)),
    ("`diagonal` with `gate_recurrence`", {"diagonal": True, "gate_recurrence": "all"}, lambda net, x: net(x)),
    ("float64", {"dtype": torch.float64}, lambda net, x: net(x.double())),
    ("bfloat16, float16", {"dtype": torch.bfloat16}, lambda net, x: net(x.bfloat16())),
    ("`step` without gradients", {"hidden_size": 64}, lambda net, x: torch.no_grad()(net.step)(x[0])),
    ("`step` without gradients, of many sequences", {"hidden_size": 64},
     lambda net, x: torch.no_grad()(net.step)(x.view(-1, 3))),
    ("`step` without gradients, of a layer with an option", {"hidden_size": 64, "block_size": 2},
     lambda net, x: torch.no_grad()(net.step)(x[0])),
    ("the same, of up to eight sequences and weights of more than 131,072 numbers",
     {"hidden_size": 256, "block_size": 2}, lambda net, x: torch.no_grad()(net.step)(x[0])),
    ("`step` with gradients", {"hidden_size": 64}, lambda net, x: net.step(x[0])),
    ("`torch.func.vmap`", {}, lambda net, x: torch.func.vmap(lambda x: net(x)[0])(x.expand(4, 5, 2, 3))),
    ("`torch.func.grad`", {}, lambda net, x: torch.func.grad(lambda x: net(x)[0].sum())(x)),
    ("`torch.func.jvp`, forward mode", {}, lambda net, x: torch.func.jvp(lambda x: net(x)[0], (x,), (x,))),
    ("the same with layer norm", {"layer_norm": True}, lambda net, x: torch.func.jvp(lambda x: net(x)[0], (x,), (x,))),
    ("the same with `proj_size`", {"proj_size": 4}, lambda net, x: torch.func.jvp(lambda x: net(x)[0], (x,), (x,))),
    ("the same with `gate_recurrence`", {"gate_recurrence": "all"},
     lambda net, x: torch.func.jvp(lambda x: net(x)[0], (x,), (x,))),
)  # fmt: skip


def fused() -> str:
    """What runs on the kernels and what does not, found by asking each network what ran it."""
    rows = []
    for words, options, call in ASKED:
        net = carrousel.LSTM(3, **{"hidden_size": 8, **options})
        lines = carrousel.explain(Under(net, call), torch.randn(5, 2, 3))
        (ran,) = {(line.backend, line.reason) for line in lines}
        rows.append([words, "fused" if ran[0] == "cpu" else f"**{ran[0]}**: {ran[1]}"])
    return markdown(["what is asked for", "runs on the CPU"], rows)


def extras() -> str:
    """The table of the extras that can be installed, each with the comment above it in pyproject.toml."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("[project.optional-dependencies]\n")[2]
    found = re.findall(r"((?:^# .*\n)+)^(\w+) = \[", text.partition("\n[")[0], flags=re.MULTILINE)
    rows = [[f"`carrousel[{name}]`", " ".join(words.replace("# ", "").split())] for words, name in found]
    return markdown(["what is installed", "what it adds"], rows)


def drawing() -> str:
    """The table of the functions that draw, each with what its first line says."""
    rows = []
    for name in pictures.__all__:
        first = " ".join((getattr(pictures, name).__doc__ or "").split("\n\n")[0].split())
        rows.append([f"`{name}`", first.replace("``", "`")])
    return markdown(["function", "what it does"], rows)


FORMS = {
    ".csv": "tables",
    ".json": "JSON",
    ".jsonl": "JSON lines",
    ANY: "text",
    ".ts": "`.ts`",
    ".npz": "`.npz`",
    ".conll": "CoNLL",
    ".inkml": "`.inkml`",
    FOLDER: "folders",
    ".idx": "`.idx`",
}
"""What the kinds of files are called, by an ending of each."""


def reading() -> str:
    """The table of the options that say how a file is read, each with the kinds of files that know it."""
    rows = []
    hints = get_type_hints(AnyColumns, include_extras=True)
    for field in fields(AnyColumns):
        told = next(part for part in get_args(hints[field.name]) if isinstance(part, OptionInfo))
        words = re.sub(r" \((?:tables|series|\.npz|\.idx|tables, \.npz)\)", "", str(told.help)).split("  [default: ")
        default = words[1].removesuffix("]") if len(words) > 1 else ""
        known = [
            (kind, form)
            for kind in KINDS
            for ending, form in FORMS.items()
            if ending in by_ending(kind) and field.name in by_ending(kind)[ending].options
        ]
        kinds = [kind for kind in KINDS if kind in dict(known)]
        forms = ", ".join(dict.fromkeys(form for _, form in known))
        flag = f"`--{field.name.replace('_', '-')}`"
        rows.append([flag, f"`{field.name}`", words[0], default, ", ".join(kinds), forms])
    return markdown(["command line", "Python", "what it says", "default", "of", "in"], rows)


def named() -> str:
    """The table of the data sets that have a name, each with what the first line of its reader says."""
    rows = []
    for kind in KINDS:
        for name, reader in sorted(by_name(kind).items()):
            first = " ".join((reader.read.__doc__ or "").split("\n\n")[0].split()).removeprefix("Reads ")
            parts = "training and test part" if reader.splits else ""
            rows.append([f"`{name}`", kind, first[0].upper() + first[1:].replace("``", "`"), parts])
    return markdown(["name", "kind", "what it is", "parts"], rows)


def goals(page: str) -> str:
    """The table of what estimators reach on the data of a page."""
    return goal_table(read_goals(BENCH / "goals.json"), page)


TABLES: dict[str, Callable[[], str]] = {
    "classification": lambda: outcome_table(read_outcomes(BENCH / "classification.json"), "classification"),
    "regression": lambda: outcome_table(read_outcomes(BENCH / "classification.json"), "regression"),
    "family": family,
    "parameters": parameters,
    "combinations": combinations,
    "fused": fused,
    "streams": lambda: stream_table(read_judged(BENCH / "streams.json")),
    "learners": lambda: learner_table(read_over_time(BENCH / "stream-learners.json")),
    "pictures": drawing,
    "files": reading,
    "named": named,
    "extras": extras,
    **{f"goals_{page}": partial(goals, page) for page in ("labels", "text", "music")},
    "forecasts": lambda: forecast_table(read_records(BENCH / "forecasts.json")),
}


def filled(text: str) -> str:
    """A page with its tables as the code has them now."""

    def table(found: re.Match[str]) -> str:
        return f"<!-- {found[1]} -->\n{TABLES[found[1]]()}\n<!-- end -->"

    return re.sub(r"<!-- (\w+) -->\n.*?<!-- end -->", table, text, flags=re.DOTALL)


def pages() -> dict[Path, str]:
    """What every generated page should hold."""
    wanted: dict[Path, str] = {
        ROOT / "docs" / "cells.md": cells_page(),
        licences.PAGE: licences.page(),
        rooms.PICTURE: rooms.svg(),
    }
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        if path not in wanted:
            wanted[path] = filled(path.read_text(encoding="utf-8"))
    wanted[_index.INDEX] = experiments()
    return wanted


def experiments() -> str:
    """The list of all experiments, which the command line shows without importing them."""
    return json.dumps(_index.index_of(_index.packages()), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for path, text in pages().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            write_file(path, text.encode())
            print(f"written: {path.relative_to(ROOT)}", file=sys.stderr)
