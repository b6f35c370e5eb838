"""What is timed is right, or no figure is given: every workload against the reference in float64."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from carrousel import engine
from carrousel.bench._subjects import Subjects
from carrousel.bench._workloads import Workload

__all__ = ["GRADIENT", "OUTPUT", "check"]

OUTPUT = 2e-6
"""The largest error of an output, absolute."""

GRADIENT = 1e-5
"""The largest error of a gradient, against the tensor's largest entry."""

_NOISE = 1
"""The seed from which both draw their noise."""


def check(workload: Workload) -> str | None:
    """Says what is wrong with a workload's results; None if all is right.

    Outputs and, of the modes that train, the gradient of every weight (and of x) are compared with those of the
    reference in float64, and so are the final states and whatever else is asked for, such as the activations of gates,
    those besides h against their largest entry if that exceeds 1. Noise is the same for both.
    """
    if workload.mode == "memory":
        return check(Workload(workload.variant, "train", workload.T, workload.B, workload.I, workload.H))
    subjects = Subjects(workload)
    exact = _reference(Workload(workload.variant, "", workload.T, workload.B, workload.I, workload.H, workload.ragged))
    for name, value in _ours(subjects).items():
        scale = 1.0
        if name.startswith("d "):
            scale = exact[name].abs().max().item()
        elif name not in ("output", "h_n"):
            scale = max(1.0, exact[name].abs().max().item())
        error = (value.double() - exact[name]).abs().max().item()
        limit = GRADIENT if name.startswith("d ") else OUTPUT
        if not error <= limit * scale:  # NaN too
            of = " of the largest entry" if scale != 1 else ""
            return f"{name} is wrong by {error / scale:.1e}{of}, more than {limit:.0e}"
    return None


def _ours(subjects: Subjects) -> dict[str, Tensor]:
    net, mode, lengths = subjects.net, subjects.workload.mode, subjects.lengths
    names = [f"{name}_n" for name in subjects.layer.state_names]
    if mode == "step":
        output, final = subjects.ours()()
        return {"output": output.unsqueeze(0)} | dict(zip(names, (value[0] for value in final), strict=True))
    trains = mode.startswith("train")
    x = subjects.x.detach().requires_grad_(subjects.needs_dx)
    torch.manual_seed(_NOISE)
    with torch.set_grad_enabled(trains):
        output, final, *steps = net(x, lengths=lengths, **subjects.workload.asked)
    results = {"output": output.detach()} | {n: value[0].detach() for n, value in zip(names, final, strict=True)}
    for every in steps:
        results |= {name.removesuffix("_l0"): value.detach() for name, value in every.items()}
    if trains:
        inputs: dict[str, Tensor] = dict(zip(subjects.layer.shapes(), net.parameters(), strict=True))
        inputs |= {"x": x} if subjects.needs_dx else {}
        grads = torch.autograd.grad(output, list(inputs.values()), subjects.adjoint)
        results |= {f"d {name}": grad for name, grad in zip(inputs, grads, strict=True)}
    return results


@lru_cache(maxsize=9)  # the sizes of one variant, whose modes share it
def _reference(workload: Workload) -> dict[str, Tensor]:
    """Returns everything that any mode computes, by the equations in float64, by name."""
    subjects = Subjects(workload)
    weights = {name: value.detach().double().requires_grad_() for name, value in subjects.weights().items()}
    inputs = weights | {"x": subjects.x.double().requires_grad_()}
    state = subjects.state(torch.float64)
    torch.manual_seed(_NOISE)
    masks = subjects.masks().map(torch.Tensor.double, torch.Tensor.double)
    result = engine.reference.run(subjects.call(weights, inputs["x"], state, masks))
    grads = torch.autograd.grad(result.output, list(inputs.values()), subjects.adjoint.double())
    results = {"output": result.output.detach()}
    results |= {f"{n}_n": value.detach() for n, value in zip(subjects.layer.state_names, result.final, strict=True)}
    results |= {name: value.detach() for name, value in result.steps.items()}
    return results | {f"d {name}": grad for name, grad in zip(inputs, grads, strict=True)}
