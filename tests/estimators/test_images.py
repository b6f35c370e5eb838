"""The classifier on images: what it learns, keeps, shows and refuses."""

import numpy as np
import pytest
import torch

from carrousel.data import DataError, hold_out, make_images
from carrousel.estimators import LSTMClassifier, load
from carrousel.estimators._images import common_size, resized
from carrousel.estimators._sequences import Ragged
from carrousel.pictures.directions import DIRECTIONS
from carrousel.training._errors import ModelError

QUICK = {"hidden_size": 6, "max_epochs": 8, "batch_size": 10, "learning_rate": 0.03, "dropout": 0.0, "random_state": 0}


def bars(count=60, seed=0):
    """Images of several sizes with a bar, lying or standing."""
    random = np.random.default_rng(seed)
    y = random.integers(0, 2, size=count)
    X = [random.normal(scale=0.1, size=(*random.integers(5, 9, size=2), 1)) for _ in range(count)]
    for x, standing in zip(X, y, strict=True):
        at = random.integers(1, 4)
        x[(slice(None), at) if standing else (at, slice(None))] += 1
    return X, np.array(["lying", "standing"])[y]


X, Y = bars()


@pytest.fixture(scope="module")
def model():
    return LSTMClassifier(**QUICK).fit(X, Y)


def test_tells_lying_from_standing_bars(model):
    new, truth = bars(seed=1)
    assert model.score(new, truth) > 0.9
    assert model.predict_proba(new).shape == (60, 2)
    assert type(model.network_).__name__ == "ImageVector"
    np.testing.assert_allclose(model.predict_proba(new[3:4]), model.predict_proba(new)[3:4], rtol=1e-4, atol=1e-6)


def test_stands_beside_a_linear_method_on_pixels(model):
    report = model.report(X, Y)
    assert report.scores[0].method == "multidimensional LSTM"
    assert {"logistic regression on pixels", "1-nearest neighbour"} <= {score.method for score in report.scores}


def test_is_the_same_once_it_was_saved(model, tmp_path):
    model.save(tmp_path / "m")
    again = load(tmp_path / "m")
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    assert str(again.report(X, Y)) == str(model.report(X, Y))
    assert again.image_size_ == model.image_size_


def test_goes_on_from_a_checkpoint(tmp_path):
    def fit(file, resume=False):
        return LSTMClassifier(**QUICK | {"max_epochs": 4}).fit(X, Y, checkpoint=tmp_path / file, resume=resume)

    class KilledError(Exception):
        pass

    def stop(at):
        if at.epoch == 2:
            raise KilledError

    with pytest.raises(KilledError):
        LSTMClassifier(**QUICK | {"max_epochs": 4}).fit(X, Y, checkpoint=tmp_path / "a", progress=stop)
    resumed, whole = fit("a", resume=True), fit("b")
    np.testing.assert_array_equal(resumed.predict_proba(X), whole.predict_proba(X))
    other = [x.transpose(1, 0, 2) for x in X]  # as many places, laid out otherwise
    with pytest.raises(ModelError):
        LSTMClassifier(**QUICK | {"max_epochs": 4}).fit(other, Y, checkpoint=tmp_path / "b", resume=True)


def test_data_as_they_were_read(model):
    images = make_images(X, Y, name="bars")
    train, test = hold_out(images, 0.2)
    assert (len(train), len(test)) == (49, 11)
    fitted = LSTMClassifier(**QUICK | {"max_epochs": 1}).fit_on(train)
    assert fitted.report_on(test).count == 11
    assert list(fitted.table(test)) == ["id", "prediction", "probability lying", "probability standing"]
    assert set(fitted.drawings(test)) == {"directions", "confusion", "learning-curve"}
    assert set(fitted.drawings(test, sequence=str(test.ids[3]))) == {"directions", "confusion", "learning-curve"}
    with pytest.raises(DataError, match="there is no image 'x'"):
        fitted.drawings(test, sequence="x")


def test_directions_see_what_they_come_from(model):
    seen = model.directions(X[0])
    assert tuple(seen) == DIRECTIONS
    for each in seen.values():
        assert each["sight"].shape == X[0].shape
        assert each["activity"].shape == tuple(-(-side // 2) for side in X[0].shape[:2])
        assert each["sight"].any()
    with pytest.raises(ValueError, match="images have no steps"):
        model.activations(X[0])


@pytest.mark.parametrize("layer", [0, 1])
def test_what_the_directions_see_adds_up_to_the_whole_derivative(layer):
    deep = LSTMClassifier(**QUICK | {"num_layers": 2, "max_epochs": 1}).fit(X, Y)
    image = torch.from_numpy(deep.scaler_(X[0]))[None].requires_grad_()
    deep.network_.eval()(image, torch.tensor([X[0].shape[:2]])).max().backward()
    seen = deep.directions(X[0], layer).values()
    np.testing.assert_allclose(sum(each["sight"] for each in seen), image.grad[0], rtol=1e-3, atol=1e-6)


def test_channels_and_shapes(model):
    colour = np.random.default_rng(0).normal(size=(20, 6, 5, 3))
    y = np.arange(20) % 2
    quick = QUICK | {"max_epochs": 1}
    plain = LSTMClassifier(**quick).fit(colour, y)
    turned = LSTMClassifier(**quick, channels_first=True).fit(colour.transpose(0, 3, 1, 2), y)
    np.testing.assert_array_equal(plain.predict_proba(colour), turned.predict_proba(list(colour.transpose(0, 3, 1, 2))))
    np.testing.assert_array_equal(plain.predict_proba(colour), plain.predict_proba(list(colour)))
    assert plain.n_channels_ == 3
    with pytest.raises(ValueError, match="X has 1 channel, but LSTMClassifier was fitted on 3"):
        plain.predict(X)


@pytest.mark.parametrize(
    ("given", "options", "words"),
    [
        ([*X[:2], np.zeros((3, 3, 2))], {}, "image 0 has 1, image 2 has 2"),
        ([X[0], np.full((4, 4, 1), np.nan)], {}, "NaN at image 1, row 0, column 0, channel 0"),
        ([X[0], np.zeros((0, 4, 1))], {}, "image 1 of X is empty"),
        ([X[0], np.zeros((4, 4))], {}, r"image 1 of X has shape \(4, 4\); it must be \[H, W, C\]"),
        (X, {"bidirectional": False}, "bidirectional=False is for sequences"),
        (X, {"zoneout": 0.1}, "zoneout=0.1 is for sequences"),
        (X, {"fill": "mask"}, "fill='mask' is for sequences"),
        (X, {"pooling": "last"}, "pooling='last' is for sequences"),
        (X, {"rivals": "all"}, "random convolutions see no images"),
        (X, {"cell": "gru"}, "is for sequences, of one dimension"),
    ],
)
def test_refuses(given, options, words):
    with pytest.raises(ValueError, match=words):
        LSTMClassifier(**QUICK, **options).fit(given, Y[: len(given)])


def test_images_are_not_sequences(model):
    with pytest.raises(ValueError, match=r"X holds sequences \[T, C\], but LSTMClassifier was fitted on images"):
        model.predict([x[0] for x in X])
    sequences = LSTMClassifier(**QUICK | {"max_epochs": 1}).fit([x[0] for x in X], Y)
    with pytest.raises(ValueError, match=r"X holds images \[H, W, C\], but LSTMClassifier was fitted on sequences"):
        sequences.predict(X)
    again = sequences.fit(X, Y)  # an estimator can be fitted anew on the other kind
    assert again.predict(X).shape == (60,)


def test_a_class_of_the_simple_network_over_images():
    fitted = LSTMClassifier(**QUICK | {"max_epochs": 1, "cell": "elman", "patch": 3, "num_layers": 2}).fit(X, Y)
    assert [layer.layer.cell.name for layer in fitted.network_.body.layers] == ["elman", "elman"]
    assert fitted.network_.body.blocks == ((3, 3), (3, 3))


def test_images_of_one_size_for_simple_methods():
    sizes = np.array([[4, 6], [2, 3]])
    values = np.concatenate([np.full((24, 1), 1.0), np.full((6, 1), 2.0)])
    images = Ragged(values, sizes.prod(axis=1), sizes=sizes)
    assert common_size(images) == (3, 4)
    same = resized(images, (3, 4))
    assert same.lengths.tolist() == [12, 12]
    np.testing.assert_allclose(same.values, np.repeat([[1.0], [2.0]], 12, axis=0))
    large = Ragged(np.zeros((100 * 200, 3)), np.array([20_000]), sizes=np.array([[100, 200]]))
    tall, wide = common_size(large)
    assert tall * wide * 3 <= 1024
    thin = Ragged(np.zeros((5000, 1)), np.array([5000]), sizes=np.array([[1, 5000]]))
    assert common_size(thin)[0] == 1
    assert common_size(thin)[1] <= 1024
    assert abs(wide / tall - 2) < 0.2
