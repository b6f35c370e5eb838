"""Goes on for a long time where errors could add up or memory could grow.

The Kalman filter makes a million updates with each kind of groups, at settings that are hard on it, after which its
variances must be symmetric and positive. The exact gradient of 100,000 steps must take no more memory than that of
1,000. UPDATES=10000000 for more.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time

import numpy as np
import torch

import carrousel
from carrousel.learning import Annealed, Kalman, KalmanLearner, Learner
from carrousel.learning.online import Network
from carrousel.training._exact import Owed

UPDATES = int(os.environ.get("UPDATES", 1_000_000))
SETTINGS = {
    "nearly no noise": {"p": 1e4, "r": 1e-6, "q": 0.0},
    "annealed, gain kept up": {"p": 100.0, "r": Annealed(100.0, 1e-3, 50_000), "q": Annealed(1e-2, 1e-3, 50_000)},
    "annealed, frozen": {"p": 100.0, "r": Annealed(100.0, 3.0, 50_000), "q": Annealed(1e-2, 1e-6, 50_000)},
}
ALLOWED = 8 * 1024
"""What memory may grow by, in KB."""


def filtered() -> list[str]:
    """Runs the filters; returns those whose variances are no more what they should be."""
    network, lost = Network(3, 2, 2, forget_gates=True, peepholes=True, init=0.5).biased("cell output"), []
    for groups in ("weight", "node", "global"):
        for name, settings in SETTINGS.items():
            learner = KalmanLearner(Learner(network, dtype=np.float64), Kalman(groups, **settings))
            rng, begun = np.random.default_rng(0), time.perf_counter()
            for _ in range(10):
                codes = rng.choice(3, UPDATES // 10, p=[0.9, 0.05, 0.05])
                learner.learn_many(codes, (codes + 1) // 2)
            seconds = time.perf_counter() - begun
            parts = [np.diag(P) if P.ndim == 1 else P for P in learner.variances]
            least = min(np.linalg.eigvalsh(P).min() for P in parts)
            well = least > 0 and all(np.array_equal(P, P.T) for P in parts)
            rate = learner.updates / seconds
            print(f"{groups}, {name}: {learner.updates} updates, {rate:,.0f} a second, least variance {least:.2g}")
            lost += [] if well else [f"{groups}, {name}"]
    return lost


def memory(steps: int) -> int:
    """Returns the most memory in KB of a process that takes the exact gradient of so many steps."""
    return int(subprocess.check_output([sys.executable, __file__, str(steps)]))


def gradient(steps: int) -> None:
    torch.set_num_threads(1)
    lstm = carrousel.LSTM(1, 16, cell="elstm", diagonal=True)
    owed, state = Owed(lstm), None
    for _ in range(steps // 100):
        output, state = lstm(torch.randn(100, 2, 1), owed.begin(state))
        owed.credit(output.square().mean())
        owed.carry(state)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def main() -> None:
    if len(sys.argv) > 1:
        gradient(int(sys.argv[1]))
        return
    short, long = memory(1_000), memory(100_000)
    print(f"exact gradient: {short / 1024:.0f} MB of 1,000 steps, {long / 1024:.0f} MB of 100,000")
    lost = [*filtered(), *(["the exact gradient's memory"] if long - short > ALLOWED else [])]
    if lost:
        raise SystemExit(f"not as they should be: {', '.join(lost)}")


if __name__ == "__main__":
    main()
