"""What tools of torch that go through a model's modules find in ours: they are taken as they are, or refused."""

from __future__ import annotations

import warnings
from typing import Any

from torch import fx, nn

__all__ = ["Whole", "as_leaf"]


class Whole(nn.Module):
    """A module that nothing is made of but itself: neither scripted code nor quantised weights.

    Its parts are for compiled code and not for tools, which would leave something out without a word.
    """

    def __prepare_scriptable__(self) -> Any:
        raise RuntimeError(
            f"torch.jit.script cannot compile {_name_of(self)}, whose kernels are made at run time; torch.jit.trace, "
            "torch.compile and torch.export take it"
        )

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "qconfig":
            _refuse_quantisation(self, value)
        nn.Module.__setattr__(self, name, value)


def _refuse_quantisation(module: nn.Module, config: Any) -> None:
    """Refuses a configuration of ``torch.ao.quantization``, which hands one to every module; warns of None."""
    name = _name_of(module)
    if config is not None:
        raise TypeError(
            f"{name} cannot be quantised; carrousel.to_torch makes a module of torch's of it, which can be, or give it "
            "the qconfig None, which leaves it as it is"
        )
    warnings.warn(f"{name} is not quantised and stays as it is", UserWarning, stacklevel=3)


def _name_of(module: nn.Module) -> str:
    return f"carrousel.{type(module).__name__}" if type(module).__module__.startswith("carrousel.") else repr(module)


def as_leaf(module: nn.Module, tracer: fx.Tracer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> fx.Proxy:
    """Records the call of a module that ``torch.fx`` is tracing, as the one node that a module of torch's would be.

    Raises:
        RuntimeError: the module itself is traced, and not a model that holds it.
    """
    if module is tracer.root:
        raise RuntimeError(
            f"torch.fx takes {_name_of(module)} as a whole: trace a model that holds it, and it will be one node"
        )
    options = {name: value for name, value in kwargs.items() if value is not None and value is not False}
    return tracer.create_proxy("call_module", tracer.path_of_module(module), args, options)
