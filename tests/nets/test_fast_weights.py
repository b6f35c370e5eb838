"""Layers of fast weights: all steps at once against step by step, against the equations, and by derivatives."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from carrousel.nets import NETWORKS
from carrousel.nets.fast_weights import FastWeightLayer


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


@pytest.mark.parametrize("rule", ["add", "delta"])
def test_all_steps_at_once_are_the_equations_step_by_step(rule):
    layer, x = FastWeightLayer(6, 2, rule).double(), torch.randn(3, 7, 6, dtype=torch.float64)
    y, (W, _) = layer(x)
    told = layer.program(x)
    q, k, v = told[..., :18].view(3, 7, 3, 2, 3).unbind(2)  # [B, T, h, D]
    q, k = nn.functional.elu(q) + 1, nn.functional.elu(k) + 1
    if rule == "delta":
        q, k = q / q.sum(-1, True), k / k.sum(-1, True)
        rate = told[..., 18:].sigmoid()
    for b in range(3):
        for h in range(2):
            fast, norm = torch.zeros(3, 3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
            for t in range(7):
                key, value, query = k[b, t, h], v[b, t, h], q[b, t, h]
                if rule == "add":
                    fast, norm = fast + torch.outer(value, key), norm + key
                    read = fast @ query / (norm @ query)
                else:
                    fast = fast + rate[b, t, h] * torch.outer(value - fast @ key, key)
                    read = fast @ query
                part = layer.out.weight[:, 3 * h : 3 * h + 3] @ read
                y[b, t] = y[b, t] - part
            torch.testing.assert_close(W[b, h], fast)
    torch.testing.assert_close(y, layer.out.bias.expand_as(y))  # nothing else is left


@pytest.mark.parametrize("rule", ["add", "delta"])
def test_a_sequence_in_pieces_is_the_sequence(rule):
    layer, x = FastWeightLayer(4, 2, rule).double(), torch.randn(2, 9, 4, dtype=torch.float64)
    whole, last = layer(x)
    state, parts = None, []
    for piece in x.split([1, 5, 3], dim=1):
        y, state = layer(piece, state=state)
        parts.append(y)
    torch.testing.assert_close(torch.cat(parts, 1), whole)
    for one, two in zip(state, last, strict=True):
        torch.testing.assert_close(one, two)


@pytest.mark.parametrize("rule", ["add", "delta"])
def test_derivatives_are_those_of_finite_differences(rule):
    layer = FastWeightLayer(4, 2, rule).double()
    x = torch.randn(1, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, *_: layer(x)[0], (x, *layer.parameters()))


def test_what_is_past_the_end_is_not_written():
    network = NETWORKS["FastWeightTagger"](2, 3, rule="add", layers=2).eval()
    x = torch.randn(2, 5, 2)
    _, state = network.carry(x, torch.tensor([5, 3]), None)
    _, short = network.carry(x[1:, :3], torch.tensor([3]), None)
    for (W, n), (own, sums) in zip(state, short, strict=True):
        torch.testing.assert_close(W[1:], own)
        torch.testing.assert_close(n[1:], sums)


def test_a_network_learns_to_recall_what_was_bound():
    """Pairs of a key and a value, then a key: which value?"""
    network = NETWORKS["FastWeightTagger"](6, 2, features=16, rule="delta")
    rng = torch.Generator().manual_seed(0)
    optimiser = torch.optim.Adam(network.parameters(), 0.01)
    lengths, right = torch.full((32,), 4), 0.0
    for _ in range(100):
        values = torch.randint(0, 2, (32, 3), generator=rng)
        asked = torch.randint(0, 3, (32,), generator=rng)
        x = torch.zeros(32, 4, 6)
        x[:, :3, :3] = torch.eye(3)
        x[:, :3, 3] = values * 2.0 - 1.0
        x[torch.arange(32), 3, asked] = 1.0
        x[:, 3, 5] = 1.0
        target = torch.full((32, 4), -1)
        target[:, 3] = values[torch.arange(32), asked]
        output = network(x, lengths)
        right = (output[:, 3].argmax(1) == target[:, 3]).float().mean().item()
        optimiser.zero_grad()
        network.each(output, target).mean().backward()
        optimiser.step()
    assert right > 0.9


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="add, delta"):
        FastWeightLayer(4, rule="gate")
    with pytest.raises(ValueError, match="multiple of heads"):
        FastWeightLayer(4, heads=3)
