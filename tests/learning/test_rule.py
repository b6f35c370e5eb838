"""The compiled rule against the tutorial's pseudocode, transliterated."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from carrousel.learning._steps import EVERY_STEP
from carrousel.learning.online import Adam, Descent, Learner, Network, RMSprop

spec = importlib.util.spec_from_file_location("pseudocode", Path(__file__).with_name("pseudocode.py"))
oracle = importlib.util.module_from_spec(spec)
spec.loader.exec_module(oracle)

TIMING = dict.fromkeys(("cell", "input_gate", "forget_gate", "output_gate"), "input cell bias")
NETWORKS = {
    "reber": Network(7, 7, 4, init=0.2).biased("input_gate output_gate", output_gate=(-1, -2, -3, -4)),
    "adding": Network(2, 1, 2, 2, init=0.5).biased("cell input_gate output_gate output", input_gate=(-3, -6)),
    "no output gate": Network(
        11,
        11,
        output_gates=False,
        input_squash="sigmoid",
        output_squash="identity",
        feeds={"cell": "input", "input_gate": "input", "output": "input cell"},
    ),
    "continual": Network(
        7,
        7,
        4,
        2,
        forget_gates=True,
        init=0.2,
        feeds={
            "cell": "input cell",
            **{f"{gate}_gate": "input cell bias" for gate in ("input", "forget", "output")},
            "output": "input cell bias",
        },
    ),
    "timing": Network(
        3,
        2,
        2,
        forget_gates=True,
        peepholes=True,
        input_squash="identity",
        output_squash="identity",
        feeds={**TIMING, "output": "input cell bias"},
        init=0.3,
    ),
    "all at once": Network(
        3, 10, 9, 3, hidden=10, forget_gates=True, peepholes=True, unit_squash="tanh", hidden_squash="tanh"
    ).biased("cell hidden output"),
    "peepholes, no forget gates": Network(3, 2, 2, 2, peepholes=True, init=0.3),
    "state decay": Network(5, 4, 3, 2, hidden=2, peepholes=True, state_decay=0.9, init=0.4).biased("input_gate"),
    "states decay, their derivatives do not": Network(
        5, 4, 3, 2, peepholes=True, state_decay=0.9, traces_decay=False, init=0.4
    ).biased("cell"),
    "conventional units alone": Network(
        5, 4, 0, hidden=3, hidden_squash="tanh", feeds={"hidden": "input hidden bias", "output": "input hidden bias"}
    ),
    "perceptron": Network(5, 9, 0, forget_gates=True, peepholes=True, feeds={"output": "input bias"}),
    "outputs see gates": Network(
        7, 9, 4, 2, hidden=2, feeds={"output": "cell hidden input_gate output_gate"}, init=0.4
    ).biased("input_gate output_gate", output_gate=(-1, -2, -3, -4)),
    "outputs see gates and inputs": Network(
        3, 2, 9, forget_gates=True, feeds={"output": "input cell input_gate forget_gate output_gate bias"}, init=0.4
    ).biased("forget_gate"),
    "outputs see input gates": Network(3, 2, 3, 2, output_gates=False, feeds={"output": "cell input_gate"}, init=0.5),
    "nothing recurs": Network(
        5,
        3,
        3,
        2,
        hidden=10,
        feeds={
            **dict.fromkeys(("cell", "input_gate", "output_gate"), "input"),
            "hidden": "input bias",
            "output": "cell hidden",
        },
        init=0.4,
    ),
    "nothing recurs, forget gates and peepholes": Network(
        5,
        3,
        9,
        forget_gates=True,
        peepholes=True,
        feeds=dict.fromkeys(("cell", "input_gate", "forget_gate", "output_gate"), "input bias"),
        init=0.4,
    ),
    "five slots alike": Network(2, 3, 1, 5, hidden=1, output_squash="tanh", init=0.4),
}


def stream(network, steps, seed=0, sparse=True):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(steps, network.inputs))
    if sparse:
        x *= rng.random(x.shape) < 0.4
    y = rng.uniform(size=(steps, network.outputs))
    y[rng.random(steps) < 0.3] = np.nan
    return x, y


def follow(network, learner, x, y, length, alpha, update, **options):
    """Runs the oracle over sequences; its outputs and weights."""
    slow = oracle.Pseudocode(network, learner.weights, alpha, update, **options)
    outputs = []
    for t in range(len(x)):
        if t % length == 0:
            if update == "end":
                slow.change()
            slow.reset()
        outputs.append(slow.step(x[t].tolist(), None if np.isnan(y[t, 0]) else y[t].tolist()))
    if update == "end":
        slow.change()
    return np.array(outputs), {name: np.array(w) for name, w in slow.w.items()}


def assert_same(weights, others, tolerance):
    for name, w in weights.items():
        np.testing.assert_allclose(w, others[name], rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("update", ["step", "end", 3])
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS.keys())
def test_equals_the_pseudocode(network, update):
    steps, length = (240, 20) if network.weight_count > 1000 else (1500, 25)
    x, y = stream(network, steps)
    learner = Learner(network, 0.2, update=update, dtype=np.float64, seed=5)
    first = learner.weights
    outputs, weights = follow(network, learner, x, y, length, 0.2, update)
    spans = np.arange(0, steps, length)[:, None] + [0, length]
    twin = Learner(network, 0.2, update=update, dtype=np.float64, seed=5)
    told = learner._sequences(x, y, *spans.T.copy(), EVERY_STEP)
    np.testing.assert_allclose(told, outputs, rtol=0, atol=1e-12)
    assert_same(learner.weights, weights, 1e-12)
    for name, w in first.items():
        assert np.abs(weights[name] - w).max() > 1e-6, f"{name} never changed: the comparison is empty"
    # The same with the last steps' outputs alone.
    answers = twin.learn_and_answer(x, y, spans)
    assert np.array_equal(answers, told[length - 1 :: length])
    assert_same(twin.weights, learner.weights, 0)
    assert_same(twin.activations, learner.activations, 0)
    assert np.array_equal(twin.answers(x, spans), twin.sequence_outputs(x, spans)[length - 1 :: length])
    assert_same(twin.weights, learner.weights, 0)


@pytest.mark.parametrize("name", ["nothing recurs", "nothing recurs, forget gates and peepholes"])
def test_steps_that_nobody_looks_at_leave_what_others_do(name):
    """Where nothing recurs they are cut short; calls of any length must not show it."""
    network = NETWORKS[name]
    x, y = stream(network, 120)
    y[np.random.default_rng(1).random(120) < 0.8] = np.nan
    long, short = (Learner(network, 0.2, dtype=np.float64) for _ in range(2))
    for begin, end in ((0, 0), (0, 1), (1, 40), (40, 40), (40, 75)):
        long.learn_many(x[begin:end], y[begin:end])
        for t in range(begin, end):
            short.learn_many(x[t : t + 1], y[t : t + 1])
        assert_same(long.activations, short.activations, 0)
        assert_same(long.weights, short.weights, 0)
    long.observe_many(x[75:120])
    for t in range(75, 120):
        short.observe_many(x[t : t + 1])
    assert_same(long.activations, short.activations, 0)


@pytest.mark.parametrize("update", ["step", "end", 3])
@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_a_decaying_rate(tmp_path, update, momentum):
    network = NETWORKS["adding"]
    x, y = stream(network, 300)
    optimiser = Descent(0.5, momentum=momentum, decay=0.99)
    learner = Learner(network, optimiser, update=update, dtype=np.float64)
    first = Learner(network, optimiser, update=update, dtype=np.float64)
    if momentum or update != "step":  # the same as a learner whose rate is set by hand
        slow = Learner(network, Descent(0.5, momentum=momentum), update=update, dtype=np.float64)
        for t in range(300):
            slow.learn_many(x[t : t + 1], y[t : t + 1])
            slow.rate *= 0.99
        slow.reset()
        weights = slow.weights
    else:
        _, weights = follow(network, learner, x, y, 300, 0.5, update, decay=0.99)
    learner.learn_many(x, y)
    learner.reset()
    assert_same(learner.weights, weights, 1e-12)
    assert learner.rate == pytest.approx(0.5 * 0.99**300)
    # A file keeps the rate, and how it goes on; whoever sets it begins again.
    first.learn_many(x[:100], y[:100])
    first.save(tmp_path / "half.safetensors")
    first = Learner.load(tmp_path / "half.safetensors")
    assert first.rate == pytest.approx(0.5 * 0.99**100)
    first.learn_many(x[100:], y[100:])
    first.reset()
    assert_same(first.weights, learner.weights, 0)
    first.rate = 0.25
    first.learn_many(x[:1], y[:1])
    assert first.rate == 0.25 * 0.99
    first.observe_many(x[:1])
    assert first.rate == 0.25 * 0.99


def test_a_rate_that_has_decayed_to_nothing_is_zero():
    network = NETWORKS["adding"]
    x, y = stream(network, 800)
    learner = Learner(network, Descent(0.5, decay=0.9))
    learner.learn_many(x[:700], y[:700])
    assert learner.rate == 0
    before = learner.weights
    learner.learn_many(x[700:], y[700:])
    assert_same(learner.weights, before, 0)


@pytest.mark.parametrize("update", ["step", "end", 3])
@pytest.mark.parametrize("coded", [False, True])
def test_following_stops_at_the_first_wrong_step(coded, update):
    """Beside a learner that is given one step at a time, from every beginning, learning and not."""
    network = NETWORKS["continual"]._with(init=1.0)
    rng = np.random.default_rng(0)
    codes, goals = rng.integers(-1, 7, 120), rng.integers(-1, 7, 120)
    goals[rng.random(120) < 0.2] = -1
    targets = np.where(goals[:, None] < 0, np.nan, np.eye(7)[goals])
    given = goals if coded else targets
    one, two = (Learner(network, 0.5, update=update, seed=1) for _ in range(2))
    tolerance, at, lengths = 0.75, 0, []
    while at < 120:
        looked = two.predict_many(codes[at:])
        probe = np.abs(looked - targets[at:]).max(1)
        frozen = Learner(network, 0.5, update=update, seed=1)
        frozen._arrays()["weights"][:], frozen._state[:] = one._weights, one._state
        frozen._set_packed(frozen._weights)
        wrong = np.flatnonzero(probe > tolerance)
        assert frozen.follow(codes[at:], given[at:], tolerance, learn=False) == (wrong[0] if len(wrong) else 120 - at)
        assert np.array_equal(frozen._weights, one._weights)
        right = one.follow(codes[at:], given[at:], tolerance)
        for t in range(at, min(at + right + 1, 120)):
            told = two.learn_many(codes[t : t + 1], given[t : t + 1], tell=True)[0]
            assert (np.abs(told - targets[t]).max() > tolerance) == (t == at + right)
        for name, array in (one._arrays() | one.activations).items():
            if name != "state" or array is not one._state:  # of which a half is working space
                assert np.array_equal(array, (two._arrays() | two.activations)[name]), name
        lengths.append(right)
        at += right + 1
    assert len(set(lengths)) > 3
    assert 0 in lengths


def test_after_following_without_learning_errors_know_nothing_of_it():
    network = NETWORKS["reber"]
    codes, goals = np.random.default_rng(3).integers(0, 7, (2, 60))
    one, two = Learner(network, 0.5, seed=2), Learner(network, 0.5, seed=2)
    assert one.follow(codes[:40], goals[:40], 2.0, learn=False) == 40
    one.learn_many(codes[40:], goals[40:])
    two.predict_many(codes[:40])
    two._steps(codes[:40], None, 0)  # forward alone: nothing was ever traced
    two.learn_many(codes[40:], goals[40:])
    assert_same(one.weights, two.weights, 0)


def test_following_sequences():
    network = NETWORKS["continual"]._with(init=1.0)
    codes, goals = np.random.default_rng(0).integers(0, 7, (2, 2000))
    spans = np.arange(0, 2000, 10)[:, None] + [0, 10]
    errors = np.abs(Learner(network).sequence_outputs(codes, spans) - np.eye(7)[goals]).max(1)
    tolerance = np.sort(errors)[-3]
    first = int(np.argmax(errors > tolerance))
    assert Learner(network).follow(codes, goals, tolerance, learn=False, spans=spans) == first > 10
    targets = np.eye(7)[goals]
    targets[503] = 3.0
    one, two = Learner(network, 0.1), Learner(network, 0.1)
    assert one.follow(codes, targets, 1.5, spans=spans) == 503
    two.learn_sequences(codes, targets, [*spans[:50], (500, 504)])
    assert_same(one.weights, two.weights, 0)
    assert_same(one.activations, two.activations, 0)


@pytest.mark.parametrize("update", ["step", "end"])
def test_rehearsing_is_following_and_testing_in_turn(update):
    network = NETWORKS["continual"]._with(init=1.0)
    rng = np.random.default_rng(5)
    codes, goals = rng.integers(-1, 7, 200), rng.integers(-1, 7, 200)
    begin = rng.integers(0, 150, (60, 2))
    spans = np.stack([begin, begin + rng.integers(1, 40, (60, 2))], 2)
    spans[40, 1] = [9, 9]  # an empty test has no wrong step, so that nothing comes after it
    one, two = (Learner(network, Descent(0.1, 0.5), update=update, seed=1) for _ in range(2))
    right = one.rehearse(codes, goals, spans[:, 0], spans[:, 1], 0.7)
    for k, (learned, tested) in enumerate(spans[:41]):
        two.reset()
        assert two.follow(codes[slice(*learned)], goals[slice(*learned)], 0.7) == right[k, 0]
        two.reset()
        assert two.follow(codes[slice(*tested)], goals[slice(*tested)], 0.7, learn=False) == right[k, 1]
        if right[k, 1] == tested[1] - tested[0]:
            break
    assert len(right) == k + 1 > 3
    assert len(np.unique(right[:, 1])) > 2
    for name in ("weights", "moments"):
        assert np.array_equal(one._arrays()[name], two._arrays()[name])
    with pytest.raises(ValueError, match="1 streams to learn from but 2 to test on"):
        one.rehearse(codes, goals, [[0, 1]], [[0, 1], [0, 1]], 0.8)
    with pytest.raises(ValueError, match="tolerance"):
        one.rehearse(codes, goals, [[0, 1]], [[0, 1]], -1)


def test_nan_outputs_are_wrong():
    learner = Learner(NETWORKS["reber"])
    learner._weights[:] = np.nan
    assert learner.follow([0, 1], [-1, 1], 10.0) == 1


def test_weights_of_a_network_without_cells_go_into_a_larger_one():
    sees = {"output": "input bias"}
    small = Learner(Network(3, 2, 0, feeds=sees), 1.0)
    x = np.random.default_rng(0).normal(size=(200, 3))
    small.learn_many(x, x[:, :2] > x[:, 1:])
    large = Learner(Network(3, 2, 2, feeds={"output": "input cell bias"}))
    weights = large.weights
    weights["output"][:] = 0
    weights["output"][:, [0, 1, 2, -1]] = small.weights["output"]
    large.weights = weights
    np.testing.assert_allclose(large.predict_many(x), small.predict_many(x), rtol=1e-5)
    assert ((small.predict_many(x) > 0.5) == (x[:, :2] > x[:, 1:])).mean() > 0.95


@pytest.mark.parametrize("coded", [True, False])
def test_small_errors_count_as_none(coded):
    network = Network(5, 9, 3, 2, init=0.6)
    rng = np.random.default_rng(4)
    learner = Learner(network, 0.3, insensitive=0.4, dtype=np.float64)
    plain = Learner(network, 0.3, dtype=np.float64)
    codes = rng.integers(-1, 9, 400)
    x = rng.normal(size=(400, 5))
    y = np.eye(9)[codes]
    y[codes < 0] = np.nan
    _, weights = follow(network, learner, x, y, 400, 0.3, "step", insensitive=0.4)
    for one in (learner, plain):
        one.learn_many(x, codes if coded else y)
    for name, value in learner.weights.items():
        np.testing.assert_allclose(value, weights[name], rtol=1e-9, atol=1e-12)
    assert any(np.abs(plain.weights[name] - weights[name]).max() > 0.01 for name in weights)


def test_cross_entropy_equals_the_pseudocode():
    network = NETWORKS["continual"]
    x, y = stream(network, 300)
    learner = Learner(network, 0.1, loss="cross_entropy", dtype=np.float64)
    _, weights = follow(network, learner, x, y, 300, 0.1, "step", cross_entropy=True)
    learner.learn_many(x, y)
    assert_same(learner.weights, weights, 1e-12)


def test_float32_is_the_same_rule():
    network = NETWORKS["all at once"]
    x, y = stream(network, 200)
    one, two = (Learner(network, 0.1, dtype=dtype, seed=1) for dtype in (np.float32, np.float64))
    for learner in (one, two):
        learner.learn_many(x, y)
    assert_same(one.weights, two.weights, 2e-5)


def test_codes_are_one_hot_vectors():
    network = NETWORKS["reber"]
    rng = np.random.default_rng(0)
    codes, goals = rng.integers(-1, 7, 400), rng.integers(-1, 7, 400)
    dense, targets = np.zeros((400, 7)), np.full((400, 7), np.nan)
    for t, (code, goal) in enumerate(zip(codes, goals, strict=True)):
        if code >= 0:
            dense[t, code] = 1
        if goal >= 0:
            targets[t] = np.eye(7)[goal]
    one, two = Learner(network, 0.3), Learner(network, 0.3)
    one.learn_many(codes, goals)
    two.learn_many(dense, targets)
    for name, w in one.weights.items():
        assert np.array_equal(w, two.weights[name])


OPTIMISERS = {
    "momentum": (Descent(0.05, momentum=0.9), lambda p: torch.optim.SGD(p, 0.05, momentum=0.9)),
    "descent": (Descent(0.05), lambda p: torch.optim.SGD(p, 0.05)),
    "rmsprop": (RMSprop(0.003), lambda p: torch.optim.RMSprop(p, 0.003)),
    "adam": (Adam(0.002), lambda p: torch.optim.Adam(p, 0.002)),
}


@pytest.mark.parametrize("name", OPTIMISERS)
def test_optimisers_are_torch_s(name):
    """The gradient that one sequence leaves behind is given to torch's optimiser, sequence after sequence."""
    ours, theirs = OPTIMISERS[name]
    network = NETWORKS["adding"]
    learner = Learner(network, ours, update="end", dtype=np.float64, seed=2)
    parameters = {k: torch.nn.Parameter(torch.tensor(w)) for k, w in learner.weights.items()}
    optimiser = theirs(parameters.values())
    for seed in range(20):
        x, y = stream(network, 15, seed)
        probe = Learner(network, update=1000, dtype=np.float64)
        probe.weights = {k: p.detach().numpy() for k, p in parameters.items()}
        probe.learn_many(x, y)
        descent = probe._layout.unpack(probe._gradient)
        for k, p in parameters.items():
            p.grad = -torch.tensor(descent[k])
        optimiser.step()
        learner.learn_sequences([x], [y])
    assert_same(learner.weights, {k: p.detach().numpy() for k, p in parameters.items()}, 1e-12)


@pytest.mark.parametrize("update", ["step", "end", 7])
@pytest.mark.parametrize("optimiser", [Descent(0.1), Adam(0.01)], ids=["descent", "adam"])
def test_chunks_and_files_change_nothing(tmp_path, update, optimiser):
    network = NETWORKS["timing"]
    x, y = stream(network, 500)
    whole, parts = (Learner(network, optimiser, update=update, seed=3) for _ in range(2))
    whole.learn_many(x, y)
    whole.reset()
    at = 0
    for size in [1] * 20 + [13, 0, 200, 67, 200]:
        parts.learn_many(x[at : at + size], y[at : at + size])
        parts.predict_many(x[:5])  # looks, and changes nothing
        parts.sequence_outputs([x[:7], x[:3]])
        at += size
        parts.save(tmp_path / "state.safetensors")
        parts = Learner.load(tmp_path / "state.safetensors")
    assert at == 500
    parts.reset()
    for name, array in whole._arrays().items():
        assert np.array_equal(array, parts._arrays()[name]), name


def test_observing_is_learning_without_targets():
    network = NETWORKS["adding"]
    x, y = stream(network, 50)
    one, two = Learner(network, 0.5), Learner(network, 0.5)
    one.observe_many(x[:40])
    assert_same(one.weights, Learner(network, 0.5).weights, 0)
    two.learn_many(x[:40], np.full((40, 1), np.nan))
    one.learn_many(x[40:], y[40:])
    two.learn_many(x[40:], y[40:])
    assert_same(one.weights, two.weights, 0)


def test_telling_is_before_learning():
    network = NETWORKS["adding"]
    x, y = stream(network, 30)
    one, two = Learner(network, 0.5), Learner(network, 0.5)
    told = one.learn_many(x, y, tell=True)
    for t in range(30):
        assert np.array_equal(two.predict_many(x[t : t + 1])[0], told[t])
        two.learn_many(x[t : t + 1], y[t : t + 1])


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_what_is_not_finite_is_refused_and_leaves_no_trace(bad):
    network = NETWORKS["timing"]
    x, y = stream(network, 30)
    learner = Learner(network)
    learner.learn_many(x[:10], y[:10])
    before = {name: array.copy() for name, array in learner._arrays().items()}
    wrong, wrong_y = x.copy(), np.where(np.isnan(y), 0, y)
    wrong[20, 1] = bad
    with pytest.raises(ValueError, match="input 1 of step 20"):
        learner.learn_many(wrong, y)
    wrong_y[7, 1] = bad
    with pytest.raises(ValueError, match="target of step 7"):
        learner.learn_many(x, wrong_y)
    for name, array in learner._arrays().items():
        assert np.array_equal(array, before[name]), name


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda l: l.learn_many([[1.0, 2.0]], [[0.0] * 7]), r"\[steps, 7\]"),
        (lambda l: l.learn_many([7], [0]), "names input unit 7, but there are 7"),
        (lambda l: l.learn_many([0], [-2]), "names output unit -2"),
        (lambda l: l.learn_many([0, 1], [0]), "2 steps but 1 targets"),
        (lambda l: l.learn_sequences([0, 1], [0, 1], [[0, 3]]), r"span 0 is \[0, 3\), but there are 2 steps"),
        (lambda l: l.learn_sequences([[0, 1]], [[0]]), "one target for each step"),
        (lambda l: setattr(l, "weights", {}), "weights must be named"),
        (lambda l: Learner(l.network, update="sometimes"), "'step', 'end' or a number"),
        (lambda l: Learner(l.network, -1.0), "rate must be a number not negative"),
        (lambda l: Learner(l.network, loss="absolute"), "loss must be"),
        (lambda l: Network(1, 1, squares=1), "squares"),
        (lambda l: Network(1, 1, feeds={"cell": "inputs"}), "sources are"),
        (lambda l: Network(1, 1, feeds={"output": "input"}), "must be fed by 'cell'"),
        (lambda l: Network(1, 1, feeds={"output": "cell input_gate"}), "all gates or by none"),
        (
            lambda l: Network(1, 1, peepholes=True, feeds={"output": "cell input_gate output_gate"}),
            "none that has peepholes",
        ),
        (lambda l: Learner(Network(1, 1), insensitive=-1), "insensitive must be a number"),
        (lambda l: Network(0, 1), "inputs must be a whole number of at least 1"),
        (lambda l: Network(1, 1, bias_init={"cell": (1.0,)}), "'bias' does not feed"),
        (lambda l: Network(1, 1).biased("forget_gate"), "no group 'forget_gate'"),
        (lambda l: Network(1, 1, input_squash="relu"), "must be one of"),
        (lambda l: Network(1, 1, 0), "nothing feeds the output units"),
        (lambda l: Network(1, 1, -1), "blocks must be a whole number of at least 0"),
        (lambda l: Network(1, 1, state_decay=0.0), r"state_decay must be a number in \(0, 1\]"),
        (lambda l: Network(1, 1, state_decay=0.9, forget_gates=True), "not by both"),
        (lambda l: Descent(0.1, decay=1.5), r"decay must be a number in \[0, 1\], got 1.5"),
        (lambda l: RMSprop(0.1, decay=1.0), r"decay must be a number in \[0, 1\), got 1.0"),
        (lambda l: setattr(l, "rate", -1), "rate must be a number not negative"),
        (lambda l: l.follow([0], [0], -0.1), "tolerance must be a number not negative"),
        (lambda l: l.answers([0, 1], [[0, 1], [1, 1]]), "sequence 1 has no step"),
        (lambda l: l.learn_and_answer([0], [0], [[1, 1]]), "sequence 0 has no step"),
    ],
)
def test_wrong_use_is_named(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call(Learner(NETWORKS["reber"]))


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "learner.safetensors"
    Learner(NETWORKS["adding"]).save(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match="cut off"):
        Learner.load(path)


CONTINUAL = NETWORKS["continual"]
GATED = "cell input_gate output_gate"
COUNTS = {
    264: NETWORKS["reber"],
    276: Network(7, 7, 3, 2).biased("input_gate output_gate"),
    10504: Network(101, 101, output_gates=False, feeds=dict(NETWORKS["no output gate"].feeds)),
    364: Network(54, 2, 2),
    6064: Network(1004, 2, 2),
    102: Network(1, 1, 3).biased(GATED),
    93: NETWORKS["adding"],
    156: Network(8, 4, 2, 2).biased(f"{GATED} output"),
    308: Network(8, 8, 3, 2).biased(f"{GATED} output"),
    424: CONTINUAL,
    38: Network(3, 3, forget_gates=True, peepholes=True, feeds={**TIMING, "output": "input cell bias"}),
    110: Network(5, 5, 2, forget_gates=True, peepholes=True, feeds={**TIMING, "output": "input cell bias"}),
    90: Network(4, 4, 2, forget_gates=True, peepholes=True, feeds={**TIMING, "output": "input cell bias"}),
    17: Network(1, 1, forget_gates=True, peepholes=True, feeds={**TIMING, "output": "cell bias"}),
}


@pytest.mark.parametrize("count", COUNTS)
def test_weight_counts_are_the_published_ones(count):
    network = COUNTS[count]
    assert network.weight_count == count
    learner = Learner(network)
    assert sum(w.size for w in learner.weights.values()) == count
    # and every one of them is there to be learned: none shares its place with another
    numbered, at = {}, 0
    for name, shape in network.shapes().items():
        numbered[name] = np.arange(at, at + np.prod(shape), dtype=float).reshape(shape)
        at += np.prod(shape)
    learner.weights = numbered
    assert_same(learner.weights, numbered, 0)


def test_nothing_grows():
    learner = Learner(NETWORKS["reber"], 0.1)
    sizes = {name: array.nbytes for name, array in learner._arrays().items()}
    codes = np.random.default_rng(0).integers(0, 7, 200_000)
    learner.learn_many(codes[:-1], codes[1:])
    assert {name: array.nbytes for name, array in learner._arrays().items()} == sizes


def test_the_benchmark_checks_before_it_times(monkeypatch):
    from carrousel.bench import _online

    figures = []
    _online.benchmarks(figures.append, repeats=1)
    found = {figure.name: figure.value for figure in figures}
    assert found["compiled to eager"] > 100
    assert all(value > 0 for value in found.values())
    monkeypatch.setattr(_online.EagerRule, "step", lambda self, code, goal: None)
    figures.clear()
    with pytest.raises(RuntimeError, match="differ"):
        _online.benchmarks(figures.append, repeats=1)
    assert not figures
