"""The examples of docs/online.md and docs/learning.md run."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "online.md"


def test_the_examples_run():
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    assert len(blocks) == 3
    scope: dict = {}
    for block in blocks:
        exec(block, scope)
    assert scope["network"].weight_count == 264
    assert scope["learner"].weights["output_gate"].shape == (4, 20)
    assert scope["lstm"].predict_many(scope["np"].zeros((2, 1))).shape == (2, 1)


def test_the_examples_of_other_learners_run():
    blocks = re.findall(r"```python\n(.*?)```", PAGE.with_name("learning.md").read_text(encoding="utf-8"), re.S)
    assert len(blocks) == 3
    scope: dict = {}
    for block in blocks:
        exec(block, scope)
    bits, said = scope["bits"], scope["said"]
    assert abs(said - bits - scope["np"].roll(bits, 1, axis=0))[200:].mean() < 0.1
    assert scope["streams"].updates == 75
