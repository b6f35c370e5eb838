"""F. A. Gers, J. Schmidhuber: LSTM recurrent networks learn simple context-free and context-sensitive languages.

IEEE Transactions on Neural Networks 12(6), 2001.
"""

from __future__ import annotations

from carrousel.papers.gers2001._tables import ANBMBMAN, ANBN, ANBNCN

__all__ = ["EXPERIMENTS"]

EXPERIMENTS = (ANBN, ANBMBMAN, ANBNCN)
"""The paper's experiments in its own order."""
