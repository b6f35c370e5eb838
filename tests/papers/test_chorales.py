"""The experiment with the chorales: its parts, its figures, its rows."""

from __future__ import annotations

import numpy as np
import pytest

from carrousel.papers._pieces import nats, pieces
from carrousel.papers.chorales import EXPERIMENTS

MODELS = EXPERIMENTS[0]


def test_every_fifth_of_the_pieces_to_learn_from_is_for_validation():
    parts = pieces("blues")
    assert {name: len(part) for name, part in parts.items()} == {"train": 39, "valid": 9, "test": 12}
    assert len({piece.tobytes() for part in parts.values() for piece in part}) == 60


def test_networks_have_as_many_weights_and_the_family_is_there():
    weights = {}
    for row in MODELS.rows:
        config = row.config.changed(pieces="blues", epochs=1)
        trial = MODELS.trial(config, {}, 0, 0)
        weights[row.name] = trial["weights"]
        assert np.isfinite([trial["test_nll"], trial["valid_nll"], trial["train_nll"]]).all(), row.name
    assert (weights.pop("single"), weights.pop("previous")) == (88, 176)
    assert weights.pop("lstm-transposed") > 100_000
    assert max(weights.values()) < 1.02 * min(weights.values()), weights


def test_nats_are_those_of_all_keys_of_a_frame():
    two = [np.ones((2, 88)), np.zeros((6, 88))]
    assert nats(two, lambda piece: np.full(piece.shape, 0.25)) == pytest.approx(
        88 * (2 * np.log(4) - 6 * np.log(0.75)) / 8
    )


def test_a_trial_depends_on_seed_and_number_alone():
    config = MODELS.config("gru").changed(pieces="blues", epochs=1, hidden=4)
    found = [MODELS.trial(config, {}, 0, number) for number in (0, 0, 1)]
    one, two, other = ({k: v for k, v in trial.items() if k != "seconds"} for trial in found)
    assert one == two
    assert one != other
