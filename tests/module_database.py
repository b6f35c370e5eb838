"""PyTorch's checks of recurrent modules with its module database, and carrousel's modules in the place of torch's.

The module database (``torch.testing._internal.common_modules``) holds, for each module, how to make it, what to call it
with, and mistakes with the errors they are to bring. The checks are those that PyTorch's ``test_modules.py`` makes with
it, and two more: carrousel's module gives what torch's gives, and has the same derivatives.
"""

from __future__ import annotations

import copy
import importlib
import io
import itertools
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import gradcheck, gradgradcheck
from torch.testing import assert_close
from torch.utils._pytree import tree_leaves, tree_map

import carrousel

if TYPE_CHECKING:
    from torch.testing._internal.common_modules import ModuleInfo


def elman(nonlinearity: str) -> str:
    """The cell of ``nn.RNN`` and ``nn.RNNCell``, which take its squashing function as an argument of their own."""
    if nonlinearity not in ("tanh", "relu"):
        raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
    return f"elman(squash={nonlinearity})"


class LSTM(carrousel.LSTM):
    """``torch.nn.LSTM``."""


class GRU(carrousel.LSTM):
    """``torch.nn.GRU``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, cell="gru", **kwargs)


class RNN(carrousel.LSTM):
    """``torch.nn.RNN``, which takes its nonlinearity in the fourth place."""

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, nonlinearity: str = "tanh", *args: Any,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(input_size, hidden_size, num_layers, *args, cell=elman(nonlinearity), **kwargs)
        self.nonlinearity = nonlinearity


class LSTMCell(carrousel.LSTMCell):
    """``torch.nn.LSTMCell``."""


class GRUCell(carrousel.LSTMCell):
    """``torch.nn.GRUCell``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, cell="gru", **kwargs)


class RNNCell(carrousel.LSTMCell):
    """``torch.nn.RNNCell``, which takes its nonlinearity in the fourth place."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh", *args: Any,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(input_size, hidden_size, bias, *args, cell=elman(nonlinearity), **kwargs)
        self.nonlinearity = nonlinearity


OURS: dict[type[nn.Module], type[nn.Module]] = {
    nn.RNN: RNN,
    nn.GRU: GRU,
    nn.LSTM: LSTM,
    nn.RNNCell: RNNCell,
    nn.GRUCell: GRUCell,
    nn.LSTMCell: LSTMCell,
}
"""torch's modules, and what stands in their place."""


def database() -> ModuleType:
    """torch's module database. Importing it changes the settings of hypothesis, so nothing here does it in passing."""
    return importlib.import_module("torch.testing._internal.common_modules")


def recurrent() -> list[ModuleInfo]:
    """The database's entries of recurrent modules."""
    return [info for info in database().module_db if info.module_cls in OURS]


class Case(NamedTuple):
    """One check of one module.

    Attributes:
        check: what is checked.
        info: the module's entry in the database.
        dtype: the type of all numbers.
        training: whether the module is in training.
    """

    check: Callable[[Case], None]
    info: ModuleInfo
    dtype: torch.dtype
    training: bool

    def __str__(self) -> str:
        mode = "training" if self.training else "evaluation"
        return f"{self.check.__name__} {self.info.module_cls.__name__} {str(self.dtype)[6:]} {mode}"

    def samples(self, *, grad: bool = False, device: str | None = "cpu") -> list[Any]:
        """The database's samples of how to make and call the module."""
        return list(self.info.module_inputs_func(
            self.info, device=device, dtype=self.dtype, requires_grad=grad, training=self.training
        ))  # fmt: skip

    def make(self, sample: Any, kind: type[nn.Module] | None = None, **more: Any) -> nn.Module:
        """Our module, as a sample has it made; or that of another kind."""
        given = sample.constructor_input
        module = (kind or OURS[self.info.module_cls])(*given.args, **given.kwargs, **more)
        return module.train(self.training).to(more.get("dtype", self.dtype))

    def made(self, *, grad: bool = False) -> Iterator[tuple[nn.Module, tuple[Any, ...], dict[str, Any], Any]]:
        """For each sample that has an input: the module, the input's parts, and the sample."""
        for sample in self.samples(grad=grad):
            if sample.forward_input is not None:
                yield self.make(sample), sample.forward_input.args, sample.forward_input.kwargs, sample


def forward(case: Case) -> None:
    """The results are those of torch's module with the same weights, and those the database's reference says."""
    for module, args, kwargs, sample in case.made():
        torchs = case.make(sample, case.info.module_cls)
        torchs.load_state_dict(module.state_dict())
        results = module(*args, **kwargs)
        assert_close(results, torchs(*args, **kwargs), rtol=1e-5, atol=1e-5)
        assert_close(results, sample.reference_fn(module, *args, **kwargs), rtol=1e-5, atol=1e-5)
        for convert, dtype in ((module.double, torch.float64), (module.float, torch.float32)):
            convert()
            assert {value.dtype for value in module.parameters()} == {dtype}
            module(*tree_map(lambda value, dtype=dtype: value.to(dtype), args), **kwargs)


def gradients_are_torchs(case: Case) -> None:
    """So are the derivatives by the input, the initial states and the weights."""
    for module, args, kwargs, sample in case.made(grad=True):
        torchs = case.make(sample, case.info.module_cls)
        torchs.load_state_dict(module.state_dict())
        found = []
        for each in (module, torchs):
            loss = sum((value * value).sum() for value in tree_leaves(each(*args, **kwargs)))
            found.append(torch.autograd.grad(loss, [*tree_leaves((args, kwargs)), *each.parameters()]))
        assert_close(*found, rtol=1e-4, atol=1e-4)


def factory_arguments(case: Case) -> None:
    """``device=`` and ``dtype=`` reach every parameter, under ``torch.device`` too."""
    for sample in case.samples():
        for module in (case.make(sample, dtype=case.dtype, device="meta"), case.make(sample, dtype=case.dtype)):
            places = {(value.device.type, value.dtype) for value in module.parameters()}
            assert places <= {("meta", case.dtype), ("cpu", case.dtype)}
            assert len(places) == 1
        with torch.device("meta"):
            module = case.make(sample)
        plain = case.make(sample)
        for one, other in zip(module.parameters(), plain.parameters(), strict=True):
            assert one.is_meta
            assert (one.shape, one.stride(), one.dtype) == (other.shape, other.stride(), other.dtype)
        module.to_empty(device="cpu").load_state_dict(plain.state_dict())


def shown(case: Case) -> None:
    """It can be printed."""
    for sample in case.samples():
        module = case.make(sample)
        assert type(module).__name__ in repr(module)
        assert str(module) == repr(module)


def copies(case: Case) -> None:
    """A pickled and a deeply copied module give the same results."""
    for module, args, kwargs, _ in case.made():
        want = module(*args, **kwargs)
        file = io.BytesIO()
        torch.save(module, file)
        file.seek(0)
        for other in (torch.load(file, weights_only=False), copy.deepcopy(module)):
            assert_close(other(*args, **kwargs), want, rtol=0, atol=0)


def non_contiguous(case: Case) -> None:
    """Inputs, states and adjoints that are not contiguous give the same results and derivatives."""

    def apart(value: Any) -> Any:
        spread = torch.repeat_interleave(value.detach(), 2, dim=-1)[..., ::2]
        return spread.requires_grad_(value.requires_grad)

    for module, args, kwargs, _ in case.made(grad=True):
        wanted, adjoints = None, [torch.randn_like(value) for value in tree_leaves(module(*args, **kwargs))]
        for given, back in itertools.product((args, tree_map(apart, args)), (adjoints, tree_map(apart, adjoints))):
            results = tree_leaves(module(*given, **kwargs))
            found = results, torch.autograd.grad(results, [*tree_leaves(given), *module.parameters()], back)
            wanted = wanted or found
            assert_close(found, wanted, rtol=1e-5, atol=1e-5)


def _called(module: nn.Module, kwargs: dict[str, Any], spec: Any, names: list[str], *leaves: Tensor) -> tuple[Any, ...]:
    """The results of a module as a function of its inputs and its parameters."""
    args, weights = torch.utils._pytree.tree_unflatten(leaves, spec)
    parameters = dict(zip(names, weights, strict=True))
    return tuple(tree_leaves(torch.func.functional_call(module, parameters, args, kwargs)))


def _derivatives(case: Case, check: Callable[..., bool]) -> None:
    for module, args, kwargs, _ in case.made(grad=True):
        leaves, spec = torch.utils._pytree.tree_flatten((args, tuple(module.parameters())))
        names = [name for name, _ in module.named_parameters()]
        assert check(partial(_called, module, kwargs, spec, names), leaves, fast_mode=True)


def gradients(case: Case) -> None:
    """The derivatives are those of finite differences."""
    _derivatives(case, gradcheck)


def second_gradients(case: Case) -> None:
    """So are theirs."""
    _derivatives(case, gradgradcheck)


def memory_format(case: Case) -> None:
    """Results and derivatives are contiguous, also after a change of the module's memory format."""
    for module, args, kwargs, _ in case.made(grad=True):
        want = None
        for layout in (torch.preserve_format, torch.contiguous_format):
            module.to(memory_format=layout)
            results = module(*args, **kwargs)
            leaves = tree_leaves(results)
            found = torch.autograd.grad(
                leaves, [*tree_leaves((args, kwargs)), *module.parameters()], [torch.ones_like(v) for v in leaves]
            )
            assert all(value.is_contiguous() for value in (*leaves, *found))
            want = want or (results, found)
            assert_close((results, found), want, rtol=0, atol=0)


def training_matters_where_it_is_said(case: Case) -> None:
    """A module whose modes do not differ does not ask which it is in."""
    for module, args, kwargs, _ in case.made():
        if not case.info.train_and_eval_differ:
            del module.training
            module(*args, **kwargs)


def conversions(case: Case) -> None:
    """``to`` leaves the parameters the same objects where torch promises it."""
    for swap in (False, True):
        torch.__future__.set_swap_module_params_on_conversion(swap)
        try:
            for module, args, kwargs, _ in case.made():
                before = [id(value) for value in module.parameters()]
                module.to(torch.float64 if case.dtype == torch.float32 else torch.float32)
                module.to(case.dtype)
                assert [id(value) for value in module.parameters()] == before
                module(*args, **kwargs)
        finally:
            torch.__future__.set_swap_module_params_on_conversion(False)


def errors(case: Case) -> None:
    """A mistake brings an error of the kind, and with the text, of torch's."""
    ours, in_construction = OURS[case.info.module_cls], database().ModuleErrorEnum.CONSTRUCTION_ERROR
    for entry in case.info.module_error_inputs_func(
        case.info, device="cpu", dtype=case.dtype, requires_grad=False, training=case.training
    ):
        made, given = entry.module_error_input.constructor_input, entry.module_error_input.forward_input
        module = None if entry.error_on is in_construction else ours(*made.args, **made.kwargs)
        with pytest.raises(entry.error_type, match=entry.error_regex):
            ours(*made.args, **made.kwargs) if module is None else module(*given.args, **given.kwargs)


CHECKS: tuple[Callable[[Case], None], ...] = (
    forward,
    gradients_are_torchs,
    factory_arguments,
    shown,
    copies,
    non_contiguous,
    gradients,
    second_gradients,
    memory_format,
    training_matters_where_it_is_said,
    conversions,
    errors,
)


def cases(*, quick: bool = False) -> list[Case]:
    """Every check of every recurrent module in both precisions and both modes.

    Quickly: in single precision and evaluation only what may differ there, and without what takes longest.
    """
    every = itertools.product(CHECKS, recurrent(), (torch.float32, torch.float64), (True, False))
    found = [Case(*each) for each in every]
    found = [case for case in found if case.dtype == torch.float64 or case.check not in (gradients, second_gradients)]
    if not quick:
        return found
    plain = [case for case in found if case.check in (forward, errors)]
    return plain + [
        case
        for case in found
        if case.dtype == torch.float64 and case.training and case.check not in (forward, errors, second_gradients)
    ]
