"""Recurrent networks from before LSTM on the tasks of its paper."""

from __future__ import annotations

from carrousel.papers.baselines._tables import BPTT, ELMAN, RTRL

__all__ = ["EXPERIMENTS"]

EXPERIMENTS = (ELMAN, RTRL, BPTT)
"""One experiment a method."""
