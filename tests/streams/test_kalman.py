"""Streams whose networks learn by a Kalman filter."""

from __future__ import annotations

import numpy as np
import pytest

from carrousel.cli import main
from carrousel.streams import StreamClassifier, StreamRegressor
from carrousel.streams._stream import FORMAT


def made(**more):
    return StreamRegressor(hidden_size=3, optimiser="kalman", rate=(1.0, 100.0), **more)


def state_of(model):
    groups = {**model._groups(), **{str(k): network._arrays() for k, network in enumerate(model._networks)}}
    return {f"{group}.{name}": np.array(array) for group, part in groups.items() for name, array in part.items()}


def lines(n):
    wave = np.sin(0.3 * np.arange(n))
    return [({"u": u} if t < n // 2 or t % 3 else {"u": u, "new": 1.0}, u * u) for t, u in enumerate(wave.tolist())]


def test_files_resume_bit_for_bit_and_many_are_one_by_one(tmp_path):
    whole, parts, many = made(), made(), made()
    for t, (x, y) in enumerate(lines(60)):
        if t == 40:
            parts.save(tmp_path / "state")
            parts = StreamRegressor.load(tmp_path / "state")
        assert whole.predict_one(x) == parts.predict_one(x)
        whole.learn_one(x, y)
        parts.learn_one(x, y)
    rows = [x["u"] for x, _ in lines(60)]
    many.learn_many(np.array(rows[:30])[:, None], [y for _, y in lines(60)][:30])
    one = made()
    for x, y in lines(60)[:30]:
        one.learn_one({0: x["u"]}, y)
    for a, b in ((whole, parts), (many, one)):
        for name, array in state_of(a).items():
            assert np.array_equal(array, state_of(b)[name]), name
    assert all(55 < network.updates < 60 for network in whole._networks)  # of the first lines too little is known


def test_a_new_feature_keeps_what_the_filter_knows():
    model = made()
    for x, y in lines(60)[:30]:
        model.learn_one(x, y)
    old = model._networks[0]
    model._widen(["new"])
    wide = model._networks[0]
    before, after = old.variances, wide.variances
    assert len(before) == len(after)
    for P, Q in zip(before[:-1], after[:-1], strict=True):  # of a gate's unit: one input more, before the old outputs
        at = np.delete(np.arange(len(Q)), old.input_size)
        np.testing.assert_array_equal(Q[np.ix_(at, at)], P)
        assert Q[old.input_size, old.input_size] == old.filter.p
        assert np.count_nonzero(Q[old.input_size]) == 1
    np.testing.assert_array_equal(before[-1], after[-1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: -p, "symmetric and positive"),
        (lambda p: p + np.arange(len(p)), "symmetric and positive|where no weights are"),
        (lambda p: np.ones_like(p), "symmetric and positive|where no weights are"),
        (lambda p: p[1:], "should be float64"),
    ],
)
def test_variances_in_a_file_are_checked(tmp_path, change, message):
    model = made()
    for x, y in lines(10):
        model.learn_one(x, y)
    model.save(tmp_path / "state")
    with FORMAT.reading(tmp_path / "state") as (facts, arrays):
        pass
    arrays["network1.filter p"] = change(arrays["network1.filter p"])
    facts.pop("sha256", None)
    FORMAT.write(tmp_path / "state", facts, arrays)
    with pytest.raises(ValueError, match=message):
        StreamRegressor.load(tmp_path / "state")


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (StreamRegressor, {"update": 5}, "update must be 'step' for kalman"),
        (StreamRegressor, {"rate": 0.0}, "rate must be a number above 0 for kalman"),
        (StreamClassifier, {}, "optimiser must be one of adam, rmsprop, descent; got 'kalman'"),
    ],
)
def test_bad_settings(kind, options, message):
    with pytest.raises(ValueError, match=message):
        kind(optimiser="kalman", **options).learn_one({"u": 1.0}, 1.0)


def test_the_command(tmp_path, capsys):
    path = tmp_path / "lines.csv"
    values = np.sin(0.3 * np.arange(120))
    path.write_text("y\n" + "\n".join(map(str, values)) + "\n")
    command = ["stream", str(path), "--target", "y", "--learner", "kalman", "--hidden-size", "3", "--quiet"]
    assert main([*command, "--state", str(tmp_path / "state")]) == 0
    error, persistence = (float(part.split()[-1]) for part in capsys.readouterr().err.split(", ")[:2])
    assert error < 0.5 * persistence
    assert main([*command, "--task", "classify"]) == 2
    assert "--task regress" in capsys.readouterr().err
