"""carrousel's modules beside torch's own: the same arguments, the same weights, the same question to both."""

from __future__ import annotations

from typing import Any

import torch
from configurations import as_hx, as_tuple
from torch import nn

import carrousel

KINDS: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "lstm": ("lstm", nn.LSTM, {}),
    "gru": ("gru", nn.GRU, {}),
    "elman": ("elman", nn.RNN, {}),
    "elman relu": ("elman(squash=relu)", nn.RNN, {"nonlinearity": "relu"}),
}


def twins(kind: str, *args: Any, seed: int = 0, **kwargs: Any) -> tuple[carrousel.LSTM, nn.RNNBase]:
    """The two, made under the same seed."""
    name, torchs, extra = KINDS[kind]
    torch.manual_seed(seed)
    ours = carrousel.LSTM(*args, **kwargs, cell=name)
    torch.manual_seed(seed)
    return ours, torchs(*args, **kwargs, **extra)


def results(net: nn.Module, x: Any, hx: tuple[torch.Tensor, ...] | None, lengths: list[int] | None = None):
    """Output, final states and, under random weights of both, all gradients of a network over one batch."""
    data = x.data if isinstance(x, nn.utils.rnn.PackedSequence) else x
    wanted = [data, *(hx or ()), *net.parameters()]
    given = None if hx is None else as_hx(hx)
    output, final = net(x, given) if lengths is None else net(x, given, lengths=lengths)
    values = (output.data if isinstance(output, nn.utils.rnn.PackedSequence) else output, *as_tuple(final))
    generator = torch.Generator().manual_seed(7)
    loss = sum((value * torch.randn(value.shape, generator=generator, dtype=value.dtype)).sum() for value in values)
    return output, as_tuple(final), torch.autograd.grad(loss, wanted)


def same_packed(got: Any, want: Any, **tolerance: float) -> None:
    torch.testing.assert_close(got.data, want.data, **tolerance)
    assert torch.equal(got.batch_sizes, want.batch_sizes)
    for one, other in ((got.sorted_indices, want.sorted_indices), (got.unsorted_indices, want.unsorted_indices)):
        assert (one is None) == (other is None)
        assert one is None or torch.equal(one, other)
