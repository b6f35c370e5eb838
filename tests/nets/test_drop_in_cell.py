"""carrousel.LSTMCell in the place of torch.nn.LSTMCell, nn.GRUCell and nn.RNNCell; and beside carrousel.LSTM."""

import pytest
import torch
from configurations import ALL, H, I, as_hx, as_tuple, make, random_state
from torch import nn

import carrousel

KINDS = {
    "lstm": (nn.LSTMCell, {}),
    "gru": (nn.GRUCell, {}),
    "elman": (nn.RNNCell, {}),
    "elman(squash=relu)": (nn.RNNCell, {"nonlinearity": "relu"}),
}


def twins(kind: str, **options):
    module, extra = KINDS[kind]
    torch.manual_seed(0)
    ours = carrousel.LSTMCell(I, H, **options, cell=kind)
    torch.manual_seed(0)
    return ours, module(I, H, **options, **extra)


@pytest.mark.parametrize("given", [False, True], ids=["zeros", "states"])
@pytest.mark.parametrize("batch", [(), (3,), (0,)], ids=["unbatched", "batch", "empty batch"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_same_as_torch(kind, bias, batch, given) -> None:
    ours, torchs = twins(kind, bias=bias, dtype=torch.float64)
    assert list(ours.state_dict()) == list(torchs.state_dict())
    assert all(map(torch.equal, ours.parameters(), torchs.parameters()))
    x = torch.randn(*batch, I, dtype=torch.float64, requires_grad=True)
    count = 1 + len(ours.cell.states)
    state = tuple(torch.randn(*batch, H, dtype=torch.float64, requires_grad=True) for _ in range(count))

    def answer(module):
        after = as_tuple(module(x, as_hx(state)) if given else module(x))
        loss = sum((value**2).sum() * k for k, value in enumerate(after, 1))
        return after, torch.autograd.grad(loss, [x, *(state if given else ()), *module.parameters()])

    torch.testing.assert_close(answer(ours), answer(torchs), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_state_dicts_are_exchanged(kind) -> None:
    ours, torchs = twins(kind)
    ours.reset_parameters()
    x = torch.randn(2, I)
    torchs.load_state_dict(ours.state_dict())
    torch.testing.assert_close(torchs(x), ours(x))
    torchs.reset_parameters()
    ours.load_state_dict(torchs.state_dict())
    torch.testing.assert_close(ours(x), torchs(x))


X = torch.zeros(2, I)
CALLS = {
    "3-D": lambda m: m(I, H)(X[None]),
    "0-D": lambda m: m(I, H)(X[0, 0]),
    "features": lambda m: m(I + 1, H)(X),
    "dtype": lambda m: m(I, H)(X.double()),
    "states 3-D": lambda m: m(I, H)(X, (torch.zeros(1, 2, H),) * 2),
    "states for another batch": lambda m: m(I, H)(X, (torch.zeros(3, H),) * 2),
    "states 1-D for 2-D": lambda m: m(I, H)(X, (torch.zeros(H),) * 2),
    "states 2-D for 1-D": lambda m: m(I, H)(X[0], (torch.zeros(1, H),) * 2),
    "states of another dtype": lambda m: m(I, H)(X, (torch.zeros(2, H).double(),) * 2),
    "h of another size": lambda m: m(I, H)(X, (torch.zeros(2, H + 1), torch.zeros(2, H))),
    "c of another size": lambda m: m(I, H)(X, (torch.zeros(2, H), torch.zeros(2, H + 1))),
}


@pytest.mark.parametrize("call", CALLS)
def test_the_same_errors(call: str) -> None:
    with pytest.raises(Exception) as want:  # noqa: PT011 - torch says which
        CALLS[call](nn.LSTMCell)
    with pytest.raises(type(want.value)) as got:
        CALLS[call](carrousel.LSTMCell)
    assert type(got.value) is type(want.value)


def test_wrong_states_and_options_are_named() -> None:
    with pytest.raises(RuntimeError, match=r"cell 'slstm' has 4 states \(h, c, n, m\), hx holds 2"):
        carrousel.LSTMCell(I, H, cell="slstm")(X, (torch.zeros(2, H),) * 2)
    with pytest.raises(ValueError, match="recurrent_dropout: one step does not know its sequence"):
        carrousel.LSTMCell(I, H, recurrent_dropout=0.5)
    with pytest.raises(TypeError, match="bias"):
        carrousel.LSTMCell(I, H, bias=1)
    with pytest.raises(ValueError, match="heads 3 does not divide"):
        carrousel.LSTMCell(I, H, heads=3)
    with pytest.raises(TypeError, match="proj_size"):
        carrousel.LSTMCell(I, H, proj_size=2)


@pytest.mark.parametrize("name", [name for name in ALL if "proj_size" not in ALL[name]])
def test_steps_as_the_network_does(name: str) -> None:
    net = make(ALL[name])
    one = carrousel.LSTMCell(I, H, dtype=torch.float64, **ALL[name]).eval()
    one.load_state_dict({key.removesuffix("_l0"): value for key, value in net.state_dict().items()})
    x = torch.randn(4, 2, I, dtype=torch.float64)
    initial = random_state(net, 2)
    output, final = net(x, as_hx(initial))
    state = as_hx(tuple(value[0] for value in initial))
    for t in range(4):
        state = one(x[t], state)
        torch.testing.assert_close(as_tuple(state)[0], output[t])
    torch.testing.assert_close(as_tuple(state), tuple(value[0] for value in as_tuple(final)))
