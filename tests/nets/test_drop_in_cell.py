"""carrousel.LSTMCell in the place of torch.nn.LSTMCell, nn.GRUCell and nn.RNNCell; and beside carrousel.LSTM."""

from functools import partial

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


def states(kind: str, *first: int, second: tuple[int, ...] | None = None):
    """Zeros as the states of a cell, all of one shape unless a second is given."""
    return (torch.zeros(first), torch.zeros(second or first)) if kind == "lstm" else torch.zeros(first)


CALLS = {
    "3-D": lambda m, kind: m(I, H)(X[None]),
    "0-D": lambda m, kind: m(I, H)(X[0, 0]),
    "features": lambda m, kind: m(I + 1, H)(X),
    "features of one": lambda m, kind: m(I + 1, H)(X[0]),
    "dtype": lambda m, kind: m(I, H)(X.double()),
    "states 0-D": lambda m, kind: m(I, H)(X, states(kind)),
    "states 3-D": lambda m, kind: m(I, H)(X, states(kind, 1, 2, H)),
    "states 4-D": lambda m, kind: m(I, H)(X, states(kind, 2, 1, 1, H)),
    "states for another batch": lambda m, kind: m(I, H)(X, states(kind, 3, H)),
    "one state for another batch": lambda m, kind: m(I, H)(X, states(kind, 3, H, second=(2, H))),
    "the last state for another batch": lambda m, kind: m(I, H)(
        X, states(kind, *(2, H)[kind != "lstm" :], second=(3, H))
    ),
    "states 1-D for 2-D": lambda m, kind: m(I, H)(X, states(kind, H)),
    "states 2-D for 1-D": lambda m, kind: m(I, H)(X[0], states(kind, 1, H)),
    "h of another size": lambda m, kind: m(I, H)(X, states(kind, 2, H + 1, second=(2, H))),
    "h of another size and batch": lambda m, kind: m(I, H)(X, states(kind, 3, H + 1)),
    "the last state of another size": lambda m, kind: m(I, H)(
        X, states(kind, *(2, H) if kind == "lstm" else (2, H + 1), second=(2, H + 1))
    ),
    "h of another size for 1-D": lambda m, kind: m(I, H)(X[0], states(kind, H + 1)),
}


@pytest.mark.parametrize("kind", ["lstm", "gru", "elman"])
@pytest.mark.parametrize("call", CALLS)
def test_the_same_errors(call: str, kind: str) -> None:
    """The same type, and the same words."""
    with pytest.raises(Exception) as want:  # noqa: PT011 - torch says which
        CALLS[call](KINDS[kind][0], kind)
    with pytest.raises(type(want.value)) as got:
        CALLS[call](partial(carrousel.LSTMCell, cell=kind), kind)
    assert (type(got.value), str(got.value)) == (type(want.value), str(want.value))


def test_states_of_another_dtype() -> None:
    """torch speaks of the matrices of a product there."""
    for module in (nn.LSTMCell(I, H), carrousel.LSTMCell(I, H)):
        with pytest.raises(RuntimeError, match="dtype"):
            module(X, (torch.zeros(2, H).double(),) * 2)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("inputs", "hidden"), [(0, H), (I, 0), (0, 0)])
def test_sizes_may_be_zero(kind: str, inputs: int, hidden: int) -> None:
    torchs, extra = KINDS[kind]
    ours, torchs = carrousel.LSTMCell(inputs, hidden, cell=kind), torchs(inputs, hidden, **extra)
    torchs.load_state_dict(ours.state_dict())
    x = torch.zeros(2, inputs, requires_grad=True)
    for grad in (True, False):
        with torch.set_grad_enabled(grad):
            got, want = as_tuple(ours(x)), as_tuple(torchs(x))
        torch.testing.assert_close(got, want)
    as_tuple(ours(x))[0].sum().backward()
    assert x.grad.shape == (2, inputs)


@pytest.mark.parametrize("name", ALL)
def test_a_hidden_size_of_zero(name: str) -> None:
    """Of every cell and option that has none but one size."""
    config = {key: value for key, value in ALL[name].items() if key != "proj_size"}
    cell = carrousel.LSTMCell(I, 0, **config).eval()
    after = as_tuple(cell(X))
    assert all(value.shape == (2, 0) for value in after)
    torch.testing.assert_close(as_tuple(cell(X, as_hx(after))), after)


@pytest.mark.parametrize("bias", [0, 1, "", "relu", None])
def test_bias_is_asked_for_its_truth(bias) -> None:
    """As by torch's cells, but by neither LSTM."""
    assert list(carrousel.LSTMCell(I, H, bias).state_dict()) == list(nn.LSTMCell(I, H, bias).state_dict())
    for lstm in (nn.LSTM, carrousel.LSTM):
        with pytest.raises(TypeError, match="bias should be of type bool"):
            lstm(I, H, 1, bias)


def test_a_cell_without_noise_does_not_ask_for_its_mode() -> None:
    cell = carrousel.LSTMCell(I, H)
    del cell.training
    cell(X)


def test_wrong_states_and_options_are_named() -> None:
    with pytest.raises(RuntimeError, match=r"cell 'slstm' has 4 states \(h, c, n, m\), hx holds 2"):
        carrousel.LSTMCell(I, H, cell="slstm")(X, (torch.zeros(2, H),) * 2)
    with pytest.raises(ValueError, match="recurrent_dropout: one step does not know its sequence"):
        carrousel.LSTMCell(I, H, recurrent_dropout=0.5)
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
