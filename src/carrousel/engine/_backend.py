"""What a backend answers, and the list of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from carrousel.engine._call import Call, Stack
from carrousel.engine._layer import Layer, Masks, Result, Weights
from carrousel.engine._rows import Rows

__all__ = [
    "BACKENDS",
    "Backend",
    "Backward",
    "Forward",
    "Grads",
    "Held",
    "Kept",
    "Outline",
    "Passes",
    "StackBackend",
    "passes_for",
]


class Kept(Protocol):
    """What a forward pass leaves for the backward pass."""

    def tensors(self) -> list[Tensor | None]:
        """Lists all tensors in it, in an order that :meth:`with_tensors` knows."""
        ...

    def with_tensors(self, tensors: Sequence[Tensor | None]) -> Kept:
        """Puts other tensors in the places of its own, in another ``Kept``."""
        ...

    def bare(self) -> Kept:
        """Leaves all tensors out, in another ``Kept``."""
        ...

    def spare(self) -> Kept:
        """Copies what a backward pass writes to, into another ``Kept``."""
        ...


@dataclass
class Grads:
    """Derivatives by what a layer was given; None, or left out, where they were not asked for."""

    x: Tensor | None = None
    state: list[Tensor] = field(default_factory=list)
    weights: dict[str, Tensor] = field(default_factory=dict)


class Forward(Protocol):
    """Runs a layer over packed rows."""

    def __call__(
        self,
        layer: Layer,
        weights: Weights,
        x: Tensor,
        state: list[Tensor],
        rows: Rows,
        *,
        reverse: bool,
        keep: bool,
        masks: Masks,
        steps: Sequence[str],
        into: Any = None,
    ) -> tuple[list[Tensor], Any]:
        """Computes outputs and states, and a ``Kept``.

        Args:
            layer: the layer.
            weights: its parameters.
            x: ``[rows, input]``.
            state: the initial states ``[count, size]``, sequences in the order of the packing.
            rows: the packing.
            reverse: whether to run from the last step to the first.
            keep: whether a backward pass will follow, for which the ``Kept`` is.
            masks: the noise, packed as x and the states are.
            steps: the names of the states besides h, gates and candidates whose values at every step are wanted.
            into: a ``Kept`` whose memory is to be used; ``keep`` is then True.

        Returns:
            The outputs ``[rows, output]``, the final states ``[count, size]``, every step's values ``[rows, size]`` of
            ``steps``; and the ``Kept``.
        """
        ...


class Backward(Protocol):
    """Runs a layer's reverse mode over packed rows."""

    def __call__(
        self,
        layer: Layer,
        weights: Weights,
        x: Tensor,
        state: list[Tensor],
        rows: Rows,
        kept: Any,
        d_output: Tensor | None,
        d_steps: list[Tensor | None],
        d_final: list[Tensor | None],
        *,
        reverse: bool,
        wanted: set[str],
        masks: Masks,
        steps: Sequence[str],
    ) -> Grads:
        """Computes the derivatives that are ``wanted``: ``"x"``, ``"state"``, the weights' names. Uses ``kept`` up.

        Args:
            layer: the layer.
            weights: its parameters.
            x: ``[rows, input]``.
            state: the initial states.
            rows: the packing.
            reverse: whether the pass ran from the last step to the first.
            masks: the noise, packed.
            steps: the names of what was wanted of every step.
            kept: what that left.
            d_output: the adjoint of the outputs.
            d_steps: those of every step's values of ``steps``.
            d_final: those of the final states, h first.
            wanted: which derivatives are.
        """
        ...


class Outline(NamedTuple):
    """What decides the form of all that a forward pass leaves, of whatever lengths and resets.

    Attributes:
        layer: the layer.
        dtype: the type of numbers.
        noise: the names of the fields of ``Masks`` that are there.
        steps: the names of what is wanted of every step, as for ``Forward``.
        T, B: the numbers of steps and of sequences: no packing has more than T · B rows.
    """

    layer: Layer
    dtype: torch.dtype
    noise: frozenset[str]
    steps: tuple[str, ...]
    T: int
    B: int


class Held(Protocol):
    """A ``Kept`` as a list of buffers, for a traced graph to hold between forward and backward."""

    def shapes_of(self, outline: Outline) -> list[tuple[int, int]]:
        """Returns the shapes of the buffers, for sizes that may be symbols."""
        ...

    def kept_of(self, outline: Outline, buffers: Sequence[Tensor]) -> Any:
        """Returns a ``Kept`` whose memory the buffers are."""
        ...


class Passes(NamedTuple):
    """A backend's own code for both directions. The doors of ``engine.doors`` lead torch's autograd to it.

    It reads its arguments' memory by address.

    Attributes:
        device: the type of the device whose memory it reads.
        dtypes: the types of numbers that it computes with.
        forward, backward: the two.
        held: how a traced graph holds what is kept between the two; None if it runs forward once more instead.
    """

    device: str
    dtypes: frozenset[torch.dtype]
    forward: Forward
    backward: Backward
    held: Held | None = None


class Backend(Protocol):
    """A module that runs layers."""

    @property
    def NAME(self) -> str:  # noqa: N802 - a module's constant
        """What ``explain`` calls it."""
        ...

    @property
    def PASSES(self) -> Passes | None:  # noqa: N802
        """Its own code for both directions; None if it is made of operations that torch can differentiate."""
        ...

    def refuses_layer(self, layer: Layer) -> str | None:
        """Says why it cannot run a layer, whatever the call; None if it can. It is asked once for a layer."""
        ...

    def refuses_call(self, call: Call) -> str | None:
        """Says why it cannot run this call of a layer that it does not refuse; None if it can."""
        ...

    def merit(self, call: Call | Stack) -> str | None:
        """Says why it is the right one for what it does not refuse; None if it is because all before it refused."""
        ...

    def run(self, call: Call) -> Result:
        """Runs a call."""
        ...

    def quick_step(
        self, layer: Layer, weights: Weights, x: Tensor, state: tuple[Tensor, ...]
    ) -> tuple[Tensor, ...] | None:
        """Runs one step without derivatives, as ``engine.quick_step``; None where it has nothing quicker than run."""
        ...


class StackBackend(Backend, Protocol):
    """A backend that runs a whole network at once, too."""

    def refuses_stack(self, x: Tensor, lengths: Tensor | None) -> str | None:
        """Says why it cannot run a stack of layers that it does not refuse over a batch; None if it can."""
        ...

    def run_stack(self, stack: Stack) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Runs a stack: its output ``[T, B, size]``, or as the data of a packed sequence; and the final states."""
        ...


BACKENDS: list[Backend] = []
"""All backends in order: the first that does not refuse a call runs it. The reference, the last one, refuses none."""


def passes_for(layer: Layer, x: Tensor) -> Passes:
    """Returns the passes that run a layer's operator in a traced graph, as :class:`Passes`.

    Raises:
        TypeError: no backend has any for this device, this type of numbers, or the layer.
    """
    kind, dtype = x.device.type, x.dtype
    reason = f"no kernels for the device {kind!r}"
    for backend in BACKENDS:
        passes = backend.PASSES
        if passes is None or passes.device != kind:
            continue
        if dtype not in passes.dtypes:
            reason = f"x should be {' or '.join(sorted(str(d)[6:] for d in passes.dtypes))}, got {dtype}"
            continue
        if backend.NAME not in layer.refusals:  # a graph's layer, which nobody prepared
            layer.refusals[backend.NAME] = backend.refuses_layer(layer)
        refusal = layer.refusals[backend.NAME]
        if refusal is None:
            return passes
        reason = refusal
    raise TypeError(reason)
