"""What every network answers to."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from torch import Tensor

__all__ = ["Network"]


@runtime_checkable
class Network(Protocol):
    """A torch module that reads sequences or images, has a loss for each, and says what its output means.

    A network is one public class in a file of this room, where ``NETWORKS`` and the contract tests find it. Its
    constructor takes sizes and options.
    """

    def forward(self, input: Tensor, lengths: Tensor) -> Tensor:
        """Returns the output for padded sequences ``[B, T, I]`` of these lengths ``[B]``, in items ``[B, ...]``.

        Of images, ``[B, height, width, I]``, the lengths are heights and widths, ``[B, 2]``.
        What stands past a length is never read.
        """

    def each(self, output: Tensor, target: Tensor) -> Tensor:
        """Returns the loss of each item, ``[B]``."""

    def decode(self, output: Tensor, lengths: Tensor) -> Any:
        """Returns what the output says, by item: classes, values, symbols."""

    @classmethod
    def example(cls) -> tuple[Network, dict[str, Tensor], Tensor]:
        """Returns a small network of this kind, a ragged batch by the names of ``forward``, and its targets."""
