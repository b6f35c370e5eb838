"""One step of one layer as a module of its own."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, fx, nn

from carrousel import engine
from carrousel.cells import Cell
from carrousel.engine import QUIET, Layer
from carrousel.nets import _init, _noise
from carrousel.nets._autocast import widened
from carrousel.nets._options import Rates, layer_of, rates_of
from carrousel.nets._state import as_returned, cell_state
from carrousel.nets._tools import Whole, as_leaf

__all__ = ["LSTMCell"]


class LSTMCell(Whole, nn.RNNCellBase):
    """One step of one layer of any cell of the family: a drop-in for ``torch.nn.LSTMCell``.

    With ``cell="gru"`` it is a drop-in for ``torch.nn.GRUCell``, with ``cell="elman"`` for ``torch.nn.RNNCell``.

    Args:
        input_size: the number of features of the input, I; as in torch's cells it may be 0.
        hidden_size: the number of cells, H; likewise.
        bias: whether it has the biases ``bias_ih`` and ``bias_hh``; as in torch's cells anything that is true or not.
        device, dtype: of the parameters.
        cell, forget_bias, layer_norm, zoneout, block_size, gate_recurrence, heads, diagonal, init: as those of
            :class:`carrousel.LSTM`.
        recurrent_dropout: ``("candidate", rate)``. Variational dropout keeps its mask for a whole sequence, which
            one step does not know.

    Raises:
        TypeError, ValueError: an argument is wrong, or does not go with another or with the cell.

    Call it with the **input** ``[B, I]`` or ``[I]`` and the old states **hx** ``(h, c, ...)``, zeros by default.
    It returns the new states ``(h, c, ...)``; a cell with no state but h takes and gives ``h`` alone.

    >>> import torch, carrousel
    >>> h, c = carrousel.LSTMCell(3, 8, cell="peephole")(torch.randn(2, 3))
    >>> h.shape
    torch.Size([2, 8])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
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
        nn.Module.__init__(self)  # RNNCellBase's would make torch's own weights
        self._layer = layer_of(
            cell,
            input_size,
            hidden_size,
            least=0,
            bias=bool(bias),
            layer_norm=layer_norm,
            block_size=block_size,
            gate_recurrence=gate_recurrence,
            heads=heads,
            diagonal=diagonal,
        )
        self._rates = rates_of(self._layer.cell, recurrent_dropout, zoneout)
        if self._rates.variational:
            raise ValueError(
                "recurrent_dropout: one step does not know its sequence, for which a variational mask is kept; "
                "('candidate', rate) would do"
            )
        self._noisy = any(vars(self._rates).values())
        _init.check_init(self._layer, init, forget_bias)
        self.forget_bias, self.init = forget_bias, init
        for name, shape in self._layer.shapes().items():
            self.register_parameter(name, nn.Parameter(torch.empty(shape, device=device, dtype=dtype)))
        for name in () if self.bias else ("bias_ih", "bias_hh"):
            self.register_parameter(name, None)  # as torch's cells have it
        self.reset_parameters()

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layer, the only one: as ``LSTM.layers``."""
        return (self._layer,)

    @property
    def rates(self) -> Rates:
        """The rates of dropout in the recursion and of zoneout."""
        return self._rates

    @property
    def cell(self) -> Cell:
        """The cell."""
        return self._layer.cell

    @property
    def input_size(self) -> int:  # type: ignore[override]
        return self._layer.input_size

    @property
    def hidden_size(self) -> int:  # type: ignore[override]
        return self._layer.hidden_size

    @property
    def bias(self) -> bool:  # type: ignore[override]
        return self._layer.bias

    def named_layers(self) -> list[tuple[str, Layer]]:
        """Returns the layer after an empty ending, for nothing follows its parameters' names: as ``LSTM`` does."""
        return [("", self._layer)]

    def weights_of(self, layer: Layer, suffix: str = "") -> dict[str, Tensor]:
        """Returns the weights by name."""
        parameters = self._parameters  # the module's own look-up is slow
        found = {name: parameters.get(name + suffix) for name in layer.shapes()}
        # What a parametrisation takes out of the parameters is found by that look-up only.
        return {name: getattr(self, name + suffix) if weight is None else weight for name, weight in found.items()}

    def reset_parameters(self) -> None:
        """Draws new initial weights."""
        _init.fill(self._layer, self.weights_of(self._layer), self.init, self.forget_bias)

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}, cell={self.cell.spec!r}"

    def forward(self, input: Tensor, hx: Tensor | tuple[Tensor, ...] | None = None) -> Any:
        if isinstance(input, fx.Proxy):
            return as_leaf(self, input.tracer, (input, hx), {})
        if input.dim() not in (1, 2):
            raise ValueError(f"{self._torch_name()}: Expected input to be 1D or 2D, got {input.dim()}D instead")
        if input.size(-1) != self.input_size:
            raise RuntimeError(f"input has inconsistent input_size: got {input.size(-1)} expected {self.input_size}")
        input, hx = widened(input, self.weight_ih.dtype), widened(hx, self.weight_ih.dtype)
        x = input if input.dim() == 2 else input.unsqueeze(0)  # [B, I]
        layer = self._layer
        state = cell_state(layer, hx, x, batched=input.dim() == 2, owner=self._torch_name())
        masks = QUIET
        if self._noisy:
            masks = _noise.draw(layer, self._rates, 1, x.shape[0], x, training=self.training).at(0)
        after = engine.step(layer, self.weights_of(layer), x, state, masks)
        if input.dim() == 1:
            after = tuple(value.squeeze(0) for value in after)
        return as_returned(after)

    def _torch_name(self) -> str:
        """Returns torch's name of the module that this one stands for."""
        return {"gru": "GRUCell", "elman": "RNNCell"}.get(self.cell.name, "LSTMCell")
