"""Sequences in the forms in which users hold them, to and from the one form that the engine runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from carrousel.engine import in_memory, onnx, recorded

__all__ = ["Batch"]


@dataclass
class Batch:
    """An input, and how to give results back in its form.

    Attributes:
        x: ``[T, B, input]``.
        lengths: ``[B]``, or None if all steps are real.
        packed: the packed sequence it came in, if it did.
        batched: whether the user's input has an axis of sequences.
        batch_first: whether that axis is its first.
    """

    x: Tensor
    lengths: Tensor | None
    packed: PackedSequence | None
    batched: bool
    batch_first: bool

    @classmethod
    def of(
        cls,
        input: Tensor | PackedSequence,
        lengths: Tensor | Sequence[int] | None,
        *,
        batch_first: bool,
        owner: str,
        mask: Tensor | None = None,
        count: int | None = None,
    ) -> Batch:
        """Reads an input of :class:`carrousel.LSTM`.

        Args:
            input: ``[T, B, input]``, ``[B, T, input]`` or ``[T, input]``, or a packed sequence.
            lengths: the real steps of each sequence, ``[B]``; None for all.
            batch_first: whether the axis of sequences is the input's first.
            owner: what messages call the module.
            mask: the lengths in another form: True for each real step, of the input's form without channels.
            count: the number of sequences, if something else says it: a packed sequence may say it by a number alone.

        Raises:
            ValueError, RuntimeError: its shape, or the lengths, are wrong.
        """
        if mask is not None and lengths is not None:
            raise ValueError("lengths and mask say the same; pass one of them")
        if isinstance(input, PackedSequence):
            if lengths is not None or mask is not None:
                which = "lengths" if mask is None else "mask"
                raise ValueError(f"a PackedSequence knows its lengths; pass {which} with a padded batch only")
            if onnx.exporting():
                raise RuntimeError(
                    "a PackedSequence cannot go to ONNX, which has none; export with a padded batch and lengths="
                )
            if input.data.dim() != 2:
                raise RuntimeError(f"input must have 2 dimensions, got {input.data.dim()}")
            in_memory([input.data])
            return cls(*_unpacked(input, count), input, True, False)
        if input.dim() not in (2, 3):
            raise ValueError(f"{owner}: Expected input to be 2D or 3D, got {input.dim()}D instead")
        batched = input.dim() == 3
        if not batched:
            input = input.unsqueeze(1)
        elif batch_first:
            input = input.transpose(0, 1)
        batch = cls(input, None, None, batched, batch_first)
        if lengths is not None:
            batch.lengths = _check_lengths(lengths, input)
        elif mask is not None:
            batch.lengths = _length_of(batch._flags_in(mask, "mask"))
        return batch

    def state_in(self, value: Tensor) -> Tensor:
        """Returns a state of the user's, ``[layers, B, size]`` or ``[layers, size]``, as ``[layers, B, size]``."""
        if not self.batched:
            return value.unsqueeze(1)
        if self.packed is not None and self.packed.sorted_indices is not None:
            return value.index_select(1, self.packed.sorted_indices)
        return value

    def state_out(self, value: Tensor) -> Tensor:
        """Returns a state ``[layers, B, size]`` in the user's form: the inverse of :meth:`state_in`."""
        if not self.batched:
            return value.squeeze(1)
        if self.packed is not None and self.packed.unsorted_indices is not None:
            return value.index_select(1, self.packed.unsorted_indices)
        return value

    def steps_out(self, value: Tensor) -> Tensor | PackedSequence:
        """Returns every step's values, ``[T, B, size]``, in the input's form."""
        if self.packed is not None:
            return PackedSequence(_packed_again(value, self.packed), *self.packed[1:])
        return self._padded_out(value)

    def rows_out(self, value: Tensor) -> Tensor | PackedSequence:
        """Returns the output of torch's kernels, ``[T, B, size]`` or packed rows, in the input's form."""
        return self._padded_out(value) if self.packed is None else PackedSequence(value, *self.packed[1:])

    def _padded_out(self, value: Tensor) -> Tensor:
        if not self.batched:
            return value.squeeze(1)
        return value.transpose(0, 1) if self.batch_first else value

    def resets_in(self, resets: Tensor | Sequence[Any]) -> Tensor:
        """Returns the user's resets, of the input's form without channels, as bools ``[T, B]``."""
        if self.packed is not None:
            raise ValueError("resets go with a padded batch, not with a PackedSequence; pass lengths= for ragged data")
        return self._flags_in(resets, "resets")

    def _flags_in(self, flags: Tensor | Sequence[Any], name: str) -> Tensor:
        flags = flags if isinstance(flags, Tensor) else torch.as_tensor(flags, device="cpu")
        T, B = self.x.shape[:2]
        want = (T,) if not self.batched else (B, T) if self.batch_first else (T, B)
        if tuple(flags.shape) != want:
            raise ValueError(f"{name} should have the shape {want} of the input's steps, got {tuple(flags.shape)}")
        if flags.is_floating_point() or flags.is_complex():
            raise TypeError(f"{name} should be bools or integers, got {flags.dtype}")
        flags = flags.to(device=self.x.device, dtype=torch.bool)
        return flags.view(T, B) if not self.batched else flags.transpose(0, 1) if self.batch_first else flags


def _unpacked(packed: PackedSequence, count: int | None) -> tuple[Tensor, Tensor]:
    """Returns the padded form ``[T, B, size]``, and the lengths. What stands past a length is some number of the data.

    By operations whose sizes do not depend on numbers, as graphs want it, if the count of sequences does not.
    """
    data, sizes, in_order, _ = packed  # the sizes [T] are on the CPU, always
    if in_order is not None:
        count = in_order.shape[0]
    elif count is not None and torch.compiler.is_compiling():
        torch._assert_async(sizes[0] == count, "hx should hold as many sequences as the packed input")
    else:
        count = int(sizes[0])
    every = torch.arange(count, device=sizes.device)
    real = every < sizes.unsqueeze(-1)  # [T, B]
    rows = torch.where(real, (sizes.cumsum(0) - sizes).unsqueeze(-1) + every, 0)
    return data.index_select(0, rows.flatten().to(data.device)).unflatten(0, rows.shape), real.sum(0)


def _packed_again(value: Tensor, packed: PackedSequence) -> Tensor:
    """Returns the rows of values ``[T, B, size]``: step after step, as many as there are sequences left."""
    sizes, rows = packed.batch_sizes, torch.arange(packed.data.shape[0], device=packed.batch_sizes.device)
    ends = sizes.cumsum(0)
    step = torch.searchsorted(ends, rows, right=True)
    sequence = rows - (ends - sizes)[step]
    return value.flatten(0, 1).index_select(0, (step * value.shape[1] + sequence).to(value.device))


def _check_lengths(lengths: Tensor | Sequence[int], x: Tensor) -> Tensor:
    lengths = lengths if isinstance(lengths, Tensor) else torch.as_tensor(lengths, device="cpu")
    T, B = x.shape[:2]
    if lengths.is_floating_point() or lengths.is_complex() or lengths.dtype == torch.bool:
        raise TypeError(f"lengths should be integers, got {lengths.dtype}")
    if lengths.shape == () and B == 1:
        lengths = lengths.unsqueeze(0)
    if tuple(lengths.shape) != (B,):
        raise ValueError(
            f"lengths should have one entry for each of the {B} sequences, got shape {tuple(lengths.shape)}"
        )
    if lengths.device.type == "cpu":
        _check_range(lengths, T)
    return lengths


def _check_range(lengths: Tensor, T: int) -> None:
    if _traced():
        # Lengths that vmap maps over torch cannot check in a graph; the reference counts those outside as 0 or T.
        if not torch._C._functorch.is_batchedtensor(lengths):
            inside = ((lengths >= 0) & (lengths <= T)).all()
            torch._assert_async(inside, "lengths should lie between 0 and the number of steps")
        return
    lengths = _bare(lengths)
    with torch._C._DisableFuncTorch():
        if lengths.numel() and not (lengths.min() >= 0 and lengths.max() <= T):
            raise ValueError(f"lengths should lie between 0 and {T}, got {lengths.min()} to {lengths.max()}")


def _length_of(mask: Tensor) -> Tensor:
    """Returns the lengths ``[B]`` of a mask ``[T, B]``."""
    late = mask[1:] & ~mask[:-1]
    if mask.device.type == "cpu" and not torch._C._functorch.is_batchedtensor(mask):
        if _traced():
            torch._assert_async(~late.any(), "mask: the real steps of a sequence should be its first")
        elif late.any():
            step, sequence = late.nonzero()[0].tolist()
            raise ValueError(
                f"mask: the real steps of a sequence should be its first; in sequence {sequence} step {step + 1} is "
                f"real and step {step} is not"
            )
    return mask.sum(0)


def _traced() -> bool:
    """Says whether numbers cannot be looked at now, for they are those of a graph."""
    return torch.compiler.is_compiling() or recorded()


def _bare(tensor: Tensor) -> Tensor:
    """Returns the tensor that transformations of ``torch.func`` have wrapped, with all their axes."""
    while torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        tensor = torch._C._functorch.get_unwrapped(tensor)
    return tensor
