"""The parameters that all estimators have, declared once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sklearn.base import BaseEstimator

__all__ = ["OfLSTM", "Recipe"]


@dataclass(eq=False, repr=False, kw_only=True)
class OfLSTM(BaseEstimator):
    """The options of ``carrousel.LSTM`` that an estimator hands on, under their names there.

    Attributes:
        hidden_size: cells in each layer and direction.
        cell: a name in ``carrousel.cells``, a name with options such as ``"elman(squash=relu)"``, or a cell.
        forget_bias: the initial bias of the forget gate; ``"auto"`` is 1 where the cell has one.

    All others are as in ``carrousel.LSTM``.
    """

    hidden_size: int = 64
    num_layers: int = 1
    cell: Any = "lstm"
    bidirectional: bool = False
    proj_size: int = 0
    forget_bias: float | str | None = "auto"
    layer_norm: bool = False
    recurrent_dropout: Any = 0.0
    zoneout: Any = 0.0
    block_size: int = 1
    gate_recurrence: str | None = None
    heads: int = 1
    diagonal: bool = False
    init: Any = "uniform"


@dataclass(eq=False, repr=False, kw_only=True)
class Recipe(OfLSTM):
    """What a network is made of and how it is trained: the parameters that all estimators have.

    Attributes:
        dropout: the rate between layers and above the LSTM, in [0, 1).
        input_noise: the deviation of Gaussian noise on the standardised input, in training only.
        learning_rate: the highest of a schedule that rises for a tenth of all steps and then falls as a cosine (AdamW).
        weight_decay: of AdamW.
        batch_size: items in a batch; None takes 32, or a seventh of a small training part, but at least 4. Where
            lengths differ much, sequences of similar length are put together.
        max_epochs: passes over the training data.
        patience: epochs without a lower validation loss after which training stops; None trains all ``max_epochs``.
        validation: the share of the training data set aside; None sets none aside and uses the last weights.
        gradient_clip: the largest norm of the gradient; None does not clip.
        device: a torch device.
        random_state: a seed; the same seed, data, thread count and torch version give the same model, bit for bit (on a
            CPU). The global random state of torch is left alone.
    """

    dropout: float = 0.1
    input_noise: float = 0.0
    learning_rate: float = 5e-3
    weight_decay: float = 1e-2
    batch_size: int | None = None
    max_epochs: int = 40
    patience: int | None = 15
    validation: float | None = 0.1
    gradient_clip: float | None = 1.0
    device: str = "cpu"
    random_state: Any = None
