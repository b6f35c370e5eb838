"""Symbols that a language model makes up, one after the other."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from carrousel.nets.language_model import LanguageModel

__all__ = ["Sampling", "generate"]


@dataclass(frozen=True)
class Sampling:
    """How the next symbol is chosen from the scores of all.

    Attributes:
        temperature: what the scores are divided by: below 1 the probable ones become more so; 0 takes the best.
        top_k: only so many of the most probable are drawn from (Fan, Lewis & Dauphin 2018); None from all.
        top_p: only the most probable are drawn from that together have this probability (Holtzman et al. 2020); None
            from all.

    Raises:
        ValueError: a number is out of its range.

    >>> import numpy as np
    >>> draw, rng = Sampling(temperature=0.5, top_k=2), np.random.default_rng(0)
    >>> sorted({draw(np.log(np.array([0.5, 0.4, 0.1])), rng) for _ in range(50)})
    [0, 1]
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            raise ValueError(f"temperature must be a number of at least 0, got {self.temperature!r}")
        if self.top_k is not None and self.top_k < 1:
            raise ValueError(f"top_k must be at least 1, got {self.top_k!r}")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise ValueError(f"top_p must be above 0 and at most 1, got {self.top_p!r}")

    def __call__(self, scores: np.ndarray, rng: np.random.Generator) -> int:  # [K]
        """Returns the number of the symbol that is drawn."""
        if self.temperature == 0:
            return int(scores.argmax())
        # Divided after the greatest is taken away: at a temperature near 0 the quotients would not be finite.
        scaled = np.exp((scores - scores.max()) / self.temperature)
        if self.top_k is None and self.top_p is None:
            sums = scaled.cumsum()
            return int(sums.searchsorted(rng.random() * sums[-1], side="right"))
        order = np.argsort(-scaled, kind="stable")[: self.top_k]
        sums = scaled[order].cumsum()
        if self.top_p is not None:
            sums = sums[: int(sums.searchsorted(self.top_p * scaled.sum())) + 1]
        return int(order[sums.searchsorted(rng.random() * sums[-1], side="right")])


def generate(
    network: LanguageModel, prompt: Sequence[int] = (), *, length: int, sampling: Sampling | None = None, seed: int = 0,
    stop: Collection[int] = (), never: Sequence[int] = (),
) -> Iterator[int]:  # fmt: skip
    """Makes up symbols that go on from a prompt, each as soon as it is drawn.

    Args:
        network: a language model; it is used as in evaluation.
        prompt: the symbols to go on from; the network's ``start`` stands before them, if it has one.
        length: the most symbols.
        sampling: how each is chosen; None draws by the model's own probabilities.
        seed: of the draws; the same seed makes up the same symbols.
        stop: symbols at which it ends; they are not given.
        never: symbols that are not drawn.

    Raises:
        ValueError: there is no prompt, and no symbol with which a document begins; a symbol of the prompt is none of
            the network's; or all symbols are excluded.

    >>> import torch
    >>> from carrousel.nets.language_model import LanguageModel
    >>> model = LanguageModel(5, lstm={"hidden_size": 8}, start=0)
    >>> len(list(generate(model, [1, 2], length=10, seed=1)))
    10
    """
    begin = [*([] if network.start is None else [network.start]), *prompt]
    if not begin:
        raise ValueError("there is no prompt, and the network has no symbol with which a document begins")
    unknown = [symbol for symbol in (*begin, *never) if not 0 <= symbol < network.symbols]
    if unknown:
        raise ValueError(f"the network knows {network.symbols} symbols, 0 to {network.symbols - 1}, not {unknown[0]}")
    excluded = np.array(sorted(set(never)), dtype=np.int64)
    if len(excluded) == network.symbols:
        raise ValueError("never: all symbols are excluded")
    return _drawn(network, begin, length, sampling or Sampling(), np.random.default_rng(seed), set(stop), excluded)


def _drawn(
    network: LanguageModel, begin: list[int], length: int, sampling: Sampling, rng: np.random.Generator,
    stop: set[int], excluded: np.ndarray,
) -> Iterator[int]:  # fmt: skip
    device = network.embedding.weight.device
    training = network.training
    network.eval()
    try:
        # Not held over a ``yield``: what the caller does meanwhile has its own derivatives.
        with torch.no_grad():
            state = None
            if len(begin) > 1:
                before = torch.tensor([begin[:-1]], device=device)
                _, state = network.carry(before, torch.tensor([before.shape[1]]), None)
                state = _of_one(state)
        symbol = begin[-1]
        for _ in range(length):
            with torch.no_grad():
                scores, state = network.step(symbol, state)
                row = scores.double().cpu().numpy()
            row[excluded] = -np.inf
            symbol = sampling(row, rng)
            if symbol in stop:
                return
            yield symbol
    finally:
        network.train(training)


def _of_one(state: torch.Tensor | tuple[torch.Tensor, ...]) -> torch.Tensor | tuple[torch.Tensor, ...]:
    """Returns the states of a batch of one as those of one sequence, [layers, H]."""
    if isinstance(state, torch.Tensor):
        return state[:, 0].contiguous()
    return tuple(value[:, 0].contiguous() for value in state)
