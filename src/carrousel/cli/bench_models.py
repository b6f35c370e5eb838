"""``carrousel bench models``: whole models beside the same in torch."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from carrousel.cli._options import Json
from carrousel.cli._verdicts import say_figures

__all__ = ["models"]


def models(
    seconds: Annotated[float, typer.Option(min=0.0, max=3600.0, help="seconds for which each pair takes turns")] = 4.0,
    json: Json = False,
) -> None:
    """Time a language model beside the same with nn.LSTM, and layers over images beside eager torch.

    The language model is the medium one of Zaremba et al. 2014, its recurrent part alone and a whole step of training.
    Layers over images are multidimensional LSTM, beside the same equations in torch, diagonal by diagonal. It takes
    about a minute.
    """
    from carrousel.bench import instructions, model_verdicts
    from carrousel.bench._models import model_figures

    measure = partial(model_figures, seconds=seconds)
    say_figures(measure, model_verdicts, instructions(), "two threads", json=json)
