"""Fast weights as they are used today: outer products of keys and values are written, and read by queries."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from carrousel.nets._losses import NO_LABEL, StepCrossEntropy

__all__ = ["FastWeightLayer", "FastWeightTagger"]

RULES = ("add", "delta")
State = tuple[Tensor, Tensor]
"""A layer's fast weights ``[B, heads, D, D]``, and the sum of its keys ``[B, heads, D]``."""


class FastWeightLayer(nn.Module):
    """A layer that programs a matrix of fast weights in every step, and reads from it.

    Each step gives keys k, values v and queries q, linear in the input. ``"add"`` writes by outer products::

        W(t) = W(t-1) + v k^T        n(t) = n(t-1) + k        y(t) = W(t) q / (n(t) q)

    with k and q positive (1 + elu): this is attention without softmax, of which all steps are computed at once.
    ``"delta"`` first takes away what was stored under a key, as far as a learned rate b(t) says; k and q add up to 1::

        W(t) = W(t-1) + b (v - W(t-1) k) k^T        y(t) = W(t) q

    J. Schmidhuber 1992, as in A. Katharopoulos et al. 2020, "Transformers are RNNs", and I. Schlag, K. Irie & J.
    Schmidhuber 2021, "Linear transformers are secretly fast weight programmers".

    Args:
        features: of input and output, a multiple of ``heads``.
        heads: matrices beside each other.
        rule: ``"add"`` or ``"delta"``.

    Raises:
        ValueError: the rule is neither, or the heads do not go into the features.

    >>> layer = FastWeightLayer(8, heads=2, rule="delta")
    >>> y, state = layer(torch.randn(3, 5, 8))
    >>> y.shape, state[0].shape
    (torch.Size([3, 5, 8]), torch.Size([3, 2, 4, 4]))
    """

    def __init__(self, features: int, heads: int = 1, rule: str = "delta") -> None:
        super().__init__()
        if rule not in RULES:
            raise ValueError(f"rule must be one of {', '.join(RULES)}; got {rule!r}")
        if features < 1 or heads < 1 or features % heads:
            raise ValueError(f"features must be a multiple of heads, got {features} and {heads}")
        self.features, self.heads, self.rule = features, heads, rule
        self.program = nn.Linear(features, 3 * features + (heads if rule == "delta" else 0))
        self.out = nn.Linear(features, features)

    def forward(
        self, input: Tensor, inside: Tensor | None = None, state: State | None = None
    ) -> tuple[Tensor, State]:  # [B, T, F], [B, T] -> [B, T, F]
        """Returns the output of every step, and the fast weights after the last.

        Args:
            input: ``[B, T, F]``.
            inside: bools ``[B, T]``, the steps that are written; None for all.
            state: fast weights to begin with; None for noughts.
        """
        B, T, _ = input.shape
        size = self.features // self.heads
        told = self.program(input)
        parts = told[..., : 3 * self.features].view(B, T, 3, self.heads, size).permute(2, 0, 3, 1, 4)  # [3, B, h, T, D]
        q, k, v = parts
        q, k = functional.elu(q) + 1.0, functional.elu(k) + 1.0
        write = torch.ones(B, 1, T, 1, dtype=input.dtype, device=input.device)
        if inside is not None:
            write = write * inside[:, None, :, None]
        if state is None:
            state = input.new_zeros(B, self.heads, size, size), input.new_zeros(B, self.heads, size)
        if self.rule == "add":
            y, state = _added(q, k * write, v, state)
        else:
            rate = told[..., 3 * self.features :].sigmoid().permute(0, 2, 1)[..., None] * write  # [B, h, T, 1]
            y, state = _corrected(q / q.sum(-1, True), k / k.sum(-1, True), v, rate, state)
        return self.out(y.permute(0, 2, 1, 3).reshape(B, T, self.features)), state


def _added(q: Tensor, k: Tensor, v: Tensor, state: State) -> tuple[Tensor, State]:
    """Writes all steps by outer products, at once."""
    W, n = state
    scores = (q @ k.mT).tril()  # [B, h, T, T]: what step t reads of step s
    read = scores @ v + q @ W.mT
    norm = scores.sum(-1, True) + q @ n[..., None]
    return read / norm.clamp_min(1e-6), (W + v.mT @ k, n + k.sum(2))


def _corrected(q: Tensor, k: Tensor, v: Tensor, rate: Tensor, state: State) -> tuple[Tensor, State]:
    """Writes step after step, what is stored under a key giving way."""
    W, n = state
    told = []
    for t in range(q.shape[2]):
        key, value = k[:, :, t], v[:, :, t]  # [B, h, D]
        off = rate[:, :, t] * (value - (W @ key[..., None])[..., 0])
        W = W + off[..., None] * key[..., None, :]
        told.append((W @ q[:, :, t, :, None])[..., 0])
    return torch.stack(told, dim=2), (W, n)


class FastWeightTagger(nn.Module):
    """A network that names the class of every step, of layers of fast weights one above the other.

    Each layer's output is added to its input and normalised. There are no positions: what a step means, and its order,
    is what was written before it.

    Args:
        channels: the number of features of the input.
        classes: the number of classes, K.
        features: of all layers.
        layers: how many there are.
        heads, rule: of :class:`FastWeightLayer`.
        dropout: the rate of dropout before the linear layer.

    >>> network = FastWeightTagger(2, 3, rule="add")
    >>> network(torch.randn(4, 6, 2), torch.tensor([6, 2, 5, 1])).shape
    torch.Size([4, 6, 3])
    """

    def __init__(
        self, channels: int, classes: int, *, features: int = 16, layers: int = 1, heads: int = 1, rule: str = "delta",
        dropout: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.enter = nn.Linear(channels, features)
        self.layers = nn.ModuleList(FastWeightLayer(features, heads, rule) for _ in range(layers))
        self.norms = nn.ModuleList(nn.LayerNorm(features) for _ in range(layers))
        self.dropout, self.head = nn.Dropout(dropout), nn.Linear(features, classes)
        self.loss = StepCrossEntropy(classes, None)

    def forward(self, input: Tensor, lengths: Tensor) -> Tensor:  # [B, T, C], [B] -> [B, T, K]
        """Returns the logits of every step's classes."""
        return self.carry(input, lengths, None)[0]

    def carry(
        self, input: Tensor, lengths: Tensor, state: list[State] | None
    ) -> tuple[Tensor, list[State]]:  # [B, T, C], [B] -> [B, T, K]
        """Returns the logits, and the fast weights with which the sequences go on."""
        inside = torch.arange(input.shape[1], device=input.device) < lengths[:, None]
        x = self.enter(input.masked_fill(~inside[:, :, None], 0.0))
        after = []
        for number, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            y, held = layer(x, inside, None if state is None else state[number])
            x = norm(x + y)
            after.append(held)
        return self.head(self.dropout(x)), after

    def each(self, output: Tensor, target: Tensor) -> Tensor:
        """Returns the loss of each sequence, [B], the mean over its steps; targets are [B, T], some ``NO_LABEL``."""
        return self.loss.each(output, target)

    def decode(self, output: Tensor, lengths: Tensor) -> list[list[int]]:
        """Returns the number of the most probable class of every step, a list for each sequence."""
        said = output.argmax(dim=2).tolist()
        return [tags[:length] for tags, length in zip(said, lengths.tolist(), strict=True)]

    @classmethod
    def example(cls) -> tuple[FastWeightTagger, dict[str, Tensor], Tensor]:
        """Returns a tagger of three classes, and a batch for it."""
        lengths = torch.tensor([5, 2, 4])
        target = torch.where(torch.arange(5) < lengths[:, None], torch.randint(3, (3, 5)), NO_LABEL)
        network = cls(2, 3, features=6, layers=2, heads=2, dropout=0.2)
        return network, {"input": torch.randn(3, 5, 2), "lengths": lengths}, target
