"""A backend's passes under the transformations of ``torch.func``: vmap, grad, and both together.

A batch that vmap adds is folded into that of the sequences, as long as the weights have none of it; where they have,
and for derivatives, each of its members is a call. Unlike the function of eager mode this one keeps nothing between
forward and backward but what it was given, for nothing else would be transformed with it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from carrousel.engine._backend import Passes
from carrousel.engine._layer import QUIET, Layer
from carrousel.engine._rows import Rows
from carrousel.engine.doors.eager import by_reference, compute

__all__ = ["Transformed", "bare", "refuses_transforms"]

_LEADING = 5  # the arguments of the functions below that come before the tensors


def refuses_transforms(*hidden: Tensor | None) -> str | None:
    """Says why the transformations at work cannot be served; None if they can, or if there are none.

    Args:
        hidden: tensors whose values must be known.
    """
    if torch.autograd.forward_ad._current_level >= 0:
        return "forward-mode differentiation is at work"
    if torch._C._functorch.peek_interpreter_stack() is None:
        return None
    kinds = [interpreter.key().name for interpreter in torch._C._functorch.get_interpreter_stack()]
    if kinds.count("Grad") > 1 or set(kinds) - {"Grad", "Vmap"}:
        return f"the transformations {', '.join(kinds).lower()} of torch.func are at work"
    if any(t is not None and torch._C._functorch.is_functorch_wrapped_tensor(bare(t)) for t in hidden):
        return "lengths or resets are mapped over by vmap"
    return None


def bare(tensor: Tensor) -> Tensor:
    """Returns a tensor of integers without the wrapping of ``torch.func.grad``, which means nothing for integers."""
    while torch._C._functorch.is_gradtrackingtensor(tensor):
        tensor = torch._C._functorch.get_unwrapped(tensor)
    return tensor


class Transformed(torch.autograd.Function):
    """As the function of eager mode: outputs, final states, and every step's values of ``steps``."""

    @staticmethod
    def forward(
        passes: Passes, layer: Layer, rows: Rows, reverse: bool, steps: tuple[str, ...], *tensors: Tensor
    ) -> tuple[Tensor, ...]:
        """Runs forward."""
        return tuple(compute(passes, layer, rows, reverse, QUIET, steps, tensors, keep=False)[0])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Keeps the arguments, and nothing of the forward pass."""
        ctx.leading = inputs[:_LEADING]
        ctx.save_for_backward(*inputs[_LEADING:])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        """Returns the derivatives."""
        return (None,) * _LEADING + _Backward.apply(*ctx.leading, *grads, *ctx.saved_tensors)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *arguments: Any) -> Any:
        """Folds the members of a batch into that of the sequences; calls each alone if the weights differ."""
        (passes, layer, rows, *flags), tensors, dims = arguments[:_LEADING], arguments[_LEADING:], in_dims[_LEADING:]
        folded = 1 + len(layer.state_names)
        if any(dim is not None for dim in dims[folded:]):
            return _one_by_one(Transformed, info, dims, arguments[:_LEADING], tensors)
        V = info.batch_size
        inner = [_fold(t, dim, V) for t, dim in zip(tensors[:folded], dims, strict=False)]
        folded_rows = Rows(rows.offsets * V, rows.count * V, rows.total * V, rows.uniform)
        results = Transformed.apply(passes, layer, folded_rows, *flags, *inner, *tensors[folded:])
        return tuple(r.unflatten(0, (-1, V)) for r in results), (1,) * len(results)


class _Backward(torch.autograd.Function):
    """Its derivatives: from the adjoints of all results, and the tensors before it, to the derivatives by these."""

    @staticmethod
    def forward(
        passes: Passes, layer: Layer, rows: Rows, reverse: bool, steps: tuple[str, ...], *arguments: Tensor
    ) -> tuple[Tensor, ...]:
        grads, tensors = _split(layer, steps, arguments)
        n, names = 1 + len(layer.state_names), layer.shapes()
        x, state, weights = tensors[0], list(tensors[1:n]), dict(zip(names, tensors[n:], strict=True))
        options: dict[str, Any] = {"reverse": reverse, "masks": QUIET, "steps": steps}
        _, kept = passes.forward(layer, weights, x, state, rows, keep=True, **options)
        wanted = {"x", "state", *names}
        derivatives = passes.backward(
            layer, weights, x, state, rows, kept, grads[0], list(grads[n:]), list(grads[1:n]), wanted=wanted, **options
        )
        assert derivatives.x is not None
        return (derivatives.x, *derivatives.state, *(derivatives.weights[name] for name in names))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.leading = inputs[:_LEADING]
        ctx.save_for_backward(*inputs[_LEADING:])

    @staticmethod
    def backward(ctx: Any, *seconds: Tensor) -> Any:
        _, layer, rows, reverse, steps = ctx.leading
        with torch.enable_grad():
            arguments = [t.detach().requires_grad_() for t in ctx.saved_tensors]
            grads, tensors = _split(layer, steps, arguments)
            results = by_reference(layer, rows, reverse, QUIET, steps, list(tensors))
            firsts = torch.autograd.grad(results, tensors, grads, create_graph=True)
            derivatives = torch.autograd.grad(firsts, arguments, seconds, allow_unused=True)
        return (None,) * _LEADING + derivatives

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *arguments: Any) -> Any:
        # Each member has derivatives by the weights of its own, which one folded call would sum up.
        return _one_by_one(_Backward, info, in_dims[_LEADING:], arguments[:_LEADING], arguments[_LEADING:])


def _split(layer: Layer, steps: tuple[str, ...], arguments: Any) -> tuple[Any, Any]:
    """Returns the adjoints of all results, and the tensors that these were made of."""
    results = 1 + len(layer.state_names) + len(steps)
    return arguments[:results], arguments[results:]


def _fold(tensor: Tensor, dim: int | None, V: int) -> Tensor:
    """Folds ``[rows, size]`` of V members to ``[rows · V, size]``, the members of a row side by side."""
    apart = tensor.unsqueeze(1).expand(-1, V, -1) if dim is None else tensor.movedim(dim, 1)
    return apart.flatten(0, 1)


def _one_by_one(function: Any, info: Any, dims: Any, leading: Any, tensors: Any) -> Any:
    """Calls a function for each member of vmap's batch; returns the results, and their axis of members."""
    calls = [
        function.apply(
            *leading, *(t if dim is None else t.select(dim, k) for t, dim in zip(tensors, dims, strict=True))
        )
        for k in range(info.batch_size)
    ]
    results = tuple(map(torch.stack, zip(*calls, strict=True)))
    return results, (0,) * len(results)
