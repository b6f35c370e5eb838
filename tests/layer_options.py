"""Options of a layer, kinds of noise, and the cells that can have them."""

from __future__ import annotations

from typing import Any

import carrousel
from carrousel import cells
from carrousel.cells.math import sigmoid, tanh

OPTIONS: dict[str, dict[str, Any]] = {
    "blocks": {"block_size": 2},
    "heads": {"heads": 2},
    "four heads": {"heads": 4},
    "diagonal": {"diagonal": True},
    "gates to gates": {"gate_recurrence": "gates"},
    "gates to all": {"gate_recurrence": "all"},
    "blocks, heads, gates": {"block_size": 2, "heads": 2, "gate_recurrence": "gates"},
    "projected heads": {"proj_size": 8, "heads": 4},
    "projected gates": {"proj_size": 7, "gate_recurrence": "all", "block_size": 2},
}

NOISE: dict[str, tuple[str, ...]] = {
    "variational": ("variational",),
    "candidate": ("candidate",),
    "zoneout of h": ("zoneout_h",),
    "mean of zoneout": ("share_h", "share_c"),
    "all": ("variational", "candidate", "zoneout_h", "zoneout_c"),
}


@carrousel.cell("a b u v", candidates="u", states="c", peepholes="b", split="v", gated="b u")
def chained(z, s, p):
    """No cell that anybody needs: a product of a product, of a gate and of a candidate, of a state and of h."""
    a = sigmoid(z.a)
    b = sigmoid(z.b.input + z.b.recurrent(a * s.c) * a + p.b(s.c))
    u, v = p.u(tanh(z.u.input - z.u.recurrent(b * s.h))), sigmoid(z.v.input * z.v.recurrent)
    c = a * s.c + b * u
    return v * tanh(p.c(c)) + 0.1 * s.h, carrousel.State(c=c), carrousel.Gates(a=a, b=b, u=u, v=v)


@carrousel.cell("f g", candidates="g", gated="f g")
def minimal(z, s, p):
    """The minimal gated unit (Zhou et al. 2016) with both products asked for: h itself is multiplied nowhere else."""
    f = sigmoid(z.f.input + z.f.recurrent(s.h))
    g = p.g(tanh(z.g.input + z.g.recurrent(f * s.h)))
    return (1.0 - f) * s.h + f * g, carrousel.State(), carrousel.Gates(f=f, g=g)


OWN = {"chained": chained, "minimal": minimal}
ALL = [*cells, *OWN]
NORMED = ["peephole", "gru", "gru_cho", "slstm", "minlstm", *OWN]
"""Cells whose normalised kernels differ in kind: cut for peepholes, split, gated, of several exits, without recurrence,
of several products, of products alone."""


def cell_of(name: str) -> cells.Cell:
    return OWN[name] if name in OWN else cells.get(name)


def fits(cell: cells.Cell, options: dict[str, Any]) -> bool:
    """Whether a cell can have the options."""
    asks = {"heads", "diagonal", "gate_recurrence"} & set(options)
    return not (
        (asks and not cell.recurrent)
        or ({"block_size", "gate_recurrence"} & set(options) and not cell.gates)
        or ("proj_size" in options and (cell.reads_output or cell.gated))
    )


def has(cell: cells.Cell, kind: str) -> bool:
    """Whether a cell can have noise of a kind."""
    needs = {"variational": cell.recurrent, "candidate": cell.candidates}
    return bool(needs.get(kind, len(cell.states) == 1 if kind.endswith("_c") else True))
