"""Missing values, patches, channels by name and by place, and who is set aside: what happens before the network."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrousel.data import make_sequences
from carrousel.estimators import LSTMClassifier, LSTMRegressor, load
from carrousel.estimators._calibration import best_temperature, shares
from carrousel.estimators._patches import folded, patches
from carrousel.estimators._sequence_gaps import FILLS, filled, scaler_of
from carrousel.estimators._sequences import Ragged, as_sequences
from carrousel.estimators._split import split

from .conftest import QUICK, outputs, pulses

KINDS = pytest.mark.parametrize("kind", [LSTMClassifier, LSTMRegressor], ids=lambda kind: kind.__name__)
ONE = QUICK | {"max_epochs": 1, "random_state": 0}


def problem(kind, count=40):
    X, y = pulses(count)
    return X, y if kind is LSTMClassifier else np.array([x[:, 0].max() for x in X])


def holed(X, share=0.2, seed=0):
    random = np.random.default_rng(seed)
    return [np.where(random.random(x.shape) < share, np.nan, x) for x in X]


# ---- missing values ----


@given(st.lists(st.lists(st.one_of(st.none(), st.integers(-9, 9)), min_size=1, max_size=7), min_size=1, max_size=4))
def test_gaps_are_filled_as_pandas_fills_them(columns):
    values = np.array([np.nan if v is None else v for column in columns for v in column], dtype=float)[:, None]
    sequences = Ragged(values, np.array([len(column) for column in columns]))
    for how, fill in (
        ("last", lambda s: s.ffill()),
        ("interpolate", lambda s: s.interpolate(limit_direction="both")),
        ("mask", lambda s: s),
    ):
        want = np.concatenate([fill(pd.Series(c, dtype=float)).to_numpy() for c in columns])
        np.testing.assert_allclose(filled(sequences, how).values[:, 0], want, rtol=1e-12, atol=1e-12)


def test_a_scaler_knows_only_what_is_there():
    values = np.array([[1.0, np.nan, 2.0], [3.0, np.nan, np.nan], [5.0, np.nan, 4.0]])
    scaler = scaler_of(values, np.array([1.0, 2.0, 1.0]))
    np.testing.assert_allclose(scaler.mean, [3.0, 0.0, 3.0])
    np.testing.assert_allclose(scaler.scale, [np.sqrt(2), 1.0, 1.0])


@KINDS
@pytest.mark.parametrize("fill", FILLS)
def test_every_way_to_fill(kind, fill, tmp_path):
    X, y = problem(kind)
    gaps = holed(X)
    model = kind(**ONE, fill=fill)
    if fill is None:
        with pytest.raises(ValueError, match=r"contains NaN at sequence 0, step \d+, channel \d; .* by fill="):
            model.fit(gaps, y)
        return
    model.fit(gaps, y).save(tmp_path / "model")
    said = outputs(model, (gaps,))
    assert np.isfinite(said).all()
    assert np.array_equal(outputs(load(tmp_path / "model"), (gaps,)), said)
    assert model.network_.lstm.input_size == (4 if fill == "mask" else 2)
    assert all(np.isfinite(next(iter(s.metrics.values()))) for s in model.report(gaps, y).scores)
    assert load(tmp_path / "model").report(gaps, y).scores[0] == model.report(gaps, y).scores[0]
    with pytest.raises(ValueError, match=r"contains inf .* Drop them first"):
        model.predict([np.full((4, 2), np.inf)])
    whole = [filled(as_sequences([x], gaps=True), fill).values for x in gaps]
    if fill != "mask" and not any(np.isnan(x).any() for x in whole):
        assert np.array_equal(outputs(model, (whole,)), said)


def test_a_mask_is_seen():
    """Which sequences lack a value is all that tells the classes apart."""
    random = np.random.default_rng(0)
    y = np.arange(60) % 2
    X = [random.normal(size=(8, 1)) for _ in y]
    for x, k in zip(X, y, strict=True):
        x[random.integers(8)] = np.nan if k else 0.0
    options = QUICK | {"max_epochs": 30, "random_state": 0}
    assert LSTMClassifier(**options, fill="mask").fit(X[:40], y[:40]).score(X[40:], y[40:]) == 1.0


# ---- patches ----


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.integers(1, 4))
def test_patches_hold_every_step_once_and_the_last_to_fill_up(lengths, patch):
    lengths = np.array(lengths)
    values = np.arange(2.0 * lengths.sum()).reshape(-1, 2)
    found = folded(values, lengths, patch)
    counts = patches(lengths, patch)
    pieces = np.split(found, np.cumsum(counts)[:-1])
    for piece, whole in zip(pieces, np.split(values, np.cumsum(lengths)[:-1]), strict=True):
        steps = piece.reshape(-1, 2)
        assert np.array_equal(steps[: len(whole)], whole)
        assert (steps[len(whole) :] == whole[-1]).all()
        assert len(steps) - len(whole) < patch


@pytest.mark.parametrize(("patch", "chosen"), [("auto", 4), (1, 1), (7, 7)])
def test_long_sequences_come_in_patches(patch, chosen, tmp_path):
    random = np.random.default_rng(0)
    X = [random.normal(size=(n, 2)) for n in random.integers(150, 201, 20)] + [random.normal(size=(200, 2))]
    model = LSTMClassifier(**ONE, patch=patch).fit(X, np.arange(21) % 2)
    assert (model.patch_, model.network_.lstm.input_size) == (chosen, 2 * chosen)
    model.save(tmp_path / "model")
    assert load(tmp_path / "model").patch_ == chosen
    gates = model.activations(X[0])
    assert {len(values) for values in gates.values()} == {len(X[0])}
    assert (gates["h_l0"][:chosen] == gates["h_l0"][0]).all()
    assert np.array_equal(outputs(model, (X[:3],)), outputs(load(tmp_path / "model"), (X[:3],)))


# ---- channels ----


@KINDS
def test_columns_are_matched_by_name_wherever_frames_are_taken(kind, tmp_path):
    """A model that was fitted on arrays with names, as the command line does it."""
    X, y = problem(kind)
    frames = [pd.DataFrame(x, columns=["a", "b"]) for x in X]
    turned = [x[["b", "a"]] for x in frames]
    mixed = [x[["b", "a"]] if k % 2 else x for k, x in enumerate(frames)]
    model = kind(**ONE, rivals="nearest").fit(X, y, channel_names=["a", "b"])
    model.save(tmp_path / "model")
    want = outputs(model, (X,))
    for known in (model, load(tmp_path / "model")):
        for given_ in (frames, turned, mixed):
            assert np.array_equal(outputs(known, (given_,)), want)
            assert known.score(given_, y) == model.score(X, y)
            assert str(known.report(given_, y)) == str(model.report(X, y))
        assert np.array_equal(known.activations(turned[0])["h_l0"], model.activations(X[0])["h_l0"])
        for columns, message in ((["a", "c"], "lacks 'b' and has 'c'"), (["a", "a"], "lacks 'b'")):
            with pytest.raises(ValueError, match=message):
                known.predict([x.set_axis(columns, axis=1) for x in frames])
    validated = kind(**ONE).fit(X[:30], y[:30], channel_names=["a", "b"], validation_data=(turned[30:], y[30:]))
    plain = kind(**ONE).fit(X[:30], y[:30], channel_names=["a", "b"], validation_data=(X[30:], y[30:]))
    assert validated.history_ == plain.history_


def test_numbered_columns_are_matched_too():
    X, y = problem(LSTMClassifier)
    frames = [pd.DataFrame(x) for x in X]
    model = LSTMClassifier(**ONE).fit(frames, y)
    assert np.array_equal(model.predict_proba([x[[1, 0]] for x in frames]), model.predict_proba(frames))
    mixed = [frames[0], *(x[[1, 0]] for x in frames[1:])]
    assert np.array_equal(LSTMClassifier(**ONE).fit(mixed, y).predict_proba(frames), model.predict_proba(frames))


def test_channels_first(tmp_path):
    random = np.random.default_rng(0)
    X = random.normal(size=(30, 20, 3))
    y = np.arange(30) % 2
    model = LSTMClassifier(**ONE).fit(X, y)
    turned = LSTMClassifier(**ONE, channels_first=True).fit(X.transpose(0, 2, 1), y)
    turned.save(tmp_path / "model")
    want = model.predict_proba(X)
    for known in (turned, load(tmp_path / "model")):
        for given_ in (X.transpose(0, 2, 1), [x.T for x in X], [pd.DataFrame(x) for x in X]):
            assert np.array_equal(known.predict_proba(given_), want)
        assert np.array_equal(known.activations(X[0].T)["h_l0"], model.activations(X[0])["h_l0"])


def test_an_array_that_looks_turned_is_warned_of():
    y = np.arange(10) % 2
    with pytest.warns(
        UserWarning, match=r"\(10, 3, 50\), read as 10 sequences of 3 steps and 50 channels.*channels_first"
    ):
        model = LSTMClassifier(**ONE).fit(np.random.default_rng(0).normal(size=(10, 3, 50)), y)
    model = LSTMClassifier(**ONE).fit(np.random.default_rng(0).normal(size=(10, 50, 3)), y)  # no warning
    with pytest.raises(ValueError, match=r"has 50 channels, but .* fitted on 3; if it is \[N, C, T\].*channels_first"):
        model.predict(np.zeros((10, 3, 50)))


# ---- the validation part ----


@given(st.integers(2, 40), st.integers(1, 9), st.sampled_from([0.1, 0.3, 0.5]), st.sampled_from(["random", "last"]))
def test_groups_stay_together(count, most, share, scheme):
    groups = np.random.default_rng(count).integers(0, most, count)
    train, valid = split(count, share, 0, np.arange(count) % 2, groups=groups, scheme=scheme)
    assert sorted([*train, *valid]) == list(range(count))
    assert not set(groups[train]) & set(groups[valid])
    distinct = len(set(groups))
    assert bool(len(valid)) == (distinct > 1)
    assert len(train)
    if scheme == "last" and distinct > 1:
        begins = {g: int(np.flatnonzero(groups == g)[0]) for g in groups}
        assert max(begins[g] for g in groups[train]) < min(begins[g] for g in groups[valid])
    if max(np.bincount(groups)) == 1 and distinct > 1:
        assert len(valid) == min(max(round(share * count), 1), count - 1)


def test_the_last_are_set_aside():
    train, valid = split(10, 0.25, 0, np.arange(10) % 2, scheme="last")
    assert (train.tolist(), valid.tolist()) == (list(range(8)), [8, 9])


@KINDS
def test_groups_and_order_reach_the_training(kind):
    X, y = problem(kind)
    options = ONE | {"validation": 0.25}
    last = kind(**options, validation_scheme="last").fit(X, y)
    assert last.history_ == kind(**options).fit(X[:30], y[:30], validation_data=(X[30:], y[30:])).history_
    groups = np.array(["a", "b", "c", "d"])[np.arange(40) % 4]
    model = kind(**options).fit(X, y, groups=groups)
    parts = [np.flatnonzero(groups == name) for name in "abcd"]
    alone = []
    for part in parts:
        rest = np.setdiff1d(np.arange(40), part)
        valid = [X[i] for i in part], y[part]
        alone.append(kind(**options).fit([X[i] for i in rest], y[rest], validation_data=valid).history_)
    assert model.history_ in alone
    read = make_sequences(X, y, name="people", groups=groups)  # as a reader gives them
    assert kind(**options).fit_on(read).history_ == kind(**options).fit(read.X, read.y, groups=groups).history_
    kind(**options).fit_on(make_sequences(X, y, name="one", groups=["a"] * 40))  # who is alone is divided
    for wrong, message in (
        ({"groups": ["a"] * 40}, "one group only"),
        ({"groups": ["a"] * 39}, "inconsistent numbers"),
        ({"groups": groups, "validation_data": (X, y)}, "validation_data gives it"),
    ):
        with pytest.raises(ValueError, match=message):
            kind(**options).fit(X, y, **wrong)
    with pytest.raises(ValueError, match="validation=None"):
        kind(**options | {"validation": None}).fit(X, y, groups=groups)


# ---- probabilities ----


def test_the_temperature_is_that_of_the_least_loss():
    random = np.random.default_rng(0)
    logits = random.normal(size=(4000, 3))
    classes = (shares(logits, 2.5).cumsum(axis=1) < random.random((4000, 1))).sum(axis=1)
    assert best_temperature(logits, classes, None) == pytest.approx(2.5, rel=0.1)
    twice = np.repeat(np.arange(4000), 1 + np.arange(4000) % 2)
    weighed = best_temperature(logits, classes, 1.0 + np.arange(4000) % 2)
    assert weighed == pytest.approx(best_temperature(logits[twice], classes[twice], None), rel=1e-4)


def test_calibrated_probabilities(tmp_path):
    X, y = pulses(80)
    options = QUICK | {"random_state": 0, "validation": 0.4}
    plain = LSTMClassifier(**options).fit(X, y)
    model = LSTMClassifier(**options, calibrate=True).fit(X, y)
    assert (plain.temperature_, model.history_) == (1.0, plain.history_)
    assert model.temperature_ != 1.0
    np.testing.assert_allclose(model.predict_proba(X), shares(model._outputs(model._sequences(X)), model.temperature_))
    assert np.array_equal(model.predict(X), plain.predict(X))
    model.save(tmp_path / "model")
    assert np.array_equal(load(tmp_path / "model").predict_proba(X), model.predict_proba(X))
    for wrong in ({"validation": None}, {"validation": 0.001}):
        with pytest.raises(ValueError, match="calibrate=True needs a validation part"):
            LSTMClassifier(**options | wrong, calibrate=True).fit(X, y)


# ---- how long ----


@pytest.mark.parametrize(("count", "batch", "epochs"), [(40, None, 150), (3200, 32, 20), (5, None, 400), (640, 32, 60)])
def test_epochs_follow_from_the_size_of_the_data(count, batch, epochs):
    options = LSTMClassifier(batch_size=batch)._settled(count)
    assert (options.max_epochs, options.patience) == (epochs, round(0.5 * epochs))
    own = LSTMClassifier(max_epochs=10, patience=None)._settled(count)
    assert (own.max_epochs, own.patience) == (10, None)


@pytest.mark.parametrize(
    ("options", "count", "groups", "share"),
    [
        ({}, 94, None, None),
        ({}, 95, None, 0.1),
        ({}, 94, np.arange(94), 0.1),
        ({"calibrate": True}, 20, None, 0.1),
        ({"validation_scheme": "last"}, 20, None, 0.1),
        ({"validation": 0.3}, 20, None, 0.3),
        ({"validation": None}, 2000, None, None),
    ],
)
def test_a_few_sequences_are_all_learned_from(options, count, groups, share):
    assert LSTMClassifier(**options)._share(count, groups) == share
