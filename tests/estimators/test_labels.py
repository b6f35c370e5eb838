"""The tagger and the transcriber: symbols, steps without labels, decoding, streams, metrics, and what is refused."""

import itertools

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from sklearn.model_selection import GridSearchCV, KFold

from carrousel.data import DataError, load_transcribed, make_tagged, make_transcribed
from carrousel.estimators import LSTMTagger, LSTMTranscriber, load, metrics
from carrousel.estimators._collapsed import collapsed, shortest_run
from carrousel.estimators._label_estimator import ratio_error

from .conftest import QUICK, fresh, pulses, tags_of

BOTH = pytest.mark.parametrize("kind", [LSTMTagger, LSTMTranscriber], ids=lambda kind: kind.__name__)
ONE_WAY = {"bidirectional": False, "max_epochs": 2, "random_state": 0}


def letters(count=40, seed=0):
    """Texts, a tag for each letter (whether it stands twice), and the texts without what is doubled."""
    rng = np.random.default_rng(seed)
    texts = ["".join(rng.choice(list("abc"), rng.integers(4, 9))) for _ in range(count)]
    tags = [["twice" if t and text[t - 1] == sign else "once" for t, sign in enumerate(text)] for text in texts]
    return texts, tags


@pytest.fixture(scope="module")
def tagger():
    return LSTMTagger(**QUICK, random_state=0).fit(*letters())


@pytest.fixture(scope="module")
def transcriber():
    """Of one direction, which stacks two frames and reads every second step."""
    estimator, data, _ = fresh(LSTMTranscriber, stack=2, every=1, bidirectional=False, random_state=0, max_epochs=20)
    return estimator.fit(*data)


# ---- symbols ----


def test_symbols_are_learned_in_any_form(tagger):
    texts, tags = letters()
    as_lists, as_arrays = [list(text) for text in texts], [np.array(list(text)) for text in texts]
    want = np.concatenate(tagger.predict_proba(texts))
    for X in (as_lists, as_arrays, [x.astype(object) for x in as_arrays]):
        again = LSTMTagger(**QUICK, random_state=0).fit(X, tags)
        assert np.array_equal(np.concatenate(again.predict_proba(X)), want)
    assert tagger.vocabulary_.symbols == ["a", "b", "c"]
    assert tagger.score(texts, tags) > 0.7


def test_unknown_symbols_are_one_symbol_and_are_counted(tagger, tmp_path):
    texts, tags = letters()
    x, y = tagger.predict_proba(["axb", "ayb"])
    assert np.array_equal(x, y)
    assert not np.array_equal(x, tagger.predict_proba(["acb"])[0])
    assert len(tagger.report(texts, tags).notes) == 1  # the F1 of each class
    strange = ["x" + text[1:] for text in texts]
    count = sum(map(len, texts))
    said = f"40 of {count} symbols ({100 * 40 / count:.2g} %) do not occur in the training data."
    assert tagger.report(strange, tags).notes[1:] == (said,)
    tagger.save(tmp_path / "model")
    assert load(tmp_path / "model").report(strange, tags) == tagger.report(strange, tags)


def test_a_rare_symbol_teaches_the_unknown_one():
    texts, tags = letters()
    texts[0] = "x" + texts[0][1:]
    model = LSTMTagger(**QUICK, validation=None, random_state=0)
    model.fit(texts, tags)
    shares = model._rare.tolist()
    assert shares[0] == 0.0
    assert shares[4] == pytest.approx(0.25 / 1.25)  # of x, which occurs once
    assert max(shares[1:4]) < 0.01


def test_the_vocabulary_is_that_of_the_training_part():
    texts, tags = letters()
    model = LSTMTagger(**ONE_WAY, hidden_size=2).fit(texts, tags, validation_data=(["xy"], [["once", "twice"]]))
    assert model.vocabulary_.symbols == ["a", "b", "c"]
    groups = ["new" if k < 4 else "old" for k in range(40)]
    strange = [text.upper() if k < 4 else text for k, text in enumerate(texts)]
    model = LSTMTagger(**ONE_WAY, hidden_size=2).fit(strange, tags, groups=groups)
    assert model.vocabulary_.symbols in (["A", "B", "C"], ["a", "b", "c"])


def test_strings_of_symbols():
    texts, _ = letters()
    y = [[sign for sign in "ab" if sign in text] or ["none"] for text in texts]
    model = LSTMTranscriber(**QUICK, random_state=0).fit(texts, y)
    assert set(itertools.chain(*model.predict(texts))) <= {"a", "b", "none"}
    assert len(model.activations(texts[0])["h_l0"]) == len(texts[0])


# ---- tags ----


def test_the_report_s_figures_are_those_of_the_metrics(tagger):
    texts, tags = letters(seed=1)
    said, report = [labels.tolist() for labels in tagger.predict(texts)], tagger.report(texts, tags)
    figures = report.model.metrics
    assert figures["accuracy"] == tagger.score(texts, tags) == metrics.frame_accuracy(tags, said)
    by_class = metrics.f1_by_class(tags, said)
    assert figures["F1"] == pytest.approx(np.mean(list(by_class.values())))
    assert report.notes == (f"F1 of LSTM by class: once {by_class['once']:.4g}, twice {by_class['twice']:.4g}.",)
    assert {score.method for score in report.scores} == {
        "LSTM", "logistic regression on a window", "most frequent class", "most frequent class of the symbol"
    }  # fmt: skip


def test_steps_without_a_label_count_nowhere():
    X, y = pulses()[0], tags_of(pulses()[0])
    for labels in y:
        labels[::2] = ""
    model = LSTMTagger(**QUICK, random_state=0).fit(X, y)
    assert model.classes_.tolist() == ["after", "before"]
    report = model.report(X, y)
    none = [labels == "" for labels in y]
    other = [np.where(gone, "", labels) for gone, labels in zip(none, y, strict=True)]
    assert model.report(X, other) == report
    assert model.score(X, y) == report.model.metrics["accuracy"]
    with pytest.raises(ValueError, match="nothing to compare with"):
        model.report(X, [[""] * len(x) for x in X])


def test_one_direction_and_its_linear_rival_see_what_came_before_and_the_delay():
    X, y = pulses()[0], tags_of(pulses()[0])
    for delay in (0, 2):
        model = LSTMTagger(hidden_size=4, delay=delay, **ONE_WAY).fit(X, y)
        assert (model.rival_.left, model.rival_.right) == (5, delay)
        x = X[0].copy()
        x[-1] += 100.0
        before, after = model.predict_proba([X[0]])[0], model.predict_proba([x])[0]
        same = (before == after).all(axis=1)
        assert same.tolist() == [True] * (len(x) - 1 - delay) + [False] * (1 + delay)


def test_weights_of_classes_move_what_is_said():
    X, y = pulses()[0], tags_of(pulses()[0])
    share = {}
    for weight in (None, {"before": 50.0, "after": 1.0}):
        model = LSTMTagger(class_weight=weight, **QUICK, random_state=0).fit(X, y)
        share[weight is None] = np.mean(np.concatenate(model.predict(X)) == "before")
    assert share[False] > share[True] + 0.1


def test_labels_keep_their_kind(tmp_path):
    X = pulses(20)[0]
    for y in ([[k % 2 for k in range(len(x))] for x in X], [[bool(k % 2) for k in range(len(x))] for x in X]):
        model = LSTMTagger(hidden_size=2, **ONE_WAY).fit(X, y)
        model.save(tmp_path / "model")
        assert type(load(tmp_path / "model").predict(X)[0].tolist()[0]) is type(y[0][0])


# ---- strings ----


def test_every_decoding_says_what_it_says_by_itself(transcriber, tmp_path):
    X, y = pulses()[0], [("first", str(place), "last") for place in pulses()[1]]
    found = {}
    for decoding in ("best path", "prefix search", "beam search"):
        found[decoding] = transcriber.set_params(decoding=decoding).predict(X)
        assert transcriber.score(X, y) == pytest.approx(1 - metrics.label_error_rate(y, found[decoding]))
        assert transcriber.report(X, y).model.metrics["label error rate"] == pytest.approx(
            metrics.label_error_rate(y, found[decoding])
        )
    assert found["prefix search"] == found["beam search"]
    # A model of labels, which forbids one: it is asked by the labels, and for the end.
    asked = set()

    def model(prefix, label):
        asked.add(label)
        assert all(isinstance(each, str) for each in prefix)
        return -1e9 if label == "first" else 0.0

    assert not any("first" in string for string in transcriber.predict(X, model=model))
    assert any("first" in string for string in found["beam search"])
    assert asked >= {"first", "last", None}
    transcriber.set_params(decoding="best path")
    with pytest.raises(ValueError, match='model= is for decoding="beam search"'):
        transcriber.predict(X, model=model)


@pytest.mark.parametrize(
    "options", [{"stack": 2}, {"stack": 2, "every": 2}, {"fill": "last"}, {"fill": "mask"}], ids=str
)
def test_a_stream_is_said_as_a_sequence_is(options):
    X, _ = pulses(20)
    y = [["up"] if k % 2 else ["down", "up"] for k in range(20)]
    gaps = [x.copy() for x in X]
    if "fill" in options:
        for x in gaps:
            x[3:5, 1] = np.nan
    model = LSTMTranscriber(hidden_size=8, **ONE_WAY, **options).fit(gaps, y)
    with torch.no_grad():
        model.network_.head.weight *= 8  # it says something, and not always the same
        model.network_.head.bias[-1] -= 1
    strings = model.predict(gaps)
    assert sum(map(len, strings)) > 10
    for x, string in zip(gaps, strings, strict=True):
        heard = list(model.listen(iter(x)))
        assert [label for _, label in heard] == list(string)
        assert [t for t, _ in heard] == sorted(t for t, _ in heard)
        assert all(0 <= t < len(x) for t, _ in heard)
    assert list(model.listen([])) == []


def test_labels_come_before_the_stream_ends(transcriber):
    seen = []

    def frames():
        for frame in np.concatenate(pulses()[0]):
            seen.append(frame)
            yield frame

    number, label = next(iter(transcriber.listen(frames())))
    assert number + 1 == len(seen)
    assert label in transcriber.classes_


@pytest.mark.parametrize(
    ("options", "message"),
    [({"bidirectional": True}, "bidirectional=False listens"), ({"fill": "interpolate"}, "by what follows it")],
)
def test_what_cannot_listen(options, message):
    estimator, data, _ = fresh(LSTMTranscriber, **{**ONE_WAY, **options})
    with pytest.raises(ValueError, match=message):
        estimator.fit(*data).listen([])


def test_the_simple_method_of_strings():
    frames = np.array([1, 1, 1, 2, 1, 1, 3, 3])
    assert collapsed(frames, 1) == [1, 2, 1, 3]
    assert collapsed(frames, 3) == [1]
    assert collapsed(frames, 9) == [1]  # the longest run, where none counts
    assert shortest_run([frames] * 3, [np.array([1, 3])] * 3) == 2


# ---- both ----


@BOTH
def test_answers_stand_in_the_order_of_what_was_asked(kind):
    estimator, data, _ = fresh(kind, max_epochs=2, random_state=0)
    X = data[0]
    together = estimator.fit(*data).predict_proba(X)
    for k in (0, 7, 30):
        np.testing.assert_allclose(together[k], estimator.predict_proba([X[k]])[0], atol=1e-5)


@BOTH
def test_a_grid_search_over_ragged_labels(kind):
    estimator, (X, y), _ = fresh(kind, max_epochs=1, random_state=0)
    search = GridSearchCV(estimator, {"cell": ["lstm", "gru"]}, cv=KFold(2)).fit(X, list(y))
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@BOTH
def test_missing_values_and_channels_by_name(kind):
    _, (X, y), _ = fresh(kind)
    gaps = [x.copy() for x in X]
    for x in gaps:
        x[2:4, 1] = np.nan
    estimator = kind(**QUICK | {"max_epochs": 1}, random_state=0)
    with pytest.raises(ValueError, match="NaN at sequence 0, step 2, channel 1"):
        estimator.fit(gaps, y)
    for fill in ("mask", "interpolate", "last"):
        estimator.set_params(fill=fill).fit(gaps, y)
        assert np.isfinite(np.concatenate(estimator.predict_proba(gaps))).all()
        assert estimator.report(gaps, y).count == len(X)
    named = [pd.DataFrame(x, columns=["u", "v"]) for x in X]
    estimator = kind(**QUICK | {"max_epochs": 1}, random_state=0).fit(named, y)
    with pytest.raises(ValueError, match="must be in the same order"):
        estimator.predict([frame[["v", "u"]] for frame in named])


NUMBERS, STEPS = [np.zeros((3, 1)), np.ones((4, 1))], [["a", "b", "a"], ["b", "a", "b", "a"]]


@pytest.mark.parametrize(
    ("kind", "X", "y", "message"),
    [
        (LSTMTagger, NUMBERS, [["a", "b"], ["b", "a", "b", "a"]], "sequence 0 has 3 steps, but y has 2 labels for it"),
        (LSTMTagger, NUMBERS, [["a"] * 3, ["a"] * 4], "at least 2 classes, but y holds one class only: a"),
        (LSTMTagger, NUMBERS, [[""] * 3, [""] * 4], "at least 2 classes"),
        (LSTMTagger, NUMBERS, [["a", 1, "a"], STEPS[1]], "y holds int, str; labels are all text"),
        (LSTMTagger, NUMBERS, [[0.5, 1.0, 2.0], [1.0] * 4], "y holds float; labels are all text"),
        (LSTMTagger, NUMBERS, STEPS[:1], r"inconsistent numbers of samples: \[2, 1\]"),
        (LSTMTagger, NUMBERS, [1, 2], "a list of labels for each sequence"),
        (LSTMTagger, NUMBERS, None, "requires y to be passed"),
        (LSTMTagger, ["abc", ""], STEPS, "sequence 1 of X is empty"),
        (LSTMTagger, [["a", "b", 1], "abcd"], STEPS, "sequence 0 of X, step 2: 1 is no symbol"),
        (LSTMTranscriber, NUMBERS, [["a"], []], "sequence 1 of y has no label"),
        (LSTMTranscriber, NUMBERS, [["a"], ["a", ""]], "sequence 1 of y has an empty label"),
        (LSTMTranscriber, NUMBERS, ["aba", "abab" * 2], "sequence 1 of y: its 8 labels need 8 steps; it has 4"),
        (LSTMTranscriber, NUMBERS, ["aba", "aaba"], "4 labels need 5 steps, for between equal ones"),
    ],
)  # fmt: skip
def test_what_cannot_be_learned(kind, X, y, message):
    with pytest.raises((ValueError, TypeError), match=message):
        kind(max_epochs=1).fit(X, y)


def test_stacked_frames_are_too_few_by_name():
    with pytest.raises(ValueError, match=r"2 labels need 2 steps; it has 1 of its 3 frames \(stack=2, every=2\)"):
        LSTMTranscriber(stack=2, every=2).fit(NUMBERS, ["ab", "ab"])
    data = make_transcribed(NUMBERS, ["ab", "abab"], name="short.npz", ids=["u", "v"])
    with pytest.raises(DataError, match=r"short.npz: sequence v: its 4 labels need 4 steps; it has 2 of its 4 frames"):
        LSTMTranscriber(stack=2).targets_of(data, training=True)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (LSTMTagger, {"delay": 2}, "delay=2 is for one direction"),
        (LSTMTagger, {"delay": -1, "bidirectional": False}, "delay must be an integer of at least 0"),
        (LSTMTagger, {"embedding": 0}, "embedding must be an integer of at least 1"),
        (LSTMTranscriber, {"stack": 0}, "stack must be"),
        (LSTMTranscriber, {"every": 0}, "every must be"),
        (LSTMTranscriber, {"decoding": "guess"}, "decoding must be one of 'best path'"),
        (LSTMTranscriber, {"beam_width": 0}, "beam_width must be"),
        (LSTMTranscriber, {"weight_noise": -1.0}, "weight_noise must be a number at least 0"),
    ],
)
def test_parameters_out_of_range(kind, options, message):
    with pytest.raises(ValueError, match=message):
        kind(**options).fit(NUMBERS, ["aba", "abab"])


@BOTH
def test_noise_on_weights_is_the_training_s(kind):
    said = []
    for noise in (0.0, 0.3):
        estimator, data, test = fresh(kind, weight_noise=noise, random_state=0, max_epochs=2)
        said.append(np.concatenate(estimator.fit(*data).predict_proba(*test)))
        assert np.array_equal(said[-1], np.concatenate(estimator.predict_proba(*test)))
    assert not np.array_equal(*said)


@BOTH
def test_symbols_and_numbers_are_not_taken_for_each_other(kind, tagger):
    estimator, data, _ = fresh(kind, max_epochs=1)
    with pytest.raises(TypeError, match=f"holds symbols, and {kind.__name__} was fitted on numbers"):
        estimator.fit(*data).predict(["abc"])
    with pytest.raises(TypeError, match="must hold sequences of symbols"):
        tagger.predict(data[0])
    frames = [pd.DataFrame(x, columns=["u", "v"]) for x in data[0]]
    words = [list(labels) for labels in data[1]]
    estimator.fit(frames, words)
    assert not hasattr(estimator.fit([["a"] * len(x) for x in frames], words), "feature_names_in_")
    with pytest.raises(ValueError, match="symbols have no missing values"):
        kind(fill="mask").fit(*letters())


@BOTH
def test_labels_that_a_model_does_not_know(kind):
    estimator, (X, y), _ = fresh(kind, max_epochs=1)
    estimator.fit(X, y)
    strange = [list(labels) for labels in y]
    strange[3][0] = "sideways"
    for judge in (estimator.score, estimator.report):
        with pytest.raises(ValueError, match="sequence 3 of y has the label 'sideways'"):
            judge(X, strange)
    make = make_tagged if kind is LSTMTagger else make_transcribed
    data = make(X, strange, name="new.npz", ids=[f"r{k}" for k in range(len(X))])
    for ask in (estimator.report_on, estimator.drawings):
        with pytest.raises(DataError, match=r"new.npz: sequence r3 has the label 'sideways', which the model does not"):
            ask(data)
    with pytest.raises(DataError, match="no labels to compare with"):
        estimator.report_on(make(X, None, name="bare.npz"))


@BOTH
def test_another_validation_part_is_another_run(kind, tmp_path):
    path = tmp_path / "run.checkpoint"
    estimator, (X, y), _ = fresh(kind, max_epochs=1, random_state=0)
    estimator.fit(X, y, validation_data=(X[:5], y[:5]), checkpoint=path)
    estimator.fit(X, y, validation_data=(X[:5], y[:5]), checkpoint=path, resume=True)
    for part in ((X[1:6], y[1:6]), (X[:5], [labels[::-1] for labels in y[:5]])):
        with pytest.raises(ValueError, match="other data"):
            estimator.fit(X, y, validation_data=part, checkpoint=path, resume=True)


# ---- metrics ----


def by_hand(a, b):
    """The edit distance, from its definition."""
    if not a or not b:
        return len(a) + len(b)
    return min(by_hand(a[1:], b) + 1, by_hand(a, b[1:]) + 1, by_hand(a[1:], b[1:]) + (a[0] != b[0]))


def test_edit_distances_and_alignments():
    strings = ["".join(s) for n in range(4) for s in itertools.product("ab", repeat=n)]
    for a, b in itertools.product(strings, strings):
        pairs = metrics.aligned(a, b)
        assert metrics.distance(a, b) == by_hand(a, b) == sum(x != y for x, y in pairs)
        assert "".join(x for x, _ in pairs if x) == a
        assert "".join(y for _, y in pairs if y) == b
    assert metrics.distance([1, 2, 3], (1, 3)) == 1
    assert metrics.label_error_rate(["a", "bb"], ["aaaa", ""]) == 5 / 3


def test_keywords_are_counted_by_place():
    words = {"x", "y"}
    found = metrics.keywords(["axbya", "x", "aa"], ["xy", "y", "x"], words, minutes=2.0)
    assert (found.there, found.hits, found.false_alarms) == (3, 2, 2)
    assert found.hit_rate == 2 / 3
    assert found.false_alarms_a_minute == 1.0
    assert np.isnan(metrics.keywords(["a"], ["a"], words, 1.0).hit_rate)


def test_the_error_of_a_ratio_is_that_of_many_draws():
    rng = np.random.default_rng(0)

    def draw():
        counts = rng.integers(1, 30, 60)
        return rng.binomial(counts, 0.3) - rng.binomial(counts, 0.2), counts

    draws = [draw() for _ in range(400)]
    spread = np.std([d.sum() / n.sum() for d, n in draws])
    assert np.mean([ratio_error(d, n) for d, n in draws]) == pytest.approx(spread, rel=0.1)
    assert ratio_error(np.ones(1), np.ones(1)) is None


def test_recordings_are_read_as_those_of_the_training_were(tmp_path):
    rng = np.random.default_rng(0)
    for name, rate in (("a.wav", 8000), ("b.wav", 8000), ("c.wav", 16000)):
        soundfile.write(tmp_path / name, rng.normal(size=rate // 5) * 0.1, rate)
    (path := tmp_path / "learn.csv").write_text("path,text\na.wav,x\nb.wav,x y\n")
    data = load_transcribed(path, features="log-mel", bands=12, step=20, units="words")
    model = LSTMTranscriber(hidden_size=2, max_epochs=1, random_state=0).fit_on(data)
    model.save(tmp_path / "model")
    (other := tmp_path / "other.csv").write_text("path,text\nc.wav,y\n")
    for each in (model, load(tmp_path / "model")):
        read = each.read(other)
        assert read.made == data.made
        assert read.X[0].shape == (9, 24)  # every 20 ms, for all that the file has another rate
        assert each.read(other, step=20).rate == 50
        with pytest.raises(DataError, match="step='10': the model was trained with 20"):
            each.read(other, step=10)
    model.fit(data.X, data.y)  # of arrays, which do not say how they were made
    assert model.read(other, features="log-mel", bands=12).rate == 100
