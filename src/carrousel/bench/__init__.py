"""How fast the networks are: a registry of workloads, each checked before it is timed, beside ``torch.nn.LSTM``."""

from __future__ import annotations

from carrousel.bench._check import check
from carrousel.bench._memory import memory
from carrousel.bench._peak import peak
from carrousel.bench._run import Measured, measure
from carrousel.bench._targets import Verdict, verdicts
from carrousel.bench._workloads import VARIANTS, WORKLOADS, Workload, select

__all__ = [
    "VARIANTS",
    "WORKLOADS",
    "Measured",
    "Verdict",
    "Workload",
    "check",
    "measure",
    "memory",
    "peak",
    "select",
    "verdicts",
]
