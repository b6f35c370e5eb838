"""Damaged and tampered files of every format that carrousel writes and reads back: tried, refused, accepted, lost.

Lost is what kills the process, raises what it should not, or gives another object; the goal is none.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from formats import SAMPLES
from test_formats import ONE_FILE, judge, with_changed_content, with_damaged_bytes


def main(count: int = 10_000) -> int:
    lost = 0
    for name, sample in SAMPLES.items():
        for what, work in (("damaged bytes", with_damaged_bytes), ("changed and sealed", with_changed_content)):
            if work is with_changed_content and name not in ONE_FILE:
                continue
            with tempfile.TemporaryDirectory() as folder:
                place = Path(folder) / "whole"
                place.mkdir()
                sample.write(place / "whole")
                try:
                    said = judge(lambda: work(sample, place / "whole", Path(folder), count))  # noqa: B023 - it runs now
                except AssertionError as error:
                    lost += 1
                    said = f"LOST: {error}"
                shown = said if isinstance(said, str) else ", ".join(f"{k}: {v}" for k, v in sorted(said.items()))
                print(f"{name}, {what}: {count} tried; {shown}", flush=True)
    return int(lost > 0)


if __name__ == "__main__":
    raise SystemExit(main(*map(int, sys.argv[1:])))
