"""A stack of layers as torch and its libraries know such things: the members of ``torch.nn.RNNBase``."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from carrousel.cells import Cell
from carrousel.engine import Layer, torch_kernels
from carrousel.nets._autocast import widened
from carrousel.nets._options import Rates
from carrousel.nets._state import as_tuple, check_stacked
from carrousel.nets._tools import Whole

__all__ = ["Recurrent"]


class Recurrent(Whole, nn.RNNBase):
    """A recurrent network of any cell, with all that libraries look for in one.

    It is a ``torch.nn.RNNBase``, so that who sets the dropout of all such modules, or draws their weights anew, finds
    it. Of what that class does only the checks are used: weights are looked up when they are needed, and there is no
    second list of them to keep in step.
    """

    num_layers: int
    batch_first: bool
    bidirectional: bool
    dropout: float
    _layers: tuple[Layer, ...]
    _rates: Rates

    # What torch.nn.LSTM has as attributes stands in the layers.
    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, the lowest first."""
        return self._layers

    @property
    def rates(self) -> Rates:
        """The rates of dropout in the recursion and of zoneout."""
        return self._rates

    @property
    def cell(self) -> Cell:
        """The cell of every layer."""
        return self._layers[0].cell

    @property
    def input_size(self) -> int:  # type: ignore[override]
        return self._layers[0].input_size

    @property
    def hidden_size(self) -> int:  # type: ignore[override]
        return self._layers[0].hidden_size

    @property
    def proj_size(self) -> int:  # type: ignore[override]
        return self._layers[0].proj_size

    @property
    def bias(self) -> bool:  # type: ignore[override]
        return self._layers[0].bias

    @property
    def mode(self) -> str:  # type: ignore[override]
        """The name that torch has for the equations, such as ``"LSTM"``; where it has none, the cell's."""
        return self._torch_mode() or self.cell.spec

    def _torch_mode(self) -> str | None:
        return None if any(vars(self._rates).values()) else torch_kernels.mode(self._layers[0])

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    def _suffixes(self, index: int) -> list[str]:
        return [f"_l{index}", f"_l{index}_reverse"][: self._directions]

    def named_layers(self) -> list[tuple[str, Layer]]:
        """Returns every layer and direction after the ending of its parameters' names, such as ``"_l0_reverse"``."""
        return [(suffix, layer) for k, layer in enumerate(self._layers) for suffix in self._suffixes(k)]

    # Weights

    def weights_of(self, layer: Layer, suffix: str) -> dict[str, Tensor]:
        """Returns the weights of a layer in one direction, by their names without the ending; see ``named_layers``."""
        parameters, weights = self._parameters, {}  # the module's own look-up is slow
        for name in layer.shapes():
            weight = parameters.get(name + suffix)
            # What a parametrisation takes out of the parameters is found by that look-up only.
            weights[name] = getattr(self, name + suffix) if weight is None else weight
        return weights

    @property
    def all_weights(self) -> list[list[nn.Parameter]]:
        """The parameters of each layer and direction, in the order of their names in the state dict."""
        return [list(self.weights_of(layer, suffix).values()) for suffix, layer in self.named_layers()]  # type: ignore[arg-type]

    @property
    def _all_weights(self) -> list[list[str]]:  # type: ignore[override]
        """The names of the weights of each layer and direction.

        Who asks for them computes torch's equations with them, so there are none where these are not the network's.

        Raises:
            AttributeError: they are not.
        """
        if self._torch_mode() is None:
            raise AttributeError("_all_weights")
        return [[name + suffix for name in layer.shapes()] for suffix, layer in self.named_layers()]

    @property
    def _flat_weights_names(self) -> list[str]:  # type: ignore[override]
        return [name for names in self._all_weights for name in names]

    @property
    def _flat_weights(self) -> list[Tensor]:  # type: ignore[override]
        return [getattr(self, name) for name in self._flat_weights_names]

    def _init_flat_weights(self) -> None:
        self.flatten_parameters()

    def _update_flat_weights(self) -> None:
        """Does nothing: weights are looked up at every call."""

    def _weights_have_changed(self) -> bool:
        return False

    def flatten_parameters(self) -> None:
        """Lays the weights out as cuDNN wants them, where it will run; does nothing elsewhere."""
        kind = torch_kernels.mode(self._layers[0])
        if kind is not None and self.weight_ih_l0.is_cuda:
            flat = [weight for weights in self.all_weights for weight in weights]
            torch_kernels.flatten(kind, flat, self._layers[0], self.num_layers, self.bidirectional)

    # RNNBase's versions of these methods keep its lists of weights in step.
    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        result = nn.Module._apply(self, fn, recurse)
        self.flatten_parameters()
        return result

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__.copy()

    def __setstate__(self, state: dict[str, Any]) -> None:
        nn.Module.__setstate__(self, state)

    def _replicate_for_data_parallel(self) -> Any:
        return nn.Module._replicate_for_data_parallel(self)

    # Checks

    def check_input(self, input: Tensor, batch_sizes: Tensor | None) -> None:
        """Checks an input ``[T, B, I]``, or ``[rows, I]`` of a packed sequence whose ``batch_sizes`` are given.

        Raises:
            RuntimeError, ValueError: its shape or its type is wrong.
        """
        dims = 3 if batch_sizes is None else 2
        if input.dim() != dims:
            raise RuntimeError(f"input must have {dims} dimensions, got {input.dim()}")
        self._check_features(widened(input, self._dtype))

    @property
    def _dtype(self) -> torch.dtype:
        weight = self._parameters.get("weight_ih_l0")  # the module's own look-up is slow
        return self.weight_ih_l0.dtype if weight is None else weight.dtype  # type: ignore[return-value]

    def _check_features(self, x: Tensor) -> None:
        dtype = self._dtype
        if x.dtype != dtype:
            raise ValueError(
                f"RNN input dtype ({x.dtype}) does not match weight dtype ({dtype}). Convert input: "
                f"input.to({dtype}), or convert model: model.to({x.dtype})"
            )
        if x.dim() and x.size(-1) != self._layers[0].input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {x.size(-1)}"
            )

    def get_expected_cell_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        """Returns the shape ``[layers · directions, B, H]`` of each state of the cell."""
        count, batch, _ = self.get_expected_hidden_size(input, batch_sizes)
        return count, batch, self.hidden_size

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Checks an input, and all initial states for it.

        Raises:
            RuntimeError, ValueError: a shape or a type is wrong, or a state is missing.
        """
        self.check_input(input, batch_sizes)
        count, batch, _ = self.get_expected_hidden_size(input, batch_sizes)
        layer = self._layers[0]
        check_stacked(layer, as_tuple(layer, hidden), count, batch)

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """Returns states whose sequences stand in another order."""
        if permutation is None:
            return hx
        if isinstance(hx, Tensor):
            return hx.index_select(1, permutation)
        return tuple(value.index_select(1, permutation) for value in hx)
