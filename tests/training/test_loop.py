"""The one training loop: every optimiser and schedule, noise on weights, and back-propagation that is cut."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import carrousel
from carrousel.training import Items, Job, ModelError, Options, StepDecay, train
from carrousel.training._optimisers import OPTIMISERS
from carrousel.training._schedules import SCHEDULES

LENGTHS = np.array([7, 5, 7, 3, 6, 7, 4, 7])


class Running(nn.Module):
    """A network that says at each step what it makes of the steps so far."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = carrousel.LSTM(2, 5, batch_first=True)
        self.head = nn.Linear(5, 1)

    def carry(self, input: Tensor, lengths: Tensor, state: object = None) -> tuple[Tensor, object]:
        output, state = self.lstm(input, state, lengths=lengths)
        return self.head(output)[..., 0], state  # [B, T]

    def forward(self, input: Tensor, lengths: Tensor) -> Tensor:
        return self.carry(input, lengths)[0]

    def each(self, output: Tensor, target: Tensor) -> Tensor:
        return torch.where(target.isnan(), 0.0, output - target.nan_to_num()).square().mean(dim=1)


def items(lengths: np.ndarray = LENGTHS) -> Items:
    """Sequences whose target, at each step, is the mean of the first channel so far; NaN past the end."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(lengths.sum(), 2)).astype(np.float32)
    targets = np.full((len(lengths), lengths.max()), np.nan, dtype=np.float32)
    for row, begin, n in zip(targets, np.cumsum(lengths) - lengths, lengths, strict=True):
        row[:n] = np.cumsum(values[begin : begin + n, 0]) / np.arange(1, n + 1)
    return Items(values, lengths, targets)


class Even(Items):
    """Items whose batches are all as long as their targets."""

    def batch(self, chosen: np.ndarray):
        inputs, targets = super().batch(chosen)
        padded = nn.functional.pad(inputs["input"], (0, 0, 0, targets.shape[1] - inputs["input"].shape[1]))
        return {**inputs, "input": padded}, targets


def even(lengths: np.ndarray = LENGTHS) -> Even:
    plain = items(lengths)
    return Even(plain.values.numpy(), plain.lengths, plain.targets.numpy())


WAYS = {
    **{name: {"optimizer": name} for name in OPTIMISERS},
    **{f"schedule {name}": {"schedule": name} for name in SCHEDULES},
    "momentum": {"optimizer": "sgd", "momentum": 0.9, "weight_decay": 1e-3},
    "Nesterov": {"optimizer": "sgd", "momentum": 0.9, "nesterov": True},
    "step decay": {"optimizer": "sgd", "schedule": StepDecay(2, 0.5, after=1)},
    "a schedule of one's own": {"schedule": lambda step, batches, epochs: 1 / (1 + step)},
    "RMSprop": {"optimizer": torch.optim.RMSprop},
    "Adagrad": {"optimizer": torch.optim.Adagrad},
    "AMSGrad": {"optimizer": partial(torch.optim.Adam, amsgrad=True)},
    "noise on weights": {"weight_noise": 0.05},
    "truncation": {"truncation": 3},
    "truncated SGD": {"truncation": 2, "optimizer": "sgd", "momentum": 0.5},
}
EVERY = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())


def options(**changes) -> Options:
    return Options(**{"learning_rate": 0.02, "batch_size": 4, "max_epochs": 6, "gradient_clip": 1.0} | changes)


def same(one, other) -> bool:
    pairs = zip(one.network.state_dict().values(), other.network.state_dict().values(), strict=True)
    return one.history == other.history and all(torch.equal(a, b) for a, b in pairs)


@EVERY
def test_each_way_learns_and_goes_on_from_a_checkpoint_to_the_same_bits(way, tmp_path) -> None:
    job = Job(Running, even(), even(LENGTHS[:5]))
    whole = train(job, options(**way), 1)
    assert whole.history[-1]["train_loss"] < whole.history[0]["train_loss"]

    def interrupt(progress) -> None:
        if progress.event == "batch" and progress.epoch == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(job, options(**way), 1, checkpoint=tmp_path / "c", progress=interrupt)
    told = []
    resumed = train(job, options(**way), 1, checkpoint=tmp_path / "c", resume=True, progress=told.append)
    assert told[0].epoch == 3
    assert same(resumed, whole)


def test_ways_differ() -> None:
    """No option is accepted and ignored."""
    ways = {"plain": {}, **WAYS}
    found = {name: train(Job(Running, even()), options(**way, max_epochs=3), 1).history for name, way in ways.items()}
    alike = [(a, b) for a in found for b in found if a < b and found[a] == found[b]]
    defaults = {"plain", "adamw", "schedule cosine"}
    assert all({a, b} <= defaults for a, b in alike), alike


@pytest.mark.parametrize(("momentum", "nesterov", "decay"), [(0, False, 0), (0.9, False, 0.01), (0.9, True, 0)])
def test_sgd_is_the_textbook_s_bit_for_bit(momentum, nesterov, decay) -> None:
    torch.manual_seed(3)
    start = Running()
    chosen = options(
        optimizer="sgd", momentum=momentum, nesterov=nesterov, weight_decay=decay, schedule=StepDecay(2, 0.5),
        gradient_clip=None, batch_size=len(LENGTHS), max_epochs=5,
    )  # fmt: skip

    def build() -> Running:
        network = Running()
        network.load_state_dict(start.state_dict())
        return network

    trained = train(Job(build, even()), chosen).network
    by_hand, order = build(), np.random.default_rng(0)
    velocity = {name: None for name, _ in by_hand.named_parameters()}
    for epoch in range(5):
        inputs, targets = even().batch(order.permutation(len(LENGTHS)))
        by_hand.zero_grad()
        by_hand.each(by_hand(**inputs), targets).mean().backward()
        rate = 0.02 * 0.5 ** (epoch // 2)
        with torch.no_grad():
            for name, weight in by_hand.named_parameters():
                slope = weight.grad.add(weight, alpha=decay) if decay else weight.grad.clone()
                if momentum:
                    old = velocity[name]
                    velocity[name] = slope.clone() if old is None else old.mul(momentum).add(slope)
                    slope = slope.add(velocity[name], alpha=momentum) if nesterov else velocity[name]
                weight.add_(slope, alpha=-rate)
    for name, weight in by_hand.state_dict().items():
        assert torch.equal(weight, trained.state_dict()[name]), name


def test_truncation_is_a_loop_that_carries_the_state() -> None:
    chosen = options(optimizer="sgd", truncation=3, schedule="constant", gradient_clip=None, batch_size=8, max_epochs=1)
    trained = train(Job(Running, even()), chosen, 5)
    torch.manual_seed(5)
    by_hand, order = Running(), np.random.default_rng(5)
    optimizer = torch.optim.SGD(by_hand.parameters(), 0.02)
    inputs, targets = even().batch(order.permutation(len(LENGTHS)))
    state, total = None, 0.0
    for begin in (0, 3, 6):
        lengths = (inputs["lengths"] - begin).clamp(0, 3)
        output, state = by_hand.carry(inputs["input"][:, begin : begin + 3], lengths, state)
        loss = by_hand.each(output, targets[:, begin : begin + 3]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        state = tuple(part.detach() for part in state)
        total += loss.item() * output.shape[1] / 7
    for name, weight in by_hand.state_dict().items():
        assert torch.equal(weight, trained.network.state_dict()[name]), name
    assert trained.history[0]["train_loss"] == pytest.approx(total, rel=1e-6)


def test_truncation_at_the_sequences_length_is_none() -> None:
    whole = train(Job(Running, even()), options(), 1)
    for steps in (7, 100):
        cut = train(Job(Running, even()), options(truncation=steps), 1)
        for a, b in zip(whole.network.parameters(), cut.network.parameters(), strict=True):
            assert torch.equal(a, b)


def test_noise_is_taken_away_before_the_update() -> None:
    """A learning rate of nothing leaves the weights where they were, whatever the noise; the loss is another."""
    still = {"optimizer": "sgd", "schedule": lambda *_: 0.0}
    plain, noisy = (train(Job(Running, even()), options(**still, weight_noise=d), 1) for d in (0.0, 0.5))
    for a, b in zip(plain.network.parameters(), noisy.network.parameters(), strict=True):
        assert torch.equal(a, b)
    assert plain.history[0]["train_loss"] != noisy.history[0]["train_loss"]


def test_another_configuration_or_other_data_is_refused(tmp_path) -> None:
    job = Job(Running, even())
    train(job, options(optimizer="sgd", momentum=0.9, max_epochs=1), checkpoint=tmp_path / "c")
    with pytest.raises(ModelError, match=r"momentum=0.9 \(now 0.5\)"):
        train(job, options(optimizer="sgd", momentum=0.5, max_epochs=1), checkpoint=tmp_path / "c", resume=True)
    other = Job(Running, even(LENGTHS[::-1].copy()))
    with pytest.raises(ModelError, match="other data"):
        train(other, options(optimizer="sgd", momentum=0.9, max_epochs=1), checkpoint=tmp_path / "c", resume=True)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"optimizer": "lbfgs"}, "unknown optimizer 'lbfgs'; choose from adamw, sgd"),
        ({"schedule": "linear"}, "unknown schedule 'linear'; choose from cosine, constant"),
        ({"momentum": 0.5}, "are of optimizer='sgd', not of 'adamw'"),
        ({"optimizer": "sgd", "nesterov": True}, "needs a momentum above 0"),
        ({"optimizer": torch.optim.Adam, "weight_decay": 0.1}, "weight_decay is for the optimisers with names"),
        ({"weight_noise": -1.0}, "weight_noise must be a number of at least 0, got -1.0"),
        ({"momentum": float("nan")}, "momentum must be a number of at least 0, got nan"),
        ({"learning_rate": 0.0}, "learning_rate must be a number above 0"),
        ({"truncation": 0}, "truncation must be an integer of at least 1, got 0"),
        ({"max_epochs": None}, "max_epochs must be an integer of at least 1, got None"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_said(wrong, message) -> None:
    with pytest.raises(ValueError, match=message):
        train(Job(Running, even()), options(**wrong))


def test_truncation_needs_a_network_that_carries() -> None:
    class Still(nn.Linear):
        pass

    with pytest.raises(ValueError, match=r"carry\(input, lengths, state\), Still has none"):
        train(Job(lambda: Still(1, 1), even()), options(truncation=2))


def test_an_optimiser_whose_state_is_no_tensor_cannot_have_a_checkpoint(tmp_path) -> None:
    chosen = options(optimizer=torch.optim.LBFGS, gradient_clip=None, max_epochs=1)
    train(Job(Running, even()), chosen)
    with pytest.raises(ValueError, match="a checkpoint cannot hold the state of LBFGS"):
        train(Job(Running, even()), chosen, checkpoint=tmp_path / "c")
    with pytest.raises(ValueError, match="a factor in"):
        StepDecay(1, 1.5)
