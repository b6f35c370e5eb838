"""The layer's options against NumPy that goes through blocks, cells and heads one by one, as the papers index them."""

import numpy as np
import pytest
import torch
from configurations import BACKENDS, H, I, as_tuple, make, running_on
from family import logistic

import carrousel

T, B = 4, 2
S = 2  # cells of a block
J = H // S  # blocks


def norm(z, gain, bias):
    return (z - z.mean()) / np.sqrt(z.var() + 1e-5) * gain + bias


def numbers(net: carrousel.LSTM) -> dict[str, np.ndarray]:
    return {name.removesuffix("_l0"): value.detach().numpy() for name, value in net.named_parameters()}


def same(got: torch.Tensor, want) -> None:
    np.testing.assert_allclose(got.detach().numpy(), want, rtol=1e-10, atol=1e-12)


def stir(net: carrousel.LSTM) -> None:
    """Moves every parameter away from the 1 or 0 at which it may have started."""
    with torch.no_grad():
        for value in net.parameters():
            value += 0.3 * torch.randn_like(value)


@pytest.fixture(params=BACKENDS, autouse=True)
def backend(request):
    with running_on(request.param):
        yield


def answer(net: carrousel.LSTM):
    stir(net)
    x = torch.randn(T, B, I, dtype=torch.float64)
    output, final = net(x)
    return x.numpy(), numbers(net), output, as_tuple(final)


@pytest.mark.parametrize("feedback", [None, "gates", "all"])
def test_blocks_and_gate_recurrence(feedback) -> None:
    """Peephole LSTM, block by block and cell by cell, and what gates send to the next step."""
    net = make({"cell": "peephole", "block_size": S, "gate_recurrence": feedback})
    x, w, output, final = answer(net)
    W, R, b = w["weight_ih"], w["weight_hh"], w["bias_ih"] + w["bias_hh"]
    first = {"i": 0, "f": J, "g": 2 * J, "o": 2 * J + H}  # where each name's rows begin
    assert W.shape == (3 * J + H, I)
    feed = w.get("weight_gh")
    if feedback:
        assert feed.shape == (3 * J if feedback == "gates" else 3 * J + H, 3 * J)
    starts_fed = {"i": 0, "f": J, "o": 2 * J} if feedback == "gates" else first

    for n in range(B):
        h, c, gates = np.zeros(H), np.zeros(H), np.zeros(3 * J)  # gates: all i, all f, all o
        for t in range(T):

            def net_input(name, k):
                z = W[first[name] + k] @ x[t, n] + R[first[name] + k] @ h + b[first[name] + k]  # noqa: B023
                if feedback == "all" or (feedback == "gates" and name != "g"):
                    z += feed[starts_fed[name] + k] @ gates  # noqa: B023
                return z

            new_h, new_c, seen = np.zeros(H), np.zeros(H), np.zeros(3 * J)
            for j in range(J):
                cells = range(j * S, (j + 1) * S)
                i = logistic(net_input("i", j) + sum(w["weight_peephole"][0, v] * c[v] for v in cells))
                f = logistic(net_input("f", j) + sum(w["weight_peephole"][1, v] * c[v] for v in cells))
                for v in cells:
                    new_c[v] = f * c[v] + i * np.tanh(net_input("g", v))
                o = logistic(net_input("o", j) + sum(w["weight_peephole"][2, v] * new_c[v] for v in cells))
                for v in cells:
                    new_h[v] = o * np.tanh(new_c[v])
                seen[j], seen[J + j], seen[2 * J + j] = i, f, o
            h, c, gates = new_h, new_c, seen
            same(output[t, n], h)
        same(final[0][0, n], h)
        same(final[1][0, n], c)
        if feedback:
            for k in range(3):
                same(final[2 + k][0, n], gates[k * J : (k + 1) * J])
    assert len(final) == (5 if feedback else 2)


def test_fully_connected_hidden_layer_of_1997_has_the_papers_weights() -> None:
    """H = b (S + 2) hidden units, H (I + H) weights into them: 4 blocks of 1 cell, 7 inputs (experiment 1)."""
    net = carrousel.LSTM(7, 4, cell="original", gate_recurrence="all")
    units = 4 * (1 + 2)
    assert net.weight_ih_l0.numel() == units * 7
    assert net.weight_hh_l0.numel() + net.weight_gh_l0.numel() == units * units


def test_heads() -> None:
    net = make({"cell": "lstm", "heads": 2})
    x, w, output, _ = answer(net)
    assert w["weight_hh"].shape == (4 * H, H // 2)
    for n in range(B):
        h, c = np.zeros(H), np.zeros(H)
        for t in range(T):
            z = w["weight_ih"] @ x[t, n] + w["bias_ih"] + w["bias_hh"]
            for row in range(4):
                for unit in range(H):
                    head = unit // (H // 2)
                    z[row * H + unit] += w["weight_hh"][row * H + unit] @ h[head * H // 2 : (head + 1) * H // 2]
            i, f, g, o = logistic(z[:H]), logistic(z[H : 2 * H]), np.tanh(z[2 * H : 3 * H]), logistic(z[3 * H :])
            c = f * c + i * g
            h = o * np.tanh(c)
            same(output[t, n], h)


def test_diagonal() -> None:
    net = make({"cell": "gru", "diagonal": True})
    x, w, output, _ = answer(net)
    assert w["weight_hh"].shape == (3 * H,)
    for n in range(B):
        h = np.zeros(H)
        for t in range(T):
            a = w["weight_ih"] @ x[t, n] + w["bias_ih"]
            r = logistic(a[:H] + w["weight_hh"][:H] * h + w["bias_hh"][:H])
            z = logistic(a[H : 2 * H] + w["weight_hh"][H : 2 * H] * h + w["bias_hh"][H : 2 * H])
            g = np.tanh(a[2 * H :] + r * (w["weight_hh"][2 * H :] * h + w["bias_hh"][2 * H :]))
            h = (1 - z) * g + z * h
            same(output[t, n], h)


@pytest.mark.parametrize("bias", [True, False])
def test_layer_norm(bias: bool) -> None:
    """Ba et al. 2016: the input's and the recurrent sums each by themselves, and the state on its way out."""
    net = make({"cell": "peephole", "layer_norm": True, "bias": bias})
    x, w, output, final = answer(net)
    zero = np.zeros(4 * H)
    for n in range(B):
        h, c = np.zeros(H), np.zeros(H)
        for t in range(T):
            z = norm(w["weight_ih"] @ x[t, n], w["norm_ih"], w.get("bias_ih", zero))
            z = z + norm(w["weight_hh"] @ h, w["norm_hh"], w.get("bias_hh", zero))
            i, f, g, o = np.split(z, 4)
            i, f = logistic(i + w["weight_peephole"][0] * c), logistic(f + w["weight_peephole"][1] * c)
            c = f * c + i * np.tanh(g)
            o = logistic(o + w["weight_peephole"][2] * c)
            h = o * np.tanh(norm(c, w["norm_c"], w.get("norm_bias_c", 0.0)))
            same(output[t, n], h)
        same(final[1][0, n], c)


def test_projection() -> None:
    """Sak et al. 2014: what recurs is W_rm m, and peepholes see c as ever."""
    net = make({"cell": "peephole", "proj_size": 2})
    x, w, output, final = answer(net)
    assert w["weight_hr"].shape == (2, H)
    for n in range(B):
        r, c = np.zeros(2), np.zeros(H)
        for t in range(T):
            i, f, g, o = np.split(w["weight_ih"] @ x[t, n] + w["weight_hh"] @ r + w["bias_ih"] + w["bias_hh"], 4)
            i, f = logistic(i + w["weight_peephole"][0] * c), logistic(f + w["weight_peephole"][1] * c)
            c = f * c + i * np.tanh(g)
            r = w["weight_hr"] @ (logistic(o + w["weight_peephole"][2] * c) * np.tanh(c))
            same(output[t, n], r)
        same(final[0][0, n], r)
        same(final[1][0, n], c)


def test_stack_in_both_directions() -> None:
    """The second layer reads both directions of the first, forward before backward."""
    net = make({"cell": "coupled"}, num_layers=2, bidirectional=True)
    parts = {}
    for k, size in ((0, I), (1, 2 * H)):
        for suffix in (f"_l{k}", f"_l{k}_reverse"):
            part = carrousel.LSTM(size, H, dtype=torch.float64, cell="coupled")
            own = {name: value for name, value in net.state_dict().items() if name.endswith(suffix)}
            part.load_state_dict({name.removesuffix(suffix) + "_l0": value for name, value in own.items()})
            parts[suffix] = part
    x = torch.randn(T, B, I, dtype=torch.float64)
    output, final = net(x)
    last = []
    for k in range(2):
        forth, state = parts[f"_l{k}"](x)
        back, back_state = parts[f"_l{k}_reverse"](x.flip(0))
        last += [state, back_state]
        x = torch.cat([forth, back.flip(0)], -1)
    torch.testing.assert_close(output, x)
    torch.testing.assert_close(final, tuple(torch.cat(values) for values in zip(*last, strict=True)))


SHAPES = {
    "peephole": ({"cell": "peephole"}, {"weight_peephole": (3, H)}),
    "projection": ({"proj_size": 2}, {"weight_hr": (2, H), "weight_hh": (4 * H, 2)}),
    "blocks": ({"cell": "peephole", "block_size": 2}, {"weight_ih": (10, I), "weight_peephole": (3, H)}),
    "gates": ({"gate_recurrence": "gates"}, {"weight_gh": (3 * H, 3 * H)}),
    "all": ({"gate_recurrence": "all"}, {"weight_gh": (4 * H, 3 * H)}),
    "heads": ({"heads": 4}, {"weight_hh": (4 * H, 1)}),
    "diagonal": ({"diagonal": True}, {"weight_hh": (4 * H,)}),
    "layer norm": (
        {"layer_norm": True},
        {"norm_ih": (4 * H,), "norm_hh": (4 * H,), "norm_c": (H,), "norm_bias_c": (H,)},
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name: str) -> None:
    options, want = SHAPES[name]
    plain = {
        "weight_ih": (4 * H, I),
        "weight_hh": (4 * H, H),
        "bias_ih": (4 * H,),
        "bias_hh": (4 * H,),
    }
    net = carrousel.LSTM(I, H, **options)
    got = {key: tuple(value.shape) for key, value in net.named_parameters()}
    if name == "blocks":
        plain |= {"weight_hh": (10, H), "bias_ih": (10,), "bias_hh": (10,)}
    assert got == {f"{key}_l0": value for key, value in (plain | want).items()}


def test_no_recurrence_no_recurrent_weights() -> None:
    assert [name for name, _ in carrousel.LSTM(I, H, cell="minlstm").named_parameters()] == [
        "weight_ih_l0",
        "bias_ih_l0",
    ]
