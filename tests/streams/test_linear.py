"""The linear method beside which streams are shown."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carrousel.streams import Follower, OnlineLinear, StreamRegressor, _rivals

pytest.importorskip("river")


def records(seed, count=60):
    rng = np.random.default_rng(seed)
    for t in range(count):
        x = {name: float(rng.normal()) for name in "ab" if rng.random() < 0.8}
        yield x | ({"late": 1.0 * t} if t > 30 else {}), None if rng.random() < 0.1 else float(rng.normal() + t % 5)


@settings(max_examples=15, deadline=None)
@given(cut=st.integers(0, 60), seed=st.integers(0, 99), seasons=st.sampled_from([(), (5,), (5, 12)]))
def test_it_goes_on_to_the_same_bits_wherever_it_was_saved(cut, seed, seasons):
    whole, parts = OnlineLinear(seasons), OnlineLinear(seasons)
    for t, (x, y) in enumerate(records(seed)):
        if t == cut:
            facts, arrays = parts.facts, parts.arrays
            parts = OnlineLinear(seasons)
            parts.restore(facts, arrays)
        assert whole.predict(x) == parts.predict(x)
        whole.learn(x, y)
        parts.learn(x, y)
    for name, array in whole.arrays.items():
        assert np.array_equal(array, parts.arrays[name]), name


def test_it_stays_near_the_targets_whatever_an_input_is_standardised_to():
    model = OnlineLinear((12,))
    for t in range(200):
        y = float(np.sin(2 * np.pi * (t % 12) / 12))
        assert -3 <= model.predict({"constant": 0.1}) <= 3
        model.learn({"constant": 0.1 + 1e-17 * (t % 2)}, y)
    diverging = OnlineLinear(rate=1e200)
    for x, y in records(0):
        diverging.learn({**x, "large": 1e90}, y)
        assert np.isfinite(diverging.predict(x))
    assert all(np.isfinite(array).all() for array in diverging.arrays.values())


CONTENT = b"u,y\n" + b"".join(b"%d,%d\n" % (t % 3, t % 5) for t in range(40))


def follow(path, content, said):
    follower = Follower(StreamRegressor(hidden_size=2, rate=0.01), "y", state=path, say=said.append)
    follower.resume()
    list(follower.follow(io.BytesIO(content)))
    return follower


def test_a_state_keeps_what_it_was_begun_with(tmp_path, monkeypatch):
    """Without river the method is left out; a state goes on without it once it had to."""
    said = []
    assert follow(tmp_path / "with", CONTENT[:60], said).rivals == ["persistence", "linear"]
    assert follow(tmp_path / "with", CONTENT, said).rivals == ["persistence", "linear"]
    assert said == []
    with monkeypatch.context() as patch:
        patch.setattr(_rivals, "has_river", lambda: False)
        assert follow(tmp_path / "without", CONTENT[:60], said).rivals == ["persistence"]
        lost = follow(tmp_path / "with", CONTENT, said)
        assert list(lost.tally.mean_rivals) == ["persistence", "linear"]
        assert lost.rivals == ["persistence"]
    assert follow(tmp_path / "without", CONTENT, said).rivals == ["persistence"]
    assert said == ["the state was begun without river: no linear method beside"]
