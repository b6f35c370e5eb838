"""How error flows back: against autograd in plain steps, against what is known of simple units, whatever the layer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import carrousel
from carrousel.nets import NETWORKS, error_flow, mean_flow
from carrousel.training import Items

LAYERS = {
    "lstm": lambda: carrousel.LSTM(2, 3, 2),
    "peephole": lambda: carrousel.LSTM(2, 3, cell="peephole", layer_norm=True),
    "slstm": lambda: carrousel.LSTM(2, 4, cell="slstm", heads=2),
    "gates": lambda: carrousel.LSTM(2, 4, gate_recurrence="all", block_size=2),
    "projected": lambda: carrousel.LSTM(2, 4, proj_size=2),
    "gru": lambda: carrousel.LSTM(2, 3, cell="gru"),
    "torch LSTM": lambda: nn.LSTM(2, 3, 2, proj_size=2),
    "torch GRU": lambda: nn.GRU(2, 3),
    "torch RNN": lambda: nn.RNN(2, 3, 2),
}


@pytest.mark.parametrize("make", LAYERS.values(), ids=list(LAYERS))
def test_every_layer_is_followed_to_what_autograd_says_in_plain_steps(make):
    torch.manual_seed(0)
    net, x = make().double(), torch.randn(7, 2, 2, dtype=torch.float64)
    flow = error_flow(net, x, step=5)
    input, kept, state, outputs = x.clone().requires_grad_(True), [], None, []
    for t in range(7):
        _, state = net(input[t : t + 1], state)
        every = state if isinstance(state, tuple) else (state,)
        kept.append(every)
        outputs.append(every[0][-1])
    loss = outputs[5].sum()
    torch.testing.assert_close(torch.stack(outputs), net(x)[0])
    by_input = torch.autograd.grad(loss, input, retain_graph=True)[0][:6].flip(0).norm(dim=2).mean(1)
    np.testing.assert_allclose(flow.inputs, by_input.numpy(), rtol=1e-9)
    for k, curve in enumerate(flow.states.values()):
        grads = torch.autograd.grad(loss, [kept[t][k] for t in range(6)], retain_graph=True, allow_unused=True)
        norms = [0.0 if g is None else g.transpose(0, 1).flatten(1).norm(dim=1).mean().item() for g in grads]
        np.testing.assert_allclose(curve, norms[::-1], rtol=1e-9, atol=1e-15)
    assert len(flow.states) == len(every)
    assert set(flow.states) >= {"h"}
    assert "forward" not in vars(net)


def test_a_logistic_unit_loses_at_least_three_quarters_a_step():
    net = carrousel.LSTM(1, 1, cell="elman(squash=sigmoid)").double()
    with torch.no_grad():
        net.weight_hh_l0[:] = 2.0
    x = torch.randn(20, 1, 1, dtype=torch.float64)
    found = error_flow(net, x).states["h"]
    h = net(x)[0][:, 0, 0].detach().numpy()
    slopes = (2.0 * h * (1 - h))[::-1]  # of the steps counted from the last
    np.testing.assert_allclose(found, np.concatenate([[1.0], np.cumprod(slopes)[:-1]]), rtol=1e-9)
    assert (found <= (2.0 * 0.25) ** np.arange(20) + 1e-12).all()


def test_the_carrousel_keeps_error_and_forget_gates_multiply_it():
    """Without recurrent weights error flows back in the states alone."""
    torch.manual_seed(0)
    for cell, forget in (("original", False), ("lstm", True)):
        net = carrousel.LSTM(1, 1, cell=cell).double()
        with torch.no_grad():
            net.weight_hh_l0.zero_()
        x = torch.randn(30, 1, 1, dtype=torch.float64)
        found = error_flow(net, x, loss=lambda told: told[1][1].sum()).states["c"]
        gates = np.ones(30)
        if forget:
            gates = net(x, return_states="gates")[2]["f_l0"][:, 0, 0].detach().numpy()[::-1]
        np.testing.assert_allclose(found, np.concatenate([[1.0], np.cumprod(gates)[:-1]]), rtol=1e-9)


@pytest.mark.parametrize("name", ["FastWeightTagger", "ForecastNet", "SequenceNet", "Tagger", "Transcriber"])
def test_every_network_of_sequences_of_numbers_is_followed(name):
    torch.manual_seed(0)
    network, example, target = NETWORKS[name].example()
    if name == "ForecastNet":  # whose contexts are all as long
        example["lengths"][:] = example["input"].shape[1]

    class Source:
        lengths = example["lengths"].numpy()

        def __len__(self):
            return len(self.lengths)

        def batch(self, chosen):
            rows = torch.as_tensor(chosen)
            cut = int(self.lengths[chosen].max())
            some = {key: value[rows] for key, value in example.items()}
            goals = [target[k] for k in chosen] if isinstance(target, list) else target[rows]
            if isinstance(goals, torch.Tensor) and goals.dim() > 1 and goals.shape[1] == example["input"].shape[1]:
                goals = goals[:, :cut]
            return {**some, "input": some["input"][:, :cut]}, goals

    training = network.training
    flow = mean_flow(network, Source())
    longest = int(Source.lengths.max())
    assert flow.inputs.shape == (longest,)
    assert flow.counts.tolist() == [(Source.lengths > q).sum() for q in range(longest)]
    assert flow.inputs.max() > 0
    assert bool(flow.states) == (hasattr(network, "lstm") and not network.lstm.bidirectional)
    for name, curve in flow.states.items():
        assert name.startswith("lstm.")
        assert curve.shape == (longest,)
    assert network.training == training
    assert flow.relative()["input"][0] in (0.0, 1.0)


def test_items_of_one_length_are_a_batch():
    torch.manual_seed(0)
    network = NETWORKS["Tagger"](2, 2, lstm={"hidden_size": 3}, dropout=0.0, noise=0.0)
    values, tags = np.random.default_rng(0).normal(size=(12, 2)).astype(np.float32), np.array([[0, 1, 1, 0]] * 3)
    items = Items(values, np.array([4, 4, 4]), tags)
    flow = mean_flow(network, items, 2)
    assert flow.counts.tolist() == [2] * 4


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda net, x: error_flow(net, x, step=9), "no step 9: the sequences have 5"),
        (lambda net, x: error_flow(net, x, loss=lambda told: told[0]), "one number"),
        (lambda net, x: error_flow(net, x, loss=lambda told: told[0].detach().sum()), "depends on the input"),
        (lambda net, x: error_flow(net, x, lengths=[5, 3]), "the same length"),
        (lambda net, x: error_flow(net, x, mask=torch.ones(5, 2, dtype=torch.bool)), "without masks"),
    ],
)
def test_what_makes_no_sense_is_refused(call, words):
    net = carrousel.LSTM(2, 3)
    with pytest.raises(ValueError, match=words):
        call(net, torch.randn(5, 2, 2))
    assert "forward" not in vars(net)
