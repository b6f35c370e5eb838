"""Gers & Schmidhuber 2001."""

from __future__ import annotations

import numpy as np
import pytest

from carrousel import papers
from carrousel.papers import gers2001
from carrousel.papers.gers2001 import _trial as languages
from carrousel.papers.gers2001._picture import draw

EXPERIMENTS = {experiment.name: experiment for experiment in gers2001.EXPERIMENTS}


def test_weight_counts_and_first_biases():
    for name, count in (("anbn", 38), ("anbmbman", 110), ("anbncn", 90)):
        network = languages.network(name)
        assert network.weight_count == count
        weights = network.initial_weights(np.random.default_rng(0))
        assert (weights["input_gate"][:, -1] == -1).all()
        assert (weights["forget_gate"][:, -1] == 2).all()
        assert (weights["output_gate"][:, -1] == -2).all()
        assert all(np.abs(w[:, :-1]).max() <= 0.1 for w in weights.values() if w.shape[1] > 1)
    for experiment in gers2001.EXPERIMENTS:
        for row in experiment.own_rows():
            if "language" in row.config:
                assert row.columns["weights"] == str(languages.network(row.config["language"]).weight_count)


def test_the_published_headline():
    anbn, anbncn = EXPERIMENTS["gers2001/anbn"], EXPERIMENTS["gers2001/anbncn"]
    assert anbn.row("lstm-10").published["best"] == 1000
    assert anbncn.row("lstm-50").published["best"] == 500
    quoted = {row.name: row.published for row in anbn.rows if row.config is None}
    assert quoted["wiles-elman-1995"]["success_rate"] == 0.2
    assert quoted["wiles-elman-1995"]["best"] == 18
    assert [row.config["most"] for row in anbncn.own_rows()] == [10, 20, 30, 40, 50]
    assert [row.config["most"] for row in EXPERIMENTS["gers2001/anbmbman"].own_rows()] == [12, 51]


class Counter:
    """Predicts rightly up to so many repeats."""

    def __init__(self, language, right, coding):
        self.language, self.right = languages.language(language, 40, coding), right

    def sequence_outputs(self, codes, spans):
        rows = []
        for begin, end in spans:
            string = np.bincount(codes[begin:end], minlength=self.language.input_size)[1:]
            numbers = [string[self.language.counts.index(k)] for k in range(max(self.language.counts) + 1)]
            out = self.language.encode([numbers]).coded()
            if sum(numbers) > self.right:
                out[-1] = self.language.low
            rows.append(out)
        return np.concatenate(rows)


@pytest.mark.parametrize("language", languages.LANGUAGES)
@pytest.mark.parametrize("coding", languages.CODINGS)
@pytest.mark.parametrize("right", [2, 10, 16, 17, 24, 39, 40])
def test_the_reach_is_found_exactly(language, coding, right):
    assert languages.reach(Counter(language, right, coding), languages.language(language, 40, coding)) == right


def prepared_of(name):
    experiment = EXPERIMENTS[f"gers2001/{name}"]
    row = experiment.own_rows()[0]
    return experiment.prepare(papers.Setting.of(row.config, experiment.choose({}), 0, 0))


def test_the_reach_of_an_untrained_network_is_nothing():
    prepared, longer = prepared_of("anbn"), languages.language("anbn", 20)
    assert languages.reach(prepared.learner, longer) == 0


@pytest.mark.parametrize("options", [{}, {"coding": "bits", "update": "end", "momentum": "0"}])
def test_a_trial_depends_on_its_number_alone(options):
    experiment = EXPERIMENTS["gers2001/anbn"]
    config = experiment.config("lstm-10").changed(limit=2_000)
    chosen = experiment.choose(options)
    one, two, other = (experiment.trial(config, chosen, 0, number) for number in (3, 3, 4))
    assert (one["sequences"], one["steps"], one["success"]) == (two["sequences"], two["steps"], False)
    assert one["steps"] != other["steps"]
    assert abs(one["steps"] / one["sequences"] - 12) < 0.5  # S and 2 n letters, n = 1..10


def test_training_goes_on_after_the_first_acceptance(tmp_path):
    experiment = EXPERIMENTS["gers2001/anbn"]
    config = experiment.config("lstm-10").changed(limit=150_000, further=4_000, longest=40)
    found = experiment.trial(config, experiment.choose({}), 0, 0)
    assert found["success"]
    assert 10 <= found["reach"] <= found["later_reach"] <= 40
    assert found["sequences"] <= found["later_sequences"] <= found["sequences"] + 4_000
    prepared = prepared_of("anbn")
    draw(tmp_path / "x.png", prepared.learner, prepared.task, (4,), "counting")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


def test_means_are_over_those_that_accepted():
    won = {"success": True, "sequences": 10, "reach": 4, "later_reach": 20}
    lost = {"success": False, "sequences": 99}
    found = languages.summary([won, lost, {**won, "reach": 6, "later_reach": 10}])
    assert found["success_rate"] == 2 / 3
    assert (found["best_at_stop"], found["average_at_stop"], found["best"], found["average"]) == (6, 5, 20, 15)
    assert languages.summary([lost])["best"] is None
