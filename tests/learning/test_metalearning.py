"""Learning to learn: what is drawn anew, and that a frozen net learns a function it has never seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from carrousel.learning.metalearning import DrawnAnew, Metalearned, metalearn
from carrousel.nets.step_regressor import StepRegressor
from carrousel.tasks import BooleanFunctions, EmbeddedReber, QuadraticFunctions, SemilinearFunctions
from carrousel.tasks._functions import _Functions


@dataclass(frozen=True)
class Constants(_Functions):
    """A number for each sequence: what it is can be told from the first example on."""

    length: int = 6
    tolerance: float = 0.1

    def _values(self, rng, x):
        return np.repeat(rng.uniform(0.1, 0.9, (len(x), 1)), self.length, 1)


@pytest.fixture(scope="module")
def learned():
    return metalearn(Constants(), 8, epochs=12, batches=15, rate=0.03)


def test_the_functions_are_what_they_are_called():
    rng = np.random.default_rng(0)
    drawn = BooleanFunctions(length=40).draw(rng, 300)
    x, y = drawn.inputs.reshape(300, 40, 3), drawn.targets.reshape(300, 40)
    tables = set()
    for one, values in zip(x, y, strict=True):
        table = {}
        for (a, b, _), value in zip(one, values, strict=True):
            assert table.setdefault((a, b), value) == value, "a function has one value for each case"
        tables.add(tuple(table[case] for case in ((0, 0), (0, 1), (1, 0), (1, 1))))
    assert len(tables) == 14
    assert not tables & {(0, 1, 1, 0), (1, 0, 0, 1)}
    assert len(BooleanFunctions(separable=False, length=1).draw(rng, 5).inputs) == 5
    for task, unknowns in ((QuadraticFunctions(length=9), 6), (SemilinearFunctions(length=9), 3)):
        drawn = task.draw(rng, 200)
        u, v, last = drawn.inputs.reshape(200, 9, 3).astype(float).transpose(2, 0, 1)
        y = drawn.targets.reshape(200, 9).astype(float)
        np.testing.assert_array_equal(last[:, 1:], y[:, :-1].astype(np.float32))
        assert (last[:, 0] == 0).all()
        assert np.abs(u).max() <= 1
        goal = (y - 0.5) / 0.05 if unknowns == 6 else np.arctanh(2 * y - 1)
        terms = [u * u, v * v, u * v, u, v, u * 0 + 1] if unknowns == 6 else [u, v, u * 0 + 1]
        for k in range(20):
            X = np.stack([term[k] for term in terms], 1)
            coefficients, *_ = np.linalg.lstsq(X, goal[k], rcond=None)
            np.testing.assert_allclose(X @ coefficients, goal[k], atol=1e-4)
            assert np.abs(coefficients).max() < 1 + 1e-3


def test_sequences_are_drawn_anew_and_again_for_who_goes_on():
    items, same = (
        DrawnAnew(QuadraticFunctions(length=5), 40, seed=1),
        DrawnAnew(QuadraticFunctions(length=5), 40, seed=1),
    )
    one, two = items.batch(np.array([3, 7])), items.batch(np.array([7, 3]))
    assert one[0]["input"].shape == (2, 5, 3)
    assert one[1].shape == (2, 5, 1)
    assert not torch.equal(one[1], two[1])
    assert not torch.equal(one[1], two[1].flip(0)), "another order is another draw"
    assert torch.equal(one[1], same.batch(np.array([3, 7]))[1])
    with pytest.raises(ValueError, match="must be numbers, and of one length"):
        DrawnAnew(EmbeddedReber(), 4)


def test_a_frozen_net_learns_a_number_that_it_has_never_seen(learned):
    before = {name: weight.clone() for name, weight in learned._frozen.state_dict().items()}
    rng = np.random.default_rng(3)
    errors = []
    for value in (0.2, 0.45, 0.8):
        learned.reset()
        row = []
        for _ in range(5):
            x = {"u": rng.uniform(-1, 1), "v": rng.uniform(-1, 1)}
            first = learned.predict_one(x)
            assert learned.predict_one(x) == first, "a prediction changes nothing"
            row.append(abs(first - value))
            learned.learn_one(x, value)
        errors.append(row)
    assert np.max(errors, 0)[1:].max() < 0.1
    assert np.max(errors, 0)[0] > 0.2, "before an example nobody can know"
    assert all(torch.equal(weight, before[name]) for name, weight in learned._frozen.state_dict().items())


def test_what_is_learned_is_saved(learned, tmp_path):
    learner = Metalearned(learned.network, names=["v", "u"], y_range=(-1.0, 1.0))
    for k in range(3):
        learner.learn_one({"u": 0.1 * k, "v": -0.3}, 0.5)
    learner.save(tmp_path / "learner")
    other = Metalearned.load(tmp_path / "learner")
    for k in range(3):
        x = {"u": 0.2 * k, "v": 0.4}
        assert learner.predict_one(x) == other.predict_one(x)
        learner.learn_one(x, 0.1 * k), other.learn_one(x, 0.1 * k)
    assert abs(learner.predict_one(x) - 0.2) < 0.3
    assert learner.weight_count == other.weight_count > 0


def test_steps_one_by_one_are_a_sequence():
    network = StepRegressor(3, 2, lstm={"hidden_size": 5, "cell": "peephole"}).eval()
    x, state = torch.randn(1, 6, 3), None
    with torch.no_grad():
        whole = network(x, torch.tensor([6]))
        for t in range(6):
            said, state = network.carry(x[:, t : t + 1], torch.tensor([1]), state)
            torch.testing.assert_close(said[:, 0], whole[:, t])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m: m.learn_one({"u": 0.0}, np.nan), "the target is nan"),
        (lambda m: m.learn_one({"u": np.inf}, 0.0), "'u' is inf"),
        (lambda m: m.predict_one({"u": np.nan}), "'u' is nan"),
        (lambda m: Metalearned(m.network, names=["a"]), "2 arguments, and there are 1 names"),
        (lambda m: Metalearned(m.network, x_range=(1, 1)), "x_range must be"),
        (lambda m: metalearn(QuadraticFunctions(), 0), "hidden_size must be"),
        (lambda m: StepRegressor(1, squash="tanh", lstm={"hidden_size": 2}), "squash must be"),
        (lambda m: QuadraticFunctions(length=0), "length must be"),
        (lambda m: SemilinearFunctions(tolerance=0), "tolerance must be"),
    ],
)
def test_what_is_wrong_is_said(learned, call, words):
    before = learned.predict_one({"u": 0.1})
    with pytest.raises(ValueError, match=words):
        call(learned)
    assert learned.predict_one({"u": 0.1}) == before
