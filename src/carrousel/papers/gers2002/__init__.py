"""F. A. Gers, N. N. Schraudolph, J. Schmidhuber: Learning precise timing with LSTM recurrent networks.

Journal of Machine Learning Research 3, 2002.
"""

from __future__ import annotations

from carrousel.papers.gers2002._functions import FUNCTIONS
from carrousel.papers.gers2002._generating import GENERATING
from carrousel.papers.gers2002._measuring import MEASURING

__all__ = ["EXPERIMENTS"]

EXPERIMENTS = (MEASURING, GENERATING, FUNCTIONS)
"""The paper's experiments in its own order."""
