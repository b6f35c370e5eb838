"""The module: a stack of recurrent layers of any cell of the family."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional
from torch.nn.utils.rnn import PackedSequence

from carrousel import engine
from carrousel.cells import Cell
from carrousel.engine import QUIET, Call, Stack
from carrousel.nets import _init, _noise
from carrousel.nets._autocast import widened
from carrousel.nets._batch import Batch
from carrousel.nets._options import check_flag, check_rate, check_size, check_truth, layer_of, rates_of
from carrousel.nets._recurrent import Recurrent
from carrousel.nets._state import as_returned, sequence_count, stack_states, stacked
from carrousel.nets._tools import as_leaf

__all__ = ["LSTM"]


class LSTM(Recurrent):
    """A stack of recurrent layers of any cell of the family: a drop-in for ``torch.nn.LSTM``.

    Positional arguments, parameter names, shapes and results are those of ``torch.nn.LSTM``; with ``cell="gru"``
    those of ``torch.nn.GRU``, with ``cell="elman"`` those of ``torch.nn.RNN``. State dicts can be exchanged in
    both directions.

    Args:
        input_size: the number of features of the input, I.
        hidden_size: the number of cells of a layer, H.
        num_layers: the number of layers, each above the other.
        bias: whether the layers have the biases ``bias_ih`` and ``bias_hh``.
        batch_first: whether input and output are ``[B, T, ...]`` and not ``[T, B, ...]``.
        dropout: the rate of dropout on the outputs of each layer but the last.
        bidirectional: whether each layer runs in both directions; outputs are then concatenated.
        proj_size: if positive, the size to which h is projected (Sak, Senior & Beaufays 2014).
        device, dtype: of the parameters.
        cell: a name in ``carrousel.cells``, a name with options such as ``"elman(squash=relu)"``, or a cell made
            with ``@carrousel.cell``.
        forget_bias: the initial bias of the forget gate; None leaves it random (Gers et al. 2000 want it positive).
        layer_norm: whether pre-activations, and the state as it leaves the carrousel, are normalised (Ba, Kiros &
            Hinton 2016).
        recurrent_dropout: a rate, or ``("variational", rate)``: dropout on the h that recurs, the same at every
            step of a sequence (Gal & Ghahramani 2016); ``("candidate", rate)``: on the candidates, anew at every
            step (Semeniuta, Severyn & Barth 2016).
        zoneout: the chance that a unit keeps its old value in training, for h and for c, or a pair of chances
            (Krueger et al. 2017).
        block_size: the number of cells S of a memory block. They share their gates: a gate has H/S rows, a
            candidate H, and a peephole sees all cells of its block.
        gate_recurrence: ``"gates"``: gates see all gates of the step before (full gate recurrence, Greff et al.
            2015); ``"all"``: candidates see them too (the fully connected hidden layer of Hochreiter &
            Schmidhuber 1997). The gates' activations are then states as well.
        heads: the number of blocks on the diagonal of the recurrent matrices (Beck et al. 2024).
        diagonal: whether the recurrence is element-wise: a cell sees its own h only.
        init: ``"uniform"``, torch's own, in ±1/sqrt(H); ``"orthogonal"`` recurrent matrices; or a number a,
            uniform in ±a, the papers' way.

    Raises:
        TypeError, ValueError: an argument is wrong, or does not go with another or with the cell.

    Call it with:
        * **input**: ``[T, B, I]`` (``[B, T, I]`` if ``batch_first``), ``[T, I]``, or a ``PackedSequence``.
        * **hx**: the initial states, as they are returned; zeros by default.
        * **lengths**: the real steps of each sequence, ``[B]``, zeros allowed, in any order. What stands past them
          is never read; outputs there are zero.
        * **mask**: the same as bools ``[T, B]`` (in the input's form), True where a step is real. The real steps of
          a sequence are its first.
        * **resets**: ``[T, B]`` (in the input's form): where True, nothing passes between the step before and
          this one, in either direction, as if the segments were run apart, from zero states.
        * **return_states**: True for a third result, every step's states, ``{"h_l0": [T, B, H], "c_l0": ...,
          "c_l0_reverse": ...}``; ``"gates"`` for the activations of gates and candidates too.

    It returns:
        * **output**: ``[T, B, D·H]`` in the input's form, D directions.
        * the **final states** ``(h_n, c_n, ...)``, each ``[layers · D, B, H]``, h first, then the cell's own in
          their order, then under gate recurrence the gates. A cell with no state but h gives ``h_n`` alone.

    >>> import torch, carrousel
    >>> net = carrousel.LSTM(3, 8, num_layers=2, cell="peephole", forget_bias=1.0)
    >>> output, (h, c) = net(torch.randn(5, 2, 3), lengths=[5, 0])
    >>> output.shape, c.shape
    (torch.Size([5, 2, 8]), torch.Size([2, 2, 8]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
        *,
        cell: str | Cell = "lstm",
        forget_bias: float | None = None,
        layer_norm: bool = False,
        recurrent_dropout: float | tuple[str, float] = 0.0,
        zoneout: float | tuple[float, float] = 0.0,
        block_size: int = 1,
        gate_recurrence: str | None = None,
        heads: int = 1,
        diagonal: bool = False,
        init: str | float = "uniform",
    ) -> None:
        nn.Module.__init__(self)  # RNNBase's would make torch's own weights
        self.num_layers = check_size("num_layers", num_layers)
        self.dropout = check_rate("dropout", dropout, one=True)
        if dropout > 0 and num_layers == 1:
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects "
                f"num_layers greater than 1, but got dropout={dropout} and num_layers={num_layers}",
                stacklevel=2,
            )
        self.batch_first = check_flag("batch_first", batch_first)
        self.bidirectional = check_truth("bidirectional", bidirectional)
        options: dict[str, Any] = {
            "proj_size": proj_size,
            "bias": bias,
            "layer_norm": layer_norm,
            "block_size": block_size,
            "heads": heads,
            "diagonal": diagonal,
            "gate_recurrence": gate_recurrence,
        }
        first = layer_of(cell, input_size, hidden_size, **options)
        above = layer_of(first.cell, first.output_size * self._directions, hidden_size, **options)
        self._layers = (first, *(above,) * (num_layers - 1))
        self._rates = rates_of(first.cell, recurrent_dropout, zoneout)
        self._noisy = any(vars(self._rates).values())
        _init.check_init(first, init, forget_bias)
        self.forget_bias, self.init = forget_bias, init
        for suffix, layer in self.named_layers():
            for name, shape in layer.shapes().items():
                self.register_parameter(name + suffix, nn.Parameter(torch.empty(shape, device=device, dtype=dtype)))
        self.reset_parameters()
        self.flatten_parameters()

    def reset_parameters(self) -> None:
        """Draws new initial weights."""
        for suffix, layer in self.named_layers():
            _init.fill(layer, self.weights_of(layer, suffix), self.init, self.forget_bias)

    def extra_repr(self) -> str:
        layer, rates = self._layers[0], self._rates
        shown: dict[str, tuple[Any, Any]] = {  # value, default
            "cell": (self.cell.spec, "lstm"),
            "num_layers": (self.num_layers, 1),
            "bias": (self.bias, True),
            "batch_first": (self.batch_first, False),
            "dropout": (self.dropout, 0.0),
            "bidirectional": (self.bidirectional, False),
            "proj_size": (self.proj_size, 0),
            "forget_bias": (self.forget_bias, None),
            "layer_norm": (layer.layer_norm, False),
            "recurrent_dropout": (
                ("candidate", rates.candidate) if rates.candidate else ("variational", rates.variational),
                ("variational", 0.0),
            ),
            "zoneout": ((rates.zoneout_h, rates.zoneout_c), (0.0, 0.0)),
            "block_size": (layer.block_size, 1),
            "gate_recurrence": (layer.gate_recurrence, None),
            "heads": (layer.heads, 1),
            "diagonal": (layer.diagonal, False),
            "init": (self.init, "uniform"),
        }
        options = [f"{name}={value!r}" for name, (value, default) in shown.items() if value != default]
        return ", ".join([f"{self.input_size}, {self.hidden_size}", *options])

    def forward(
        self,
        input: Tensor | PackedSequence,
        hx: Tensor | tuple[Tensor, ...] | None = None,
        *,
        lengths: Tensor | Sequence[int] | None = None,
        mask: Tensor | None = None,
        resets: Tensor | Sequence[Any] | None = None,
        return_states: bool | str = False,
    ) -> Any:
        if isinstance(input, fx.Proxy):
            options = {"lengths": lengths, "mask": mask, "resets": resets, "return_states": return_states}
            return as_leaf(self, input.tracer, (input, hx), options)
        if return_states not in (False, True, "gates"):
            raise ValueError(f"return_states should be False, True or 'gates', got {return_states!r}")
        if torch._C._is_any_autocast_enabled():
            input, hx = widened(input, self._dtype), widened(hx, self._dtype)
        batch = Batch.of(
            input, lengths, mask=mask, batch_first=self.batch_first, owner=type(self).__name__, count=sequence_count(hx)
        )
        self._check_features(input.data if isinstance(input, PackedSequence) else input)
        state = stack_states(self._layers[0], hx, batch, self.num_layers * self._directions)
        plain = resets is None and not return_states and not self._noisy
        ends = batch.lengths if batch.packed is None else None
        backend = engine.stack_backend(self._layers[0], batch.x, ends) if plain else None
        if backend is not None:
            output, final = engine.run_stack(backend, self._stack(batch, stacked(state)))
            return batch.rows_out(output), _states_out(final, batch)
        clears = None if resets is None else batch.resets_in(resets)
        output, final, steps = self._run(batch, state, clears, return_states)
        result = batch.steps_out(output), _states_out(final, batch)
        if return_states:
            return *result, {name: batch.steps_out(value) for name, value in steps.items()}
        return result

    def step(
        self, x: Tensor, state: Tensor | tuple[Tensor, ...] | None = None
    ) -> tuple[Tensor, Tensor | tuple[Tensor, ...]]:
        """Runs the network one step further.

        Args:
            x: ``[B, I]`` or ``[I]``.
            state: the states as they are returned, ``[layers, B, H]`` each, or ``[layers, H]``; None for zeros.

        Returns:
            The output ``[B, H]`` (or ``[H]``), and the new states.

        Raises:
            RuntimeError: the network runs in both directions, or has variational dropout and is in training: its
                mask belongs to a whole sequence.

        >>> import torch, carrousel
        >>> net = carrousel.LSTM(3, 8)
        >>> y, state = net.step(torch.randn(3))
        >>> y, state = net.step(torch.randn(3), state)
        >>> y.shape
        torch.Size([8])
        """
        quick = self._quick_step(x, state)
        if quick is not None:
            return quick
        x, state = widened(x, self._dtype), widened(state, self._dtype)
        if self.bidirectional:
            raise RuntimeError("step: a bidirectional network needs the whole sequence")
        if self.training and self._rates.variational:
            raise RuntimeError("step: variational dropout keeps its mask for a whole sequence; call eval() first")
        if x.dim() not in (1, 2):
            raise ValueError(f"{type(self).__name__}.step: Expected input to be 1D or 2D, got {x.dim()}D instead")
        self._check_features(x)
        batch = Batch(x.view(1, -1, x.shape[-1]), None, None, x.dim() == 2, False)
        final: list[tuple[Tensor, ...]] = []
        h = batch.x[0]  # [B, I]
        states = stack_states(self._layers[0], state, batch, self.num_layers)
        for k, (layer, before) in enumerate(zip(self._layers, states, strict=True)):
            masks = _noise.draw(layer, self._rates, 1, batch.x, training=self.training).at(0)
            if k:
                h = functional.dropout(h, self.dropout, self.training)
            after = engine.step(layer, self.weights_of(layer, f"_l{k}"), h, before, masks)
            final.append(after)
            h = after[0]
        output = (h if batch.batched else h.squeeze(0)).clone()  # who changes the output must not change the state
        return output, _states_out(stacked(final), batch)

    def _quick_step(
        self, x: Tensor, state: Tensor | tuple[Tensor, ...] | None
    ) -> tuple[Tensor, Tensor | tuple[Tensor, ...]] | None:
        """Runs a ``step`` of one layer without noise, if a few checks are enough; returns None if they are not."""
        if state is None or self.num_layers > 1 or self.bidirectional or self._noisy or torch.is_grad_enabled():
            return None
        layer, states, size = self._layers[0], (state,) if isinstance(state, Tensor) else state, x.shape
        if len(size) not in (1, 2) or size[-1] != layer.input_size or len(states) != len(layer.state_sizes):
            return None
        lead = (1, *size[:-1])
        for value, last in zip(states, layer.state_sizes):  # noqa: B905 - their numbers were compared
            if value.shape != (*lead, last):
                return None
        after = engine.quick_step(layer, self.weights_of(layer, "_l0"), x, states)
        if after is None:
            return None
        output, *new = after
        return output, as_returned(tuple(new))

    def _stack(self, batch: Batch, state: tuple[Tensor, ...]) -> Stack:
        weights = [weight for weights in self.all_weights for weight in weights]
        x, lengths = (batch.x, batch.lengths) if batch.packed is None else (batch.packed, None)
        size = self.num_layers, self.bidirectional
        return Stack(self._layers[0], weights, x, state, lengths, *size, self.dropout, self.training)

    def _run(
        self, batch: Batch, state: list[tuple[Tensor, ...]], resets: Tensor | None, return_states: bool | str
    ) -> tuple[Tensor, tuple[Tensor, ...], dict[str, Tensor]]:
        x = batch.x
        steps: dict[str, Tensor] = {}
        finals: list[tuple[Tensor, ...]] = []
        for k, layer in enumerate(self._layers):
            if k:
                x = functional.dropout(x, self.dropout, self.training)
            keep = layer.state_names if return_states else ()
            if return_states == "gates":
                keep = tuple(dict.fromkeys((*keep, *layer.cell.rows)))
            outputs = []
            for suffix in self._suffixes(k):
                masks = QUIET
                if self._noisy:
                    masks = _noise.draw(layer, self._rates, x.shape[0], x, training=self.training)
                weights, reverse = self.weights_of(layer, suffix), suffix.endswith("_reverse")
                result = engine.run(
                    Call(layer, weights, x, state[len(finals)], reverse, batch.lengths, resets, masks, keep)
                )
                outputs.append(result.output)
                finals.append(result.final)
                steps |= {f"{name}{suffix}": value for name, value in result.steps.items()}
            x = outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=-1)
        return x, stacked(finals), steps


def _states_out(states: tuple[Tensor, ...], batch: Batch) -> Tensor | tuple[Tensor, ...]:
    """Returns states ``[layers · D, B, size]`` in the form of the user's input."""
    return as_returned(tuple(batch.state_out(value) for value in states))
