"""The rule that follows from a cell's definition: against autograd with the same cuts, and against the papers' rule."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

import carrousel
from carrousel import cells
from carrousel.cells import Parts, State
from carrousel.cells.math import exp, sigmoid, tanh
from carrousel.learning.online import Adam, Descent, Learner, Network, OnlineLSTM


@carrousel.cell("a b k", candidates="k", states="c d", peepholes="a b")
def made_up(z, s, p):
    """Two states that feed one another, peepholes to the old and the new one, and the old output."""
    a, k = sigmoid(z.a + p.a(s.d)), p.k(tanh(z.k))
    c = a * s.c + (1.0 - a) * k * exp(-s.d * s.d)
    b = sigmoid(z.b + p.b(c))
    d = 0.5 * s.d + b * tanh(s.c) + 0.1 * s.h
    return b * tanh(p.c(c)) - p.d(d), State(c=c, d=d), carrousel.Gates(a=a, b=b, k=k)


CELLS = [*(cell for cell in cells.values() if not cell.gated), made_up]


def gradient(lstm: OnlineLSTM, x, y):
    """The descent direction of a whole sequence by autograd, cut where ``lstm`` cuts."""
    cell, H, cuts = lstm.cell, lstm.hidden_size, lstm.truncate
    w = {name: torch.tensor(value, requires_grad=True) for name, value in lstm.weights.items()}
    h = torch.zeros(H, dtype=torch.float64)
    state = {name: torch.zeros(H, dtype=torch.float64) for name in cell.states}
    loss = 0.0
    p = SimpleNamespace(**{name: lambda value: value for name in (*cell.candidates, *cell.states)})
    for k, gate in enumerate(cell.peepholes):
        weight = w["weight_peephole"][k]
        setattr(p, gate, lambda s, weight=weight: weight * (s.detach() if cuts == "paper" else s))
    for xt, yt in zip(torch.tensor(x), torch.tensor(y), strict=True):
        seen = h if cuts is None else h.detach()
        from_input = (w["weight_ih"] @ xt + w["bias_ih"]).split(H)
        recurrent = torch.zeros(len(cell.rows) * H, dtype=torch.float64)
        if cell.recurrent:
            recurrent = w["weight_hh"] * seen.repeat(len(cell.rows)) if lstm.diagonal else w["weight_hh"] @ seen
            recurrent = recurrent + w.get("bias_hh", 0)
        z = SimpleNamespace(
            **{
                row: Parts(a, b) if row in cell.split else a + b
                for row, a, b in zip(cell.rows, from_input, recurrent.split(H), strict=True)
            }
        )
        h, new, _ = cell(z, State(h=h, **state), p)
        state = {name: getattr(new, name) for name in cell.states}
        if not torch.isnan(yt[0]):
            out = w["readout"] @ h + w["readout_bias"]
            if lstm.loss == "squared":
                loss = loss + 0.5 * ((yt - out) ** 2).sum()
            elif lstm.loss == "logistic":
                loss = loss + torch.nn.functional.binary_cross_entropy_with_logits(out, yt, reduction="sum")
            else:
                loss = loss - (yt * torch.log_softmax(out, 0)).sum()
    loss.backward()
    return {name: 0 * value if value.grad is None else -value.grad for name, value in w.items()}


def stream(steps, inputs, outputs, seed=0):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(steps, inputs)), rng.normal(size=(steps, outputs))
    y[rng.random(steps) < 0.3] = np.nan
    return x, y


@pytest.mark.parametrize(
    ("diagonal", "truncate"), [(False, "paper"), (False, "recurrent"), (True, "paper"), (True, None)]
)
@pytest.mark.parametrize("cell", CELLS, ids=[cell.name for cell in CELLS])
def test_equals_autograd_with_the_same_cuts(cell, diagonal, truncate):
    lstm = OnlineLSTM(
        3, 5, 2, cell=cell, diagonal=diagonal, truncate=truncate, update="end", dtype=np.float64, optimiser=1.0
    )
    rng = np.random.default_rng(1)
    lstm.weights = {name: rng.normal(size=w.shape) * 0.6 for name, w in lstm.weights.items()}
    if cell.split:  # split rows alone have a second bias
        weights = lstm.weights
        assert [weights["bias_hh"].reshape(-1, 5)[k].any() for k, row in enumerate(cell.rows)] == [
            row in cell.split for row in cell.rows
        ]
    x, y = stream(14, 3, 2)
    wanted = gradient(lstm, x, y)
    before = lstm.weights
    lstm.learn_many(x, y)
    for name, w in lstm.weights.items():
        assert np.array_equal(w, before[name]), "weights changed before the sequence's end"
    lstm.reset()
    for name, w in lstm.weights.items():
        moved = wanted[name].numpy()
        if name == "bias_hh":  # autograd gives all rows one
            moved = moved.reshape(-1, 5) * np.array([[row in cell.split] for row in cell.rows])
            moved = moved.ravel()
        np.testing.assert_allclose(w - before[name], moved, rtol=1e-9, atol=1e-11, err_msg=name)
    assert np.abs(wanted["weight_ih"].numpy()).max() > 1e-3


def test_the_cuts_matter():
    moved = {}
    for diagonal, truncate in ((True, "paper"), (True, "recurrent"), (True, None)):
        lstm = OnlineLSTM(3, 5, cell="peephole", diagonal=diagonal, truncate=truncate, dtype=np.float64, seed=2)
        moved[truncate] = gradient(lstm, *stream(14, 3, 1))["weight_ih"].numpy()
    assert np.abs(moved["paper"] - moved["recurrent"]).max() > 1e-4
    assert np.abs(moved["recurrent"] - moved[None]).max() > 1e-4


@pytest.mark.parametrize("loss", ["logistic", "softmax"])
def test_losses(loss):
    lstm = OnlineLSTM(3, 4, 3, loss=loss, update="end", dtype=np.float64, optimiser=1.0)
    x, _ = stream(10, 3, 3)
    codes = np.random.default_rng(0).integers(-1, 3, 10)
    y = np.full((10, 3), np.nan)
    y[codes >= 0] = np.eye(3)[codes[codes >= 0]]
    wanted, before = gradient(lstm, x, y), lstm.weights
    lstm.learn_many(x, codes)
    lstm.reset()
    for name, w in lstm.weights.items():
        np.testing.assert_allclose(w - before[name], wanted[name].numpy(), rtol=1e-9, atol=1e-12, err_msg=name)
    assert lstm.predict_one(x[0]).sum() == pytest.approx(1) or loss == "logistic"


PAPERS = {
    "original": Network(3, 2, 4, feeds=dict.fromkeys(["cell", "input_gate", "output_gate"], "input cell bias")),
    "gers2002": Network(
        3,
        2,
        4,
        forget_gates=True,
        peepholes=True,
        input_squash="identity",
        output_squash="identity",
        feeds=dict.fromkeys(["cell", "input_gate", "forget_gate", "output_gate"], "input cell bias"),
    ),
}
ROWS = {"i": "input_gate", "f": "forget_gate", "g": "cell", "o": "output_gate"}


@pytest.mark.parametrize("name", PAPERS)
def test_equals_the_papers_rule_for_the_papers_cells(name):
    """Weights after 300 updates, one after every step."""
    network = PAPERS[name]._with(unit_squash="identity").biased("output")
    slow = Learner(network, 0.05, dtype=np.float64, seed=3)
    lstm = OnlineLSTM(3, 4, 2, cell=name, optimiser=0.05, dtype=np.float64)

    def named(w):
        blocks = [w[ROWS[row]] for row in lstm.cell.rows]
        found = {
            "weight_ih": np.concatenate([b[:, :3] for b in blocks]),
            "weight_hh": np.concatenate([b[:, 3:7] for b in blocks]),
            "bias_ih": np.concatenate([b[:, 7] for b in blocks]),
            "readout": w["output"][:, :4],
            "readout_bias": w["output"][:, 4],
        }
        if network.peepholes:
            found["weight_peephole"] = np.stack([w[f"{ROWS[gate]}_peephole"][:, 0] for gate in lstm.cell.peepholes])
        return found

    lstm.weights = named(slow.weights)
    x, y = stream(300, 3, 2)
    told, told_too = slow.learn_many(x, y, tell=True), lstm.learn_many(x, y, tell=True)
    np.testing.assert_allclose(told, told_too, rtol=0, atol=1e-11)
    for key, w in named(slow.weights).items():
        np.testing.assert_allclose(lstm.weights[key], w, rtol=1e-10, atol=1e-11, err_msg=key)


@pytest.mark.parametrize("cell", ["lstm", "slstm", "gru", made_up], ids=str)
def test_chunks_predictions_and_files_change_nothing(tmp_path, cell):
    x, y = stream(120, 3, 2)
    whole, parts = (OnlineLSTM(3, 6, 2, cell=cell, optimiser=Adam(0.01), update=update) for update in (1, 1))
    whole.learn_many(x, y)
    for t in range(20):
        parts.predict_one(x[t])
        parts.learn_one(x[t], y[t])
    parts.save(tmp_path / "state")
    parts = OnlineLSTM.load(tmp_path / "state", cell=None if isinstance(cell, str) else cell)
    parts.predict_many(x)
    parts.learn_many(x[20:], y[20:])
    for name, array in whole._arrays().items():
        assert np.array_equal(array, parts._arrays()[name]), name


def test_a_decaying_rate(tmp_path):
    x, y = np.random.default_rng(0).normal(size=(2, 30, 2))
    one, two = OnlineLSTM(2, 3, 2, optimiser=Descent(0.5, decay=0.9)), OnlineLSTM(2, 3, 2, optimiser=Descent(0.5))
    one.learn_many(x[:15], y[:15])
    one.save(tmp_path / "half.safetensors")
    one = OnlineLSTM.load(tmp_path / "half.safetensors").widened(2, 2)
    one.learn_many(x[15:], y[15:])
    for t in range(30):
        two.learn_many(x[t : t + 1], y[t : t + 1])
        two._rates[0] *= np.float64(0.9)
    np.testing.assert_allclose(one._parameters, two._parameters, rtol=1e-4)


def test_refusals():
    with pytest.raises(ValueError, match="diagonal=True"):
        OnlineLSTM(1, 2, truncate=None)
    with pytest.raises(ValueError, match="did you mean 'peephole'"):
        OnlineLSTM(1, 2, cell="peepholes")
    with pytest.raises(ValueError, match="hidden_size must be"):
        OnlineLSTM(1, 0)
    lstm = OnlineLSTM(2, 3)
    before = {name: array.copy() for name, array in lstm._arrays().items()}
    for x, y in (([[1.0, np.nan]], [[0.0]]), ([[1.0, 2.0]], [[np.inf]]), ([[1.0]], [[0.0]])):
        with pytest.raises(ValueError, match=r"input 1 of step 0|target of step 0|\[steps, 2\]"):
            lstm.learn_many(x, y)
    for name, array in lstm._arrays().items():
        assert np.array_equal(array, before[name])


def test_exact_gradient_without_recurrent_weights():
    assert OnlineLSTM(1, 2, cell="minlstm", truncate=None).truncate is None
    assert Descent(0.1).rate == 0.1


@pytest.mark.parametrize("cell", [cell for cell in cells.values() if cell.gated], ids=lambda cell: cell.name)
def test_a_gate_that_would_never_learn_is_refused(cell):
    with pytest.raises(ValueError, match=rf"cell '{cell.name}' multiplies what a gate leaves of h .* take the cell"):
        OnlineLSTM(2, 3, cell=cell)
