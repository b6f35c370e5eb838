"""The extended Kalman filter: against least squares, against its equations in NumPy, and over a long time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from carrousel.learning import Annealed, Kalman, KalmanLearner, Learner, OnlineLSTM, SimpleNetwork
from carrousel.learning.kalman import _over
from carrousel.learning.kalman._nodes import nodes_of
from carrousel.learning.online import Network

GROUPS = ["weight", "node", "global"]
PERCEPTRON = Network(3, 2, blocks=0, feeds={"output": "input bias"}, unit_squash="identity")
PAPERS = Network(3, 2, 2, 2, hidden=1, forget_gates=True, peepholes=True, init=0.5).biased("cell output")
LEARNERS = {
    "papers": lambda: Learner(PAPERS, dtype=np.float64, seed=3),
    "1997": lambda: Learner(Network(3, 2, 2, init=0.5), dtype=np.float64, seed=3),
    "peephole": lambda: OnlineLSTM(3, 3, 2, cell="peephole", dtype=np.float64, seed=3),
    "split": lambda: OnlineLSTM(3, 3, 2, cell="gru", dtype=np.float64, seed=3),
    "logistic": lambda: OnlineLSTM(3, 3, 2, loss="logistic", dtype=np.float64, seed=3),
    "softmax": lambda: OnlineLSTM(3, 3, 2, loss="softmax", dtype=np.float64, seed=3),
}
ANNEALED = Kalman("node", p=5.0, r=Annealed(10.0, 0.5, 20), q=Annealed(1e-2, 1e-4, 30))


@pytest.fixture
def one_by_one(monkeypatch):
    """Has the filter take the steps of every learner one by one, as it does those of any."""
    monkeypatch.setattr("carrousel.learning.kalman._learner.streams_of", _over._OfAny)
    monkeypatch.setattr("carrousel.learning.kalman._learner.gathered", lambda learner: None)


def drawn(steps=60, seed=0):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(steps, 3)), rng.random(size=(steps, 2))
    y[rng.random(steps) < 0.3] = np.nan
    return x, y


def sequences(x, y, cuts=(0, 9, 14, 30, 44, 60)):
    return [(x[a:b], y[a:b]) for a, b in pairwise(cuts)]


def members_of(learner, groups):
    nodes = nodes_of(learner)
    return {
        "weight": [np.array([k]) for k in range(learner.weight_count)],
        "node": [np.flatnonzero(nodes == k) for k in np.unique(nodes)],
        "global": [np.arange(learner.weight_count)],
    }[groups]


def by_the_papers_equations(twins, settings, spans):
    """The filter of 2003 as it is printed, over sequences, as many of them at once as there are twins."""
    members, t, outputs = members_of(twins[0], settings.groups), 0, []
    P = [settings.p * np.eye(len(group)) for group in members]
    for first in range(0, len(spans), len(twins)):
        together = spans[first : first + len(twins)]
        told = [[] for _ in together]
        for twin in twins:
            twin.reset()
        for step in range(max(len(x) for x, _ in together)):
            H, e = [], []
            for s, (x, y) in enumerate(together):
                if step < len(x):
                    told[s].append(twins[s].observe_many(x[step : step + 1], tell=True)[0])
                    if not np.isnan(y[step, 0]):
                        H.append(twins[s].sensitivities().T)
                        e.append(y[step] - told[s][-1])
            if not H:
                continue
            H, e, w = np.concatenate(H, 1), np.concatenate(e), np.array(twins[0].vector)
            A = settings.r.at(t) * np.eye(len(e)) + sum(H[g].T @ P[k] @ H[g] for k, g in enumerate(members))
            A = np.linalg.inv(A)
            for k, g in enumerate(members):
                K = P[k] @ H[g] @ A
                w[g] += K @ e
                P[k] = P[k] - K @ H[g].T @ P[k] + settings.q.at(t) * np.eye(len(g))
            for twin in twins:
                twin.vector = w
            t += 1
        outputs += told
    return P, [np.array(part) for part in outputs]


def variances(learner):
    found = learner.variances
    return [np.array([[p]]) for p in found[0]] if learner.filter.groups == "weight" else found


def check(filtered, twins, settings):
    spans = sequences(*drawn())
    first = np.array(twins[0].vector)
    x, y = ([part[k] for part in spans] for k in range(2))
    told = filtered.learn_and_answer(x, y)
    P, outputs = by_the_papers_equations(twins, settings, spans)
    np.testing.assert_allclose(told, [part[-1] for part in outputs], rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(filtered.learner.vector, twins[0].vector, rtol=1e-8, atol=1e-9)
    for mine, other in zip(variances(filtered), P, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-7, atol=1e-9)
    assert np.abs(twins[0].vector - first).max() > 0.05


@pytest.mark.parametrize("streams", [1, 3])
@pytest.mark.parametrize("groups", GROUPS)
@pytest.mark.parametrize("name", LEARNERS)
def test_equals_the_papers_equations(name, groups, streams):
    if streams > 1 and name not in ("papers", "peephole"):
        pytest.skip("how streams are put together does not depend on the cell")
    settings = Kalman(groups, ANNEALED.p, ANNEALED.r, ANNEALED.q)
    filtered = KalmanLearner(LEARNERS[name](), settings, streams=streams)
    check(filtered, [LEARNERS[name]() for _ in range(streams)], settings)


@pytest.mark.parametrize("streams", [1, 2])
def test_any_learner_is_filtered_step_by_step(one_by_one, streams):
    filtered = KalmanLearner(LEARNERS["papers"](), ANNEALED, streams=streams)
    check(filtered, [LEARNERS["papers"]() for _ in range(streams)], ANNEALED)


@pytest.mark.parametrize("groups", ["node", "global"])
def test_of_a_linear_model_it_is_recursive_least_squares(groups):
    """After every step the weights are those of ridge regression on the steps so far, by the normal equations."""
    learner, begin = Learner(PERCEPTRON, dtype=np.float64, seed=1), 0
    filtered, first = KalmanLearner(learner, Kalman(groups, p=10.0, r=0.5, q=0.0)), learner.weights["output"]
    x, y = drawn(300)
    seen = np.concatenate([x, np.ones((300, 1))], 1)
    for end in (1, 2, 3, 50, 300):
        filtered.learn_many(x[begin:end], y[begin:end])
        begin, known = end, np.flatnonzero(~np.isnan(y[:end, 0]))
        matrix = seen[known].T @ seen[known] / 0.5 + np.eye(4) / 10
        wanted = np.linalg.solve(matrix, seen[known].T @ y[known] / 0.5 + first.T / 10)
        np.testing.assert_allclose(learner.weights["output"], wanted.T, rtol=0, atol=1e-10)
        inverse = np.linalg.inv(matrix)
        for P in filtered.variances:
            np.testing.assert_allclose(P, inverse if groups == "node" else np.kron(np.eye(2), inverse), atol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("groups", GROUPS)
@pytest.mark.parametrize("settings", [{"r": 1e-6, "q": 0.0}, {"r": Annealed(100.0, 1e-3, 5000), "q": 1e-3}])
def test_variances_stay_symmetric_and_positive(groups, settings):
    """Where nearly nothing is noise, most inputs say the same, and P has a wide range. tests/hard goes on longer."""
    filtered = KalmanLearner(Learner(PAPERS, dtype=np.float64), Kalman(groups, 1e4, **settings))
    codes = np.random.default_rng(0).choice(3, 10_000, p=[0.98, 0.01, 0.01])
    filtered.learn_many(codes, (codes + 1) // 2)
    for P in variances(filtered):
        assert np.array_equal(P, P.T)
        assert np.linalg.eigvalsh(P).min() > 0
    assert filtered.updates == 10_000


@pytest.mark.parametrize("name", ["papers", "peephole"])
def test_several_streams_go_on_from_call_to_call(name):
    x, y = (part.reshape(3, 20, -1) for part in drawn())
    one, two = (KalmanLearner(LEARNERS[name](), ANNEALED, streams=3) for _ in range(2))
    told = one.learn_streams(x, y, tell=True)
    parts = [two.learn_streams(x[:, a:b], y[:, a:b], tell=True) for a, b in ((0, 1), (1, 8), (8, 20))]
    np.testing.assert_array_equal(told, np.concatenate(parts, 1))
    np.testing.assert_array_equal(one.learner.vector, two.learner.vector)
    # As sequences that are learned at once from a reset.
    again = KalmanLearner(LEARNERS[name](), ANNEALED, streams=3)
    again.learn_sequences(x, y)
    np.testing.assert_array_equal(one.learner.vector, again.learner.vector)
    one.reset()
    again.reset()
    np.testing.assert_array_equal(one.learn_streams(x, y, tell=True), again.learn_streams(x, y, tell=True))
    with pytest.raises(ValueError, match="learn_streams takes"):
        one.learn_many(x[0], y[0])
    with pytest.raises(ValueError, match=r"\[3 streams, steps"):
        one.learn_streams(x[:2], y[:2])


def test_groups_are_the_weights_of_a_unit():
    sizes = np.bincount(nodes_of(Learner(Network(4, 4, 2, forget_gates=True, peepholes=True))))
    assert len(sizes) == 12  # two cells, three gates of each, four outputs
    lstm = OnlineLSTM(3, 4, 2, cell="peephole")
    assert np.bincount(nodes_of(lstm)).tolist() == [
        9 if row != "g" else 8 for row in lstm.cell.rows for _ in range(4)
    ] + [5, 5]


def test_weights_that_are_not_trained_stay():
    learner = LEARNERS["papers"]()
    before, trained = np.array(learner.vector), np.arange(learner.weight_count) % 3 > 0
    filtered = KalmanLearner(learner, ANNEALED, trained=trained)
    filtered.learn_many(*drawn())
    assert np.array_equal(learner.vector != before, trained)
    assert sum(len(P) for P in filtered.variances) == trained.sum()


def test_it_learns_from_fewer_steps_than_descent():
    """The sum of the last two bits, of 300 steps."""
    bits = np.random.default_rng(0).integers(0, 2, (300, 1)).astype(float)
    goals = bits + np.roll(bits, 1, 0)
    filtered = KalmanLearner(OnlineLSTM(1, 4, 1, dtype=np.float64), Kalman(p=10.0, r=1.0, q=1e-5))
    plain = OnlineLSTM(1, 4, 1, dtype=np.float64)
    said = [np.abs(each.learn_many(bits, goals, tell=True) - goals)[200:].mean() for each in (filtered, plain)]
    assert said[0] < 0.05 < 0.2 < said[1]


BAD = [
    (lambda: Kalman(r=0.0), "r, the variance of the targets' noise, must be a number above 0"),
    (lambda: Kalman(r=np.nan), "must be a number above 0"),
    (lambda: Kalman(q=-1e-3), "q, by which weights wander"),
    (lambda: Kalman(p=0), "p, the variance of a weight's error"),
    (lambda: Kalman(groups="layer"), "groups must be one of weight, node, global"),
    (lambda: Annealed(1.0, 0.0, 10), "last must be a number above 0"),
    (lambda: Annealed(1.0, 0.1, 0), "updates must be a whole number"),
    (lambda: KalmanLearner(SimpleNetwork.example()), "is not Sensitive"),
    (lambda: KalmanLearner(OnlineLSTM(1, 2), streams=0), "streams must be"),
    (lambda: KalmanLearner(OnlineLSTM(1, 2), trained=[True]), "trained must be"),
]


@pytest.mark.parametrize(("call", "message"), BAD)
def test_bad_settings(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_bad_targets_change_nothing():
    filtered = KalmanLearner(LEARNERS["papers"](), ANNEALED)
    x, y = drawn()
    y[np.flatnonzero(~np.isnan(y[:, 0]))[3], 1] = np.nan
    before = [array.copy() for array in filtered._arrays().values()]
    with pytest.raises(ValueError, match="finite numbers are wanted, or all NaN"):
        filtered.learn_many(x, y)
    assert all(np.array_equal(a, b) for a, b in zip(before, filtered._arrays().values(), strict=True))


@pytest.mark.parametrize("name", ["papers", "peephole"])
def test_what_diverges_says_so_and_never_nan(name):
    filtered = KalmanLearner(LEARNERS[name](), Kalman(p=1e300, r=1e-300))
    with pytest.raises(FloatingPointError, match="the filter diverged after"):
        filtered.learn_many(*drawn(1000))
    assert np.isfinite(filtered.learner.vector).all()
