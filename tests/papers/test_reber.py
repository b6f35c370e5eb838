"""The embedded Reber grammar."""

from __future__ import annotations

import numpy as np
import pytest

from carrousel import papers
from carrousel.learning.online import Learner, Network
from carrousel.papers._until import first_wrong, until_predicted
from carrousel.papers.hochreiter1997 import _reber as reber
from carrousel.papers.hochreiter1997._reber_picture import draw
from carrousel.tasks import EmbeddedReber, Strings


def test_the_published_table():
    table = {row.name: row for row in papers.get("hochreiter1997/reber").rows}
    assert [table[name].published["sequences_mean"] for name in reber._LSTM] == [
        39_740,
        21_730,
        14_060,
        9_500,
        8_440,
    ]
    assert reber.network_of_2000(4, 2).weight_count == int(table["lstm-2000-4x2-0.5"].columns["weights"])
    for name, row in table.items():
        if name.startswith("lstm") and row.published:
            net = reber.network(row.config["blocks"], row.config["block_size"], "cells", "appendix")
            assert str(net.weight_count) == row.columns["weights"]
    assert table["rcc"].config is None


def test_outputs_that_see_the_hidden_layer():
    counts = [reber.network(blocks, size, "layer", "appendix").weight_count for blocks, size in ((4, 1), (3, 2))]
    assert counts == [264 + 7 * 8, 276 + 7 * 6]
    legal = np.array([[0, 1, 1, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0]], bool)
    drawn = Strings(np.zeros(2), np.zeros(2), np.array([[0, 2]]), legal, ("",))
    outputs = np.array([[0.2, 0.9, 0.1, 0, 0, 0, 0], [0.1, 0.2, 0, 0, 0, 0, 0]])
    assert EmbeddedReber(criterion="best").right(outputs, drawn).tolist() == [True, False]
    assert EmbeddedReber().right(outputs, drawn).tolist() == [False, False]
    with pytest.raises(ValueError, match="'all' or 'best'"):
        EmbeddedReber(criterion="most")


def test_the_paper_s_initial_weights():
    network = reber.network(4, 1, "cells", "appendix")
    weights = network.initial_weights(np.random.default_rng(0))
    assert weights["output_gate"][:, -1].tolist() == [-1, -2, -3, -4]
    assert np.abs(weights["input_gate"][:, -1]).max() <= 0.1
    assert 0.15 < max(np.abs(w[:, :-1]).max() for w in weights.values()) <= 0.2


def test_the_criterion_is_tried_on_every_string():
    """An oracle that is wrong on one string alone is found out, whichever it is."""
    strings = EmbeddedReber().encode([EmbeddedReber().string(np.random.default_rng(k)) for k in range(80)])

    class Oracle:
        def __init__(self, fault):
            self.fault = fault

        def sequence_outputs(self, codes, spans):
            rows = []
            for begin, end in spans:
                out = strings.legal[begin:end].astype(float)
                if (strings.spans[self.fault] == [begin, end]).all():
                    out[-1] = 1 - out[-1]
                rows.append(out)
            return np.concatenate(rows)

    order = np.random.default_rng(0).permutation(80)
    for fault in range(80):
        assert order[first_wrong(Oracle(fault), EmbeddedReber(), strings, order)] == fault
    strings.spans[79] = strings.spans[78]
    assert first_wrong(Learner(Network(7, 7)), EmbeddedReber(), strings, order) is not None


def test_the_network_of_2000_learns_and_is_drawn(tmp_path):
    task = EmbeddedReber()
    rng = np.random.default_rng(0)
    training = task.draw(rng, 128)
    for seed in range(4):
        learner = Learner(reber.network_of_2000(4, 2), 0.5, seed=seed)
        found = until_predicted(learner, task, training, training, rng, 20_000)
        assert found["sequences"] % 10 == 0
        assert found["steps"] > 8 * found["sequences"]
        if found["success"]:
            break
    assert found["success"]
    draw(papers.Prepared(learner, task), tmp_path / "x.png", "A title")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


def test_trials_are_the_same_however_they_are_run():
    experiment = papers.get("hochreiter1997/reber")
    config = experiment.config("lstm-3x2-0.5").changed(limit=300)
    one, two = (experiment.trial(config, experiment.choose({}), 0, 3) for _ in range(2))
    assert (one["success"], one["sequences"]) == (two["success"], two["sequences"])
