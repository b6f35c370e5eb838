"""Tracing and derivatives of graphs against torch's own autograd."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from graph_on_tensors import evaluate
from torch import Tensor

import carrousel
from carrousel import Gates, State, cells
from carrousel.cells import Cell, Parts
from carrousel.cells import math as cell_math
from carrousel.cells.math import (
    absolute,
    equal,
    exp,
    log,
    logsigmoid,
    maximum,
    minimum,
    relu,
    sigmoid,
    softplus,
    stop_gradient,
    tanh,
    where,
)
from carrousel.engine._graph import OPERATIONS, Node, adjoints, constant, leaf, order, trace
from carrousel.engine._layer import Layer
from carrousel.engine._plan import Variant, plan
from carrousel.engine.cpu import refuses_layer


@carrousel.cell("a b c d", candidates="c", states="u v", peepholes="a b", split="d")
def every_operation(z, s, p):
    """No cell that anybody needs: all operations, and a state that hangs on another's new value."""
    a = sigmoid(z.a + p.a(s.u)) * exp(-absolute(s.v)) + 0.1
    b = logsigmoid(z.b + p.b(s.u)) / (1.0 + softplus(s.h))
    c = p.c(relu(z.c) - 0.5 * tanh(z.c))
    d = where(z.d.input <= z.d.recurrent, maximum(z.d.input, s.u), minimum(z.d.recurrent, 2.0 - s.v))
    u = a * s.u + c * stop_gradient(b) - b
    v = where(u > 0.25, log(1.0 + u * u), where(equal(s.h, 0.0), s.v, -u / 3.0))
    h = p.u(u) * d + where(s.v >= 0.0, 1.0, v) * where(z.a < b, d, 0.0)
    return h, State(u=u, v=v), Gates(a=a, b=b, c=c, d=d)


@carrousel.cell("g", candidates="g", states="c", recurrent=False)
def constants(z, s, p):
    """Results that are no operation, hang on nothing, or are one another."""
    return 0.0 * z.g + 1.0, State(c=s.c), Gates(g=p.g(z.g))


CELLS = [*cells.values(), cells.get("elman(squash=relu)"), every_operation, constants]
EACH = pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.spec)


def values(cell: Cell, *, seed: int = 0) -> dict[tuple[str, str], Tensor]:
    """Random values of all leaves; a normaliser of sLSTM is positive, but zero at first."""
    generator = torch.Generator().manual_seed(seed)

    def draw() -> Tensor:
        return torch.randn(64, generator=generator, dtype=torch.float64)

    made = {("s", name): draw() for name in ("h", *cell.states)}
    if "n" in cell.states:
        made["s", "n"] = made["s", "n"].clamp(min=0.0)
    for row in cell.rows:
        for kind in (
            ("z",) if row not in cell.parted else ("z.input", "z.recurrent") if row in cell.split else ("z.input",)
        ):
            made[kind, row] = draw()
    made |= {("p", gate): draw() for gate in cell.peepholes}
    return made | {("mask", row): draw() for row in cell.candidates}


def on_tensors(cell: Cell, at: dict[tuple[str, str], Tensor], *, masked: bool = False):
    """The equations themselves, called with tensors."""
    z = SimpleNamespace()
    for row in cell.rows:
        # A product is no operation of the graph: what it is made of stands for it.
        recurrent = cell_math.identity if row in cell.gated else at.get(("z.recurrent", row))
        setattr(z, row, Parts(at["z.input", row], recurrent) if row in cell.parted else at["z", row])
    ports = {gate: lambda value, gate=gate: at["p", gate] * value for gate in cell.peepholes}
    ports |= {row: lambda value, row=row: at["mask", row] * value if masked else value for row in cell.candidates}
    ports |= dict.fromkeys(cell.states, cell_math.identity)
    h, state, gates = cell(z, State(**{name: at["s", name] for name in ("h", *cell.states)}), SimpleNamespace(**ports))
    return {"h": h, **vars(state)}, vars(gates)


@EACH
@pytest.mark.parametrize("masked", [False, True])
def test_the_graph_computes_the_equations(cell: Cell, masked: bool) -> None:
    at, program = values(cell), trace(cell, masked=masked)
    outputs, gates = on_tensors(cell, at, masked=masked)
    assert list(program.outputs) == ["h", *cell.states]
    assert set(program.gates) == set(cell.rows)
    for graphs, wanted in ((program.outputs, outputs), (program.gates, gates)):
        found = evaluate(list(graphs.values()), at)
        for name, value in zip(graphs, found, strict=True):
            torch.testing.assert_close(value, wanted[name], rtol=1e-14, atol=1e-14, equal_nan=True)


@EACH
def test_derivatives_are_those_of_autograd(cell: Cell) -> None:
    program = trace(cell, masked=True)
    at = {name: value.requires_grad_() for name, value in values(cell, seed=1).items()}
    outputs, _ = on_tensors(cell, at, masked=True)
    weights = {name: torch.randn(64, dtype=torch.float64) for name in outputs}
    total = sum((weights[name] * value).sum() for name, value in outputs.items())
    wanted = torch.autograd.grad(total, list(at.values()), allow_unused=True)

    pairs = [(node, leaf("adj", name)) for name, node in program.outputs.items()]
    graphs = adjoints(pairs, [leaf(*name) for name in at])
    known = {name: value.detach() for name, value in at.items()} | {("adj", n): w for n, w in weights.items()}
    found = evaluate(graphs, known)
    for name, value, want in zip(at, found, wanted, strict=True):
        want = torch.zeros(64, dtype=torch.float64) if want is None else want
        torch.testing.assert_close(value, want, rtol=1e-12, atol=1e-12, equal_nan=True, msg=str(name))
    assert any(want is not None and want.abs().max() > 0 for want in wanted)


def test_all_operations_are_tried_here_and_have_kernels() -> None:
    program = plan(Variant(every_operation)).program
    met = {node.op for node in order(program.outputs.values())}
    functions = {name for name in cell_math.__all__ if name not in ("identity", "sigmoid_pm1", "sigmoid_pm2")}
    assert functions | {"add", "sub", "mul", "div", "neg", "lt", "le", "gt", "ge"} <= met
    assert met <= OPERATIONS | {"leaf", "constant", "exit"}
    assert refuses_layer(Layer(every_operation, 3, 5)) is None


@pytest.mark.parametrize(("name", "function"), [("maximum", torch.maximum), ("minimum", torch.minimum)])
def test_where_two_are_equal_each_gets_half(name: str, function) -> None:
    a = torch.tensor([1.0, 2.0, -0.0, 0.0, 3.0, 3.0], dtype=torch.float64).requires_grad_()
    b = torch.tensor([2.0, 1.0, 0.0, 0.0, 3.0, -3.0], dtype=torch.float64).requires_grad_()
    weight = torch.tensor([2.0, 3.0, 5.0, 7.0, 11.0, 13.0], dtype=torch.float64)
    wanted = torch.autograd.grad((function(a, b) * weight).sum(), [a, b])
    x, y = leaf("z", "x"), leaf("z", "y")
    graphs = adjoints([(Node(name, (x, y)), leaf("adj", "h"))], [x, y])
    known = {("z", "x"): a.detach(), ("z", "y"): b.detach(), ("adj", "h"): weight}
    for found, want in zip(evaluate(graphs, known), wanted, strict=True):
        assert torch.equal(found, want)
    assert wanted[0][4] == 5.5


@pytest.mark.parametrize("name", ["relu", "absolute"])
def test_at_the_kink_the_derivative_is_zero(name: str) -> None:
    x = leaf("z", "x")
    (graph,) = adjoints([(Node(name, (x,)), leaf("adj", "h"))], [x])
    at = torch.tensor([-1.0, -0.0, 0.0, 2.0], dtype=torch.float64).requires_grad_()
    (want,) = torch.autograd.grad(getattr(cell_math, name)(at).sum(), at)
    (found,) = evaluate([graph], {("z", "x"): at.detach(), ("adj", "h"): torch.ones(4, dtype=torch.float64)})
    assert torch.equal(found, want)
    assert want[1] == want[2] == 0


def test_a_branch_not_taken_hands_nothing_back() -> None:
    """where() keeps the adjoint of one side out of the other, be that infinite."""
    x = leaf("z", "x")
    safe = Node("where", (Node("gt", (x, constant(0.0))), Node("log", (x,)), x))
    (graph,) = adjoints([(safe, leaf("adj", "h"))], [x])
    known = {("z", "x"): torch.tensor([2.0, -3.0]), ("adj", "h"): torch.tensor([1.0, 1.0])}
    assert evaluate([graph], known)[0].tolist() == [0.5, 1.0]


def test_one_output_that_is_wanted_twice_adds_up() -> None:
    x, g = leaf("z", "x"), leaf("adj", "h")
    (graph,) = adjoints([(x, g), (Node("mul", (x, x)), g)], [x])
    (found,) = evaluate([graph], {("z", "x"): torch.tensor([3.0]), ("adj", "h"): torch.tensor([2.0])})
    assert found.item() == 2 + 2 * 2 * 3


def test_errors_begin_anew_below_a_cut() -> None:
    x, y, below = leaf("z", "x"), leaf("z", "y"), leaf("adj.cut", "inner")
    inner, weight = Node("tanh", (x,)), leaf("adj", "h")
    anew = {inner: below}.get
    assert adjoints([(Node("mul", (inner, y)), weight)], [x, inner], anew) == [below, Node("mul", (weight, y))]


def test_exits_are_marked_where_a_layer_wants_to_act() -> None:
    program = trace(cells["peephole"], exits=True)
    marked = [node for node in order([program.h]) if node.op == "exit"]
    assert [node.name for node in marked] == ["c"]
    assert marked[0].args == (program.states["c"],)
    assert not [node for node in order([trace(cells["peephole"]).h]) if node.op == "exit"]


def test_equal_nodes_are_one() -> None:
    assert trace(cells["lstm"]).h is trace(cells["lstm"]).h
    tree = order([trace(cells["peephole"]).h])
    assert len(tree) == len({repr(node) for node in tree})


def test_deep_equations() -> None:
    """Deeper than Python's stack."""
    node = x = leaf("z", "x")
    for _ in range(5000):
        node = Node("neg", (node,))
    (graph,) = adjoints([(node, leaf("adj", "h"))], [x])
    known = {("z", "x"): torch.tensor([3.0]), ("adj", "h"): torch.tensor([2.0])}
    assert [value.item() for value in evaluate([node, graph], known)] == [3.0, 2.0]


def branches(z, s, p):
    i = sigmoid(z.i)
    return (i if z.i > 0 else -i), State(), Gates(i=i)


def calls_torch(z, s, p):
    i = torch.sin(z.i)
    return i, State(), Gates(i=i)


def has_a_tensor(z, s, p):
    i = sigmoid(z.i * torch.tensor(2.0))
    return i, State(), Gates(i=i)


@pytest.mark.parametrize("equations", [branches, calls_torch, has_a_tensor])
def test_what_cannot_be_traced_is_said(equations) -> None:
    found = carrousel.cell("i")(equations)
    with pytest.raises((TypeError, AttributeError)):
        trace(found)
    reason = refuses_layer(Layer(found, 3, 5))
    assert reason is not None
    assert f"the equations of cell {equations.__name__!r} cannot be fused" in reason
