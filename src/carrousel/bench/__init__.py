"""How fast the networks are: a registry of workloads, each checked before it is timed, beside ``torch.nn.LSTM``."""

from __future__ import annotations

from carrousel.bench._check import check
from carrousel.bench._machine import instructions, note_on_width, widest
from carrousel.bench._memory import memory
from carrousel.bench._peak import peak
from carrousel.bench._run import Measured, measure
from carrousel.bench._targets import COLUMNS, Verdict, model_verdicts, online_verdicts, verdicts
from carrousel.bench._workloads import VARIANTS, WORKLOADS, Workload, select

__all__ = [
    "COLUMNS",
    "VARIANTS",
    "WORKLOADS",
    "Measured",
    "Verdict",
    "Workload",
    "check",
    "instructions",
    "measure",
    "memory",
    "model_verdicts",
    "note_on_width",
    "online_verdicts",
    "peak",
    "select",
    "verdicts",
    "widest",
]
