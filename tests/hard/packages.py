"""Packages of AOTInductor, made in one process and run in another after a plain ``import carrousel``.

Needs a C++ compiler, and some minutes.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import torch

import carrousel

CASES = [
    {},
    {"cell": "peephole", "layer_norm": True},
    {"cell": "slstm", "num_layers": 2, "bidirectional": True},
    {"cell": "gru", "heads": 2},
]

RUN = """
import sys, carrousel, torch
net = torch._inductor.aoti_load_package(sys.argv[1])
for x, want in torch.load(sys.argv[2], weights_only=True):
    torch.testing.assert_close(net(x)[0], want, rtol=1e-4, atol=1e-5)
"""


def main() -> int:
    lost = 0
    for options in CASES:
        torch.manual_seed(0)
        net, x = carrousel.LSTM(4, 16, **options).eval(), torch.randn(5, 3, 4)
        dynamic = None if "heads" in options else ({0: torch.export.Dim("steps", min=2, max=100)},)
        with tempfile.TemporaryDirectory() as folder, torch.no_grad():
            package, wanted = Path(folder) / "net.pt2", Path(folder) / "want.pt"
            exported = torch.export.export(net, (x,), dynamic_shapes=dynamic)
            torch._inductor.aoti_compile_and_package(exported, package_path=str(package))
            inputs = [x] if dynamic is None else [x, torch.randn(63, 3, 4)]
            torch.save([(given, net(given)[0]) for given in inputs], wanted)
            done = subprocess.run([sys.executable, "-c", RUN, package, wanted], capture_output=True, text=True)
        lost += done.returncode != 0
        print(f"{options}: {'survived' if done.returncode == 0 else 'LOST: ' + done.stderr[-500:]}", flush=True)
    print(f"{len(CASES)} tried, {len(CASES) - lost} survived, {lost} lost")
    return int(lost > 0)


if __name__ == "__main__":
    raise SystemExit(main())
