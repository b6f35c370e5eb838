"""The kernels in graphs that torch.compile and torch.export make."""

from __future__ import annotations

import gc
import itertools
import json
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import growth
import pytest
import torch
from damage import damaged, rounds
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_sequence

import carrousel
from carrousel import LSTM, cells
from carrousel.engine import _key, cpu
from carrousel.engine._graph import trace
from carrousel.engine.cpu import refuses_layer


@carrousel.cell("i g", candidates="g", states="c")
def made_up(z, s, p):
    i, g = cells.math.sigmoid(z.i), p.g(cells.math.tanh(z.g))
    c = (1.0 - i) * s.c + i * g
    return p.c(c), carrousel.State(c=c), carrousel.Gates(i=i, g=g)


@carrousel.cell("i g", candidates="g", states="c")
def sines(z, s, p):
    """What no graph can hold: it calls torch itself."""
    i, g = torch.sigmoid(z.i), p.g(torch.sin(z.g))
    c = (1.0 - i) * s.c + i * g
    return p.c(c), carrousel.State(c=c), carrousel.Gates(i=i, g=g)


OPTIONS = {
    "lstm": {},
    "two layers, both ways": {"num_layers": 2, "bidirectional": True},
    "projection": {"proj_size": 3},
    "layer norm": {"layer_norm": True, "cell": "peephole"},
    "gru": {"cell": "gru"},
    "slstm": {"cell": "slstm"},
    "heads and gates": {"heads": 2, "gate_recurrence": "all"},
    "diagonal": {"diagonal": True, "cell": "gru"},
    "blocks": {"block_size": 2, "cell": "peephole"},
    "zoneout": {"zoneout": (0.3, 0.2)},
    "dropout": {"recurrent_dropout": 0.3},
    "sines, on the reference": {"cell": sines},
}


def make(**options) -> LSTM:
    torch.manual_seed(0)
    return LSTM(4, 6, dtype=torch.float64, **options)


def seeded(net, x: Tensor, **options) -> Any:
    """What a network gives, its noise drawn from the same seed each time."""
    torch.manual_seed(1)
    return net(x, **options)


def everything(net, x: Tensor, module: LSTM, **options) -> list[Tensor]:
    """Outputs, states, and the derivatives of a weighted sum of all of them by the input and the weights."""
    x = x.clone().requires_grad_()
    output, final, steps = seeded(net, x, return_states=True, **options)
    values = [output, *(final if isinstance(final, tuple) else (final,)), *steps.values()]
    loss = sum((value * torch.arange(1.0, 1.0 + value.numel()).view(value.shape)).sum() for value in values)
    return [*values, *torch.autograd.grad(loss, [x, *module.parameters()])]


@pytest.mark.parametrize("name", OPTIONS)
def test_compiled(name: str) -> None:
    net = make(**OPTIONS[name])
    compiled = torch.compile(net, backend="aot_eager", fullgraph=True)
    x = torch.randn(5, 3, 4, dtype=torch.float64)
    resets = torch.rand(5, 3) < 0.3
    for options in ({}, {"lengths": torch.tensor([2, 0, 5]), "resets": resets}):
        want, got = everything(net, x, net, **options), everything(compiled, x, net, **options)
        torch.testing.assert_close(got, want, rtol=1e-10, atol=1e-10)
        with torch.no_grad():
            want, got = seeded(net, x, **options), seeded(compiled, x, **options)
            torch.testing.assert_close(got, want, rtol=1e-10, atol=1e-10)
    torch._dynamo.reset()


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("projection", "any order"),
        ("sines, on the reference", "any order"),
        ("lstm", "in order"),
        ("lstm", "in order, with a state"),
    ],
)
def test_compiled_with_packed_sequences(name: str, form: str) -> None:
    """In one graph for any number of them."""
    net = make(**OPTIONS[name])

    def call(packed: PackedSequence, state) -> list[Tensor]:
        output, final, steps = net(packed, state, return_states=True)
        values = [output.data, *(final if isinstance(final, tuple) else (final,)), *(v.data for v in steps.values())]
        loss = sum((value * torch.arange(1.0, 1.0 + value.numel()).view(value.shape)).sum() for value in values)
        return [*values, output.batch_sizes, loss]

    compiled = torch.compile(call, backend="aot_eager", fullgraph=True, dynamic=True)
    for lengths in ([2, 1, 3], [3, 1, 3, 2]):
        ordered = sorted(lengths, reverse=True) if form.startswith("in order") else lengths
        packed = pack_sequence(
            [torch.randn(n, 4, dtype=torch.float64) for n in ordered], enforce_sorted=form.startswith("in order")
        )
        packed.data.requires_grad_()
        state = tuple(torch.randn(1, len(lengths), 6, dtype=torch.float64) for _ in "hc") if "state" in form else None
        found = []
        for run in (call, compiled):
            values = run(packed, state)
            found.append([*values, *torch.autograd.grad(values[-1], [packed.data, *net.parameters()])])
        torch.testing.assert_close(found[1], found[0], rtol=1e-10, atol=1e-10)
    if state is not None:
        with pytest.raises(RuntimeError, match="as many sequences as the packed input"):
            compiled(packed, tuple(value[:, :2] for value in state))
    torch._dynamo.reset()


TRANSFORMED = {
    "vmap": lambda call, x: torch.vmap(call, in_dims=1)(x),
    "grad": lambda call, x: torch.func.grad(lambda x: call(x).square().sum())(x),
    "gradients of every sample": lambda call, x: torch.vmap(torch.func.grad(lambda x: call(x).sum()), in_dims=1)(x),
    "jvp": lambda call, x: torch.func.jvp(call, (x,), (x,)),
}


@pytest.mark.parametrize("how", TRANSFORMED)
def test_compiled_transformations(how: str) -> None:
    """Of which operators know nothing: they would be refused, or, under jvp, have no tangent."""
    net, x = make().eval(), torch.randn(4, 2, 4, dtype=torch.float64)

    def call(x: Tensor) -> Tensor:
        return TRANSFORMED[how](lambda x: net(x)[0], x)

    torch.testing.assert_close(torch.compile(call, backend="aot_eager", fullgraph=True)(x), call(x))
    torch._dynamo.reset()


@pytest.mark.parametrize("name", ["lstm", "sines, on the reference"])
def test_wrong_lengths_are_refused_by_graphs_too(name: str) -> None:
    """Where nobody could look at them when the graph was made."""
    net, x = make(**OPTIONS[name]).eval(), torch.randn(2, 3, 4, dtype=torch.float64)
    right = torch.tensor([1, 2, 0])

    def call(x: Tensor, lengths: Tensor) -> Tensor:
        return net(x, lengths=lengths)[0]

    class Module(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
            return call(x, lengths)

    made = {
        "compile": torch.compile(call, backend="aot_eager", fullgraph=True),
        "export": torch.export.export(Module(), (x, right)).module(),
        "make_fx": torch.fx.experimental.proxy_tensor.make_fx(call)(x, right),
        "compiled vmap over x": torch.compile(torch.vmap(call, in_dims=(0, None)), backend="aot_eager", fullgraph=True),
    }
    for how, graph in made.items():
        given = x.expand(2, *x.shape) if "vmap" in how else x
        graph(given, right)
        for wrong in ([-1, 2, 0], [1, 3, 0]):
            with pytest.raises((ValueError, RuntimeError), match="should lie between 0 and"):
                graph(given, torch.tensor(wrong))
    torch._dynamo.reset()


def test_a_compiled_vmap_over_lengths_takes_them_as_the_nearest_that_are_right() -> None:
    net, x = make().eval(), torch.randn(2, 3, 4, dtype=torch.float64)
    mapped = torch.compile(torch.vmap(lambda lengths: net(x, lengths=lengths)[0]), backend="aot_eager", fullgraph=True)
    right, wrong = torch.tensor([[0, 2, 2], [2, 0, 1]]), torch.tensor([[-3, 99, 2], [3, -1, 1]])
    torch.testing.assert_close(mapped(wrong), mapped(right))
    torch._dynamo.reset()


def test_compiled_with_an_own_cell() -> None:
    net = make(cell=made_up)
    compiled = torch.compile(net, backend="aot_eager", fullgraph=True)
    x = torch.randn(5, 3, 4, dtype=torch.float64)
    torch.testing.assert_close(everything(compiled, x, net), everything(net, x, net), rtol=1e-10, atol=1e-10)
    torch._dynamo.reset()


def test_only_the_loss_of_a_state() -> None:
    """Results that nothing depends on bring no derivative."""
    net = make()
    compiled = torch.compile(net, backend="aot_eager", fullgraph=True)
    x = torch.randn(5, 3, 4, dtype=torch.float64)
    for run in (net, compiled):
        run(x)[1][1].square().sum().backward()
    want = [weight.grad.clone() for weight in net.parameters()]
    net.zero_grad()
    net(x)[1][1].square().sum().backward()
    for weight, twice in zip(net.parameters(), want, strict=True):
        torch.testing.assert_close(2 * weight.grad, twice)
    torch._dynamo.reset()


def test_a_compiled_step_of_training_uses_the_operator() -> None:
    seen: list[str] = []

    def backend(graph, inputs):
        seen.extend(str(node.target) for node in graph.graph.nodes if node.op == "call_function")
        return graph.forward

    x, net = torch.randn(5, 3, 4, dtype=torch.float64), make()
    torch.compile(net, backend=backend, fullgraph=True)(x)
    assert [target for target in seen if "carrousel" in target] == ["carrousel.sequence_kept.default"]
    assert not any("sigmoid" in target for target in seen)
    seen.clear()
    with torch.no_grad():
        torch.compile(net, backend=backend, fullgraph=True)(x)
    exported = [str(node.target) for node in torch.export.export(net, (x,)).graph.nodes]
    for targets in (seen, exported):  # nothing is kept where there will be no backward pass
        assert [target for target in targets if "carrousel" in target] == ["carrousel.sequence.default"]
    torch._dynamo.reset()


@pytest.mark.parametrize("given", ["", "lengths", "resets", "lengths resets"])
def test_a_compiled_step_of_training_runs_forward_once(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[bool] = []
    forward = cpu.PASSES.forward

    def counting(*args, **kwargs):
        runs.append(kwargs["keep"])
        return forward(*args, **kwargs)

    monkeypatch.setattr(cpu, "PASSES", cpu.PASSES._replace(forward=counting))
    compiled = torch.compile(make(num_layers=2, bidirectional=True), backend="aot_eager", fullgraph=True)
    ragged = {"lengths": torch.tensor([5, 0, 2]), "resets": torch.rand(5, 3) < 0.5}
    options = {name: ragged[name] for name in given.split()}
    compiled(torch.randn(5, 3, 4, dtype=torch.float64), **options)[0].sum().backward()
    assert runs == [True] * 4
    torch._dynamo.reset()


def test_compiled_for_any_number_of_steps_and_sequences() -> None:
    net = make(num_layers=2)
    compiled = torch.compile(net, backend="aot_eager", fullgraph=True, dynamic=True)
    for T, B in ((5, 3), (7, 2), (2, 6)):
        x, lengths = torch.randn(T, B, 4, dtype=torch.float64), torch.randint(0, T + 1, (B,))
        for options in ({}, {"lengths": lengths}):
            one, other = (everything(which, x, net, **options) for which in (compiled, net))
            torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)
    torch._dynamo.reset()


def right_elsewhere(
    exported: torch.export.ExportedProgram, x: Tensor, want: Tensor, folder: Path, tolerance: float
) -> None:
    """Saves a program, and has another process load it after a plain import and compare its outputs."""
    torch.export.save(exported, folder / "net.pt2")
    torch.save({"x": x, "want": want.detach()}, folder / "want.pt")
    program = (
        "import torch, carrousel, sys\n"
        "net = torch.export.load(sys.argv[1]).module()\n"
        "given, tolerance = torch.load(sys.argv[2], weights_only=True), float(sys.argv[3])\n"
        "torch.testing.assert_close(net(given['x'])[0], given['want'], rtol=tolerance, atol=tolerance)\n"
    )
    arguments = [str(folder / "net.pt2"), str(folder / "want.pt"), str(tolerance)]
    subprocess.run([sys.executable, "-c", program, *arguments], check=True, timeout=60)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}, {"layer_norm": True}], ids=str)
def test_exported_with_any_number_of_steps(options: dict, tmp_path: Path) -> None:
    net = make(**options).eval()
    steps = torch.export.Dim("steps", min=1, max=1000)
    x = torch.randn(5, 2, 4, dtype=torch.float64)
    exported = torch.export.export(net, (x,), dynamic_shapes=({0: steps},))
    for T in (1, 5, 63):
        x = torch.randn(T, 2, 4, dtype=torch.float64)
        torch.testing.assert_close(exported.module()(x), net(x), rtol=1e-10, atol=1e-10)
    right_elsewhere(exported, x, net(x)[0], tmp_path, 1e-10)


def test_the_operator_keeps_its_promises() -> None:
    """Schema, fake kernel, autograd and traced graphs agree: torch's own check of an operator."""
    net = make(layer_norm=True)
    layer = net.layers[0]
    x = torch.randn(4, 3, 4, dtype=torch.float64, requires_grad=True)
    state = [torch.randn(3, size, dtype=torch.float64, requires_grad=True) for size in layer.state_sizes]
    weights = [weight.detach().requires_grad_() for weight in net.parameters()]
    for lengths in (None, torch.tensor([1, 4, 0])):
        arguments = (x, state, weights, [], lengths, None, layer.key, "", True, "c i")
        torch.library.opcheck(torch.ops.carrousel.sequence.default, arguments)
        torch.library.opcheck(torch.ops.carrousel.sequence_kept.default, (*arguments, ""))
        with torch.no_grad():
            results = torch.ops.carrousel.sequence_kept(*arguments, "")
        n = 3 + len("ci")
        adjoints = [torch.ones_like(value) for value in results[:n]]
        plain = [value.detach() for value in state], [value.detach() for value in weights]
        for wanted in (True, False):
            given = (adjoints, results[n:], x.detach(), *plain, *arguments[3:], wanted, wanted)
            torch.library.opcheck(torch.ops.carrousel.sequence_backward.default, given)


@pytest.mark.parametrize("name", [*cells, "elman(squash=relu)"])
def test_equations_are_written_into_a_graph_as_they_are(name: str) -> None:
    cell = cells.get(name)
    written = _key._written(cell)
    assert written is not None
    again = _key._read(json.dumps(written))
    assert (again.rows, again.exits, again.reads_output) == (cell.rows, cell.exits, cell.reads_output)
    for masked, exits in itertools.product([False, True], repeat=2):
        # Nodes of a graph that are equal are one.
        one, other = (trace(each, masked=masked, exits=exits) for each in (cell, again))
        assert (one.h, one.states, one.gates) == (other.h, other.states, other.gates)


def test_a_graph_brings_its_own_cell_along(tmp_path: Path) -> None:
    """It needs nothing of who made it: not the cell, which is gone, nor the process."""

    def exported(k: float) -> tuple[torch.export.ExportedProgram, Tensor, weakref.ref]:
        @carrousel.cell("i g", candidates="g", states="c", peepholes="i")
        def passing(z, s, p):
            i, g = cells.math.sigmoid(z.i + p.i(s.c)), p.g(cells.math.tanh(z.g))
            c = (1.0 - i) * s.c + k * i * g
            return p.c(c), carrousel.State(c=c), carrousel.Gates(i=i, g=g)

        net = make(cell=passing, layer_norm=True).eval()
        return torch.export.export(net, (x,)), net(x)[0].detach(), weakref.ref(passing.equations)

    x = torch.randn(5, 2, 4, dtype=torch.float64)
    graphs = [exported(k) for k in (0.5, 2.0)]  # of one name, and perhaps in one place, one after the other
    for cache in growth.caches().values():
        cache.cache_clear()
    gc.collect()
    for graph, want, gone in graphs:
        assert gone() is None
        torch.testing.assert_close(graph.module()(x)[0], want, rtol=1e-12, atol=1e-12)
    right_elsewhere(graphs[1][0], x, graphs[1][1], tmp_path, 1e-12)


def test_what_cannot_be_written_runs_on_the_reference() -> None:
    @carrousel.cell("g", candidates="g")
    def constant(z, s, p):
        g = p.g(cells.math.tanh(z.g))
        return g * cells.math.exp(g * 0.0 + 1.0), carrousel.State(), carrousel.Gates(g=g)

    net = make(cell=constant)
    object.__setattr__(net.layers[0], "key", "")
    x = torch.randn(5, 2, 4, dtype=torch.float64)
    compiled = torch.compile(net, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(x)[0], net(x)[0], rtol=1e-12, atol=1e-12)
    torch._dynamo.reset()


@pytest.mark.fuzz
@pytest.mark.parametrize("cell", ["lstm", made_up, cells["slstm"]], ids=str)
def test_a_damaged_layer_is_refused(cell) -> None:
    """What a graph says of its layer may come from a file: it is a layer that has kernels, or it is refused."""
    key = make(cell=cell).layers[0].key
    if not isinstance(cell, str):
        key = json.dumps({**json.loads(key), "cell": _key._written(cells.get(cell))})
    refused = 0
    for text in damaged(key.encode(), rounds(150)):
        try:
            found = _key.layer_of(text.decode(errors="replace"))
        except ValueError:  # and no other error
            refused += 1
        else:
            assert refuses_layer(found) is None
            assert all(type(n) is int and n > 0 for n in (found.input_size, found.hidden_size))
    assert refused > 50
