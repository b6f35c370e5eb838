"""What every backend promises: the reference's values and derivatives, or a reason. Those made up are found too."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from against_reference import compare, ragged
from configurations import ALL, I, make

import carrousel
from carrousel import cells, engine
from carrousel.engine import Backend, Call, Layer, _graph, reference, torch_kernels
from carrousel.engine._backend import passes_for

MADE_UP = Path(__file__).parents[1] / "made_up" / "backends"
VERBS = [name for name, value in vars(Backend).items() if inspect.isfunction(value) and not name.startswith("_")]
OTHERS: list[Any] = [
    module
    for found in pkgutil.iter_modules([str(MADE_UP)], "made_up.backends.")
    if all(hasattr(module := import_module(found.name), verb) for verb in (*VERBS, "PASSES"))
]
BACKENDS = [*engine.BACKENDS, *OTHERS]
T, B = 5, 3


@pytest.fixture(params=BACKENDS, ids=lambda backend: backend.NAME)
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A backend, which is now everybody's first choice; the reference takes what it refuses."""
    monkeypatch.setattr(torch_kernels, "DEVICES", frozenset())  # torch's kernels, on the CPU
    monkeypatch.setattr(engine._dispatch, "_STACKING", ())
    before = list(engine.BACKENDS)
    engine.BACKENDS[:] = {request.param.NAME: request.param, "reference": reference}.values()
    yield request.param
    engine.BACKENDS[:] = before


def test_made_up_backends_are_found() -> None:
    assert "plain" in [backend.NAME for backend in OTHERS]
    assert engine.BACKENDS[-1] is reference
    assert len({backend.NAME for backend in BACKENDS}) == len(BACKENDS)


def test_it_answers_as_the_protocol_asks(backend: Any) -> None:
    for verb in VERBS:
        want = inspect.signature(getattr(Backend, verb)).parameters
        assert list(inspect.signature(getattr(backend, verb)).parameters) == list(want)[1:], verb
        assert inspect.getdoc(getattr(backend, verb))


OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "reverse": {"reverse": True},
    "ragged": {"lengths": ragged(T, B)},
    "full lengths": {"lengths": torch.tensor([5, 1, 3])},
    "resets": {"resets": torch.rand(T, B, generator=torch.Generator().manual_seed(0)) < 0.3},
    "states": {"keep": ("h",)},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=list(OPTIONS))
@pytest.mark.parametrize("name", ["lstm", "gru", "elman", "slstm"])
@pytest.mark.parametrize("size", [7, 16])
def test_values_and_derivatives_or_a_reason(backend: Any, name: str, size: int, options: dict[str, Any]) -> None:
    for normed in (False, True):
        layer = engine.prepare(Layer(cells.get(name), I, size, layer_norm=normed))
        refusal = layer.refusal_of(backend.NAME) or backend.refuses_call(call_of(layer, torch.float64, **options))
        if refusal is None:
            compare(layer, T, B, torch.float64, backend=backend, **options)
        else:
            assert len(refusal) > 10


def call_of(layer: Layer, dtype: torch.dtype, **options: Any) -> Call:
    x = torch.randn(T, B, layer.input_size, dtype=dtype)
    weights = {name: torch.randn(shape, dtype=dtype) for name, shape in layer.shapes().items()}
    return Call(layer, weights, x, tuple(x.new_zeros(B, size) for size in layer.state_sizes), **options)


@pytest.mark.parametrize("name", ALL)
def test_explain_says_what_runs_and_why(backend: Any, name: str) -> None:
    """The first that does not refuse; and where it refuses, the reference runs for its reason."""
    net = make(ALL[name]).train()
    ran: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for other in {backend.NAME: backend, "reference": reference}.values():
            patch.setattr(other, "run", lambda call, other=other, run=other.run: ran.append(other.NAME) or run(call))
        ((_, who, why),) = carrousel.explain(net, torch.randn(T, B, I, dtype=torch.float64))
    assert ran[0] == who
    (layer,) = net.layers
    refusal = layer.refusal_of(backend.NAME)
    if backend is not reference and who == "reference":
        assert refusal is None or why == refusal
        assert why
    elif backend is not reference:
        assert refusal is None
        assert why


def test_steps_are_its_own_or_the_references(backend: Any) -> None:
    for size in (7, 16):
        net = carrousel.LSTM(I, size).eval()
        x, state = torch.randn(T, B, I), tuple(torch.zeros(1, B, size) for _ in range(2))
        with torch.no_grad():
            want = net(x)[0]
            for t in range(T):
                y, state = net.step(x[t], state)
                torch.testing.assert_close(y, want[t], rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("other", [b for b in BACKENDS if b.PASSES is not None], ids=lambda backend: backend.NAME)
def test_operators_ask_for_passes(other: Any) -> None:
    layer, x = Layer(cells.get("lstm"), I, 4), torch.zeros(T, B, I)
    assert passes_for(layer, x) is other.PASSES
    with pytest.raises(TypeError, match=r"x should be float32 or float64, got torch\.float16"):
        passes_for(layer, x.half())
    with pytest.raises(TypeError, match="no kernels for the device 'meta'"):
        passes_for(layer, x.to("meta"))
    with pytest.raises(TypeError, match="heads is not fused"):
        passes_for(Layer(cells.get("lstm"), I, 4, heads=2), x)


def test_what_is_not_in_memory_goes_to_operations_of_torch(backend: Any) -> None:
    layer = engine.prepare(Layer(cells.get("lstm"), I, 4))
    call = call_of(layer, torch.float32)
    zero = torch._efficientzerotensor(T, B, I)
    choice = engine.choose(call._replace(x=zero))
    assert choice.backend == ("reference" if backend.PASSES is not None else choice.backend)
    if backend.PASSES is not None:
        assert "not in memory" in choice.reason


def tables() -> dict[str, Mapping[str, Any]]:
    """Every table of operations in the engine, by its module: what is called ``OPERATIONS`` there."""
    found = {}
    for module in pkgutil.walk_packages(engine.__path__, "carrousel.engine."):
        value = getattr(_imported(module.name), "OPERATIONS", None)
        if isinstance(value, Mapping):
            found[module.name] = value
    return found


def _imported(name: str) -> ModuleType | None:
    try:
        return import_module(name)
    except ImportError:
        return None  # a language whose library is not installed


def test_every_table_has_every_operation() -> None:
    found = tables()
    assert "carrousel.engine.cpu.llvm._operations" in found
    for name, table in found.items():
        assert set(table) == _graph.OPERATIONS, name
