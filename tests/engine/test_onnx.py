"""Networks in ONNX files, run by onnxruntime beside themselves."""

from __future__ import annotations

import inspect
import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from configurations import CELLS, OPTIONS, H, I, as_hx, as_tuple, random_state
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

import carrousel
from carrousel import LSTM, LSTMCell
from carrousel.cells import math
from carrousel.engine import _graph, onnx

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

ANY = torch.export.Dim.DYNAMIC
CLOSE = {"rtol": 1e-5, "atol": 1e-5}

# Warnings of torch and onnxscript about their own.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


class Exported:
    """A module and the session of its ONNX file."""

    def __init__(self, module: nn.Module, arguments: Any, *, free: Any = None, **options: Any) -> None:
        args, kwargs = arguments
        self.program = torch.onnx.export(
            module.eval(), args, kwargs=kwargs, dynamo=True, dynamic_shapes=free, verbose=False, **options
        )
        self.module = module
        self.session = onnxruntime.InferenceSession(self.program.model_proto.SerializeToString())

    def operators(self) -> list[str]:
        """The operators that run sequences."""
        names = [node.op_type for node in self.program.model.graph]
        return sorted(name for name in names if name in ("LSTM", "GRU", "RNN", "Scan", "Loop"))

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> list[Tensor]:
        given = tree_leaves((args, kwargs or {}))
        names = [value.name for value in self.session.get_inputs()]
        feed = {name: value.detach().numpy() for name, value in zip(names, given, strict=True)}
        return [torch.from_numpy(value) for value in self.session.run(None, feed)]

    def check(self, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> None:
        """The runtime gives what the module gives."""
        with torch.no_grad():
            want = tree_leaves(self.module(*args, **(kwargs or {})))
        torch.testing.assert_close(self.run(args, kwargs), want, **CLOSE)


class Together(nn.Module):
    """Several networks over one input, in one file: an export takes a second, however small."""

    def __init__(self, configurations: dict[str, dict[str, Any]], **more: Any) -> None:
        super().__init__()
        self.names = list(configurations)
        self.nets = nn.ModuleList(
            make(config, seed=seed, **more) for seed, config in enumerate(configurations.values())
        )

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> list[tuple[Tensor, ...]]:
        results = (net(x, lengths=lengths) for net in self.nets)
        return [(output, *as_tuple(final)) for output, final in results]


def make(config: dict[str, Any], *, seed: int = 0, **more: Any) -> LSTM:
    torch.manual_seed(seed)
    return LSTM(I, H, **{"init": 0.9, "dtype": torch.float32, **config, **more}).eval()


def ragged(T: int, lengths: list[int], *, seed: int = 0) -> tuple[Tensor, Tensor]:
    """A batch, NaN past the lengths, and the lengths."""
    x = torch.randn(T, len(lengths), I, generator=torch.Generator().manual_seed(seed))
    for column, length in enumerate(lengths):
        x[length:, column] = torch.nan
    return x, torch.tensor(lengths)


RAGGED = ({0: ANY, 1: ANY}, {0: ANY})
BATCHES = [ragged(5, [5, 0, 3]), ragged(1, [1]), ragged(9, [9, 1, 0, 8])]


class Compared:
    """The results of several networks in one file, network by network: the runtime's and their own."""

    def __init__(self, together: Together) -> None:
        exported = Exported(together, (BATCHES[0], None), free=RAGGED)
        self.operators = exported.operators()
        self.pairs: dict[str, list[tuple[tuple[Tensor, ...], tuple[Tensor, ...]]]] = {n: [] for n in together.names}
        for batch in BATCHES:
            got = iter(exported.run(batch))
            with torch.no_grad():
                for name, want in zip(together.names, together(*batch), strict=True):
                    self.pairs[name].append((tuple(itertools.islice(got, len(want))), want))


@pytest.fixture(scope="module")
def family() -> Compared:
    return Compared(Together(CELLS, bidirectional=True))


@pytest.fixture(scope="module")
def options() -> Compared:
    return Compared(Together(OPTIONS))


@pytest.mark.parametrize("name", CELLS)
def test_every_cell(family, name: str) -> None:
    for got, want in family.pairs[name]:
        torch.testing.assert_close(got, want, **CLOSE)


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option(options, name: str) -> None:
    for got, want in options.pairs[name]:
        torch.testing.assert_close(got, want, **CLOSE)


OWN = {
    "lstm": "LSTM",
    "peephole": "LSTM",
    "multidimensional": "LSTM",
    "gers2002": "LSTM",
    "no_peepholes": "LSTM",
    "coupled": "LSTM",
    "coupled_peephole": "LSTM",
    "no_input_activation": "LSTM",
    "no_output_activation": "LSTM",
    "gru": "GRU",
    "gru_cho": "GRU",
    "elman": "RNN",
    "elman(squash=relu)": "RNN",
}


def test_cells_that_onnx_has_are_its_own_operators(family) -> None:
    assert family.operators == sorted(OWN.get(name, "Scan") for name in CELLS for _ in ("forward", "backward"))


def test_a_cell_is_known_by_its_equations() -> None:
    """Not by its name: an own cell whose equations ONNX has is ONNX's too, whatever its order of rows."""

    @carrousel.cell("o g i f", candidates="g", states="c", peepholes="o f")
    def mine(z, s, p):
        i, f, g = math.sigmoid(z.i), math.sigmoid(z.f + p.f(s.c)), p.g(math.relu(z.g))
        c = f * s.c + i * g
        o = math.sigmoid(z.o + p.o(c))
        return o * math.tanh(p.c(c)), carrousel.State(c=c), carrousel.Gates(i=i, f=f, g=g, o=o)

    exported = Exported(make({"cell": mine}), ((BATCHES[0][0],), {"lengths": BATCHES[0][1]}))
    assert exported.operators() == ["LSTM"]
    exported.check((BATCHES[0][0],), {"lengths": BATCHES[0][1]})


@pytest.mark.parametrize("cell", ["peephole", "slstm"])
def test_layers_directions_states(cell: str) -> None:
    """Two layers in both directions with batch first and initial states, and again without lengths."""
    net = make({"cell": cell, "num_layers": 2, "bidirectional": True, "batch_first": True})
    x = torch.randn(3, 6, I)
    hx = as_hx(
        tuple(
            value.float()
            for value in random_state(make({"cell": cell}, num_layers=2, bidirectional=True, dtype=torch.float64), 3)
        )
    )
    free = {"input": {0: ANY, 1: ANY}, "hx": tuple({1: ANY} for _ in as_tuple(hx))}
    exported = Exported(net, ((x, hx), None), free=free)
    assert exported.operators() == [OWN.get(cell, "Scan")] * 4
    exported.check((x, hx))
    exported.check((torch.randn(1, 11, I), as_hx(tuple(value[:, :1].contiguous() for value in as_tuple(hx)))))


def test_no_steps_leave_the_states_as_they_are() -> None:
    """onnxruntime's operators give zeros there. (It refuses a Scan of no steps.)"""
    net = make({"cell": "lstm"})
    exported = Exported(
        net, ((torch.randn(2, 3, I), tuple(torch.randn(1, 3, H) for _ in "hc")), None), free=({0: ANY}, ({}, {}))
    )
    exported.check((torch.randn(0, 3, I), tuple(torch.randn(1, 3, H) for _ in "hc")))


@pytest.mark.parametrize("bidirectional", [False, True])
def test_resets(bidirectional: bool) -> None:
    net = make({"cell": "lstm", "bidirectional": bidirectional})
    free = {"input": {0: ANY, 1: ANY}, "lengths": {0: ANY}, "resets": {0: ANY, 1: ANY}}
    calls = [
        (
            (x,),
            {"lengths": lengths, "resets": torch.rand(x.shape[:2], generator=torch.Generator().manual_seed(1)) < 0.4},
        )
        for x, lengths in BATCHES
    ]
    exported = Exported(net, calls[0], free=free)
    for args, kwargs in calls:
        exported.check(args, kwargs)


class WithStates(nn.Module):
    def __init__(self, net: LSTM) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor, lengths: Tensor) -> Any:
        return self.net(x, lengths=lengths, return_states="gates")


@pytest.mark.parametrize("config", ["gates to all", "everything"])
def test_states_and_gates_of_every_step(config: str) -> None:
    exported = Exported(WithStates(make(OPTIONS[config], bidirectional=True)), (BATCHES[0], None), free=RAGGED)
    for batch in BATCHES:
        exported.check(batch)


def test_double_precision() -> None:
    """onnxruntime has no LSTM in double precision: there it is a Scan."""
    net = make({"cell": "lstm", "dtype": torch.float64})
    exported = Exported(net, ((torch.randn(4, 2, I, dtype=torch.float64),), None))
    assert exported.operators() == ["Scan"]
    exported.check((torch.randn(4, 2, I, dtype=torch.float64),))


def test_every_operation() -> None:
    """A cell made of all functions that equations may use, each in a gate of its own: what is added there is tried
    here, and a table that lacks it fails."""
    functions = {name: getattr(math, name) for name in math.__all__}

    def applied(function: Any, a: Any, b: Any) -> Any:
        count = len(inspect.signature(function).parameters)
        if function is math.log:
            a = math.exp(a)
        value = function(*((a > b, a, b) if count == 3 else (a, b)[:count]))
        return math.where(value, a, b) if function is math.equal else value

    comparisons = {"lt": lambda a, b: a < b, "le": lambda a, b: a <= b, "ge": lambda a, b: a >= b}

    @carrousel.cell(" ".join((*functions, *comparisons, "nothing")), states="c")
    def all_of_them(z, s, p):
        gates = {name: applied(function, getattr(z, name), s.c) for name, function in functions.items()}
        for name, compare in comparisons.items():
            gates[name] = math.where(compare(getattr(z, name), s.c), 1.0 + s.c, -getattr(z, name) / 2.0)
        gates["nothing"] = math.exp(0.0 * z.nothing)  # which depends on nothing
        return math.tanh(gates["where"]), carrousel.State(c=gates["tanh"]), carrousel.Gates(**gates)

    roots = _graph.trace(all_of_them, exits=True).gates.values()
    used = {node.op for node in _graph.order(roots)} - {"leaf", "constant"}
    from carrousel.engine.onnx import _emit

    assert used == set(_emit.OPERATIONS)
    net = make({"cell": all_of_them})
    exported = Exported(WithStates(net), (BATCHES[0], None), free=RAGGED)
    exported.check(BATCHES[2])


class OneStep(nn.Module):
    """A single step of every cell, and of a network."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = nn.ModuleList(LSTMCell(I, H, cell=cell) for cell in CELLS)
        self.net = make({"cell": "lstm", "num_layers": 2})

    def forward(self, x: Tensor) -> list[Any]:
        return [*(cell(x) for cell in self.cells), self.net.step(x)]


def test_single_steps() -> None:
    Exported(OneStep(), ((torch.randn(2, I),), None), free=({0: ANY},), optimize=False).check((torch.randn(5, I),))


def test_what_was_exported_before() -> None:
    """A program of ``torch.export`` holds the same operators."""
    net = make({"cell": "slstm"})
    x = torch.randn(4, 2, I)
    program = torch.export.export(net, (x,), dynamic_shapes=({0: ANY, 1: ANY},))
    onnx_program = torch.onnx.export(program, dynamo=True, verbose=False)
    session = onnxruntime.InferenceSession(onnx_program.model_proto.SerializeToString())
    x = torch.randn(7, 3, I)
    got = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    torch.testing.assert_close(torch.from_numpy(got[0]), net(x)[0].detach(), **CLOSE)


@carrousel.cell("g")
def of_torch(z, s, p):
    g = torch.sin(z.g)
    return g, carrousel.State(), carrousel.Gates(g=g)


@pytest.mark.parametrize(
    ("net", "reason"),
    [
        (lambda: make({"cell": of_torch}), "the equations of cell 'of_torch' cannot be traced"),
        (lambda: make({"zoneout": 0.1}).train(), "recurrent_dropout and zoneout draw noise in training, which eval"),
    ],
)
def test_what_cannot_be_a_loop(net, reason: str) -> None:
    x = torch.randn(4, 2, I)
    with pytest.raises(
        torch.onnx.errors.OnnxExporterError, match=f"cannot become a loop in ONNX: {reason}.*leave the axis of time"
    ):
        torch.onnx.export(net(), (x,), dynamo=True, dynamic_shapes=({0: ANY},), verbose=False)


def test_equations_that_cannot_be_traced_are_exported_step_after_step() -> None:
    exported = Exported(make({"cell": of_torch}), ((torch.randn(4, 2, I),), None))
    assert exported.operators() == []
    exported.check((torch.randn(4, 2, I),))


FRESH = {
    "a network": (
        "import sys, torch, carrousel\n"
        "net = carrousel.LSTM(3, 4, cell='slstm').eval()\n"
        "net(torch.zeros(2, 1, 3))\n"
        "loaded = [name for name in sys.modules if name.partition('.')[0].startswith('onnx')]\n"
        "assert not loaded, loaded\n"
        "torch.onnx.export(net, (torch.zeros(2, 1, 3),), sys.argv[1], dynamo=True)\n"
    ),
    "the exporter first": (
        "import sys, torch\n"
        "from torch.onnx._internal.exporter._torchlib import ops\n"
        "import carrousel\n"
        "net = carrousel.LSTM(3, 4, cell='slstm').eval()\n"
        "torch.onnx.export(net, (torch.zeros(2, 1, 3),), sys.argv[1], dynamo=True)\n"
    ),
    "a program from a file": (
        "import sys, carrousel, torch\n"
        "program = torch.export.load(sys.argv[2])\n"
        "assert 'carrousel.engine' not in sys.modules\n"
        "torch.onnx.export(program, f=sys.argv[1], dynamo=True)\n"
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("how", FRESH)
def test_a_fresh_process_needs_no_table(how: str, tmp_path: Path) -> None:
    """In whatever order things are imported; and importing carrousel imports no onnx."""
    program, path = tmp_path / "net.pt2", tmp_path / "net.onnx"
    net, x = make({"cell": "slstm"}), torch.zeros(2, 1, I)
    torch.export.save(torch.export.export(net, (x,)), program)
    done = subprocess.run(
        [sys.executable, "-c", FRESH[how], str(path), str(program)], timeout=110, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert onnxruntime.InferenceSession(path).get_outputs()[0].shape == [2, 1, 4]


def test_a_packed_sequence_is_refused() -> None:
    packed = nn.utils.rnn.pack_padded_sequence(torch.randn(4, 2, I), [4, 3])
    with pytest.raises(torch.onnx.errors.OnnxExporterError, match=r"a PackedSequence cannot go to ONNX.*padded batch"):
        Exported(make({"cell": "lstm"}), ((packed,), None))


def test_the_table_for_a_torch_that_registers_otherwise(recwarn, monkeypatch) -> None:
    from torch.onnx._internal.exporter._torchlib import _torchlib_registry

    _torchlib_registry.get_torchlib_ops()
    others = [entry for entry in _torchlib_registry._registry if "carrousel" not in str(entry.fx_target)]
    monkeypatch.setattr(_torchlib_registry, "_registry", others)
    net, x = make({"cell": "slstm"}), torch.randn(3, 2, I)
    with pytest.raises(torch.onnx.errors.OnnxExporterError, match=r"No ONNX function found for .*carrousel\.sequence"):
        Exported(net, ((x,), None))
    Exported(net, ((x,), None), custom_translation_table=onnx.translations()).check((x,))
    monkeypatch.delattr(_torchlib_registry, "onnx_impl")
    with pytest.warns(UserWarning, match="pass custom_translation_table=carrousel.engine.onnx.translations"):
        onnx.register()
