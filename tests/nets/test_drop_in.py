"""carrousel.LSTM in the place of torch.nn.LSTM, nn.GRU and nn.RNN."""

import itertools
import warnings

import pytest
import torch
from configurations import BACKENDS, running_on
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pack_sequence, pad_packed_sequence
from twins import KINDS, results, same_packed, twins

import carrousel

I, H, T = 3, 4, 5
LENGTHS = [3, 1, 5]  # the order by length is not its own inverse
EXACT = {"rtol": 1e-9, "atol": 1e-11}

pytestmark = pytest.mark.filterwarnings("ignore:.*not supported with oneDNN")

GRID = [
    (kind, layers, both, proj, bias)
    for kind, layers, both, proj, bias in itertools.product(KINDS, (1, 3), (False, True), (0, 2), (True, False))
    if not proj or kind == "lstm"
]


def states(ours: carrousel.LSTM, *batch: int) -> tuple[torch.Tensor, ...]:
    count = ours.num_layers * (2 if ours.bidirectional else 1)
    sizes = [ours.proj_size or H] + [H] * len(ours.cell.states)
    return tuple(torch.randn(count, *batch, size, dtype=torch.float64, requires_grad=True) for size in sizes)


@pytest.fixture(params=BACKENDS)
def backend(request):
    with running_on(request.param):
        yield request.param


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("form", ["dense", "batch first", "unbatched", "lengths", "packed", "packed sorted"])
@pytest.mark.parametrize(("kind", "layers", "both", "proj", "bias"), GRID)
def test_grid(kind, layers, both, proj, bias, form) -> None:
    options = {"batch_first": form == "batch first", "bidirectional": both, "dtype": torch.float64}
    if proj:
        options["proj_size"] = proj
    ours, torchs = twins(kind, I, H, layers, bias=bias, **options)
    for (name, got), (other, want) in zip(ours.named_parameters(), torchs.named_parameters(), strict=True):
        assert name == other
        assert torch.equal(got, want)  # drawn under the same seed

    batch = {"unbatched": (), "batch first": (3, T)}.get(form, (T, 3))
    x = torch.randn(*(batch or (T,)), I, dtype=torch.float64, requires_grad=True)
    for hx in (None, states(ours, *(() if form == "unbatched" else (3,)))):
        if form == "lengths":
            output, final, gradients = results(ours, x, hx, LENGTHS)
            packed = pack_padded_sequence(x, torch.tensor(LENGTHS), enforce_sorted=False)
            given = hx if hx is None or len(hx) > 1 else hx[0]
            out, last = torchs(packed, given)
            out, last = pad_packed_sequence(out)[0], last if isinstance(last, tuple) else (last,)
            generator = torch.Generator().manual_seed(7)
            loss = sum((v * torch.randn(v.shape, generator=generator, dtype=v.dtype)).sum() for v in (out, *last))
            want = out, last, torch.autograd.grad(loss, [x, *(hx or ()), *torchs.parameters()])
            torch.testing.assert_close((output, final, gradients), want, **EXACT)
        elif form.startswith("packed"):
            lengths = sorted(LENGTHS, reverse=True) if form == "packed sorted" else LENGTHS
            sequences = [x[:n, b].detach() for b, n in enumerate(lengths)]
            packed = pack_sequence(sequences, enforce_sorted=form == "packed sorted")
            packed.data.requires_grad_()
            got, want = results(ours, packed, hx), results(torchs, packed, hx)
            same_packed(got[0], want[0], **EXACT)
            torch.testing.assert_close(got[1:], want[1:], **EXACT)
        else:
            torch.testing.assert_close(results(ours, x, hx), results(torchs, x, hx), **EXACT)


@pytest.mark.parametrize("kind", KINDS)
def test_single_precision(kind: str) -> None:
    ours, torchs = twins(kind, 16, 32, 2, bidirectional=True)
    x = torch.randn(20, 4, 16, requires_grad=True)
    got, want = results(ours, x, None), results(torchs, x, None)
    torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("kind", "layers", "both", "proj", "bias"), GRID)
def test_state_dicts_are_exchanged(kind, layers, both, proj, bias) -> None:
    options = {"num_layers": layers, "bias": bias, "bidirectional": both, **({"proj_size": proj} if proj else {})}
    ours, _ = twins(kind, I, H, seed=0, **options)
    _, torchs = twins(kind, I, H, seed=1, **options)
    fresh, _ = twins(kind, I, H, seed=2, **options)
    x = torch.randn(T, 2, I)

    before = torchs(x)[0]
    fresh.load_state_dict(torchs.state_dict())
    torch.testing.assert_close(fresh(x)[0], before, rtol=1e-5, atol=1e-6)
    torchs.load_state_dict(ours.state_dict())
    torch.testing.assert_close(torchs(x)[0], ours(x)[0], rtol=1e-5, atol=1e-6)
    assert list(ours.state_dict()) == list(torchs.state_dict())
    # all_weights pairs up too
    for got, want in zip(ours.all_weights, torchs.all_weights, strict=True):
        assert [tuple(w.shape) for w in got] == [tuple(w.shape) for w in want]
        assert all(torch.equal(a, b) for a, b in zip(got, want, strict=True))


def test_attributes_of_torch() -> None:
    ours, torchs = twins("lstm", I, H, 2, False, True, 0.25, True, 2)
    sizes = ["input_size", "hidden_size", "num_layers", "proj_size"]
    for name in [*sizes, "bias", "batch_first", "dropout", "bidirectional", "training"]:
        assert getattr(ours, name) == getattr(torchs, name), name
    assert ours.flatten_parameters() is None


def test_bidirectional_may_be_a_number() -> None:
    """As for torch, of which many programs take it from a count of directions."""
    for value in (0, 1, 2):
        ours, torchs = twins("lstm", I, H, bidirectional=value)
        assert list(ours.state_dict()) == list(torchs.state_dict())
        assert ours.bidirectional == bool(value)


def test_dropout_without_layers_above_warns_as_torch_does() -> None:
    for module in (nn.LSTM, carrousel.LSTM):
        with pytest.warns(UserWarning, match="num_layers greater than 1"):
            module(2, 3, dropout=0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        carrousel.LSTM(2, 3, 2, dropout=0.5)


X = torch.zeros(T, 2, I)
LSTM_CALLS = {
    "4-D": lambda m: m(I, H)(X[None]),
    "4-D and wrong features": lambda m: m(I, H)(X[None][..., :1]),
    "1-D": lambda m: m(I, H)(X[0, 0]),
    "0-D": lambda m: m(I, H)(X[0, 0, 0]),
    "features": lambda m: m(I + 1, H)(X),
    "features, unbatched": lambda m: m(I + 1, H)(X[:, 0]),
    "features, packed": lambda m: m(I + 1, H)(pack_sequence([X[:, 0], X[:2, 0]])),
    "packed 1-D": lambda m: m(I, H)(pack_sequence([X[:, 0, 0], X[:2, 0, 0]])),
    "packed 3-D": lambda m: m(I, H)(pack_sequence([X, X[:2]])),
    "dtype": lambda m: m(I, H)(X.double()),
    "integers": lambda m: m(I, H)(X.long()),
    "states 2-D for 3-D": lambda m: m(I, H)(X, (torch.zeros(1, H),) * 2),
    "states 3-D for 2-D": lambda m: m(I, H)(X[:, 0], (torch.zeros(1, 1, H),) * 2),
    "states for another batch": lambda m: m(I, H)(X, (torch.zeros(1, 3, H),) * 2),
    "states for other layers": lambda m: m(I, H, 2)(X, (torch.zeros(1, 2, H),) * 2),
    "h of another size": lambda m: m(I, H)(X, (torch.zeros(1, 2, H + 1), torch.zeros(1, 2, H))),
    "c of another size": lambda m: m(I, H)(X, (torch.zeros(1, 2, H), torch.zeros(1, 2, H + 1))),
    "c projected": lambda m: m(I, H, proj_size=2)(X, (torch.zeros(1, 2, 2), torch.zeros(1, 2, 2))),
    "states of another dtype": lambda m: m(I, H)(X, (torch.zeros(1, 2, H).double(),) * 2),
    "c of another dtype": lambda m: m(I, H)(X, (torch.zeros(1, 2, H), torch.zeros(1, 2, H).double())),
    "states for another batch, packed": lambda m: m(I, H)(
        pack_sequence([X[:, 0], X[:2, 0]]), (torch.zeros(1, 3, H),) * 2
    ),
    "input_size 0": lambda m: m(0, H),
    "input_size 1.5": lambda m: m(1.5, H),
    "hidden_size 0": lambda m: m(I, 0),
    "hidden_size '4'": lambda m: m(I, "4"),
    "num_layers 0": lambda m: m(I, H, 0),
    "num_layers 1.5": lambda m: m(I, H, 1.5),
    "bias 1": lambda m: m(I, H, bias=1),
    "batch_first 1": lambda m: m(I, H, batch_first=1),
    "dropout 2": lambda m: m(I, H, dropout=2),
    "dropout True": lambda m: m(I, H, dropout=True),
    "dropout 'a'": lambda m: m(I, H, dropout="a"),
    "proj_size -1": lambda m: m(I, H, proj_size=-1),
    "proj_size H": lambda m: m(I, H, proj_size=H),
    "proj_size 2.0": lambda m: m(I, H, proj_size=2.0),
    "unknown argument": lambda m: m(I, H, depth=2),
}


@pytest.mark.parametrize("call", LSTM_CALLS)
def test_the_same_errors(call: str) -> None:
    with pytest.raises(Exception) as want:  # noqa: PT011 - torch says which
        LSTM_CALLS[call](nn.LSTM)
    with pytest.raises(type(want.value)) as got:
        LSTM_CALLS[call](carrousel.LSTM)
    assert type(got.value) is type(want.value)
    assert str(got.value)


def test_one_state_too_few_is_an_error() -> None:
    with pytest.raises(RuntimeError, match=r"cell 'lstm' has 2 states \(h, c\), hx holds 1"):
        carrousel.LSTM(I, H)(X, torch.zeros(1, 2, H))


def test_an_empty_batch() -> None:
    ours, torchs = twins("lstm", I, H)
    got, want = ours(X[:, :0]), torchs(X[:, :0])
    assert got[0].shape == want[0].shape
    assert [v.shape for v in got[1]] == [v.shape for v in want[1]]
