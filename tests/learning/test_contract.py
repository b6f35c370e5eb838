"""What every learner keeps to, by the roles that it has: all of ``LEARNERS``, and one that is made up here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from carrousel.learning import LEARNERS, Responding, Sensitive, Sequential, Streaming
from carrousel.learning._protocol import UNOBSERVED, checked_vector, checked_weights
from carrousel.learning._steps import EVERY_STEP, LAST_STEP, LEARN, SILENT


class MadeUp(Sequential, Sensitive, Responding):
    """Outputs linear in the step's input, taught by the delta rule: all four roles in under forty lines."""

    input_size, output_size, weight_count = 2, 3, 6
    example = classmethod(lambda cls, seed=0: cls(seed))
    weights = property(lambda self: {"w": self._w.copy()}, lambda self, new: self._set(new))
    vector = property(
        lambda self: np.frombuffer(self._w.tobytes()),
        lambda self, new: self._set(self.named(checked_vector(new, 6, self.dtype))),
    )

    def __init__(self, seed):
        self._w, self._seen = np.random.default_rng(seed).normal(size=(3, 2)), None

    def _set(self, new):
        self._w, self._seen = checked_weights(new, {"w": (3, 2)})["w"], None

    def named(self, vector):
        return {"w": np.reshape(vector, (-1, 2))}

    def _stream(self, inputs, targets, learning, tell):
        told = np.zeros((len(inputs), 3))
        for t, x in enumerate(one_hot(inputs, 2)):
            told[t] = self._w @ x
            if targets is not None and np.isfinite(goal := one_hot(targets, 3)[t]).all():
                self._w = self._w + 0.1 * np.outer(goal - told[t], x)
            self._seen = x if targets is None else None
        return told if tell else None

    def predict_many(self, inputs):
        return one_hot(self._inputs(inputs), 2) @ self._w.T

    def reset(self):
        self._seen = None

    def sensitivities(self):
        if self._seen is None:
            raise ValueError(UNOBSERVED)
        return np.kron(np.eye(3), self._seen[None])

    def _sequences(self, inputs, targets, begin, end, telling):
        steps = np.concatenate([np.arange(*span) for span in zip(begin, end, strict=True)] or [begin])
        x, y = inputs[steps], None if targets is None else targets[steps]
        told = self.predict_many(x) if y is None else self._stream(x, y, LEARN, True)
        return told[{SILENT: begin[:0], EVERY_STEP: slice(None), LAST_STEP: np.cumsum(end - begin) - 1}[telling]]

    def _respond(self, population, inputs, begin, end, hidden):
        steps = np.concatenate([np.arange(*span) for span in zip(begin, end, strict=True)])
        return np.stack([one_hot(inputs, 2)[steps] @ w.reshape(3, 2).T for w in population])


def one_hot(steps, units):
    return np.eye(units + 1, units)[steps] if steps.ndim == 1 else steps


def documented():
    """The learner of CONTRIBUTING.md."""
    page = (Path(__file__).resolve().parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    code = next(part for part in page.split("```python\n")[1:] if "(Sequential)" in part).split("```")[0]
    scope = {}
    exec(code, scope)
    return scope["Means"]


CHECKED = [*LEARNERS, MadeUp, documented()]


def having(role):
    return pytest.mark.parametrize("kind", [k for k in CHECKED if issubclass(k, role)], ids=lambda kind: kind.__name__)


def drawn(learner, steps=40, seed=0):
    """Codes, a target at every step, and spans that overlap."""
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, learner.input_size, steps), rng.integers(0, learner.output_size, steps)
    return x, y, np.array([[0, 12], [12, 20], [8, 30], [30, 40]])


def everything(learner):
    """Copies of all arrays that a learner holds, however deep in tuples and dicts; not its working space."""
    if hasattr(learner, "_arrays"):
        return [array.copy() for array in learner._arrays().values()]
    found, waiting = [], [vars(learner)]
    while waiting:
        item = waiting.pop()
        if isinstance(item, np.ndarray):
            found.append(item.copy())
        elif isinstance(item, dict | list | tuple):
            waiting += item.values() if isinstance(item, dict) else item
    return found


def same(one, two):
    return len(one) == len(two) and all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


def test_every_learner_has_a_role():
    for kind in CHECKED:
        assert issubclass(kind, Sequential | Streaming | Responding), kind
    for role in (Sequential, Streaming, Sensitive, Responding):
        assert sum(issubclass(kind, role) for kind in LEARNERS) >= 2 or role is Streaming


@having(Sequential)
def test_sequences(kind):
    one, two, other = kind.example(), kind.example(), kind.example(seed=1)
    x, y, spans = drawn(one)
    n, last = one.output_size, np.cumsum(spans[:, 1] - spans[:, 0]) - 1
    assert one.weight_count == sum(w.size for w in one.weights.values())
    assert same([*one.weights.values()], [*two.weights.values()])
    assert not same([*one.weights.values()], [*other.weights.values()]), "the seed does nothing"
    before = everything(one)
    one.ready()
    outputs, answers = one.sequence_outputs(x, spans), one.answers(x, spans)
    assert same(before, everything(one)), "looking, or being ready, changed something"
    assert (outputs.shape, answers.shape) == ((last[-1] + 1, n), (len(spans), n))
    assert np.array_equal(answers, outputs[last])
    lists = [x[a:b] for a, b in spans]
    assert np.array_equal(one.sequence_outputs(lists), outputs)
    assert one.learn_sequences(x, y, spans) is None
    told = two.learn_and_answer(x, y, spans)
    assert told.shape == answers.shape
    assert same([*one.weights.values()], [*two.weights.values()]), "telling changed what was learned"
    assert not same([*one.weights.values()], [*kind.example().weights.values()]), "nothing was learned"
    # The first sequence's answer is from before its end, and that of one step from before anything was learned.
    fresh = kind.example()
    np.testing.assert_allclose(
        fresh.learn_and_answer(x[:1], y[:1], [[0, 1]])[0], kind.example().answers(x[:1], [[0, 1]])[0]
    )
    one.weights = kind.example().weights
    assert np.array_equal(one.sequence_outputs(x, spans), outputs), "weights that were given back answer differently"


@having(Streaming)
def test_streams(kind):
    one, two = kind.example(), kind.example()
    x, y, _ = drawn(one)
    before = everything(one)
    one.ready()
    predicted = one.predict_many(x)
    assert same(before, everything(one)), "looking, or being ready, changed something"
    assert predicted.shape == (len(x), one.output_size)
    told = one.observe_many(x[:10], tell=True)
    np.testing.assert_array_equal(told, predicted[:10])
    np.testing.assert_array_equal(one.predict_one(x[10]), one.predict_many(x[10:11])[0])
    assert two.observe_many(x[:10]) is None
    assert one.learn_many(x[10:], y[10:], tell=True).shape == (len(x) - 10, one.output_size)
    for code, target in zip(x[10:], y[10:], strict=True):
        two.learn_one(code, target)
    assert same(everything(one), everything(two)), "steps one by one, or telling, changed what was learned"
    assert not same(everything(one), everything(kind.example()))
    one.reset()
    again = kind.example()
    again.weights = one.weights
    np.testing.assert_array_equal(one.predict_many(x), again.predict_many(x), "a reset leaves something behind")


@having(Streaming)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_changes_nothing(kind, bad):
    learner = kind.example()
    x, y = np.zeros((4, learner.input_size)), np.zeros((4, learner.output_size))
    x[2, 1] = bad
    before = everything(learner)
    for call in (lambda: learner.learn_many(x, y), lambda: learner.observe_many(x), lambda: learner.predict_many(x)):
        with pytest.raises(ValueError, match="input 1 of step 2"):
            call()
    assert same(before, everything(learner))


BAD_SEQUENCES = [
    (lambda l, x, y, s: l.learn_sequences(x, y[:-1], s), "targets"),
    (lambda l, x, y, s: l.learn_sequences(np.where(x == 0, l.input_size, x), y, s), "names input unit"),
    (lambda l, x, y, s: l.learn_sequences(x, np.where(y == 0, -2, y), s), "names output unit"),
    (lambda l, x, y, s: l.learn_sequences(x, y, [[0, 41]]), r"span 0 is \[0, 41\)"),
    (lambda l, x, y, s: l.learn_sequences(x, y, [[3, 2]]), r"span 0 is \[3, 2\)"),
    (lambda l, x, y, s: l.learn_and_answer(x, y, [[0, 2], [1, 1]]), "sequence 1 has no step"),
    (lambda l, x, y, s: l.answers(x, [[1, 1]]), "sequence 0 has no step"),
    (lambda l, x, y, s: l.sequence_outputs(np.zeros((4, 9)), s), "must be|steps, "),
    (lambda l, x, y, s: setattr(l, "weights", {}), "weights must be named"),
    (lambda l, x, y, s: setattr(l, "weights", {n: w[:-1] for n, w in l.weights.items()}), "must have the shape"),
    (lambda l, x, y, s: setattr(l, "weights", {n: w * np.nan for n, w in l.weights.items()}), "NaN or an infinity"),
]


@having(Sequential)
@pytest.mark.parametrize(("call", "message"), BAD_SEQUENCES)
def test_bad_sequences_are_named_and_change_nothing(kind, call, message):
    learner = kind.example()
    before = everything(learner)
    with pytest.raises(ValueError, match=message):
        call(learner, *drawn(learner))
    assert same(before, everything(learner))


@having(Sensitive)
def test_vectors(kind):
    learner = kind.example()
    vector = learner.vector
    assert vector.shape == (learner.weight_count,)
    for name, w in learner.named(vector).items():
        np.testing.assert_array_equal(w, learner.weights[name])
    with pytest.raises(ValueError, match="read-only"):
        vector[0] = 1.0
    changed = np.random.default_rng(0).normal(size=vector.shape)
    learner.vector = changed
    np.testing.assert_array_equal(learner.vector, changed)
    for name, w in learner.named(changed).items():
        np.testing.assert_array_equal(w, learner.weights[name])
    twin = kind.example()
    twin.weights = learner.weights
    x, y, _ = drawn(learner)
    learner.learn_many(x, y), twin.learn_many(x, y)
    np.testing.assert_array_equal(learner.vector, twin.vector, "a vector and named weights differ in what follows")
    for bad in (changed[:-1], changed * np.nan):
        with pytest.raises(ValueError, match=r"there must be|NaN|have the shape"):
            learner.vector = bad


@having(Sensitive)
def test_sensitivities_are_what_a_target_teaches(kind):
    """Of the step that was observed last, whatever was looked at since; and only of an observed one."""
    learner = kind.example()
    x, y, _ = drawn(learner)
    with pytest.raises(ValueError, match="observe_many"):
        learner.sensitivities()
    learner.observe_many(x)
    found = learner.sensitivities()
    assert found.shape == (learner.output_size, learner.weight_count)
    assert np.isfinite(found).all()
    assert (np.abs(found).max(1) > 1e-6).all(), "an output does not depend on any weight"
    before = everything(learner)
    learner.predict_many(x[::-1])
    np.testing.assert_array_equal(learner.sensitivities(), found)
    assert same(before, everything(learner))
    for forget in (lambda: learner.learn_many(x, y), learner.reset, lambda: setattr(learner, "vector", learner.vector)):
        learner.observe_many(x)
        forget()
        with pytest.raises(ValueError, match="observe_many"):
            learner.sensitivities()


@having(Responding)
def test_populations(kind):
    learner = kind.example()
    x, _, spans = drawn(learner)
    rng = np.random.default_rng(3)
    population, before = rng.normal(size=(3, learner.weight_count)), everything(learner)
    told = learner.respond(population, x, spans)
    assert told.shape == (3, int((spans[:, 1] - spans[:, 0]).sum()), learner.output_size)
    hidden = learner.respond(population, x, spans, hidden=True)
    assert hidden.shape[:2] == told.shape[:2]
    assert same(before, everything(learner)), "asking a population changed the learner"
    for k in range(3):
        np.testing.assert_array_equal(learner.respond(population[k : k + 1], x, spans)[0], told[k])
    np.testing.assert_array_equal(learner.respond(population, x, spans[1:2])[:, :8], told[:, 12:20])
    assert not np.array_equal(told[0], told[1])
    if isinstance(learner, Sensitive):
        learner.vector = population[1]
        for (begin, end), at in zip(spans, np.cumsum([0, *(spans[:, 1] - spans[:, 0])]), strict=False):
            learner.reset()
            np.testing.assert_array_equal(learner.predict_many(x[begin:end]), told[1, at : at + end - begin])
    for bad in (population[:, 1:], population[0], population * np.nan):
        with pytest.raises(ValueError, match="population must be"):
            learner.respond(bad, x, spans)
        with pytest.raises(ValueError, match="population must be"):
            learner.acting(bad)
    with pytest.raises(ValueError, match="span 0"):
        learner.respond(population, x, [[0, 41]])


@having(Responding)
def test_populations_in_steps(kind):
    """Step by step each member says what it says to the whole sequence, however the others are held back."""
    learner = kind.example()
    x, _, _ = drawn(learner)
    x = one_hot(x, learner.input_size)
    rng = np.random.default_rng(4)
    population, before = rng.normal(size=(3, learner.weight_count)), everything(learner)
    for hidden in (False, True):
        whole = learner.respond(population, x, [[0, len(x)]], hidden=hidden)
        acting, at, told = learner.acting(population), np.zeros(3, int), np.zeros_like(whole)
        while (at < len(x)).any():
            awake = (at < len(x)) & (rng.random(3) < 0.7)
            said = acting.step(x[np.minimum(at, len(x) - 1)], awake, hidden=hidden)
            told[awake, at[awake]] = said[awake]
            assert not said[~awake].any()
            at += awake
        np.testing.assert_array_equal(told, whole)
    assert same(before, everything(learner)), "acting changed the learner"
    parts = learner.units()
    assert sorted(np.concatenate(parts)) == list(range(learner.weight_count))
    acting = learner.acting(population)
    for inputs, awake, words in (
        (x[:2], None, "inputs must be"),
        (x[:3] * np.nan, None, "member 0 is not finite"),
        (x[:3], np.ones(2, bool), "awake must be"),
    ):
        with pytest.raises(ValueError, match=words):
            acting.step(inputs, awake)
