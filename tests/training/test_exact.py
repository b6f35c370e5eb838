"""Training in pieces between which nothing is cut: the gradient of whole sequences, in memory that does not grow."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import carrousel
from carrousel.training import Items, Job, Options, train
from carrousel.training._exact import Owed


class Running(nn.Module):
    """A network that says something at each step; ``below`` has weights before the recurrence."""

    def __init__(self, below: bool = False, **lstm: object) -> None:
        super().__init__()
        self.before = nn.Linear(2, 2) if below else nn.Identity()
        self.lstm = carrousel.LSTM(2, 3, batch_first=True, **lstm)
        self.head = nn.Linear(3, 1)
        self.double()

    def carry(self, input: Tensor, lengths: Tensor, state: object = None) -> tuple[Tensor, object]:
        output, state = self.lstm(self.before(input.double()), state, lengths=lengths)
        return self.head(output)[..., 0], state  # [B, T]

    def forward(self, input: Tensor, lengths: Tensor) -> Tensor:
        return self.carry(input, lengths)[0]

    def each(self, output: Tensor, target: Tensor) -> Tensor:
        return torch.where(target.isnan(), 0.0, output - target.nan_to_num()).square().mean(dim=1)


class Even(Items):
    """Items whose batches are all as long as their targets."""

    def batch(self, chosen: np.ndarray):
        inputs, targets = super().batch(chosen)
        padded = nn.functional.pad(inputs["input"], (0, 0, 0, targets.shape[1] - inputs["input"].shape[1]))
        return {**inputs, "input": padded}, targets


def items(lengths=(7, 5, 7, 3)) -> Even:
    rng, lengths = np.random.default_rng(0), np.array(lengths)
    targets = np.full((len(lengths), lengths.max()), np.nan, np.float32)
    for row, n in zip(targets, lengths, strict=True):
        row[:n] = rng.normal(size=n)
    return Even(rng.normal(size=(lengths.sum(), 2)).astype(np.float32), lengths, targets)


ALONE = {
    "diagonal": {"diagonal": True},
    "peephole": {"cell": "peephole", "diagonal": True},
    "elstm": {"cell": "elstm", "diagonal": True},
    "gru_cho": {"cell": "gru_cho", "diagonal": True},
    "three states": {"cell": "slstm", "diagonal": True},
    "minlstm": {"cell": "minlstm"},
    "no bias": {"diagonal": True, "bias": False},
}
GENERAL = {
    "plain": {},
    "two layers": {"num_layers": 2, "cell": "gru"},
    "blocks": {"block_size": 3, "cell": "peephole"},
    "weights below": {"below": True, "diagonal": True},
}


@pytest.mark.parametrize("name", [*ALONE, *GENERAL])
def test_weights_are_those_of_whole_sequences(name: str) -> None:
    """After two epochs, of ragged sequences of which some are over before the last piece."""
    lstm = {**ALONE, **GENERAL}[name]
    alone = Owed(Running(**lstm))._units is not None
    assert alone == (name in ALONE or name == "weights below")
    trained = []
    for more in ({}, {"truncation": 2, "exact": True}, {"truncation": 2}):
        options = Options(0.3, optimizer="sgd", schedule="constant", batch_size=3, max_epochs=2, **more)
        trained.append(train(Job(lambda: Running(**lstm), items()), options, seed=1))
    whole, exact, cut = (dict(each.network.named_parameters()) for each in trained)
    for key, weight in whole.items():
        torch.testing.assert_close(exact[key], weight, rtol=1e-10, atol=1e-10, msg=key)
    assert trained[1].history[-1]["train_loss"] == pytest.approx(trained[0].history[-1]["train_loss"], rel=1e-10)
    assert any((cut[key] - weight).abs().max() > 1e-5 for key, weight in whole.items())


@pytest.mark.parametrize("name", ["elstm", "plain"])
def test_what_is_kept_does_not_grow_with_the_sequence(name: str) -> None:
    """Numbers alone, and of them no more after many pieces than after one; tests/hard measures the process."""
    network, sizes = Running(**{**ALONE, **GENERAL}[name]), []
    owed, state = Owed(network), None
    for _ in range(6):
        output, state = network.carry(torch.randn(2, 5, 2), torch.tensor([5, 5]), owed.begin(state))
        owed.credit(output.square().mean())
        owed.carry(state)
        kept = [part for part in owed._owed if part is not None]
        assert not any(part.requires_grad for part in kept)
        sizes.append(sum(part.numel() for part in kept))
        state = tuple(part.detach() for part in state)
    assert len(set(sizes)) == 1
    assert sizes[0] > 0


def test_exact_wants_pieces() -> None:
    with pytest.raises(ValueError, match="exact=True wants truncation="):
        Options(0.1, exact=True)
