"""A cell of the user's own works wherever a name does."""

import copy
import pickle

import pytest
import torch
from configurations import I, as_tuple

import carrousel
from carrousel.cells.math import exp, sigmoid, softplus, tanh


@carrousel.cell("a b u v", candidates="u", states="fast slow", peepholes="b", split="v")
def two_speeds(z, s, p, *, rate=0.9):
    """A cell that no paper has: two carrousels, one gate that peeps, and a row whose two parts are apart."""
    a, b = sigmoid(z.a), exp(-softplus(z.b + p.b(s.slow)))
    u, v = p.u(tanh(z.u)), tanh(z.v.input * sigmoid(z.v.recurrent))
    fast = a * s.fast + (1.0 - a) * u
    slow = rate * s.slow + b * fast
    h = 0.5 * s.h + tanh(p.slow(slow)) * v
    return h, carrousel.State(fast=fast, slow=slow), carrousel.Gates(a=a, b=b, u=u, v=v)


CONFIGS = {
    "plain": {},
    "layers": {"num_layers": 2, "bidirectional": True, "dropout": 0.2},
    "layer norm": {"layer_norm": True},
    "blocks": {"block_size": 2},
    "gate recurrence": {"gate_recurrence": "all", "block_size": 2},
    "heads": {"heads": 2},
    "diagonal": {"diagonal": True},
    "noise": {"recurrent_dropout": ("candidate", 0.2), "zoneout": (0.1, 0.0)},
    "init": {"init": "orthogonal"},
}


@pytest.mark.parametrize("options", CONFIGS.values(), ids=list(CONFIGS))
def test_everything_that_a_name_does(options) -> None:
    torch.manual_seed(0)
    net = carrousel.LSTM(I, 4, cell=two_speeds, dtype=torch.float64, **options)
    x = torch.randn(4, 2, I, dtype=torch.float64, requires_grad=True)
    output, final, steps = net(x, lengths=[4, 0], return_states="gates")
    output.sum().backward()
    assert all(value.grad.isfinite().all() for value in (x, *net.parameters()))
    assert {"h_l0", "fast_l0", "slow_l0", "a_l0", "b_l0", "u_l0", "v_l0"} <= set(steps)
    assert len(final) == 3 + (3 if "gate_recurrence" in options else 0)
    net.eval()
    assert torch.equal(copy.deepcopy(net)(x)[0], net(x)[0])
    assert torch.equal(pickle.loads(pickle.dumps(net))(x)[0], net(x)[0])
    assert torch.autograd.gradcheck(lambda x: net(x)[0], x)
    batched = torch.func.vmap(lambda x: net(x)[0], 1, 1)(x)
    torch.testing.assert_close(batched, net(x)[0])
    if not net.bidirectional:
        whole, last = net(x)
        state = None
        for t in range(4):
            y, state = net.step(x[t], state)
            torch.testing.assert_close(y, whole[t])
        torch.testing.assert_close(as_tuple(state), as_tuple(last))


def test_its_equations_are_what_runs() -> None:
    torch.manual_seed(0)
    net = carrousel.LSTM(I, 4, cell=two_speeds.using(rate=0.5), dtype=torch.float64)
    x = torch.randn(3, 1, I, dtype=torch.float64)
    h = fast = slow = torch.zeros(1, 4, dtype=torch.float64)
    for t in range(3):
        wx = (x[t] @ net.weight_ih_l0.T + net.bias_ih_l0).split(4, -1)
        rh = (h @ net.weight_hh_l0.T + net.bias_hh_l0).split(4, -1)
        a = torch.sigmoid(wx[0] + rh[0])
        b = torch.sigmoid(-(wx[1] + rh[1] + net.weight_peephole_l0[0] * slow))
        fast = a * fast + (1 - a) * torch.tanh(wx[2] + rh[2])
        slow = 0.5 * slow + b * fast
        h = 0.5 * h + torch.tanh(slow) * torch.tanh(wx[3] * torch.sigmoid(rh[3]))
        torch.testing.assert_close(net(x)[0][t], h)


def test_one_step() -> None:
    one = carrousel.LSTMCell(I, 4, cell=two_speeds)
    h, fast, slow = one(torch.randn(2, I))
    assert h.shape == fast.shape == slow.shape == (2, 4)


def test_refusals_know_it_by_name() -> None:
    with pytest.raises(ValueError, match="proj_size: cell 'two_speeds' reads its own output"):
        carrousel.LSTM(I, 4, cell=two_speeds, proj_size=2)
    with pytest.raises(ValueError, match="zoneout: cell 'two_speeds' has 2 states besides h"):
        carrousel.LSTM(I, 4, cell=two_speeds, zoneout=(0.1, 0.1))


def test_registered_it_has_a_name(monkeypatch) -> None:
    family = carrousel.cells.register.__self__
    monkeypatch.setattr(family, "_cells", dict(family._cells))  # so that the others' tests do not meet it
    carrousel.cells.register(two_speeds)
    assert "two_speeds" in carrousel.cells
    assert carrousel.LSTM(I, 4, cell="two_speeds(rate=0.5)").cell == two_speeds.using(rate=0.5)
