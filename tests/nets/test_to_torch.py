"""``carrousel.to_torch``: torch's own modules with carrousel's weights, and back."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from configurations import CELLS, OPTIONS, H, I, as_tuple, make
from torch import nn

import carrousel

KINDS = {"lstm": nn.LSTM, "gru": nn.GRU, "elman": nn.RNN, "elman(squash=relu)": nn.RNN}
CELL_KINDS = {"lstm": nn.LSTMCell, "gru": nn.GRUCell, "elman": nn.RNNCell, "elman(squash=relu)": nn.RNNCell}

VARIANTS: list[dict[str, Any]] = [
    {},
    {"num_layers": 3, "bidirectional": True, "batch_first": True, "dropout": 0.25},
    {"num_layers": 2, "bias": False, "dtype": torch.float32},
]


@pytest.mark.parametrize("options", VARIANTS, ids=str)
@pytest.mark.parametrize("cell", KINDS)
def test_networks(cell: str, options: dict[str, Any]) -> None:
    net = make({"cell": cell}, **options)
    before = torch.get_rng_state()
    torchs = carrousel.to_torch(net)
    assert torch.equal(torch.get_rng_state(), before)
    assert type(torchs) is KINDS[cell]
    assert not torchs.training
    for name in ("input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional"):
        assert getattr(torchs, name) == getattr(net, name), name
    x = torch.randn(5, 2, I, dtype=net.weight_ih_l0.dtype)
    tolerance = {"rtol": 1e-5, "atol": 1e-6} if x.dtype == torch.float32 else {"rtol": 1e-10, "atol": 1e-12}
    torch.testing.assert_close(torchs(x), net(x), **tolerance)
    # and back
    other = make({"cell": cell}, seed=1, **options)
    other.load_state_dict(torchs.state_dict())
    assert torch.equal(other(x)[0], net(x)[0])
    # the weights are copies
    with torch.no_grad():
        torchs.weight_ih_l0.zero_()
    assert torch.equal(other(x)[0], net(x)[0])


def test_projection() -> None:
    net = make({"cell": "lstm", "proj_size": 2}, num_layers=2, bidirectional=True)
    x = torch.randn(5, 2, I, dtype=torch.float64)
    torchs = carrousel.to_torch(net)
    assert torchs.proj_size == 2
    torch.testing.assert_close(torchs(x), net(x), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("cell", CELL_KINDS)
def test_cells(cell: str, bias: bool) -> None:
    ours = carrousel.LSTMCell(I, H, bias, cell=cell, dtype=torch.float64)
    torchs = carrousel.to_torch(ours)
    assert type(torchs) is CELL_KINDS[cell]
    assert torchs.training
    assert torchs.bias == bias
    x = torch.randn(2, I, dtype=torch.float64)
    torch.testing.assert_close(as_tuple(torchs(x)), as_tuple(ours(x)), rtol=1e-10, atol=1e-12)


def test_all_else_that_a_parameter_is() -> None:
    net = make({"cell": "lstm"}).train()
    net.bias_ih_l0.requires_grad_(False)
    torchs = carrousel.to_torch(net)
    assert torchs.training
    assert {name: value.requires_grad for name, value in torchs.named_parameters()} == {
        name: name != "bias_ih_l0" for name, _ in net.named_parameters()
    }
    empty = carrousel.to_torch(copy.deepcopy(net).to("meta"))
    assert all(value.is_meta for value in empty.parameters())
    x = torch.randn(5, 2, I, dtype=torch.float64)
    want = net(x)[0]
    torch.nn.utils.parametrizations.weight_norm(net, "weight_hh_l0")
    torch.testing.assert_close(carrousel.to_torch(net)(x)[0], want)


@pytest.mark.parametrize("name", [name for name in CELLS if name not in KINDS])
def test_other_cells_are_refused_by_name(name: str) -> None:
    for module in (make(CELLS[name]), carrousel.LSTMCell(I, H, cell=name)):
        with pytest.raises(ValueError, match=f"torch has no module with the cell '{name}'; it has the cells lstm, gru"):
            carrousel.to_torch(module)


WITHIN = {"projection": "lstm", "no bias": "gru"}
"""The options of torch's own."""


@pytest.mark.parametrize("name", [name for name in OPTIONS if name not in WITHIN])
def test_other_options_are_refused_by_name(name: str) -> None:
    """Every option that the table of configurations has, whatever may be added to it."""
    config = OPTIONS[name]
    with pytest.raises(ValueError, match="torch has no module with") as error:
        carrousel.to_torch(make(config))
    said = str(error.value).partition(";")[0]
    for option in config:
        torchs_own = option in ("cell", "bias") or (option == "proj_size" and config["cell"] != "elman")
        assert torchs_own or option in said
    assert (f"the cell {config['cell']!r}" in said) == (config["cell"] not in KINDS)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"recurrent_dropout": 0.1}, "recurrent_dropout"),
        ({"recurrent_dropout": ("candidate", 0.1)}, "recurrent_dropout"),
        ({"cell": "elman", "proj_size": 2}, "proj_size"),
        ({"zoneout": 0.1, "layer_norm": True, "cell": "slstm"}, "the cell 'slstm', layer_norm, zoneout"),
    ],
)
def test_all_that_stands_in_the_way_is_named(options, named: str) -> None:
    with pytest.raises(ValueError, match=f"torch has no module with {named};"):
        carrousel.to_torch(carrousel.LSTM(I, H, **options))


def test_what_is_no_network() -> None:
    with pytest.raises(TypeError, match=r"to_torch takes a carrousel.LSTM or a carrousel.LSTMCell, got Linear"):
        carrousel.to_torch(nn.Linear(3, 4))
