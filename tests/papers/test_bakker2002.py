"""Bakker 2002: the mazes, and what learns in them."""

from __future__ import annotations

import pytest

from carrousel.papers.bakker2002 import EXPERIMENTS as EVERY

EXPERIMENTS = EVERY[:2]  # the mazes


@pytest.mark.slow
@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda each: each.name)
def test_a_trial_depends_on_seed_and_number_alone(experiment):
    noisy = "noisy" in experiment.name
    for kind in ("lstm", "bits", "elman"):
        config = experiment.config(f"{kind}-5").changed(limit=3000, interval=1000, tests=5)
        assert config["noisy"] == noisy
        trials = [experiment.trial(config, {}, 0, number) for number in (0, 0, 1)]
        one, two, other = ({k: v for k, v in trial.items() if k != "seconds"} for trial in trials)
        assert one == two, kind
        assert one != other
        assert one["steps"] <= 3000


def test_the_networks_are_the_paper_s():
    mazes = EXPERIMENTS[0]
    assert [row.config["length"] for row in mazes.rows[:10]] == [5, 10, 15, 20, 25, 30, 40, 50, 60, 70]
    assert {row.config["rate"] for row in mazes.rows} == {0.0002, 0.001, 0.01}
    trial = mazes.trial(mazes.config("lstm-5").changed(limit=0), {}, 0, 0)
    assert (trial["success"], trial["steps"]) == (False, 0)
    # cells, three gates, hidden units: by 3 inputs, 12 + 3 units, 9 gates and a bias; 4 outputs by units and a bias
    assert trial["weights"] == (3 * 4 + 12) * (3 + 15 + 9 + 1) + 4 * (15 + 1)
