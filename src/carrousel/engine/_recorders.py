"""Whether something records the operations of torch while they run."""

from __future__ import annotations

import torch
from torch.overrides import _get_current_function_mode_stack
from torch.utils._device import DeviceContext

__all__ = ["recorded"]


def recorded() -> bool:
    """Tells whether a recorder of torch's operations is at work in this thread.

    Recorders are ``torch.jit.trace``, ``make_fx``, and every ``TorchDispatchMode`` and ``TorchFunctionMode`` but the
    default device. They see operations of torch and nothing else: not the kernels, which write into memory that such
    an operation made. ``torch.compile`` and ``torch.export`` say of themselves that they are at work
    (``torch.compiler.is_compiling``), and autograd is told by us.
    """
    if torch._C._len_torch_dispatch_stack() or torch._C._get_tracing_state() is not None:
        return True
    if not torch._C._len_torch_function_stack():
        return False
    return any(type(mode) is not DeviceContext for mode in _get_current_function_mode_stack())
