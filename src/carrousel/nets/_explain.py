"""What ran a network, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from torch import nn

from carrousel import engine
from carrousel.nets._lstm import LSTM
from carrousel.nets._lstm_cell import LSTMCell
from carrousel.nets._mdlstm import MDLSTM

__all__ = ["Explanation", "Ran", "explain"]


class Ran(NamedTuple):
    """One layer in one direction, what ran it, and why.

    Attributes:
        layer: ``"l0"``, ``"l0_reverse"``, ..., as in the parameters' names, after the name of the network within
            the module: ``"encoder.l0"``. A network that torch's kernel runs is one line, ``"encoder"``; what was
            called by ``step`` is ``"step"``. All directions of a multidimensional one are one line.
        backend: ``"cpu"``, the fused kernels; ``"reference"``, the equations on torch tensors; ``"torch"``, torch's
            own kernels.
        reason: why, in words.
    """

    layer: str
    backend: str
    reason: str


class Explanation(tuple[Ran, ...]):
    """A line for each layer and direction, in the order in which they ran, however often. Prints as a table."""

    __slots__ = ()

    def __repr__(self) -> str:
        if not self:
            return "no layer of carrousel's ran"
        names = max(len(ran.layer) for ran in self)
        backends = max(len(ran.backend) for ran in self)
        return "\n".join(f"{ran.layer:{names}}  {ran.backend:{backends}}  {ran.reason}" for ran in self)


def explain(module: nn.Module, /, *args: Any, **kwargs: Any) -> Explanation:
    """Calls a module once, and says for each layer of carrousel's in it what ran it and why.

    Args:
        module: a :class:`carrousel.LSTM`, :class:`carrousel.LSTMCell` or :class:`carrousel.MDLSTM`, or a module that
            holds some.
        *args: what it is to be called with. What decides is not the network alone: the device, the dtype,
            ``return_states``, training or evaluation, a transformation at work.
        **kwargs: the same by name.

    Raises:
        TypeError: the module is none, or one made by ``torch.compile``.
        ValueError: there is no layer of carrousel's in it.

    >>> import torch, carrousel
    >>> net = carrousel.LSTM(3, 8, num_layers=2, cell="peephole")
    >>> carrousel.explain(net, torch.randn(5, 2, 3))
    l0  cpu  a fused kernel of the cell's equations
    l1  cpu  a fused kernel of the cell's equations
    >>> print(carrousel.explain(net.bfloat16(), torch.randn(5, 2, 3).bfloat16())[0].reason)
    there is no kernel for numbers of type torch.bfloat16
    """
    if not isinstance(module, nn.Module):
        raise TypeError(f"explain takes a module and what it is called with, got {type(module).__name__}")
    if hasattr(module, "_orig_mod"):
        raise TypeError("explain calls a module as it is; give it the one that torch.compile was given")
    ours = {part: name for name, part in module.named_modules() if isinstance(part, (LSTM, LSTMCell, MDLSTM))}
    if not ours:
        raise ValueError(f"there is no carrousel.LSTM, LSTMCell or MDLSTM in this {type(module).__name__}")
    ran: list[Ran] = []
    with engine.watched() as choices, _hooked(ours, ran, choices):
        module(*args, **kwargs)
    return Explanation(dict.fromkeys(ran))


@contextmanager
def _hooked(
    modules: dict[LSTM | LSTMCell | MDLSTM, str], ran: list[Ran], choices: list[engine.Choice]
) -> Iterator[None]:
    """Appends to ``ran`` what was chosen during each call of the modules."""

    def before(*_: Any) -> None:
        ran.extend(Ran("step", *choice) for choice in choices)  # made outside of any forward
        choices.clear()

    def after(module: LSTM | LSTMCell | MDLSTM, *_: Any) -> None:
        ran.extend(_named(modules[module], module, choices))
        choices.clear()

    hooks = [module.register_forward_pre_hook(before) for module in modules]
    hooks += [module.register_forward_hook(after) for module in modules]
    try:
        yield
        before()
    finally:
        for hook in hooks:
            hook.remove()


def _named(name: str, module: LSTM | LSTMCell | MDLSTM, choices: list[engine.Choice]) -> Iterable[Ran]:
    """Returns the choices of one call with the names of their layers."""
    suffixes = [suffix for suffix, _ in module.named_layers()]
    if len(choices) < len(suffixes):
        suffixes = [""]  # torch's kernels run a whole stack
    for suffix, choice in zip(suffixes, choices, strict=True):
        yield Ran(".".join(filter(None, (name, suffix.lstrip("_")))) or type(module).__name__, *choice)
