"""Initial weights, and how a network shows itself."""

import math

import pytest
import torch
from configurations import I

import carrousel

N = 64


@pytest.mark.parametrize("cell", ["lstm", "peephole", "minlstm"])
@pytest.mark.parametrize(("init", "bound"), [("uniform", 1 / math.sqrt(N)), (0.1, 0.1), (3, 3.0)])
def test_ranges(cell, init, bound) -> None:
    torch.manual_seed(0)
    for name, weight in carrousel.LSTM(I, N, 2, cell=cell, init=init).named_parameters():
        assert weight.abs().max() <= bound, name
        assert weight.abs().max() > 0.9 * bound, name
        assert abs(weight.mean()) < 0.3 * bound, name


@pytest.mark.parametrize(
    ("options", "pieces"),
    [
        ({}, (4, N, N)),
        ({"heads": 4}, (16, N // 4, N // 4)),
        ({"proj_size": 16}, (4, N, 16)),
        ({"cell": "gru"}, (3, N, N)),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_orthogonal(options, pieces, dtype) -> None:
    net = carrousel.LSTM(I, N, **options, init="orthogonal", dtype=dtype)
    count, rows, columns = pieces
    for matrix in net.weight_hh_l0.detach().double().reshape(count, rows, columns):
        error = 0.1 if dtype == torch.bfloat16 else 1e-5
        torch.testing.assert_close(matrix.T @ matrix, torch.eye(columns).double(), atol=error, rtol=0)
    assert net.weight_ih_l0.abs().max() <= 1 / math.sqrt(N) + 1e-3
    assert net.weight_ih_l0.std() > 0


def test_orthogonal_blocks() -> None:
    net = carrousel.LSTM(I, N, block_size=4, init="orthogonal", dtype=torch.float64)
    for rows in net.weight_hh_l0.detach().split([16, 16, N, 16]):
        torch.testing.assert_close(rows @ rows.T, torch.eye(len(rows)).double())


@pytest.mark.parametrize("cell", ["lstm", "peephole", "slstm", "minlstm", "no_input_gate"])
@pytest.mark.parametrize("layer_norm", [False, True])
def test_forget_bias(cell, layer_norm) -> None:
    net = carrousel.LSTM(I, 8, 2, bidirectional=True, cell=cell, layer_norm=layer_norm, block_size=2, forget_bias=1.5)
    place = net.cell.rows.index("f")
    sizes = [8 if row in net.cell.candidates else 4 for row in net.cell.rows]
    for suffix in ("_l0", "_l0_reverse", "_l1", "_l1_reverse"):
        total = getattr(net, f"bias_ih{suffix}") + getattr(net, f"bias_hh{suffix}", 0.0)
        for k, rows in enumerate(total.split(sizes)):
            assert bool((rows == 1.5).all()) is (k == place)


def test_forget_bias_is_what_the_gate_sees() -> None:
    net = carrousel.LSTM(I, 8, forget_bias=2.0)
    x = torch.zeros(1, 1, I)
    f = net(x, return_states="gates")[2]["f_l0"]
    torch.testing.assert_close(f, torch.full_like(f, torch.sigmoid(torch.tensor(2.0)).item()))


def test_norms_start_as_the_identity() -> None:
    for name, weight in carrousel.LSTM(I, 8, cell="slstm", layer_norm=True).named_parameters():
        if name.startswith("norm_"):
            assert (weight == (0.0 if "bias" in name else 1.0)).all()


def test_reset_parameters_draws_anew_by_the_same_rule() -> None:
    torch.manual_seed(0)
    net = carrousel.LSTM(I, 8, init=0.1, forget_bias=1.0)
    first = net.weight_hh_l0.detach().clone()
    net.reset_parameters()
    assert not torch.equal(net.weight_hh_l0, first)
    assert net.weight_hh_l0.abs().max() <= 0.1
    assert (net.bias_ih_l0[8:16] == 1.0).all()
    torch.manual_seed(0)
    net.reset_parameters()
    assert torch.equal(net.weight_hh_l0, first)


OPTIONS = {
    "cell": "peephole",
    "num_layers": 2,
    "bias": False,
    "batch_first": True,
    "dropout": 0.1,
    "bidirectional": True,
    "layer_norm": True,
    "recurrent_dropout": ("candidate", 0.2),
    "zoneout": (0.1, 0.3),
    "block_size": 2,
    "gate_recurrence": "all",
    "heads": 2,
    "init": 0.1,
}


def test_a_network_shows_what_it_is() -> None:
    assert repr(carrousel.LSTM(2, 3)) == "LSTM(2, 3)"
    net = carrousel.LSTM(2, 8, **OPTIONS)
    shown = repr(net)
    for name, value in OPTIONS.items():
        assert f"{name}={value!r}" in shown
    again = eval(f"carrousel.{shown}")
    assert repr(again) == shown
    for name in ("forget_bias=1.0", "diagonal=True", "proj_size=2"):
        assert name in repr(eval(f"carrousel.LSTM(2, 4, {name})"))
    assert "elman(squash=relu)" in repr(carrousel.LSTMCell(2, 3, cell="elman(squash=relu)"))
