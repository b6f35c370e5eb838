"""Each cell against its equations written out a second time, see tests/family.py."""

import itertools

import numpy as np
import pytest
import torch
from configurations import BACKENDS, H, I, as_hx, as_tuple, make, random_state, running_on
from family import FAMILY, Member, run
from torch.nn import functional

import carrousel


def test_every_cell_has_a_line_in_the_table() -> None:
    missing = [name for name in carrousel.cells if name not in FAMILY]
    assert not missing, f"write the equations of {', '.join(missing)} a second time, in tests/family.py"


@pytest.mark.parametrize("name", FAMILY)
def test_declaration(name: str) -> None:
    cell, member = carrousel.cells.get(name), FAMILY[name]
    assert cell.rows == tuple(member.rows.split())
    assert cell.candidates == tuple(member.candidates.split())
    assert cell.states == tuple(member.states.split())
    assert cell.peepholes == tuple(member.peepholes.split())
    assert cell.recurrent == member.recurrent


@pytest.mark.parametrize("name", carrousel.cells)
def test_docstring_cites_a_paper_and_names_the_order_of_the_rows(name: str) -> None:
    cell = carrousel.cells[name]
    assert any(str(year) in cell.doc for year in range(1990, 2030))
    word = "in the order " + " ".join(cell.rows) if len(cell.rows) > 1 else f"One row {cell.rows[0]}"
    assert word in cell.doc
    if cell.peepholes:
        assert "peepholes " + " ".join(cell.peepholes) in cell.doc


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("zero", [True, False], ids=["from zero", "from random states"])
@pytest.mark.parametrize("name", FAMILY)
def test_whole_sequence(name: str, zero: bool, backend: str) -> None:
    member = FAMILY[name]
    net = make({"cell": name})
    x = torch.randn(6, 3, I, dtype=torch.float64)
    names = ("h", *member.states.split())
    state = tuple(torch.zeros(1, 3, H, dtype=torch.float64) for _ in names) if zero else random_state(net, 3)
    with running_on(backend):
        output, final = net(x, as_hx(state))
        _, _, steps = net(x, as_hx(state), return_states="gates")

    weights = {key.removesuffix("_l0"): value.detach().numpy() for key, value in net.named_parameters()}
    old = {key: value[0].numpy() for key, value in zip(names, state, strict=True)}
    outputs, states, activations = run(member, weights, x.numpy(), old)

    def same(got: torch.Tensor, want: object) -> None:
        np.testing.assert_allclose(got.detach().numpy(), want, rtol=1e-11, atol=1e-13)

    same(output, np.stack(outputs))
    for index, key in enumerate(names):
        same(as_tuple(final)[index][0], states[-1][key])
        same(steps[f"{key}_l0"], np.stack([step[key] for step in states]))
    for row in member.rows.split():
        same(steps[f"{row}_l0"], np.stack([step[row] for step in activations]))
    assert set(steps) == {f"{key}_l0" for key in (*names, *member.rows.split())}


def test_the_table_can_fail() -> None:
    wrong = Member(FAMILY["lstm"].step, "f i g o", "g", "c")
    net = make({"cell": "lstm"})
    x = torch.randn(2, 1, I, dtype=torch.float64)
    weights = {key.removesuffix("_l0"): value.detach().numpy() for key, value in net.named_parameters()}
    outputs, _, _ = run(wrong, weights, x.numpy(), {"h": np.zeros((1, H)), "c": np.zeros((1, H))})
    assert not np.allclose(net(x)[0].detach().numpy(), np.stack(outputs))


def unstabilised_slstm(net: carrousel.LSTM, x: torch.Tensor) -> torch.Tensor:
    """sLSTM as the paper has it before its stabiliser: c and n in their own size."""
    h = c = n = x.new_zeros(x.shape[1], H)
    outputs = []
    for x_t in x:
        z = functional.linear(x_t, net.weight_ih_l0, net.bias_ih_l0)
        i, f, g, o = (z + functional.linear(h, net.weight_hh_l0, net.bias_hh_l0)).chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.exp(i) * torch.tanh(g)
        n = torch.sigmoid(f) * n + torch.exp(i)
        h = torch.sigmoid(o) * c / n
        outputs.append(h)
    return torch.stack(outputs)


def test_slstm_stabiliser_cancels() -> None:
    net = make({"cell": "slstm"}, init=2.0)
    x = torch.randn(40, 2, I, dtype=torch.float64)
    got, want = net(x)[0], unstabilised_slstm(net, x)
    torch.testing.assert_close(got, want, rtol=1e-10, atol=1e-12)
    weight = torch.randn_like(got)
    params = list(net.parameters())
    torch.testing.assert_close(
        torch.autograd.grad((got * weight).sum(), params),
        torch.autograd.grad((want * weight).sum(), params),
        rtol=1e-8,
        atol=1e-10,
    )


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", carrousel.cells)
def test_extreme_pre_activations_stay_finite(name: str, backend: str) -> None:
    net = make({"cell": name}, dtype=torch.float32)
    for signs in itertools.product((-300.0, 0.0, 300.0), repeat=len(net.cell.rows)):
        with torch.no_grad():
            net.bias_ih_l0.copy_(torch.tensor(signs).repeat_interleave(H))
        x = torch.randn(3, 1, I, requires_grad=True)
        with running_on(backend):
            output, final = net(x)
            gradients = torch.autograd.grad(output.sum(), [x, *net.parameters()])
            _, _, steps = net(x, return_states="gates")
        for value in (output, *as_tuple(final), *steps.values(), *gradients):
            assert value.isfinite().all(), signs
