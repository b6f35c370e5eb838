"""First and second derivatives of every cell and option against finite differences."""

import pytest
import torch
from configurations import ALL, BACKENDS, I, as_hx, as_tuple, make, random_state, running_on
from torch.func import functional_call


def problem(config, T, B):
    """The network as a function of its input, its initial states and its parameters."""
    net = make(config)
    names = list(dict(net.named_parameters()))
    state = random_state(net, B)
    inputs = [torch.randn(T, B, I, dtype=torch.float64), *state, *net.parameters()]
    inputs = [value.detach().clone().requires_grad_() for value in inputs]

    def function(x, *rest):
        hx, params = rest[: len(state)], rest[len(state) :]
        output, final = functional_call(net, dict(zip(names, params, strict=True)), (x, as_hx(hx)))
        return (output, *as_tuple(final))

    return function, inputs


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ALL)
def test_first_derivatives(name: str, backend: str) -> None:
    function, inputs = problem(ALL[name], T=3, B=1)
    with running_on(backend):
        assert torch.autograd.gradcheck(function, inputs, atol=1e-7, rtol=1e-5)


@pytest.mark.parametrize("name", ALL)
def test_second_derivatives(name: str) -> None:
    function, inputs = problem(ALL[name], T=2, B=1)
    assert torch.autograd.gradgradcheck(function, inputs, atol=1e-6, rtol=1e-4)
