"""The network of the papers and its rule, written out."""

from __future__ import annotations

from carrousel.learning.online.network._learner import Learner
from carrousel.learning.online.network._network import Network

__all__ = ["Learner", "Network"]
