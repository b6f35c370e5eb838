"""On devices without a kernel of carrousel's own, torch's kernels run the plain cells: that path, forced on the CPU."""

import itertools

import pytest
import torch
from configurations import H, I, as_hx, as_tuple
from torch.nn.utils.rnn import pack_sequence
from twins import KINDS, results, same_packed, twins

import carrousel
from carrousel import engine

SAME = {"rtol": 1e-9, "atol": 1e-11}
T = 5
pytestmark = pytest.mark.filterwarnings("ignore:.*not supported with oneDNN")


@pytest.fixture
def calls(monkeypatch) -> list[str]:
    """The kinds of torch's kernels that have run, now that carrousel's engine is nobody's first choice."""
    seen: list[str] = []
    run = engine.torch_kernels.run_stack

    def spy(stack):
        seen.append(engine.torch_kernels.mode(stack.layer))
        return run(stack)

    monkeypatch.setattr(engine.torch_kernels, "run_stack", spy)
    monkeypatch.setattr(engine.torch_kernels, "DEVICES", frozenset())
    return seen


@pytest.mark.parametrize("form", ["dense", "batch first", "unbatched", "packed", "packed sorted"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("kind", "layers", "both"), list(itertools.product(KINDS, (1, 2), (False, True))))
def test_same_as_torchs_module(calls, kind, layers, both, bias, form) -> None:
    options = {"bias": bias, "bidirectional": both, "batch_first": form == "batch first", "dtype": torch.float64}
    ours, torchs = twins(kind, I, H, layers, **options)
    batch = {"unbatched": (T,), "batch first": (3, T)}.get(form, (T, 3))
    x = torch.randn(*batch, I, dtype=torch.float64, requires_grad=True)
    sizes = () if form == "unbatched" else (3,)
    count = layers * (1 + both)
    state = tuple(
        torch.randn(count, *sizes, H, dtype=torch.float64, requires_grad=True) for _ in range(1 + (kind == "lstm"))
    )
    for hx in (None, state):
        if form.startswith("packed"):
            lengths = (5, 3, 1) if form == "packed sorted" else (3, 1, 5)
            data = pack_sequence(
                [x[:n, b].detach() for b, n in enumerate(lengths)], enforce_sorted=form == "packed sorted"
            )
            data.data.requires_grad_()
            got, want = results(ours, data, hx), results(torchs, data, hx)
            same_packed(got[0], want[0], **SAME)
            torch.testing.assert_close(got[1:], want[1:], **SAME)
        else:
            torch.testing.assert_close(results(ours, x, hx), results(torchs, x, hx), **SAME)
    assert len(calls) == 2


OURS = [(kind, proj) for kind in KINDS for proj in ((0, 2) if kind == "lstm" else (0,))]


@pytest.mark.parametrize(("kind", "proj"), OURS)
@pytest.mark.parametrize("lengths", [None, [3, 1, 5], [2, 1, 3]])
def test_same_as_carrousels_engine(monkeypatch, calls, kind, proj, lengths) -> None:
    ours, _ = twins(kind, I, H, 2, bidirectional=True, dtype=torch.float64, **({"proj_size": proj} if proj else {}))
    x = torch.randn(T, 3, I, dtype=torch.float64)
    for b, n in enumerate(lengths or ()):
        x[n:, b] = float("nan")
    x.requires_grad_()
    state = tuple(
        torch.randn(4, 3, size, dtype=torch.float64, requires_grad=True)
        for size in ([proj or H] + [H] * len(ours.cell.states))
    )
    got = results(ours, x, state, lengths)
    assert len(calls) == 1
    monkeypatch.setattr(engine.torch_kernels, "DEVICES", frozenset({"cpu"}))
    want = results(ours, x, state, lengths)
    assert len(calls) == 1
    torch.testing.assert_close(got, want, **SAME)
    for b, n in enumerate(lengths or ()):
        assert (got[0][n:, b] == 0).all()
        assert (got[2][0][n:, b] == 0).all()


NOT_TORCHS = {
    "another cell": ({"cell": "peephole"}, {}),
    "another squashing function": ({"cell": "elman(squash=identity)"}, {}),
    "elman projected": ({"cell": "elman", "proj_size": 2}, {}),
    "layer norm": ({"layer_norm": True}, {}),
    "blocks": ({"block_size": 2}, {}),
    "heads": ({"heads": 2}, {}),
    "diagonal": ({"diagonal": True}, {}),
    "gate recurrence": ({"gate_recurrence": "gates"}, {}),
    "zoneout": ({"zoneout": 0.1}, {}),
    "recurrent dropout": ({"recurrent_dropout": 0.1}, {}),
    "states": ({}, {"return_states": True}),
    "resets": ({}, {"resets": torch.zeros(T, 2, dtype=torch.bool)}),
    "empty sequence": ({}, {"lengths": [0, 2]}),
}


@pytest.mark.parametrize(("options", "call"), NOT_TORCHS.values(), ids=list(NOT_TORCHS))
def test_what_torch_cannot_do(calls, options, call) -> None:
    net = carrousel.LSTM(I, H, **options).eval()
    x = torch.randn(T, 2, I)
    got = net(x, **call)
    assert not calls
    assert got[0].shape == (T, 2, net.proj_size or H)
    assert net(x[:0])[0].shape == (0, 2, net.proj_size or H)
    assert not calls


def test_transformations(calls) -> None:
    net, torchs = twins("lstm", I, H, dtype=torch.float64)
    x = torch.randn(3, T, 2, I, dtype=torch.float64)
    torch.testing.assert_close(torch.func.vmap(lambda x: net(x)[0])(x)[1], torchs(x[1])[0])
    _, tangent = torch.func.jvp(lambda x: net(x)[0], (x[0],), (x[1],))
    want = (torchs(x[0] + 1e-6 * x[1])[0] - torchs(x[0] - 1e-6 * x[1])[0]) / 2e-6
    torch.testing.assert_close(tangent, want, rtol=1e-5, atol=1e-7)
    assert not calls
    net(x[0])
    assert calls == ["LSTM"]


@pytest.mark.parametrize("name", ["lstm", "gru", "elman", "elman(squash=relu)"])
def test_dropout_between_layers_and_evaluation(calls, name) -> None:
    net = carrousel.LSTM(I, 200, 2, cell=name, dropout=0.5)
    x = torch.randn(3, 2, I)
    torch.manual_seed(0)
    one = net(x)[0]
    torch.manual_seed(0)
    assert torch.equal(one, net(x)[0])
    assert not torch.equal(one, net(x)[0])
    net.eval()
    assert torch.equal(net(x)[0], net(x)[0])
    assert len(calls) == 5


def test_steps_go_on_from_its_states(calls) -> None:
    net, _ = twins("gru", I, H, 2, dtype=torch.float64)
    x = torch.randn(T, 2, I, dtype=torch.float64)
    whole, final = net(x)
    output, state = net(x[:3])
    for t in (3, 4):
        output, state = net.step(x[t], state)
        torch.testing.assert_close(output, whole[t])
    torch.testing.assert_close(as_tuple(state), as_tuple(final))
    assert as_hx(as_tuple(final)) is final
