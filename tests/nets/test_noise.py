"""Dropout in the recursion, zoneout, dropout between layers: what is dropped, when, how often; and what never is."""

import pytest
import torch
from configurations import ALL, I, as_tuple, make
from torch import nn

import carrousel
from carrousel.nets import _noise
from carrousel.nets._options import Rates

N = 400  # units


def near(share: float, rate: float, count: int) -> bool:
    """Whether a share of ``count`` trials is within five standard deviations of its rate."""
    return abs(share - rate) < 5 * (rate * (1 - rate) / count) ** 0.5


def memory(recurrent: float = 1.0, fresh: float = 0.0, **options) -> carrousel.LSTM:
    """h' = recurrent * h + fresh * x, unit by unit: what is done to h can be read off."""
    net = carrousel.LSTM(N, N, bias=False, cell="elman(squash=identity)", dtype=torch.float64, **options)
    with torch.no_grad():
        for name, weight in net.named_parameters():
            weight.copy_(torch.eye(N) * (recurrent if "hh" in name else fresh))
    return net


def test_variational_mask_is_constant_over_time_and_scaled() -> None:
    torch.manual_seed(0)
    net = memory(recurrent_dropout=0.25)
    B, T = 3, 4
    ones = torch.ones(1, B, N, dtype=torch.float64)
    output = net(torch.zeros(T, B, N, dtype=torch.float64), ones)[0]
    mask = output[0]
    assert set(mask.unique().tolist()) == {0.0, 1 / 0.75}
    for t in range(T):
        torch.testing.assert_close(output[t], mask ** (t + 1))
    assert near((mask == 0).double().mean().item(), 0.25, B * N)
    assert not torch.equal(mask[0], mask[1])  # each sequence has its own
    assert not torch.equal(net(torch.zeros(T, B, N, dtype=torch.float64), ones)[0][0], mask)  # each call too
    # the input is not dropped, nor is what goes to the output
    assert torch.equal(memory(0.0, 1.0, recurrent_dropout=0.9)(ones)[0], ones)


def test_variational_mask_of_every_layer_and_direction_is_its_own() -> None:
    torch.manual_seed(0)
    net = carrousel.LSTM(N, N, 2, bias=False, bidirectional=True, cell="elman(squash=identity)", recurrent_dropout=0.5)
    with torch.no_grad():
        for name, weight in net.named_parameters():
            weight.copy_(torch.eye(N)) if "hh" in name else weight.zero_()
    h = net(torch.zeros(1, 1, N), torch.ones(4, 1, N))[1][:, 0]
    for a in range(4):
        for b in range(a):
            assert not torch.equal(h[a], h[b])


@pytest.mark.parametrize("name", ["lstm", "peephole", "original", "slstm", "minlstm", "gru"])
def test_candidate_dropout_acts_on_candidates_alone(name: str) -> None:
    torch.manual_seed(0)
    net = carrousel.LSTM(I, N, cell=name, recurrent_dropout=("candidate", 0.25), dtype=torch.float64)
    x = torch.randn(1, 3, I, dtype=torch.float64)
    clean = net.eval()(x, return_states="gates")[2]
    noisy = net.train()(x, return_states="gates")[2]
    for gate in net.cell.gates:
        if gate != "o" or name != "peephole":  # that one sees the new carrousel
            assert torch.equal(noisy[f"{gate}_l0"], clean[f"{gate}_l0"])
    for candidate in net.cell.candidates:
        got, was = noisy[f"{candidate}_l0"], clean[f"{candidate}_l0"]
        dropped = got == 0
        assert near(dropped.double().mean().item(), 0.25, dropped.numel())
        torch.testing.assert_close(got[~dropped], was[~dropped] / 0.75)
    if name == "lstm":
        i, g = noisy["i_l0"], noisy["g_l0"]
        torch.testing.assert_close(noisy["c_l0"], i * g)


def test_candidate_dropout_is_drawn_at_every_step() -> None:
    torch.manual_seed(0)
    net = memory(0.0, 1.0, recurrent_dropout=("candidate", 0.5))
    dropped = net(torch.ones(20, 2, N, dtype=torch.float64))[0] == 0
    assert near(dropped.double().mean().item(), 0.5, dropped.numel())
    assert near((dropped[1:] & dropped[:-1]).double().mean().item(), 0.25, dropped[1:].numel())
    assert near((dropped[:, 0] & dropped[:, 1]).double().mean().item(), 0.25, dropped[:, 0].numel())


def test_zoneout_keeps_the_old_value_at_its_rate() -> None:
    torch.manual_seed(0)
    net = carrousel.LSTM(I, N, zoneout=(0.3, 0.1), dtype=torch.float64)
    T, B = 10, 2
    _, _, steps = net(torch.randn(T, B, I, dtype=torch.float64), return_states=True)
    for key, rate in (("h_l0", 0.3), ("c_l0", 0.1)):
        value = steps[key]
        old = torch.cat([torch.zeros(1, B, N, dtype=torch.float64), value[:-1]])
        kept = value == old
        assert near(kept.double().mean().item(), rate, kept.numel())
        # anew at every step
        assert near((kept[1:] & kept[:-1]).double().mean().item(), rate**2, kept[1:].numel())


def test_zoneout_in_evaluation_is_the_mean_of_its_noise() -> None:
    torch.manual_seed(0)
    noisy = carrousel.LSTM(I, 6, zoneout=(0.3, 0.1), dtype=torch.float64)
    plain = carrousel.LSTM(I, 6, dtype=torch.float64)
    plain.load_state_dict(noisy.state_dict())
    x = torch.randn(5, 2, I, dtype=torch.float64)
    output, (h, c) = noisy.eval()(x)
    want_h = want_c = torch.zeros(1, 2, 6, dtype=torch.float64)
    for t in range(5):
        _, (new_h, new_c) = plain(x[t : t + 1], (want_h, want_c))
        want_h, want_c = 0.3 * want_h + 0.7 * new_h, 0.1 * want_c + 0.9 * new_c
        torch.testing.assert_close(output[t], want_h[0])
    torch.testing.assert_close((h, c), (want_h, want_c))
    # and the mean over draws of one step comes near it
    old = (torch.randn(1, 2, 6, dtype=torch.float64), torch.randn(1, 2, 6, dtype=torch.float64))
    mean = noisy(x[:1], old)[1]
    noisy.train()
    wide = tuple(value.repeat(1, 4000, 1) for value in old)
    draws = noisy(x[:1].repeat(1, 4000, 1), wide)[1]
    for one, many in zip(mean, draws, strict=True):
        assert (many.view(4000, 2, 6).mean(0) - one).abs().max() < 0.08


@pytest.mark.parametrize("zoneout", [1.0, (1.0, 1.0), (1, 1)])
def test_zoneout_of_one_keeps_everything(zoneout) -> None:
    net = carrousel.LSTM(I, 5, zoneout=zoneout)
    state = (torch.randn(1, 2, 5), torch.randn(1, 2, 5))
    for mode in (True, False):
        output, final = net.train(mode)(torch.randn(4, 2, I), state)
        assert torch.equal(output, state[0].expand(4, 2, 5))
        assert all(map(torch.equal, final, state))


def test_a_single_rate_of_zoneout_is_for_c_too_where_there_is_one() -> None:
    x = torch.randn(3, 2, I)
    for name, last in (("lstm", True), ("slstm", False), ("gru", False)):
        net = carrousel.LSTM(I, 5, cell=name, zoneout=1.0)
        _, _, steps = net(x, return_states=True)
        assert (steps["h_l0"] == 0).all()
        if net.cell.states:
            assert bool((steps["c_l0"] == 0).all()) is last


def test_dropout_is_between_layers() -> None:
    torch.manual_seed(0)
    net = memory(0.0, 1.0, num_layers=3, dropout=0.5)
    x = torch.ones(10, 2, N, dtype=torch.float64)
    output, _, steps = net(x, return_states=True)
    assert torch.equal(steps["h_l0"], x)  # neither the input nor the first layer's own state
    assert set(steps["h_l1"].unique().tolist()) == {0.0, 2.0}
    assert set(output.unique().tolist()) == {0.0, 4.0}  # dropped twice, and not a third time
    assert near((steps["h_l1"] == 0).double().mean().item(), 0.5, x.numel())
    assert near((output == 0).double().mean().item(), 0.75, x.numel())
    assert set(net.step(x[0])[0].unique().tolist()) == {0.0, 4.0}
    assert torch.equal(net.eval()(x)[0], x)
    assert torch.equal(net.step(x[0])[0], x[0])


def test_dropout_of_one_leaves_nothing_for_the_layer_above() -> None:
    net = carrousel.LSTM(I, 4, 2, dropout=1.0)
    torchs = nn.LSTM(I, 4, 2, dropout=1.0)
    torchs.load_state_dict(net.state_dict())
    x = torch.randn(3, 2, I)
    torch.testing.assert_close(net(x)[0], torchs(x)[0])


NOISY = {
    "variational": {"recurrent_dropout": 0.4},
    "variational, named": {"recurrent_dropout": ("variational", 0.4)},
    "candidate": {"recurrent_dropout": ("candidate", 0.4)},
    "zoneout": {"zoneout": 0.4},
    "zoneout, two": {"zoneout": (0.4, 0.2)},
    "dropout": {"dropout": 0.4},
    "all": {"dropout": 0.4, "zoneout": 0.2, "recurrent_dropout": 0.3, "layer_norm": True, "cell": "peephole"},
}


@pytest.mark.parametrize("options", NOISY.values(), ids=list(NOISY))
@pytest.mark.parametrize("packed", [False, True])
def test_the_seed_decides(options, packed) -> None:
    net = carrousel.LSTM(I, 5, 2, bidirectional=True, **options)
    x = torch.randn(6, 3, I)
    data = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([6, 2, 4]), enforce_sorted=False) if packed else x

    def once(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        output = net(data)[0]
        return output.data if packed else output

    assert torch.equal(once(1), once(1))
    assert not torch.equal(once(1), once(2))
    net.eval()
    before = torch.random.get_rng_state()
    assert torch.equal(once(1), once(2))
    torch.random.set_rng_state(before)
    net(data)
    assert torch.equal(torch.random.get_rng_state(), before)  # evaluation draws nothing


@pytest.mark.parametrize("options", [o for o in NOISY.values() if "zoneout" not in o])
def test_evaluation_is_without_noise(options) -> None:
    net = carrousel.LSTM(I, 5, 2, **options).eval()
    plain = carrousel.LSTM(I, 5, 2)
    plain.load_state_dict(net.state_dict())
    x = torch.randn(6, 3, I)
    torch.testing.assert_close(net(x), plain(x))


def test_noise_reaches_neither_padding_nor_the_kept_state() -> None:
    net = carrousel.LSTM(I, 5, zoneout=0.5, recurrent_dropout=("candidate", 0.5))
    state = (torch.randn(1, 2, 5), torch.randn(1, 2, 5))
    output, final = net(torch.full((3, 2, I), float("nan")), state, lengths=[0, 0])
    assert all(map(torch.equal, final, state))
    assert (output == 0).all()


def test_gradients_are_those_of_the_noise_drawn() -> None:
    net = make({"cell": "peephole"}, recurrent_dropout=0.4, zoneout=(0.3, 0.2), num_layers=2, dropout=0.3).train()
    x = torch.randn(3, 2, I, dtype=torch.float64, requires_grad=True)

    def same_noise(x: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(3)
        return net(x)[0]

    assert torch.autograd.gradcheck(same_noise, x)


@pytest.mark.parametrize("rate", [0.0, 2**-34, 0.1, 0.5, 0.999, 1.0])
@pytest.mark.parametrize("count", [9999, 10000])
def test_noise_has_its_rate(rate: float, count: int) -> None:
    """Of odd numbers and even ones; neighbours, which were drawn together, have nothing to do with one another."""
    torch.manual_seed(0)
    layer = carrousel.LSTM(I, 4).layers[0]
    rates = Rates(zoneout_h=1.0, zoneout_c=rate)
    for dtype in (torch.float32, torch.float64):
        share = _noise.draw(layer, rates, 4, count // 4, torch.empty(0, dtype=dtype), training=True).zoneout_c
        if not rate:
            assert share is None
            continue
        assert share.dtype == dtype
        assert set(share.unique().tolist()) <= {0.0, 1.0}
        flat = share.flatten().double()
        assert near(flat.mean().item(), rate, flat.numel()) or rate in (2**-34, 1.0)
        assert rate != 1.0 or bool(flat.all())
        assert rate != 2**-34 or not flat.any()
        together = (flat[::2] * flat[1::2]).mean().item()
        assert near(together, rate**2, flat.numel() // 2) or rate in (2**-34, 1.0)


@pytest.mark.parametrize("randomness", ["same", "different"])
def test_noise_under_vmap(randomness: str) -> None:
    net, x = carrousel.LSTM(I, 6, recurrent_dropout=("candidate", 0.5), zoneout=0.5), torch.randn(4, 3, I)
    first, second = torch.vmap(lambda x: net(x)[0], randomness=randomness)(x.expand(2, 4, 3, I))
    assert torch.equal(first, second) is (randomness == "same")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
def test_noise_is_drawn_anew_in_a_graph() -> None:
    net, x = carrousel.LSTM(I, 6, recurrent_dropout=("candidate", 0.5), zoneout=0.5), torch.randn(4, 3, I)
    for graph in (torch.compile(net, backend="aot_eager", fullgraph=True), torch.jit.trace(net, x, check_trace=False)):
        assert not torch.equal(graph(x)[0], graph(x)[0])
    torch._dynamo.reset()


def test_one_step_with_noise() -> None:
    torch.manual_seed(0)
    for net in (
        carrousel.LSTMCell(I, N, recurrent_dropout=("candidate", 0.25)),
        carrousel.LSTM(I, N, recurrent_dropout=("candidate", 0.25)),
    ):
        one = net if isinstance(net, carrousel.LSTMCell) else lambda x, net=net: net.step(x)[1]
        x = torch.randn(4, I)
        c = one(x)[1]
        assert near((c == 0).double().mean().item(), 0.25, c.numel())
        net.eval()
        assert (one(x)[1] != 0).all()
    cell = carrousel.LSTMCell(I, N, zoneout=(1.0, 0.0))
    state = (torch.randn(4, N), torch.randn(4, N))
    h, c = cell(torch.randn(4, I), state)
    assert torch.equal(h, state[0])
    assert not torch.equal(c, state[1])


@pytest.mark.parametrize("name", ALL)
def test_every_cell_trains_with_every_noise_it_takes(name: str) -> None:
    config = ALL[name]
    cell = carrousel.cells.get(config["cell"])
    kinds = [("candidate", 0.3)] + ([("variational", 0.3)] if cell.recurrent else [])
    for kind in kinds:
        net = make(config, recurrent_dropout=kind, num_layers=2, dropout=0.2).train()
        output, final = net(torch.randn(4, 2, I, dtype=torch.float64), lengths=[4, 2])
        output.sum().backward()
        for value in (output, *as_tuple(final), *(p.grad for p in net.parameters())):
            assert value is not None
            assert value.isfinite().all()
