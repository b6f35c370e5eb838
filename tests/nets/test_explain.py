"""carrousel.explain: what ran each layer, and why."""

from __future__ import annotations

import threading

import pytest
import torch
from configurations import CELLS, OPTIONS, I, make
from torch import nn

import carrousel
from carrousel import engine

FUSED = "a fused kernel of the cell's equations"
x = torch.randn(5, 2, I, dtype=torch.float64)


def backends(net: nn.Module, *args, **kwargs) -> set[str]:
    return {line.backend for line in carrousel.explain(net, *args, **kwargs)}


@pytest.mark.parametrize("name", CELLS)
def test_every_cell_is_fused(name: str) -> None:
    net = make({"cell": name, "num_layers": 2, "bidirectional": True})
    (*lines,) = carrousel.explain(net, x, lengths=[5, 0], return_states=True)
    assert [line.layer for line in lines] == ["l0", "l0_reverse", "l1", "l1_reverse"]
    assert {line[1:] for line in lines} == {("cpu", FUSED)}


@pytest.mark.parametrize("name", OPTIONS)
def test_it_says_what_ran(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not what should: the backends are watched at work."""
    net, met = make(OPTIONS[name]).train(), set[str]()
    for module in engine.BACKENDS:

        def run(call, backend=module.NAME, run=module.run):
            met.add(backend)
            return run(call)

        monkeypatch.setattr(module, "run", run)
    lines = carrousel.explain(net, x)
    assert {line.backend for line in lines} == met
    assert all(line.reason for line in lines)


def test_reasons() -> None:
    net = make({"cell": "lstm"})
    for call, reason in (
        ({"return_states": "gates"}, FUSED),
        ({"lengths": [0, 0]}, FUSED),
    ):
        ((_, _, said),) = carrousel.explain(net, x, **call)
        assert said.startswith(reason)
    half = carrousel.LSTM(I, 4, dtype=torch.bfloat16)
    assert "torch.bfloat16" in str(carrousel.explain(half, x.bfloat16()))
    empty = carrousel.explain(net, x[:0])
    assert (empty[0].backend, empty[0].reason) == ("reference", "there is nothing to compute")
    noisy = make({"cell": "lstm", "recurrent_dropout": 0.5})
    assert backends(noisy.eval(), x) == {"cpu"}
    assert backends(noisy.train(), x) == {"cpu"}
    under_vmap: list[str] = []

    def call(x: torch.Tensor) -> torch.Tensor:
        under_vmap.append(carrousel.explain(noisy, x)[0].reason)
        return x

    torch.vmap(call, randomness="same")(x.unsqueeze(0))
    assert under_vmap == ["noise in the recursion under a transformation of torch.func, or in forward mode"]


def test_an_operation_that_cannot_be_traced_runs_on_the_reference() -> None:
    @carrousel.cell("g", candidates="g")
    def sine(z, s, p):
        g = p.g(torch.sin(z.g))
        return g, carrousel.State(), carrousel.Gates(g=g)

    net = carrousel.LSTM(I, 4, cell=sine, dtype=torch.float64)
    ((layer, backend, reason),) = carrousel.explain(net, x)
    assert (layer, backend) == ("l0", "reference")
    assert reason.startswith("the equations of cell 'sine' cannot be fused")
    W, R, b = net.weight_ih_l0, net.weight_hh_l0, net.bias_ih_l0 + net.bias_hh_l0
    h = torch.zeros(2, 4, dtype=torch.float64)
    for step in x:
        h = torch.sin(step @ W.T + h @ R.T + b)
    torch.testing.assert_close(net(x)[0][-1], h)


def test_an_operation_without_a_kernel_runs_on_the_reference_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from carrousel.engine.cpu import _pointwise

    @carrousel.cell("g", candidates="g")
    def soft(z, s, p):
        g = p.g(carrousel.cells.math.softplus(z.g))
        return g, carrousel.State(), carrousel.Gates(g=g)

    monkeypatch.delitem(_pointwise.OPERATIONS, "softplus")
    ((_, backend, reason),) = carrousel.explain(carrousel.LSTM(I, 4, cell=soft), x.float())
    assert (backend, reason) == ("reference", "the kernels have no operation 'softplus'")


def test_other_devices() -> None:
    ((layer, backend, reason),) = carrousel.explain(
        carrousel.LSTM(I, 4, device="meta"), torch.zeros(5, 2, I, device="meta")
    )
    assert (layer, backend) == ("l0", "reference")
    assert "'meta'" in reason


def test_torchs_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a device for which carrousel has no kernels."""
    monkeypatch.setattr(engine.torch_kernels, "DEVICES", frozenset())
    net = carrousel.LSTM(I, 4, num_layers=2, bidirectional=True, dtype=torch.float64)
    for kwargs in ({}, {"lengths": [3, 5]}):
        assert carrousel.explain(net, x, **kwargs) == (("LSTM", "torch", "torch's own kernel for the device 'cpu'"),)
    assert carrousel.explain(nn.Sequential(net), x)[0].layer == "0"


def test_networks_within_modules() -> None:
    class Pair(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = carrousel.LSTM(I, 4, bidirectional=True)
            self.decoder = nn.ModuleList([carrousel.LSTMCell(8, 4)])
            self.unused = carrousel.LSTM(I, 4)

        def forward(self, x):
            output, _ = self.encoder(x)
            return self.decoder[0](output[0])

    lines = carrousel.explain(Pair(), x.float())
    assert [line.layer for line in lines] == ["encoder.l0", "encoder.l0_reverse", "decoder.0"]
    assert [line.backend for line in lines] == ["cpu", "cpu", "cpu"]
    assert str(lines).splitlines()[2] == f"decoder.0           cpu  {FUSED}"


def test_a_cell_alone() -> None:
    ((layer, backend, reason),) = carrousel.explain(carrousel.LSTMCell(I, 4), x[0].float())
    assert layer == "LSTMCell"
    assert backend in ("cpu", "reference")
    assert reason


def test_many_steps_are_one_line() -> None:
    class Loop(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = carrousel.LSTM(I, 4, num_layers=2), carrousel.LSTMCell(4, 4)

        def forward(self, x):
            state, hx = None, None
            for step in x:
                y, state = self.first.step(step, state)
                hx = self.second(y, hx)
            return hx

    lines = carrousel.explain(Loop(), x.float())
    assert [line.layer for line in lines] == ["step", "second"]


def test_nothing_of_it_stays() -> None:
    net = make({"cell": "lstm"})
    with pytest.raises(RuntimeError):
        carrousel.explain(net, x[..., :2])
    carrousel.explain(net, x)
    assert not net._forward_hooks
    assert not engine._dispatch._watching


def test_other_threads_are_not_listened_to() -> None:
    net, other = make({"cell": "lstm"}), make({"cell": "gru"})

    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, x):
            thread = threading.Thread(target=other, args=(x,))
            thread.start()
            thread.join()
            return self.net(x)

    assert [line.layer for line in carrousel.explain(Both(), x)] == ["net.l0"]


def test_refusals() -> None:
    with pytest.raises(TypeError, match="takes a module"):
        carrousel.explain("lstm", x)
    with pytest.raises(ValueError, match=r"no carrousel\.LSTM"):
        carrousel.explain(nn.Linear(2, 3), x)
    with pytest.raises(TypeError, match=r"torch\.compile"):
        carrousel.explain(torch.compile(make({"cell": "lstm"}), backend="eager"), x)
