"""The transcriber on images of lines: what it learns, keeps, shows and refuses."""

import numpy as np
import pytest
import torch

from carrousel.data import DataError, hold_out, make_images
from carrousel.estimators import LSTMTranscriber, load
from carrousel.estimators._images import columns_of
from carrousel.estimators._sequences import Ragged
from carrousel.pictures.directions import DIRECTIONS
from carrousel.training._errors import ModelError

QUICK = {
    "hidden_size": 6, "num_layers": 1, "max_epochs": 30, "batch_size": 8, "learning_rate": 0.03, "dropout": 0.0,
    "input_noise": 0.1, "random_state": 0,
}  # fmt: skip
ONE = QUICK | {"max_epochs": 1}


def lines(count=64, seed=0):
    """Images of several widths with bars side by side, at the top (t) or the bottom (b) of 4 rows."""
    rng = np.random.default_rng(seed)
    y = [tuple(rng.choice(["b", "t"], size=rng.integers(1, 4)).tolist()) for _ in range(count)]
    X = []
    for string in y:
        image = 0.05 * rng.normal(size=(4, 6 * len(string) + int(rng.integers(0, 3)), 1))
        for k, label in enumerate(string):
            image[slice(0, 2) if label == "t" else slice(2, 4), 6 * k + 1 : 6 * k + 4] += 1
        X.append(image)
    return X, y


X, Y = lines()


@pytest.fixture(scope="module")
def model():
    return LSTMTranscriber(**QUICK).fit(X, Y)


def test_reads_bars(model):
    new, truth = lines(seed=1)
    assert model.score(new, truth) > 0.9
    assert type(model.network_).__name__ == "ImageTranscriber"
    steps = [len(each) for each in model.predict_proba(new)]
    assert steps == [-(-x.shape[1] // 2) for x in new]
    assert model.predict(new[:5]) == model.predict(new)[:5]
    np.testing.assert_allclose(model.predict_proba(new[3:4])[0], model.predict_proba(new)[3], rtol=1e-4, atol=1e-6)


def test_stands_beside_columns_collapsed(model):
    report = model.report(*lines(20, seed=2))
    assert [score.method for score in report.scores] == ["multidimensional LSTM", "frame-wise classifier, collapsed"]
    assert report.items == "test images"
    assert report.best_simple.metrics["label error rate"] < 0.5  # it sees the columns


def test_is_the_same_once_it_was_saved(model, tmp_path):
    model.save(tmp_path / "m")
    again = load(tmp_path / "m")
    assert again.predict(X) == model.predict(X)
    assert str(again.report(X, Y)) == str(model.report(X, Y))
    assert again.image_size_ == model.image_size_


def test_goes_on_from_a_checkpoint(tmp_path):
    def fit(file, resume=False, progress=None, images=X):
        options = QUICK | {"max_epochs": 3}
        return LSTMTranscriber(**options).fit(images, Y, checkpoint=tmp_path / file, resume=resume, progress=progress)

    class KilledError(Exception):
        pass

    def stop(at):
        if at.epoch == 2:
            raise KilledError

    with pytest.raises(KilledError):
        fit("a", progress=stop)
    resumed, whole = fit("a", resume=True), fit("b")
    np.testing.assert_array_equal(resumed.predict_proba(X)[7], whole.predict_proba(X)[7])
    other = [x.reshape(2, -1, 1) for x in X]  # as many places, laid out otherwise
    with pytest.raises(ModelError):
        fit("b", resume=True, images=other)


def test_data_as_they_were_read(model):
    images = make_images(X, Y, name="bars")
    train, test = hold_out(images, 0.2)
    fitted = LSTMTranscriber(**ONE).fit_on(train)
    assert fitted.report_on(test).count == len(test)
    assert list(fitted.table(test)) == ["id", "prediction", "probability"]
    wanted = {"spikes", "directions", "confusion", "learning-curve"}
    assert set(fitted.drawings(test, sequence=str(test.ids[3]))) == wanted
    with pytest.raises(DataError, match="there is no image 'x'"):
        fitted.drawings(test, sequence="x")
    with pytest.raises(DataError, match="error is followed through sequences"):
        fitted.items_on(test)
    with pytest.raises(DataError, match="image 1 has the label 'c', which the model does not know"):
        fitted.report_on(make_images(X[:2], [("b",), ("c",)], name="new"))
    with pytest.raises(DataError, match="each image has one class"):
        fitted.report_on(make_images(X[:2], ["b", "t"], name="new"))


def test_nobody_is_held_out_with_a_label_of_their_own():
    strings = [("b",), ("t",), ("b", "t"), ("c",)] * 1 + [("t",)] * 6
    for seed in range(5):
        train, _ = hold_out(make_images(X[:10], strings, name="bars"), 0.5, seed=seed)
        assert "c" in train.labels()


@pytest.mark.parametrize("layer", [0, 1])
def test_what_the_directions_see_adds_up_to_the_derivative_of_the_best_path(layer):
    deep = LSTMTranscriber(**ONE | {"num_layers": 2, "stack": 1}).fit(X[:16], Y[:16])
    image = torch.from_numpy(deep.scaler_(X[0]))[None].requires_grad_()
    deep.network_.eval()(image, torch.tensor([X[0].shape[:2]])).max(dim=2).values.sum().backward()
    seen = deep.directions(X[0], layer)
    assert tuple(seen) == DIRECTIONS
    total = sum(each["sight"] for each in seen.values())
    np.testing.assert_allclose(total, image.grad[0], rtol=1e-3, atol=1e-6)


def test_channels_and_shapes():
    colour = np.random.default_rng(0).normal(size=(20, 4, 9, 3))
    y = ["ab", "b"] * 10
    plain = LSTMTranscriber(**ONE).fit(colour, y, validation_data=(colour[:4], y[:4]))
    turned = LSTMTranscriber(**ONE, channels_first=True)
    turned.fit(colour.transpose(0, 3, 1, 2), y, validation_data=(colour[:4].transpose(0, 3, 1, 2), y[:4]))
    np.testing.assert_array_equal(
        plain.predict_proba(colour)[0], turned.predict_proba(list(colour.transpose(0, 3, 1, 2)))[0]
    )
    assert plain.rival_.weight.shape[1] == 3 * plain.image_size_[0]
    with pytest.raises(ValueError, match="X has 1 channel, but LSTMTranscriber was fitted on 3"):
        plain.predict(X)


@pytest.mark.parametrize(
    ("given", "y", "options", "words"),
    [
        (X[:2], ["b" * 9, "t"], {}, r"image 0 of y: its 9 labels need 17 steps, .* it has \d+ of its \d+ columns"),
        (X[:2], ["", "t"], {}, "image 0 of y has no label"),
        (X[:2], ["b", "t"], {"every": 2}, "every=2 is for sequences"),
        (X[:2], ["b", "t"], {"bidirectional": False}, "bidirectional=False is for sequences"),
        (X[:2], ["b", "t"], {"fill": "mask"}, "fill='mask' is for sequences"),
        (X[:2], ["b", "t"], {"stack": 0}, "stack must be an integer of at least 1"),
        (X[:2], ["b", "t"], {"cell": "gru"}, "is for sequences, of one dimension"),
        ([X[0], np.zeros((4, 0, 1))], ["b", "t"], {}, "image 1 of X is empty"),
        ([X[0], np.zeros((4, 9, 2))], ["b", "t"], {}, "image 0 has 1, image 1 has 2"),
    ],
)
def test_refuses(given, y, options, words):
    with pytest.raises(ValueError, match=words):
        LSTMTranscriber(**ONE | options).fit(given, y)


def test_images_are_not_sequences(model):
    with pytest.raises(ValueError, match=r"X holds sequences \[T, C\], but LSTMTranscriber was fitted on images"):
        model.predict([x[0] for x in X])
    with pytest.raises(ValueError, match="images have no steps"):
        model.activations(X[0])
    with pytest.raises(ValueError, match="nothing is said before its end"):
        model.listen([[0.0]])
    again = LSTMTranscriber(**ONE).fit(X[:16], Y[:16])
    again.fit(["abab", "ba"] * 4, ["ab", "b"] * 4)  # an estimator can be fitted anew on symbols
    assert not again._of_images
    with pytest.raises(ValueError, match=r"X holds images \[H, W, C\], but LSTMTranscriber was fitted on sequences"):
        again.predict(X)
    assert len(again.fit(X[:16], Y[:16]).predict(X)) == 64


def test_columns_of_one_height():
    sizes = np.array([[4, 6], [2, 3]])
    values = np.concatenate([np.full((24, 2), 1.0), np.full((6, 2), 2.0)])
    columns = columns_of(Ragged(values, sizes.prod(axis=1), sizes=sizes), 2)
    assert columns.lengths.tolist() == [3, 3]
    np.testing.assert_allclose(columns.values, np.repeat([[1.0], [2.0]], 3, axis=0) * np.ones(4))
