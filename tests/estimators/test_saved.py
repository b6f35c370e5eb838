"""A model's directory: the same bits come back, and nothing else is taken for a model."""

import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import load_file, save_file
from sklearn.exceptions import NotFittedError
from tampering import close, opened

import carrousel
from carrousel import _atomic
from carrousel.cells.math import sigmoid, tanh
from carrousel.estimators import ESTIMATORS, LSTMClassifier, LSTMForecaster, LSTMRegressor, ModelError, _saved, load
from carrousel.estimators._saved import FORMAT

from .conftest import QUICK, fresh, outputs, pulses, wave

EVERY = pytest.mark.parametrize("kind", ESTIMATORS, ids=lambda kind: kind.__name__)


@EVERY
@pytest.mark.parametrize(
    "options", [{}, {"cell": "elman(squash=relu)", "zoneout": (0.1, 0.0), "num_layers": 2}], ids=str
)
def test_round_trip(kind, options, tmp_path):
    estimator, data, test = fresh(kind, max_epochs=2, **options)
    estimator.fit(*data).save(tmp_path / "deep" / "model")
    loaded = load(str(tmp_path / "deep" / "model"))
    assert type(loaded) is kind
    assert np.array_equal(outputs(loaded, test), outputs(estimator, test))
    assert loaded.get_params() == estimator.get_params()
    report = (wave()[200:],) if kind is LSTMForecaster else data
    assert loaded.report(*report) == estimator.report(*report)
    for name in ("history_", "best_epoch_", "seed_", "stopped_early_"):
        assert getattr(loaded, name) == getattr(estimator, name)
    one = test[0][0] if isinstance(test[0], list) else test[0]
    assert all(
        np.array_equal(a, b) for a, b in zip(*(m.activations(one).values() for m in (loaded, estimator)), strict=True)
    )
    loaded.save(tmp_path / "again")
    for name in ("model.json", "model.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "deep" / "model" / name).read_bytes()
    assert sorted(p.name for p in (tmp_path / "deep" / "model").iterdir()) == ["model.json", "model.safetensors"]
    assert not list(tmp_path.rglob(".*"))


def test_loading_leaves_the_random_state_alone(tmp_path):
    estimator, data, _ = fresh(LSTMClassifier, max_epochs=1)
    estimator.fit(*data).save(tmp_path / "model")
    before = torch.get_rng_state()
    load(tmp_path / "model")
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    "labels", [[3, -1], [True, False], [-1.0, 2.0], ["ü", "b c"], np.array(["x", "yy"], dtype=object)]
)
def test_classes_keep_their_type(labels, tmp_path):
    X, _ = pulses(20)
    model = LSTMClassifier(**QUICK | {"max_epochs": 1}, class_weight={labels[0]: 2.0, labels[1]: 1.0})
    model.fit(X, np.array([labels[k % 2] for k in range(20)], dtype=np.asarray(labels).dtype)).save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert loaded.classes_.dtype == model.classes_.dtype
    assert loaded.predict(X).tolist() == model.predict(X).tolist()
    assert loaded.class_weight == model.class_weight


@pytest.mark.parametrize(
    "index",
    [
        pd.date_range("2024-03-01", periods=200, freq="h", tz="Europe/Vienna"),
        pd.period_range("1990-01", periods=200, freq="M"),
        pd.RangeIndex(50, 450, 2),
    ],
    ids=lambda index: type(index).__name__,
)
def test_a_forecaster_keeps_its_time(index, tmp_path):
    series = pd.DataFrame({"load": wave()[:200], "other": wave(seed=1)[:200]}, index=index)
    model = LSTMForecaster("load", 4, known="other", context=16, **QUICK | {"max_epochs": 1}).fit(series)
    model.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    future = pd.DataFrame({"other": np.arange(4.0)}, index=model.predict(future=np.arange(4.0)).index)
    expected = model.predict_quantiles(future=future)
    pd.testing.assert_frame_equal(loaded.predict_quantiles(future=future), expected)
    assert len(expected.index.intersection(index)) == 0
    assert (
        loaded.season_
        == model.season_
        == {"DatetimeIndex": 24, "PeriodIndex": 12, "RangeIndex": 1}[type(index).__name__]
    )


def test_an_own_cell_must_be_given_again(tmp_path):
    @carrousel.cell("i o g", candidates="g", states="c")
    def mine(z, s, p):
        i, o, g = sigmoid(z.i), sigmoid(z.o), p.g(tanh(z.g))
        c = (1 - i) * s.c + i * g
        return o * tanh(p.c(c)), carrousel.State(c=c), carrousel.Gates(i=i, o=o, g=g)

    estimator, data, test = fresh(LSTMClassifier, cell=mine, max_epochs=1)
    estimator.fit(*data).save(tmp_path / "model")
    with pytest.raises(ModelError, match="cell of the user's own, 'mine'"):
        load(tmp_path / "model")
    with pytest.raises(ModelError, match="'mine', not 'lstm'"):
        load(tmp_path / "model", cell="lstm")
    assert np.array_equal(outputs(load(tmp_path / "model", cell=mine), test), outputs(estimator, test))


def test_an_unfitted_estimator_is_not_saved(tmp_path):
    for kind in ESTIMATORS:
        with pytest.raises(NotFittedError):
            kind().save(tmp_path / "model")
    assert not list(tmp_path.iterdir())


# ---- replacing ----


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Two models of different seeds, as directories."""
    root = tmp_path_factory.mktemp("saved")
    for name, seed in (("old", 0), ("new", 1)):
        estimator, data, _ = fresh(LSTMClassifier, max_epochs=1, random_state=seed)
        estimator.fit(*data).save(root / name)
    return root


def test_replacing_keeps_what_else_is_there(saved, tmp_path):
    path = tmp_path / "model"
    shutil.copytree(saved / "old", path)
    (path / "notes").mkdir()
    (path / "notes" / "a.txt").write_text("mine")
    load(saved / "new").save(path)
    assert load(path).seed_ == load(saved / "new").seed_
    assert (path / "notes" / "a.txt").read_text() == "mine"


def test_what_is_no_model_is_not_replaced(saved, tmp_path):
    (tmp_path / "thesis.txt").write_text("three years")
    model = load(saved / "new")
    with pytest.raises(FileExistsError, match="something else than a model"):
        model.save(tmp_path)
    with pytest.raises(FileExistsError, match="is a file"):
        model.save(tmp_path / "thesis.txt")
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]
    (tmp_path / "empty").mkdir()
    model.save(tmp_path / "empty")


@pytest.mark.parametrize("exchange", [True, False])
def test_a_crash_at_any_point_leaves_the_old_or_the_new(saved, tmp_path, monkeypatch, exchange):
    """Every system call that changes names, and every write, is made the last in turn."""
    path, new = tmp_path / "model", load(saved / "new")
    seeds = {name: load(saved / name).seed_ for name in ("old", "new")}
    if not exchange:
        monkeypatch.setattr(_atomic, "_exchange", lambda a, b: False)

    class Crash(BaseException):
        pass

    seen = set()
    for last in range(1, 40):
        shutil.rmtree(tmp_path)
        shutil.copytree(saved / "old", path)
        calls = 0

        def dying(real, last=last):
            def call(*args, **kwargs):
                nonlocal calls
                calls += 1
                if calls > last:
                    raise Crash  # nothing after a crash happens, the clean-up neither
                return real(*args, **kwargs)

            return call

        with monkeypatch.context() as patch:
            for module, name in ((os, "rename"), (os, "replace"), (os, "fsync"), (shutil, "rmtree")):
                patch.setattr(module, name, dying(getattr(module, name)))
            if exchange:
                patch.setattr(_atomic, "_exchange", dying(_atomic._exchange))
            try:
                new.save(path)
                finished = True
            except Crash:
                finished = False
        found = load(path).seed_
        assert found in seeds.values()
        seen.add(found)
        if finished:
            break
        new.save(path)  # what a crash left behind is no obstacle
        assert load(path).seed_ == seeds["new"]
    assert finished
    assert found == seeds["new"]
    assert seen == set(seeds.values())
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_a_model_that_is_replaced_while_it_is_read_is_read_whole(saved, tmp_path, monkeypatch):
    path, unpack = tmp_path / "model", _saved.unpack
    shutil.copytree(saved / "old", path)
    new, replaced = load(saved / "new"), []

    def late(file):  # the description is that of the old one by now
        if not replaced:
            replaced.append(file)
            new.save(path)
        return unpack(file)

    monkeypatch.setattr(_saved, "unpack", late)
    assert load(path).seed_ == new.seed_
    assert replaced
    (path / "model.safetensors").write_bytes(b"damaged")  # and what is damaged stays so
    with pytest.raises(ModelError):
        load(path)


# ---- damage ----


def sealed(path, change):
    """Change the description and seal it again, as someone would who knows the format."""
    facts, arrays = opened(path)
    change(facts)
    close(path, FORMAT, facts, arrays)


@pytest.fixture
def model(saved, tmp_path):
    return shutil.copytree(saved / "old", tmp_path / "model")


def test_every_cut_and_every_flipped_bit_is_noticed(model):
    for name in ("model.json", "model.safetensors"):
        whole = (model / name).read_bytes()
        for cut in (0, 1, 7, len(whole) // 2, len(whole) - 2):
            (model / name).write_bytes(whole[:cut])
            with pytest.raises(ModelError, match="model"):
                load(model)
        for place in np.random.default_rng(0).integers(0, len(whole) - 1, size=25):
            changed = bytearray(whole)
            changed[place] ^= 1
            (model / name).write_bytes(bytes(changed))
            try:
                load(model)
            except ModelError:
                continue
            assert json.loads(changed) == json.loads(whole)  # a blank between fields became another
        (model / name).write_bytes(whole)
    load(model)


@pytest.mark.parametrize("name", ["model.json", "model.safetensors"])
def test_a_missing_file(model, name):
    (model / name).unlink()
    with pytest.raises(ModelError, match=r"must be a directory with model\.json and model\.safetensors"):
        load(model)


def test_what_is_not_there_and_what_is_a_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="no model at"):
        load(tmp_path / "none")
    (tmp_path / "file").write_text("x")
    with pytest.raises(ModelError, match="must be a directory"):
        load(tmp_path / "file")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{",
        '{"format": "keras"}',
        '{"format": NaN}',
        "[" * 100_000,
        '{"a": 1' + "0" * 5000 + "}",
        "\xff",
    ],
    ids=range(9),
)
def test_a_foreign_description(model, text):
    (model / "model.json").write_text(text, encoding="latin-1")
    with pytest.raises(ModelError, match="model"):
        load(model)


def put(**fields):
    return lambda facts: facts.update(fields)


def put_param(name, value):
    return lambda facts: facts["params"].update({name: value})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put(estimator="RandomForestClassifier"), "unknown estimator"),
        (put(estimator="__import__('os').system('true')"), "unknown estimator"),
        (put_param("hidden_size", 9), "the array network.* is .*, and should be"),
        (put_param("hidden_size", 10**9), "beyond reason"),
        (put_param("hidden_size", -1), "cannot be read as a saved model"),
        (put_param("num_layers", 10**6), "names 1000000 layers"),
        (put_param("num_layers", "8"), "cannot be read as a saved model"),
        (put_param("bidirectional", False), "the array network.head.weight is"),
        (put_param("cell", "gru"), "the array"),
        (put_param("cell", "os.system"), "cannot be read as a saved model"),
        (put_param("cell", ["lstm"]), "cannot be read as a saved model"),
        (put_param("surprise", 1), "surprise"),
        (put_param("device", "no such device"), "cannot be read as a saved model"),
        (put_param("pooling", "sum"), "unknown pooling"),
        (put_param("class_weight", {"a": 1}), "unexpected fields"),
        (put(classes={"kind": "U", "bits": 32, "values": ["a", "b"]}), "prior is no list of 2"),
        (put(classes={"kind": "U", "bits": 32, "values": ["a", "a", "b"]}), "distinct"),
        (put(classes={"kind": "V", "bits": 32, "values": ["a", "b", "c"]}), "class labels are damaged"),
        (put(classes={"kind": "i", "bits": 10**9, "values": [1, 2, 3]}), "cannot be read as a saved model"),
        (put(classes={"kind": "O", "bits": 64, "values": [["a"], "b", "c"]}), "class labels are damaged"),
        (put(scaler={"mean": [0.0], "scale": [1.0]}), "no list of 2 numbers"),
        (put(scaler={"mean": [0.0, 0.0], "scale": [1.0, -1.0]}), "not positive"),
        (put(channels=["a"]), "no list of 1 numbers"),
        (put(channels=None), "cannot be read as a saved model"),
        (put(params=[]), "cannot be read as a saved model"),
        (put(history=7), "cannot be read as a saved model"),
        (put(own_cell=True), "cell of the user's own"),
        (lambda facts: facts.pop("prior"), "'prior' is missing"),
        (lambda facts: facts.pop("params"), "'params' is missing"),
    ],
)
def test_a_tampered_description(model, change, message):
    sealed(model, change)
    with pytest.raises(ModelError, match=message):
        load(model)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays: arrays.pop("network.head.bias"), "array network.head.bias is missing"),
        (lambda arrays: arrays.update({"network.extra": np.zeros(1)}), "array network.extra is not part"),
        (
            lambda arrays: arrays.update({"network.head.bias": np.zeros(3)}),
            "float64 \\[3\\], and should be float32",
        ),
        (lambda arrays: arrays.update({"rival.0.bias": np.zeros(2)}), "array rival.0.bias is float64 \\[2\\]"),
        (lambda arrays: arrays.update({"rival.0.bias": np.full(3, np.nan)}), "rival.0.bias holds a NaN"),
        (lambda arrays: arrays.pop("rival.0.scale"), "array rival.0.scale is missing"),
    ],
)
def test_tampered_arrays(model, change, message):
    arrays = load_file(model / "model.safetensors")
    change(arrays)
    save_file(arrays, model / "model.safetensors")
    with pytest.raises(ModelError, match="checksum does not match"):
        load(model)
    sealed(model, lambda facts: None)
    with pytest.raises(ModelError, match=message):
        load(model)


def test_a_tampered_forecaster(tmp_path):
    estimator, data, _ = fresh(LSTMForecaster, max_epochs=1)
    estimator.fit(*data).save(tmp_path / "model")
    for change in (
        put(context=10**6),
        put(context=0),
        put(season=-3),
        put(columns=[]),
        put(columns=[0, 1]),
        put(unit="1"),
        put(grid={"kind": "spirals", "rule": {}, "unit": "ns"}),
        put(share=2.0),
        put(seasons=[0]),
        lambda facts: facts.pop("simple"),
        lambda facts: facts["simple"].update(begin=99),
        lambda facts: facts["simple"]["methods"][0].update(name=7),
        lambda facts: facts["simple"]["methods"][0]["gauge"].update(floor=0.0),
        lambda facts: facts["simple"]["methods"][1]["parts"][0].update(relative="up"),
        lambda facts: facts["simple"]["methods"][1]["parts"][0]["window"].update(context=10**6),
        lambda facts: facts.pop("grid"),
        put_param("horizon", 10**7),
        put_param("quantiles", [-1.0, 2.0]),
        put_param("target", "nobody"),
        put_param("known", [5]),
    ):
        copy = shutil.copytree(tmp_path / "model", tmp_path / "copy")
        sealed(copy, change)
        with pytest.raises(ModelError):
            load(copy)
        shutil.rmtree(copy)


def test_a_tampered_regressor(tmp_path):
    estimator, data, _ = fresh(LSTMRegressor, max_epochs=1)
    estimator.fit(*data).save(tmp_path / "model")
    for change in (put(mean=[1.0]), put(mean=7), put(target={"mean": [0, 0], "scale": [0, 1], "single": False})):
        copy = shutil.copytree(tmp_path / "model", tmp_path / "copy")
        sealed(copy, change)
        with pytest.raises(ModelError):
            load(copy)
        shutil.rmtree(copy)


def test_a_pickle_in_its_place_is_not_opened(model, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "exploded"), "w"))

    torch.save({"network.head.bias": Bomb()}, model / "model.safetensors")
    with pytest.raises(ModelError, match="no safetensors file"):
        load(model)
    assert not (tmp_path / "exploded").exists()
