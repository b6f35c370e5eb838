"""A backend's passes under the transformations of ``torch.func``: vmap, grad, jvp; and under forward-mode autograd.

A batch that vmap adds is folded into that of the sequences, as long as the weights have none of it; where they have,
and for derivatives, each of its members is a call. Unlike the function of eager mode this one keeps nothing between
forward and backward but what it was given, for nothing else would be transformed with it. Tangents are the results of
another layer, that of ``_tangent``.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from carrousel.engine._backend import Passes
from carrousel.engine._layer import QUIET, Layer
from carrousel.engine._rows import Rows
from carrousel.engine._tangent import layer_with_tangents, names_of_tangents, with_tangents
from carrousel.engine.doors.eager import by_operations, by_reference, compute

__all__ = ["Transformed", "bare", "refuses_transforms", "transformed"]

_LEADING = 5  # the arguments of the functions below that come before the tensors


def transformed() -> bool:
    """Says whether a transformation of ``torch.func``, or forward-mode differentiation, is at work."""
    return torch._C._functorch.peek_interpreter_stack() is not None or torch.autograd.forward_ad._current_level >= 0


def refuses_transforms(*hidden: Tensor | None) -> str | None:
    """Says why the transformations at work cannot be served; None if they can, or if there are none.

    Args:
        hidden: tensors whose values must be known.
    """
    if torch._C._functorch.peek_interpreter_stack() is None:
        return None
    kinds = [interpreter.key().name for interpreter in torch._C._functorch.get_interpreter_stack()]
    if len([kind for kind in kinds if kind != "Vmap"]) > 1 or set(kinds) - {"Grad", "Jvp", "Vmap"}:
        return f"the transformations {', '.join(kinds).lower()} of torch.func are at work"
    if torch.autograd.forward_ad._current_level >= 0 and "Jvp" not in kinds:
        return f"{', '.join(kinds).lower()} of torch.func and forward-mode differentiation are at work"
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
        ctx.save_for_forward(*inputs[_LEADING:])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        """Returns the derivatives."""
        if torch._C._functorch.peek_interpreter_stack() is None and torch.autograd.forward_ad._current_level >= 0:
            # Of what has tangents the derivatives have some too.
            _, layer, rows, reverse, steps = ctx.leading
            run = partial(by_reference, layer, rows, reverse, QUIET, steps)
            needs = ctx.needs_input_grad[_LEADING:]
            return (None,) * _LEADING + by_operations(run, ctx.saved_tensors, grads, needs)
        return (None,) * _LEADING + _Backward.apply(*ctx.leading, *grads, *ctx.saved_tensors)

    @staticmethod
    def jvp(ctx: Any, *along: Any) -> Any:
        """Returns the results' tangents."""
        tensors, given = ctx.saved_tensors, along[_LEADING:]
        moves = any(d is not None for d in given[1 + len(ctx.leading[1].state_names) :])
        whole = [torch.zeros_like(t) if d is None else d for t, d in zip(tensors, given, strict=True)]
        return _Tangents.apply(moves, *ctx.leading, *tensors, *whole)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *arguments: Any) -> Any:
        """Folds the members of a batch into that of the sequences; calls each alone if the weights differ."""
        (passes, layer, rows, *flags), tensors, dims = arguments[:_LEADING], arguments[_LEADING:], in_dims[_LEADING:]
        folded = 1 + len(layer.state_names)
        if any(dim is not None for dim in dims[folded:]):
            return _one_by_one(Transformed, info, dims, arguments[:_LEADING], tensors)
        V = info.batch_size
        inner = [_fold(t, dim, V) for t, dim in zip(tensors[:folded], dims, strict=False)]
        results = Transformed.apply(passes, layer, _folded(rows, V), *flags, *inner, *tensors[folded:])
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


class _Tangents(torch.autograd.Function):
    """The tangents of its results: from the tensors before it, and their tangents."""

    @staticmethod
    def forward(
        moves: bool, passes: Passes, layer: Layer, rows: Rows, reverse: bool, steps: tuple[str, ...], *arguments: Tensor
    ) -> tuple[Tensor, ...]:
        half, both = len(arguments) // 2, layer_with_tangents(layer, moves)
        h, *every = names_of_tangents(layer, ("h", *steps), moves=moves)
        given = with_tangents(layer, arguments[:half], arguments[half:], moves=moves)
        results, _ = compute(passes, both, rows, reverse, QUIET, (h, *every), given, keep=False)
        n = 1 + len(both.state_names)
        final = dict(zip(both.state_names, results[1:n], strict=True))
        of_steps = dict(zip((h, *every), results[n:], strict=True))
        ends = names_of_tangents(layer, layer.state_names, moves=moves)
        return (of_steps[h], *(final[name] for name in ends), *(of_steps[name] for name in every))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.leading = inputs[: 1 + _LEADING]
        ctx.save_for_backward(*inputs[1 + _LEADING :])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        layer, rows, reverse, steps = ctx.leading[2:]
        again = torch.is_grad_enabled()

        with torch.enable_grad():
            # Aliases, for one tensor may be given twice, and each of the two has a derivative of its own.
            inputs = [t.view_as(t) if t.requires_grad else t.detach().requires_grad_() for t in ctx.saved_tensors]
            half = len(inputs) // 2
            results = by_reference(layer, rows, reverse, QUIET, steps, inputs[:half])
            # Tangents as the derivative, by their weights, of derivatives going back: forward mode cannot be nested.
            ones = [torch.ones_like(result, requires_grad=True) for result in results]
            back = torch.autograd.grad(results, inputs[:half], ones, create_graph=True, materialize_grads=True)
            tangents = torch.autograd.grad(back, ones, inputs[half:], create_graph=True, materialize_grads=True)
        needs = ctx.needs_input_grad[1 + _LEADING :]
        needed = [tensor for tensor, need in zip(inputs, needs, strict=True) if need]
        found = iter(torch.autograd.grad(tangents, needed, grads, create_graph=again, allow_unused=True))
        return (None,) * (1 + _LEADING) + tuple(next(found) if need else None for need in needs)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *arguments: Any) -> Any:
        leading, tensors, dims = arguments[: 1 + _LEADING], arguments[1 + _LEADING :], in_dims[1 + _LEADING :]
        layer, rows = leading[2:4]
        half, folded, V = len(tensors) // 2, 1 + len(layer.state_names), info.batch_size
        if any(dim is not None for dim in (*dims[folded:half], *dims[half + folded :])):
            return _one_by_one(_Tangents, info, dims, leading, tensors)
        inner = [
            _fold(tensor, dim, V) if k % half < folded else tensor
            for k, (tensor, dim) in enumerate(zip(tensors, dims, strict=True))
        ]
        results = _Tangents.apply(*leading[:3], _folded(rows, V), *leading[4:], *inner)
        return tuple(r.unflatten(0, (-1, V)) for r in results), (1,) * len(results)


def _split(layer: Layer, steps: tuple[str, ...], arguments: Any) -> tuple[Any, Any]:
    """Returns the adjoints of all results, and the tensors that these were made of."""
    results = 1 + len(layer.state_names) + len(steps)
    return arguments[:results], arguments[results:]


def _folded(rows: Rows, V: int) -> Rows:
    """Returns how the rows of V members lie, those of a row side by side."""
    return Rows(rows.offsets * V, rows.count * V, rows.total * V, rows.uniform)


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
