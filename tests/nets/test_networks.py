"""The contract of networks, on every one of the room and on one that is made up."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from carrousel._discover import classes_in, modules_of
from carrousel.nets import NETWORKS, Network

FOLDER = Path(__file__).parents[1] / "made_up" / "networks"
MADE_UP = classes_in(modules_of("made_up.networks", [str(FOLDER)]), "forward", "each", "decode", "example")
EVERY = pytest.mark.parametrize("kind", [*NETWORKS.values(), *MADE_UP.values()], ids=[*NETWORKS, *MADE_UP])


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def rows(said: Any) -> list[Any]:
    """What was decoded, item by item."""
    return [part.tolist() if isinstance(part, Tensor) else part for part in said]


def padded(batch: dict[str, Tensor], value: float) -> dict[str, Tensor]:
    """The batch with this value wherever a sequence or an image is over; of symbols, with one that no network knows."""
    input, lengths = batch["input"], batch["lengths"]
    lengths = lengths if lengths.dim() == 2 else lengths[:, None]  # [B, n]
    over = torch.zeros(input.shape[: 1 + lengths.shape[1]], dtype=torch.bool)
    for d in range(lengths.shape[1]):
        along = [-1 if k == d + 1 else 1 for k in range(over.dim())]
        over |= torch.arange(input.shape[d + 1]).view(along) >= lengths[:, d].view(-1, *[1] * lengths.shape[1])
    assert bool(over.any())
    if not input.is_floating_point():
        value = 10**9 if value else -7
    return {**batch, "input": input.masked_fill(over.view(*over.shape, *[1] * (input.dim() - over.dim())), value)}


def test_networks_are_found() -> None:
    assert {"SequenceNet", "ForecastNet", "Tagger", "Transcriber", "LanguageModel", "EncoderDecoder"} <= set(NETWORKS)
    assert {"Captioner", "FrameNet", "StoryReader", "Segmenter", "ImageVector"} <= set(NETWORKS)
    assert set(MADE_UP) == {"Tagger"}


@EVERY
def test_answers_to_the_protocol(kind) -> None:
    network, batch, target = kind.example()
    assert isinstance(network, Network)
    count = len(batch["lengths"])
    assert batch["lengths"].min() < batch["lengths"].max(), "an example is ragged"
    output = network(**batch)
    assert len(output) == count
    losses = network.each(output, target)
    assert losses.shape == (count,)
    assert bool(losses.isfinite().all())
    assert len(rows(network.decode(output, batch["lengths"]))) == count


@EVERY
def test_gradients_reach_every_parameter(kind) -> None:
    network, batch, target = kind.example()
    network.each(network(**batch), target).mean().backward()
    for name, weight in network.named_parameters():
        assert weight.grad is not None, name
        assert bool(weight.grad.isfinite().all()), name
        assert bool(weight.grad.any()), name


@EVERY
@pytest.mark.parametrize("value", [float("nan"), 1e30])
def test_padding_is_never_read(kind, value) -> None:
    network, batch, target = kind.example()
    network.eval()
    outputs = [network(**padded(batch, v)) for v in (0.0, value)]
    said = [rows(network.decode(output, batch["lengths"])) for output in outputs]
    assert said[0] == said[1]
    assert torch.equal(*(network.each(output, target) for output in outputs))
    grads = []
    for v in (0.0, value):
        network.zero_grad()
        network.each(network(**padded(batch, v)), target).mean().backward()
        grads.append([weight.grad.clone() for weight in network.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*grads, strict=True))


@EVERY
def test_items_do_not_know_of_each_other(kind) -> None:
    network, batch, target = kind.example()
    network.eval()
    order = torch.randperm(len(target))
    losses = network.each(network(**batch), target)
    permuted = {name: value[order] for name, value in batch.items()}
    output = network(**permuted)
    torch.testing.assert_close(network.each(output, target[order]), losses[order])
    said = rows(network.decode(network(**batch), batch["lengths"]))
    again = rows(network.decode(output, permuted["lengths"]))
    torch.testing.assert_close(again, [said[k] for k in order.tolist()])


@EVERY
def test_evaluation_is_deterministic_and_training_is_not(kind) -> None:
    network, batch, _ = kind.example()
    network.eval()
    assert torch.equal(network(**batch), network(**batch))
    network.train()
    assert not torch.equal(network(**batch), network(**batch))


@EVERY
def test_a_state_dict_says_it_all(kind) -> None:
    network, batch, _ = kind.example()
    other = kind.example()[0]
    state = copy.deepcopy(network.state_dict())
    assert set(state) == {name for name, _ in network.named_parameters()}, "a loss is no part of a saved network"
    other.load_state_dict(state)
    assert torch.equal(network.eval()(**batch), other.eval()(**batch))
