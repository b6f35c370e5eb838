"""Many series, one model."""

import numpy as np
import pandas as pd
import pytest
import torch

from carrousel.estimators import LSTMForecaster, LSTMPanelForecaster, ModelError, load
from carrousel.estimators._panel import Stack, Static, scales_of

from .conftest import QUICK

OPTIONS = {"horizon": 4, "context": 12, "season": 6, "random_state": 0, **QUICK, "max_epochs": 2}


def many(count=200, rows=48, seed=0):
    """A long frame of monthly series of very different sizes: a season of six steps, a drift, an effect of a price."""
    random, frames = np.random.default_rng(seed), []
    for k in range(count):
        length = int(rows - random.integers(0, 16))
        index = pd.date_range("2020-01-01", periods=length, freq="MS", name="month")
        size, group = 10 ** random.uniform(-2, 5), ("low", "high")[k % 2]
        price = random.integers(0, 2, size=length).astype(float)
        wave = np.sin(np.arange(length) * np.pi / 3 + random.uniform(0, 6)) + 0.05 * np.arange(length)
        sales = size * (5 + wave + 2 * price * (k % 2) + 0.1 * random.normal(size=length))
        frames.append(pd.DataFrame({"store": f"s{k}", "sales": sales, "price": price, "group": group}, index=index))
    return pd.concat(frames)


def of(frame, *ids):
    return frame[frame["store"].isin(ids)]


def ahead(frame, model, value=1.0):
    """The price of the steps after each series."""
    rows = []
    for store, part in frame.groupby("store", sort=False):
        index = pd.date_range(part.index[-1], periods=5, freq="MS")[1:]
        rows.append(pd.DataFrame({"store": store, "price": value}, index=index))
    return pd.concat(rows)


@pytest.fixture(scope="module")
def panel():
    frame = many()
    model = LSTMPanelForecaster(
        "sales", id="store", known="price", static="group", **OPTIONS | {"max_epochs": 4, "batches_per_epoch": 50}
    )
    return frame, model.fit(frame)


def test_all_series_are_forecast_in_their_own_units(panel):
    frame, model = panel
    assert len(model.ids_) == 200
    said = model.predict(future=ahead(frame, model))
    assert len(said) == 800
    for store, part in list(frame.groupby("store", sort=False))[:40]:
        found = said.loc[store]
        assert found.index.equals(pd.date_range(part.index[-1], periods=5, freq="MS")[1:])
        assert 0.4 < found.mean() / part["sales"].iloc[-12:].mean() < 2.5
    quantiles = model.predict_quantiles(future=ahead(frame, model))
    assert (np.diff(quantiles.to_numpy(), axis=1) >= 0).all()


def test_a_series_that_was_never_seen_is_forecast_from_its_history(panel):
    _, model = panel
    other = many(count=4, seed=9).assign(store=lambda rows: "new " + rows["store"])
    said = model.predict(other, future=ahead(other, model))
    assert set(said.index.get_level_values("id")) == {"new s0", "new s1", "new s2", "new s3"}
    bigger = model.predict(other.assign(sales=1000 * other["sales"]), future=ahead(other, model))
    assert np.allclose(bigger, 1000 * said, rtol=1e-3)
    report = model.report(other)
    naive = next(score for score in report.scores if score.method == "naive")
    assert report.model.metrics["MAE"] < naive.metrics["MAE"]
    short = of(other, "new s0")[-3:]  # fewer rows than the model looks back: the first one again and again
    assert np.isfinite(model.predict(short, future=ahead(short, model))).all()


def test_known_and_static_columns_are_used(panel):
    frame, model = panel
    high, low = of(frame, "s1"), of(frame, "s0")  # prices matter in the group of s1 alone
    for part, least, most in ((high, 0.05, 2.0), (low, -0.05, 0.05)):
        with_price, without = (
            model.predict(part, continues=False, future=ahead(part, model, value)) for value in (1.0, 0.0)
        )
        change = (with_price - without).mean() / part["sales"].mean()
        assert least < change < most
    with pytest.raises(ValueError, match=r"series 's0': give future=, the next 4 rows of the known covariates"):
        model.predict(low)
    with pytest.raises(ValueError, match="series 's0': future lacks the row of"):
        model.predict(low, future=ahead(low, model).iloc[1:])


def test_rows_of_each_series_are_placed_by_their_times(panel, tmp_path):
    frame, model = panel
    part = of(frame, "s0", "s1")
    model.save(tmp_path / "model")
    later = load(tmp_path / "model")
    cut = LSTMPanelForecaster("sales", id="store", known="price", static="group", **OPTIONS | {"max_epochs": 1})
    cut.fit(pd.concat([rows[:-3] for _, rows in frame.groupby("store", sort=False)][:40]))
    newer = pd.concat([rows[-3:] for _, rows in part.groupby("store", sort=False)])
    said = cut.predict(newer, future=ahead(part, model))
    assert said.loc["s0"].index[0] == part[part["store"] == "s0"].index[-1] + pd.DateOffset(months=1)
    cut.tails_ = {key: cut.tails_[key] for key in ("s0", "s1")}
    pd.testing.assert_series_equal(said, cut.update(newer).predict(future=ahead(frame, model)).loc[["s0", "s1"]])
    for store, wrong in (("s0", newer.tz_localize("UTC")), ("s0", newer.set_index(newer.index + pd.Timedelta(days=3)))):
        with pytest.raises(ValueError, match=f"series '{store}': the time"):
            later.predict(wrong)
    with pytest.raises(ValueError, match="series 's0': X does not follow"):
        later.update(of(frame, "s0")[:10])


def test_saved_whole(panel, tmp_path):
    frame, model = panel
    model.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    future = ahead(frame, model)
    pd.testing.assert_frame_equal(loaded.predict_quantiles(future=future), model.predict_quantiles(future=future))
    assert loaded.ids_ == model.ids_
    other = many(count=2, seed=5).assign(store=lambda rows: "new " + rows["store"])
    assert loaded.report(other) == model.report(other)
    from tampering import close, opened

    from carrousel.estimators._saved import FORMAT

    facts, arrays = opened(tmp_path / "model")
    for change in (
        {"ids": ["a"]}, {"ids": facts["ids"][:-1] + facts["ids"][:1]}, {"grids": []},
        {"static": {"names": [], "words": [["a"]]}},
        {"static": {"names": ["group"], "words": [[7]]}}, {"grids": [*facts["grids"][:-1], {"kind": "x"}]},
    ):  # fmt: skip
        close(tmp_path / "model", FORMAT, {**facts, **change}, arrays)
        with pytest.raises(ModelError):
            load(tmp_path / "model")


def test_one_model_of_all_beats_a_model_of_each():
    """Series too short to learn a season from, which all of them have."""
    random = np.random.default_rng(0)
    shape = np.array([0.0, 3.0, -1.0, 4.0, 1.0, -5.0, -2.0])
    series = {f"s{k}": (1 + k) * (shape[(np.arange(26) + k) % 7] + 0.3 * random.normal(size=26)) for k in range(200)}
    options = {"horizon": 3, "context": 8, "season": 1, "random_state": 0, **QUICK, "max_epochs": 2}
    model = LSTMPanelForecaster(**options).fit({key: values[:20] for key, values in series.items()})
    said, errors = model.predict(), {"all": [], "each": []}
    for key in list(series)[:8]:
        alone = LSTMForecaster(**options).fit(series[key][:20]).predict()
        actual, size = series[key][20:23], 1 + int(key[1:])
        errors["all"].append(np.abs(said.loc[key].to_numpy() - actual).mean() / size)
        errors["each"].append(np.abs(alone - actual).mean() / size)
    assert np.mean(errors["all"]) < 0.8 * np.mean(errors["each"])


@pytest.mark.parametrize("fill", ["mask", "interpolate"])
def test_several_targets_with_gaps(fill, tmp_path):
    random = np.random.default_rng(0)
    index = pd.date_range("2024", periods=90, freq="h")
    columns = {name: np.sin(np.arange(90) / 3) * k + random.normal(size=90) for k, name in enumerate("abc", 1)}
    frame = pd.DataFrame(columns, index).drop(index[[20, 21]])
    frame.iloc[40, 0] = np.nan
    model = LSTMPanelForecaster(("a", "b"), horizon=3, context=8, season=1, fill=fill, **QUICK | {"max_epochs": 1})
    said = model.fit(frame[:70]).predict()
    assert model.ids_ == ["a", "b"]
    assert np.isfinite(said).all()
    assert np.isfinite(model.report(frame[70:]).model.metrics["MAE"])
    model.save(tmp_path / "model")
    pd.testing.assert_series_equal(load(tmp_path / "model").predict(), said)


def test_a_stack_holds_windows_of_one_series_each():
    lengths, reach, horizon = [30, 5, 18, 40], 6, 3
    stack = Stack.fit(lengths, reach, horizon, 0.25)
    owner = stack.of([np.full(rows, k) for k, rows in enumerate(lengths)])
    place = stack.of([np.arange(rows) for rows in lengths])
    for origins in (stack.training, stack.valid):
        for origin in origins:
            window = slice(origin - reach, origin + horizon)
            assert len(set(owner[window])) == 1
            assert (np.diff(place[window]) == 1).all()
    assert set(owner) == {0, 2, 3}
    assert stack.training.max() < stack.valid.min()
    for k in (0, 2, 3):
        learned = [place[o + horizon - 1] for o in stack.training if owner[o] == k]
        judged = [place[o] for o in stack.valid if owner[o] == k]
        assert max(learned) < min(judged)


def test_scales_and_static_columns_by_hand():
    values = np.array([[1.0, 5.0, 0.0], [3.0, 5.0, 0.0], [np.nan, 5.0, 0.0]])
    assert scales_of(values, ()).tolist() == [1.0, 5.0, 1.0]
    assert scales_of(values * 10, (0,)).tolist() == [1.0, 50.0, 1.0]
    steps = np.array([[0.0], [2.0], [1.0], [3.0]])
    assert scales_of(steps, (), 0).tolist() == [pytest.approx(5 / 3)]  # the mean change of a step
    assert scales_of(steps, (), 0, season=2).tolist() == [1.0]
    assert scales_of(steps[:2], (), 0, season=2).tolist() == [1.0]  # no season in it: the deviation
    assert scales_of(np.array([[0.0], [2.0], [0.0], [2.0]]), (), 0, season=2).tolist() == [0.05]
    frames = {k: pd.DataFrame({"x": [1.0, 2.0], "kind": kind, "size": k}) for k, kind in enumerate(["b", "a", "b"])}
    static = Static.fit(frames, ("kind", "size"))
    assert static.columns == ("kind=a", "kind=b", "size")
    assert static.split(frames[2], 2)[1].tolist() == [0.0, 1.0, 2.0]
    with pytest.raises(ValueError, match="series 7: 'kind' is 'c', and was one of a, b in training"):
        static.split(frames[0].assign(kind="c"), 7)


@pytest.mark.parametrize(
    ("X", "options", "message"),
    [
        (np.ones((20, 2)), {}, "must be a dict of series or a DataFrame"),
        (pd.DataFrame({"x": [1.0] * 20}), {}, "say with id= which column"),
        (pd.DataFrame({"x": [1.0] * 20}), {"id": "store"}, "id 'store' is not a column of X"),
        (pd.DataFrame({"x": [1.0] * 20, "id": ["a"] * 19 + [None]}), {"id": "id"}, "row 19 of X has no id"),
        (pd.DataFrame({"x": [1.0] * 20}), {"target": ("x", "y")}, "target 'y' is not a column"),
        ({}, {}, "X has no series"),
        ({"a": np.ones(5), "b": np.ones(6)}, {}, "too long for every series"),
        ({"a": np.ones(40), "b": np.ones((40, 2))}, {}, "series 'b' has the columns"),
        ({"a": pd.Series(np.ones(40), pd.date_range("2024", periods=40, freq="h")),
          "b": pd.Series(np.ones(40), pd.date_range("2024", periods=40, freq="D"))}, {}, "another frequency"),
        ({"a": np.ones(40), "b": np.full(40, np.nan)}, {}, "series 'b': X contains NaN at row 0"),
        ({"a": np.ones(40)}, {"static": "kind"}, "series 'a' has no column 'kind'"),
        ({"a": pd.DataFrame({"x": np.ones(40), "kind": [1, 2] * 20})}, {"static": "kind"}, "not one value throughout"),
    ],
    ids=range(12),
)  # fmt: skip
def test_refused(X, options, message):
    with pytest.raises(ValueError, match=message):
        LSTMPanelForecaster(**{"horizon": 4, "context": 8, **QUICK} | options).fit(X)


def test_what_many_series_do_not_have():
    with pytest.raises(ValueError, match="there is no y"):
        LSTMPanelForecaster().fit({"a": np.ones(40)}, np.ones(40))
    with pytest.raises(ValueError, match="2 targets are series of their own"):
        LSTMPanelForecaster(("a", "b"), id="c").fit({"a": np.ones(40)})
    for wrong in (0, -1, 1.5, "2"):
        with pytest.raises(ValueError, match="embedding"):
            LSTMPanelForecaster(embedding=wrong).fit({"a": np.ones(40)})


def test_series_without_two_values_a_season_apart_have_no_unit():
    """Values on even rows alone: nothing was observed a season of one step apart."""
    values = np.where(np.arange(48) % 2, np.nan, np.sin(np.arange(48.0)) + 2)
    model = LSTMPanelForecaster(**OPTIONS | {"season": 1, "fill": "last", "max_epochs": 1})
    model.fit({"a": values[:40], "b": 3 * values[:40]})
    assert model.mase_unit_ == 0
    assert np.isfinite(model.predict()).all()
    report = model.report({"a": values[40:]})
    assert np.isfinite(report.model.metrics["MAE"])
    assert np.isnan(report.model.metrics["MASE"])


def trends(count=60, rows=26, seed=0):
    """Short series that rise or fall steadily, each at its own slope."""
    random = np.random.default_rng(seed)
    steps = {f"s{k}": random.normal() * 3 + 0.5 * random.normal(size=rows) for k in range(count)}
    return {key: 100 + np.cumsum(moves) for key, moves in steps.items()}


def test_each_series_may_start_from_its_own_drift():
    series = trends()
    model = LSTMPanelForecaster(**OPTIONS | {"season": 1, "context": 8, "max_epochs": 1})
    model.fit({key: values[:20] for key, values in series.items()})
    assert {"drift", "exponential smoothing"} <= {method.name for method in model.simple_.methods}
    (drift,) = (method for method in model.simple_.methods if method.name == "drift")
    rows = drift.parts[0].form.reach
    told = drift(np.stack([np.arange(30.0) ** 2], axis=1), np.array([20]))[0]  # a slope by hand
    assert np.allclose(told, 19**2 + np.arange(1, 5) * (19**2 - (20 - rows) ** 2) / (rows - 1))
    lost = {
        name: np.mean([np.abs(said(key, values) - values[20:24]).mean() for key, values in series.items()])
        for name, said in {
            "ours": lambda key, values: model.predict().loc[key].to_numpy(),
            "naive": lambda key, values: values[19],
            "drift": lambda key, values: values[19] + np.arange(1, 5) * (values[19] - values[0]) / 19,
        }.items()
    }
    assert lost["ours"] < min(1.3 * lost["drift"], 0.5 * lost["naive"])


def test_a_series_may_have_numbers_of_its_own(tmp_path):
    """Waves of one shape, of which the series alone tells where they stand: half of them turn after the window."""
    random = np.random.default_rng(0)
    series = {k: np.concatenate([random.normal(size=20), random.normal(size=20)]) + 5 for k in range(12)}
    options = OPTIONS | {"season": 1, "context": 8, "embedding": 3, "max_epochs": 1}
    model = LSTMPanelForecaster(**options).fit(series)
    network = model.network_
    assert network.embedding.weight.shape == (12, 3)
    model.correction_ = type(model.correction_)(model.correction_.window, 1.0, model.correction_.offsets)
    with torch.no_grad():
        network.head.weight.normal_()
    rows = series[0][-20:]
    known, other = model.predict({0: rows}, continues=False), model.predict({"new": rows})
    assert not np.allclose(known, other)  # a series that was trained on has its own
    with torch.no_grad():
        network.embedding.weight[:] = network.embedding.weight.mean(dim=0)
    assert np.allclose(model.predict({0: rows}, continues=False), model.predict({"new": rows}))
    assert np.allclose(other, model.predict({"new": rows}), rtol=1e-5)  # any other has the mean of all
    model.save(tmp_path / "model")
    assert np.allclose(load(tmp_path / "model").predict({"new": rows}), model.predict({"new": rows}))


@pytest.mark.parametrize("embedding", [None, 2])
def test_fine_tuned_on_newer_rows_and_new_series(embedding, tmp_path):
    series = trends(count=8, rows=60)
    options = OPTIONS | {"season": 1, "context": 8, "embedding": embedding, "max_epochs": 1}
    LSTMPanelForecaster(**options).fit({k: v[:40] for k, v in series.items()}).save(tmp_path / "model")
    model, before = load(tmp_path / "model"), load(tmp_path / "model")
    newer = {"s0": series["s0"][40:], "new": series["s7"] * 100}
    assert model.fine_tune(newer, max_epochs=1) is model
    assert any((a != b).any() for a, b in zip(model.network_.parameters(), before.network_.parameters(), strict=True))
    assert model.ids_ == [*before.ids_, "new"]
    updated = before.update(newer)
    for key in model.ids_:
        assert np.array_equal(model.tails_[key].values, updated.tails_[key].values)
        assert np.array_equal(model.scales_[key], updated.scales_[key])
    model.save(tmp_path / "model")
    pd.testing.assert_series_equal(load(tmp_path / "model").predict(), model.predict())
    with pytest.raises(ValueError, match="training needs 4 new rows of a series"):
        model.fine_tune({"s0": series["s0"][:2]})
    for wrong in ({"learning_rate": -1.0}, {"max_epochs": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            model.fine_tune(newer, **wrong)


def test_activations_are_those_over_one_series(panel):
    frame, model = panel
    found = model.activations(of(frame, "s0"), continues=False)
    assert found["h_l0"].shape == (model.context_, model.hidden_size)
    with pytest.raises(ValueError, match="over one series, X has 2"):
        model.activations(of(frame, "s0", "s1"), continues=False)
    with pytest.raises(ValueError, match="over one series, X has 0"):
        model.activations()
