"""Streams of records, and lines from files and pipes."""

from __future__ import annotations

import io
import itertools
import json
import math
import os
import random
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carrousel.cli import main
from carrousel.data._line_clock import LineClock
from carrousel.streams import Follower, StreamClassifier, StreamRegressor


def records(n, seed=0):
    rng = np.random.default_rng(seed)
    u = rng.normal(size=n)
    return [{"u": float(a), "v": float(b)} for a, b in zip(u, 5 + 3 * rng.normal(size=n), strict=True)]


def state_of(model):
    groups = {**model._groups(), **{str(k): network._arrays() for k, network in enumerate(model._networks)}}
    return {f"{group}.{name}": np.array(array) for group, part in groups.items() for name, array in part.items()}


@pytest.mark.parametrize("kind", [StreamRegressor, StreamClassifier])
def test_many_are_one_by_one(kind):
    xs = records(60)
    ys = [x["u"] + x["v"] for x in xs] if kind is StreamRegressor else ["abc"[t % 7 // 3] for t in range(60)]
    one, many, named = kind(hidden_size=4), kind(hidden_size=4), kind(hidden_size=4)
    for x, y in zip(xs, ys, strict=True):
        one.predict_one(x)
        one.learn_one(x, y)
    frame = pd.DataFrame(xs)
    for begin, end in ((0, 1), (1, 3), (3, 40), (40, 60)):
        named.learn_many(frame[begin:end], ys[begin:end])
        many.learn_many(frame.to_numpy()[begin:end], ys[begin:end])
        named.predict_many(frame)
    for name, array in state_of(one).items():
        assert np.array_equal(array, state_of(named)[name]), name
        assert np.array_equal(array, state_of(many)[name]), name
    ahead = named.predict_many(frame[:3])
    past = one._known.look(3).inputs if kind is StreamRegressor else np.zeros((3, 0))
    for k, x in enumerate(xs[:3]):
        said, seen = one.predict_one(x), one._one(x)
        assert said == ahead[k]
        if kind is StreamClassifier:
            seen = one._before(seen[1], seen[0], [one._last])
        for network in one._networks:  # predictions follow one another, and targets do not
            network.observe_many(np.concatenate([past[k : k + 1], one._inputs.look(one._placed(*seen))], 1))
        if past.shape[1]:
            one._known.learn(np.array([np.nan]))


@pytest.mark.parametrize("kind", [StreamRegressor, StreamClassifier])
def test_files_resume_bit_for_bit(tmp_path, kind):
    xs = records(80)
    whole, parts = kind(hidden_size=4, seed=2), kind(hidden_size=4, seed=2)
    for t, x in enumerate(xs):
        y = x["u"] if kind is StreamRegressor else t % 3 == 0
        x = x if t % 5 else {"u": x["u"], "new": 1.0}
        if t == 40:
            parts.save(tmp_path / "state")
            parts = kind.load(tmp_path / "state")
        assert whole.predict_one(x) == parts.predict_one(x)
        whole.learn_one(x, y)
        parts.learn_one(x, y)
    for name, array in state_of(whole).items():
        assert np.array_equal(array, state_of(parts)[name]), name
    with pytest.raises(ValueError, match="holds a"):
        (StreamClassifier if kind is StreamRegressor else StreamRegressor).load(tmp_path / "state")


def test_a_missing_feature_is_its_mean_and_a_new_one_keeps_what_was_learned():
    model = StreamRegressor(hidden_size=4)
    xs = records(200)
    for x in xs:
        model.learn_one(x, x["u"])
    mean = model._inputs.mean[model._features["v"]]
    x = {"u": 0.3, "v": mean}
    assert model.predict_one({"u": 0.3}) == model.predict_one({"u": 0.3, "v": None})
    assert model.predict_one({"u": 0.3}) == pytest.approx(model.predict_one(x), abs=1e-6)
    assert model.predict_one({**x, "unknown": 7.0}) == model.predict_one(x)
    before = model.predict_one(x)
    model._widen(["a", "b", "c"])  # what happens when a new feature is learned
    assert model.predict_one(x) == pytest.approx(before, abs=1e-6)
    model.learn_one({"u": 0.1, "a": 2.0}, 0.1)


def test_a_new_class_gets_an_output():
    model = StreamClassifier(hidden_size=4, past=False)
    assert model.predict_one({"u": 1.0}) is None
    for t in range(300):
        model.learn_one({"u": float(t % 2)}, "even" if t % 2 == 0 else "odd")
    assert [model.predict_one({"u": float(k)}) for k in range(2)] == ["even", "odd"]
    model.learn_one({"u": 5.0}, "late")
    assert set(model.predict_proba_one({"u": 0.0})) == {"even", "odd", "late"}
    assert sum(model.predict_proba_one({"u": 0.0}).values()) == pytest.approx(1)


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e200, "red"])
def test_bad_values_are_refused_and_change_nothing(bad):
    model = StreamRegressor(hidden_size=4)
    for x in records(20):
        model.learn_one(x, x["u"])
    before, mean = state_of(model), model._inputs.mean.copy()
    for call in (
        lambda: model.learn_one({"u": bad, "w": 1.0}, 0.0),
        lambda: model.learn_one({"u": 0.0, "w": 1.0}, bad),
        lambda: model.predict_one({"u": bad}),
        lambda: model.observe_one({"u": bad}),
    ):
        with pytest.raises(ValueError, match=r"feature 'u' is|the target is|could not convert"):
            call()
    assert list(model._features) == ["u", "v"]
    assert np.array_equal(mean, model._inputs.mean)
    for name, array in state_of(model).items():
        assert np.array_equal(array, before[name])


def test_who_diverged_says_so_and_never_nan():
    model, rows = StreamRegressor(hidden_size=4, rate=1e30), np.random.default_rng(0).normal(size=(60, 2))
    model.learn_many(rows, rows[:, 0])
    with pytest.raises(ValueError, match="learning diverged"):
        model.predict_many(rows)
    with pytest.raises(ValueError, match="learning diverged"):
        model.predict_one({})


def test_an_outlier_and_a_constant_do_no_harm():
    model = StreamRegressor(hidden_size=4)
    for t in range(300):
        model.learn_one({"a": 0.1, "b": 1e90 if t == 150 else math.sin(t)}, math.sin(t + 1))
    assert math.isfinite(model.predict_one({"a": 1e9, "b": 0.0}))
    assert all(np.isfinite(array).all() for array in state_of(model).values())


def lines(n, form="csv"):
    random.seed(1)
    if form == "timed":  # months in German, of which some are lacking
        names = ["Jan", "Feb", "März", "Apr", "Mai", "Juni", "Juli", "Aug", "Sept", "Okt", "Nov", "Dez"]
        at = [t + (t > 4) + 2 * (t > 14) for t in range(n)]
        return "Monat,u,y,wo\n" + "".join(
            f"{names[t % 12]}. {2000 + t // 12},{t % 5},{math.sin(0.5 * t):.4f},Linz\n" for t in at
        )
    rows = [{"t": t, "u": round(math.sin(0.3 * t), 4), "y": round(math.sin(0.3 * t + 1), 4)} for t in range(n)]
    if form == "jsonl":
        return "".join(json.dumps(row) + "\n" for row in rows)
    return "t,u,y\n" + "".join(
        f"{r['t']},{r['u'] if r['t'] % 9 else ''},{r['y'] if r['t'] % 7 else ''}\n" for r in rows
    )


def test_predictions_come_before_learning_and_beat_persistence():
    follower = Follower(StreamRegressor(hidden_size=8, rate=0.02), "y", ignore=["t"])
    said = list(follower.follow(io.BytesIO(lines(3000).encode())))
    assert [s.line for s in said] == list(range(1, 3001))
    assert said[0].prediction == 0.0
    assert said[7].target is None
    assert follower.tally.mean_error < follower.tally.mean_rivals["persistence"]
    assert follower.tally.lines == sum(s.target is not None for s in said) - 1


def test_classes(capsys, tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_text("".join(json.dumps({"bit": t % 2, "y": "ab"[t % 2]}) + "\n" for t in range(600)))
    assert main(["stream", str(path), "--target", "y", "--task", "classify", "--json", "--hidden-size", "6"]) == 0
    out = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert out[0] == {"line": 1, "prediction": None, "target": "a"}
    assert [o["prediction"] for o in out[500:600]] == ["a", "b"] * 50
    assert out[-1]["persistence_error"] == 1.0
    assert out[-1]["error"] < 0.2


@pytest.mark.slow
def test_a_killed_process_resumes_as_if_nothing_had_happened(tmp_path):
    path, state = tmp_path / "long.csv", tmp_path / "state"
    path.write_text(lines(8_000))
    call = [sys.executable, "-c", "import sys; from carrousel.cli import main; sys.exit(main(sys.argv[1:]))"]
    options = ["stream", str(path), "--target", "y", "--ignore", "t", "--hidden-size", "4"]
    saved = [*options, "--state", str(state), "--save-every", "500"]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    process = subprocess.Popen([*call, *saved], stdout=subprocess.DEVNULL, env=environment)
    while not state.exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    follower = Follower(StreamRegressor(hidden_size=4), "y", ignore=["t"], state=state, save_every=500)
    assert follower.resume()
    assert follower.line % 500 == 0
    assert 0 < follower.line < 8_000
    whole = Follower(StreamRegressor(hidden_size=4), "y", ignore=["t"])
    with open(path, "rb") as file:
        later = list(follower.follow(file))
    with open(path, "rb") as file:
        all_of_it = list(whole.follow(file))
    assert later == all_of_it[-len(later) :]
    assert follower.tally == whole.tally
    with open(path, "ab") as file:
        file.write(b"8000,0.5,0.7\n")
    again = Follower(StreamRegressor(hidden_size=4), "y", ignore=["t"], state=state, save_every=500)
    again.resume()
    with open(path, "rb") as file:
        assert [said.line for said in again.follow(file)] == [8_001]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """For each form of lines: its bytes, and what a run over all of them says and leaves in the state."""
    wanted = {}
    for form in ("csv", "jsonl", "timed"):
        content = lines(24, form).encode().replace(b"\n", b"\r\n" if form == "csv" else b"\n")
        state = tmp_path_factory.mktemp(form) / "state"
        follower = followed(form, state)
        said = list(follower.follow(io.BytesIO(content)))
        assert len(said) == 24
        wanted[form] = content, said, state.read_bytes()
    return wanted


def followed(form, state):
    options = {"form": form, "ignore": ["t"]} if form != "timed" else {"clock": LineClock()}
    model = StreamRegressor(hidden_size=2, rate=0.01)
    follower = Follower(model, "y", state=state, save_every=5, **options)
    follower.resume()
    return follower


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(form=st.sampled_from(["csv", "jsonl", "timed"]), cuts=st.lists(st.floats(0, 1), max_size=6), piped=st.booleans())
def test_a_file_that_grows_by_any_pieces_is_the_whole_file(told, tmp_path_factory, form, cuts, piped):
    """The file is cut anywhere, within a number or a letter too; a pipe's pieces come from one writer."""
    content, wanted, learned = told[form]
    state = tmp_path_factory.mktemp("pieces") / "state"
    ends = [*sorted(1 + int(cut * (len(content) - 1)) for cut in cuts), len(content)]
    said = []
    if piped:
        reading, writing = os.pipe()
        with os.fdopen(reading, "rb") as file:
            sender = threading.Thread(target=send, args=(writing, content, ends))
            sender.start()
            said = list(followed(form, state).follow(file))
            sender.join()
    else:
        for end in ends:
            follower = followed(form, state)
            said += follower.follow(io.BytesIO(content[:end]))
            assert follower.unfinished == (not content[:end].endswith(b"\n"))
    assert said == wanted
    if not piped:
        assert state.read_bytes() == learned


def send(writing, content, ends):
    for begin, end in itertools.pairwise([0, *ends]):
        os.write(writing, content[begin:end])
    os.close(writing)


def test_a_last_line_without_its_end_is_learned_if_nobody_comes_back(tmp_path, capsys):
    path, state = tmp_path / "x.csv", tmp_path / "state"
    path.write_text("a,y\n1,2\n1,3.14")
    assert main(["stream", str(path), "--target", "y"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith(",3.14")
    saved = ["stream", str(path), "--target", "y", "--state", str(state)]
    assert main(saved) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[-1].startswith("1,")
    assert "what follows line 1 has no end yet" in err
    path.write_text("a,y\n1,2\n1,3.141\n")
    assert main(saved) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith(",3.141")


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("a,y\n1,2\n1,x\n", [], "line 2: 'y' is 'x'"),
        ("a,y\n1,2\n1\n", [], "line 2: it has 1 fields"),
        ("a,y\n1,2\nred,2\n", [], "line 2: 'a' is 'red': a number is wanted; leave the field out with --ignore"),
        ("a,y\nnan,2\n", [], "line 1: 'a' is 'nan'"),
        ("a,b\n1,2\n", [], "no field 'y' in the first line; it names a, b"),
        ("a,y\n1,2\n", ["--features", "nope"], "no field 'nope' in the first line; it names a, y"),
        ("a,y\n1,2\n", ["--ignore", "nope"], "no field 'nope' in the first line; it names a, y"),
        ("a,y\n" + 50 * "1,2\n3,-1\n", ["--rate", "1e30"], "learning diverged"),
        ("[1]\n", ["--format", "jsonl"], "line 1: a JSON object is wanted"),
        ("{\n", ["--format", "jsonl"], "line 1: it is not JSON"),
    ],
)
def test_bad_lines_are_named(tmp_path, capsys, text, options, message):
    path = tmp_path / "x.csv"
    path.write_text(text)
    assert main(["stream", str(path), "--target", "y", *options]) == 2
    assert message in capsys.readouterr().err


def test_a_state_made_with_other_settings_is_refused(tmp_path, capsys):
    path, state = tmp_path / "x.csv", tmp_path / "state"
    path.write_text(lines(30))
    call = ["stream", str(path), "--target", "y", "--state", str(state)]
    assert main(call) == 0
    assert main(call) == 0
    assert "going on after line 30" in capsys.readouterr().err
    assert main([*call, "--hidden-size", "5"]) == 2
    assert "hidden_size 16, not 5" in capsys.readouterr().err
