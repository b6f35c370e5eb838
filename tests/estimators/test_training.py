"""How the estimators train: seeds, early stopping, weights of classes, what is shown."""

import numpy as np
import pytest
import torch
from sklearn.model_selection import GridSearchCV

from carrousel.estimators import ESTIMATORS, LSTMClassifier, LSTMRegressor
from carrousel.estimators._split import split
from carrousel.training._criterion import close_to
from carrousel.training._loop import usual_batch

from .conftest import QUICK, fresh, outputs, pulses

EVERY = pytest.mark.parametrize("kind", ESTIMATORS, ids=lambda kind: kind.__name__)


@EVERY
def test_same_seed_same_bits_and_the_global_state_is_left_alone(kind):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    np.random.seed(1)
    numpy_before = np.random.get_state()[1].copy()
    models = []
    for seed in (3, 3, 4):
        estimator, data, test = fresh(kind, random_state=seed, dropout=0.3, input_noise=0.1)
        said = outputs(estimator.fit(*data), test)
        weights = [weight.detach().flatten() for weight in estimator.network_.parameters()]
        models.append(np.concatenate([said.ravel(), torch.cat(weights).numpy()]))
        torch.rand(5) if seed == 3 else None  # what the user draws must not matter
        torch.set_rng_state(before)
    assert np.array_equal(models[0], models[1])
    assert not np.array_equal(models[0], models[2])
    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(np.random.get_state()[1], numpy_before)


@EVERY
def test_the_global_state_does_not_matter(kind):
    found = []
    for state in (0, 1):
        torch.manual_seed(state)
        estimator, data, test = fresh(kind, random_state=0)
        found.append(outputs(estimator.fit(*data), test))
    assert np.array_equal(*found)


@EVERY
@pytest.mark.parametrize(
    "options",
    [
        {"cell": "peephole", "num_layers": 2, "dropout": 0.2, "forget_bias": 2.0},
        {"cell": "original", "block_size": 2},
        {"cell": "gru", "recurrent_dropout": 0.2, "bidirectional": True},
        {"layer_norm": True, "zoneout": (0.1, 0.1), "init": "orthogonal"},
        {"proj_size": 4, "gate_recurrence": "gates"},
        {"heads": 2},
        {"cell": "elman(squash=relu)", "diagonal": True, "gradient_clip": None},
    ],
    ids=str,
)
def test_options_reach_the_network(kind, options):
    estimator, data, _ = fresh(kind, max_epochs=1, **options)
    network = estimator.fit(*data).network_
    described = str(network.lstm.extra_repr()) + " ".join(network.state_dict())
    assert network.lstm.cell.spec == options.get("cell", "lstm")
    assert network.lstm.num_layers == options.get("num_layers", estimator.num_layers)
    for name, mark in {"layer_norm": "norm_", "gate_recurrence": "gate", "proj_size": "weight_hr"}.items():
        assert (mark in described) == (name in options), name
    rows = len(network.lstm.weight_hh_l0)
    if options.get("block_size"):
        assert rows == 2 * 4 + 8  # two gates with a row for each block, a candidate with a row for each cell
    if options.get("heads"):
        assert network.lstm.weight_hh_l0.numel() < rows * 8
    if options.get("diagonal"):
        assert network.lstm.weight_hh_l0.numel() == 8
    assert network.dropout.p == options.get("dropout", estimator.dropout)


def test_best_weights_are_kept_and_training_stops_early():
    X, y = pulses(40)
    random = np.random.default_rng(0)
    # Labels without meaning: the validation loss rises as soon as noise is learned by heart.
    y = random.permutation(y)
    model = LSTMClassifier(**QUICK | {"max_epochs": 80}, patience=15, validation=0.25, random_state=0).fit(X, y)
    losses = [row["valid_loss"] for row in model.history_]
    assert model.stopped_early_
    assert len(losses) < 80
    assert 1 + int(np.argmin(losses)) == len(losses) - 15 <= model.best_epoch_ < len(losses)
    _, valid = split(40, 0.25, model.seed_, np.unique(y, return_inverse=True)[1])
    chosen = model.predict_proba([X[k] for k in valid])
    true = np.searchsorted(model.classes_, y[valid])
    each = -np.log(chosen[np.arange(len(valid)), true])
    assert each.mean() == pytest.approx(losses[model.best_epoch_ - 1], rel=1e-5)
    assert losses[model.best_epoch_ - 1] < losses[-1]


def test_of_epochs_that_cannot_be_told_apart_the_last_is_kept():
    least = torch.tensor([0.1, 0.2, 0.3, 0.4])
    assert close_to(least, least)
    assert close_to(least + torch.tensor([0.3, -0.2, 0.2, -0.2]), least)  # worse by 0.025, give or take 0.13
    assert not close_to(least + torch.tensor([0.2, 0.3, 0.2, 0.3]), least)  # worse by 0.25, give or take 0.03
    assert not close_to(torch.tensor([0.2]), torch.tensor([0.1]))


def test_without_validation_the_last_weights_are_used():
    X, y = pulses(40)
    model = LSTMClassifier(**QUICK, validation=None).fit(X, y)
    assert "valid_loss" not in model.history_[-1]
    assert model.best_epoch_ == len(model.history_) == QUICK["max_epochs"]


def test_explicit_validation_data_is_used():
    X, y = pulses(40)
    model = LSTMClassifier(**QUICK, random_state=0).fit(X[:30], y[:30], validation_data=(X[30:], y[30:]))
    best = model.history_[model.best_epoch_ - 1]
    assert best["accuracy"] == pytest.approx(model.score(X[30:], y[30:]))
    with pytest.raises(ValueError, match="class 'never', which the training data does not have"):
        LSTMClassifier(**QUICK).fit(X, y, validation_data=(X[:1], ["never"]))


def test_scaler_sees_the_training_part_only():
    X, y = pulses(40)
    model = LSTMClassifier(**QUICK, validation=0.25, random_state=0).fit(X, y)
    train, valid = split(40, 0.25, model.seed_, np.unique(y, return_inverse=True)[1])
    rows = np.concatenate([X[k] for k in train])
    assert len(valid) == 10
    assert np.allclose(model.scaler_.mean, rows.mean(axis=0), rtol=1e-12)
    assert np.allclose(model.scaler_.scale, rows.std(axis=0), rtol=1e-12)
    raw = LSTMClassifier(**QUICK | {"max_epochs": 1}, standardise=False).fit(X, y)
    assert raw.scaler_.mean.tolist() == [0, 0]


def test_a_constant_channel_does_no_harm():
    X, y = pulses(40)
    X = [np.column_stack([x, np.full(len(x), 1e9 + 0.1)]) for x in X]
    model = LSTMClassifier(**QUICK, random_state=0).fit(X, y)
    assert np.isfinite(model.predict_proba(X)).all()
    assert model.scaler_.scale[2] == 1


@pytest.mark.parametrize("count", [2, 7, 40, 101])
def test_split_is_stratified_and_leaves_every_class_to_train_on(count):
    classes = np.arange(count) % 2 if count < 40 else np.repeat([0, 1, 1, 2], count)[:count]
    train, valid = split(count, 0.2, 0, classes)
    assert sorted([*train, *valid]) == list(range(count))
    assert set(classes[train]) == set(classes)
    assert abs(len(valid) - 0.2 * count) <= 1
    for k in set(classes):
        assert abs((classes[valid] == k).sum() - 0.2 * (classes == k).sum()) <= 1


def test_class_weight_moves_the_odds():
    random = np.random.default_rng(0)
    X = [random.normal(size=(5, 1)) for _ in range(120)]
    y = np.array(["rare"] * 20 + ["common"] * 100)
    share = {}
    for weight in (None, "balanced", {"rare": 100.0, "common": 1.0}):
        model = LSTMClassifier(**QUICK, class_weight=weight, random_state=0).fit(X, y)
        share[str(weight)] = float(model.predict_proba(X)[:, 1].mean())
    none, balanced, heavy = share.values()
    assert none < 0.3 < balanced < 0.7 < heavy


def test_class_names_come_back_in_their_type():
    X, y = pulses(30)
    for labels in (y, np.searchsorted(np.unique(y), y) - 5, y == "late", list(map(str, y))):
        model = LSTMClassifier(**QUICK | {"max_epochs": 1}).fit(X, labels)
        assert model.predict(X).dtype == np.asarray(labels).dtype
        assert set(model.classes_) == set(labels)


def test_regressor_keeps_the_form_of_its_targets():
    X, _ = pulses(30)
    y = np.array([x[:, 0].max() for x in X])
    assert LSTMRegressor(**QUICK | {"max_epochs": 1}).fit(X, y).predict(X).shape == (30,)
    assert LSTMRegressor(**QUICK | {"max_epochs": 1}).fit(X, y[:, None]).predict(X).shape == (30, 1)
    assert LSTMRegressor(**QUICK | {"max_epochs": 1}).fit(X, np.c_[y, y]).predict(X).shape == (30, 2)


@pytest.mark.parametrize("pooling", ["last", "mean", "max", "mean-max"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_company_does_not_change_a_prediction(pooling, bidirectional):
    X, y = pulses(30)
    model = LSTMClassifier(**QUICK | {"max_epochs": 2}, pooling=pooling, bidirectional=bidirectional).fit(X, y)
    together = model.predict_proba(X)
    alone = np.concatenate([model.predict_proba([x]) for x in X])
    assert np.allclose(together, alone, atol=1e-6)


def test_divergence_is_an_error():
    X, _ = pulses(30)
    with pytest.raises(ValueError, match="training diverged"):
        LSTMRegressor(**QUICK | {"learning_rate": 1e30}, gradient_clip=None).fit(X, np.arange(30.0))


def test_a_grid_search_takes_lists_of_ragged_sequences():
    X, y = pulses(30)
    search = GridSearchCV(LSTMClassifier(**QUICK, random_state=0), {"hidden_size": np.array([4, 6])}, cv=2).fit(X, y)
    assert search.best_params_["hidden_size"] in (4, 6)


@EVERY
def test_progress_tells_the_run(kind):
    told = []
    estimator, data, _ = fresh(kind, max_epochs=3, patience=None)
    estimator.fit(*data, progress=told.append)
    events = [p.event for p in told]
    batches = told[0].batches
    assert events == ["begin", *(["batch"] * batches + ["epoch"]) * 3, "end"]
    epochs = [p for p in told if p.event == "epoch"]
    assert [p.epoch for p in epochs] == [1, 2, 3]
    for progress, row in zip(epochs, estimator.history_, strict=True):
        assert progress.train_loss == row["train_loss"]
        assert progress.valid_loss == row["valid_loss"]
        assert progress.metric == row[progress.metric_name]
    assert [p.batch for p in told if p.event == "batch"] == list(range(1, batches + 1)) * 3
    left = [p.seconds_left for p in epochs]
    assert told[0].seconds_left is None
    assert left[-1] == 0
    assert left[0] > 0
    assert told[-1].best_epoch == estimator.best_epoch_


@EVERY
def test_activations_name_states_and_gates(kind):
    estimator, data, test = fresh(kind, max_epochs=1, num_layers=2, bidirectional=True)
    estimator.fit(*data)
    one = test[0][0] if isinstance(test[0], list) else test[0]
    steps = len(one) if isinstance(test[0], list) else estimator.context_
    found = estimator.activations(one)
    wanted = {f"{n}_l{layer}{end}" for n in "hcifgo" for layer in (0, 1) for end in ("", "_reverse")}
    assert set(found) == wanted
    assert all(value.shape == (steps, 8) for value in found.values())
    assert all((found[f"{gate}_l0"] > 0).all() and (found[f"{gate}_l0"] < 1).all() for gate in "ifo")


@pytest.mark.parametrize(("count", "size"), [(3, 4), (36, 5), (100, 14), (243, 32), (10**6, 32)])
def test_small_sets_come_in_small_batches(count, size):
    assert usual_batch(count) == size
    if count == 36:
        told = []
        X, y = pulses(40)
        options = QUICK | {"batch_size": None, "max_epochs": 1}
        LSTMClassifier(**options, validation=0.1).fit(X, y, progress=told.append)
        assert told[0].batches == 8
