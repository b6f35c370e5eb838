"""Pictures show what they are given: the numbers are read back from the figures."""

import numpy as np
import pandas as pd
import pytest

from carrousel import pictures


def activations(names, directions=("", "_reverse"), steps=7, units=5, layer=0):
    rng = np.random.default_rng(0)
    return {f"{n}_l{layer}{d}": rng.uniform(-1, 1, (steps, units)) for d in directions for n in names}


def test_activations_are_the_images_in_the_order_of_the_carrousel():
    found = activations(["h", "c", "i", "f", "g", "o"], directions=("",))
    for gate in ("i", "f", "o"):
        found[f"{gate}_l0"] = np.abs(found[f"{gate}_l0"])
    figure = pictures.draw_activations(found, np.zeros((7, 2)), cell="lstm", channels=["u", "v"])
    images = {ax.get_ylabel(): ax.images[0] for ax in figure.axes if ax.images and ax.get_ylabel()}
    assert list(images) == ["input gate i", "forget gate f", "candidate g", "output gate o", "carrousel c", "output h"]
    order = np.argsort(found["c_l0"].mean(axis=0))
    np.testing.assert_allclose(images["forget gate f"].get_array(), found["f_l0"][:, order].T)
    np.testing.assert_allclose(images["carrousel c"].get_array(), found["c_l0"][:, order].T)
    assert images["forget gate f"].get_clim() == (0, 1)
    low, high = images["carrousel c"].get_clim()
    assert low == -high


def test_both_directions_and_other_layers():
    found = activations(["h", "r", "z", "n"]) | activations(["h", "r", "z", "n"], layer=1, units=3)
    figure = pictures.draw_activations(found, cell="gru", layer=1)
    pictured = [ax for ax in figure.axes if ax.images]
    assert [ax.get_title() for ax in pictured[:2]] == ["forward", "backward"]
    assert all(ax.images[0].get_array().shape == (3, 7) for ax in pictured)
    with pytest.raises(ValueError, match="layer 2"):
        pictures.draw_activations(found, cell="gru", layer=2)


def test_blocks_have_fewer_gates_than_candidates():
    found = activations(["h", "c", "g"], directions=("",), units=6) | activations(["i", "f", "o"], ("",), units=3)
    figure = pictures.draw_activations(found, cell="lstm")
    heights = {
        ax.get_ylabel(): ax.images[0].get_array().shape[0] for ax in figure.axes if ax.images and ax.get_ylabel()
    }
    assert heights["input gate i"] == 3
    assert heights["carrousel c"] == 6


def test_learning_curve():
    history = [
        {"epoch": k, "learning_rate": 0.1, "train_loss": 1 / k, "valid_loss": 2 / k, "MAE": k} for k in (1, 2, 3)
    ]
    figure = pictures.draw_learning_curve(history, best_epoch=2)
    losses, metric = figure.axes
    np.testing.assert_allclose(losses.lines[1].get_ydata(), [2, 1, 2 / 3])
    np.testing.assert_allclose(metric.lines[0].get_ydata(), [1, 2, 3])
    assert metric.get_ylabel() == "MAE"
    assert "kept: epoch 2" in [t.get_text() for t in losses.get_legend().get_texts()]
    bare = pictures.draw_learning_curve([{"epoch": 1, "learning_rate": 0.1, "train_loss": -1.0}])
    assert len(bare.axes) == 1
    assert bare.axes[0].get_yscale() == "linear"
    with pytest.raises(ValueError, match="empty"):
        pictures.draw_learning_curve([])


def test_confusion():
    figure = pictures.draw_confusion(np.array(["a", "a", "b", "c"]), np.array(["a", "b", "b", "c"]))
    texts = {t.get_position(): t.get_text() for t in figure.axes[0].texts}
    assert texts == {(0, 0): "1", (1, 0): "1", (1, 1): "1", (2, 2): "1"}
    np.testing.assert_allclose(figure.axes[0].images[0].get_array()[0], [0.5, 0.5, 0])
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == ["a", "b", "c"]


def test_values():
    figure = pictures.draw_values(np.array([[1, 2], [3, 4]]), np.array([[1, 0], [3, 9]]), ["u", "v"])
    assert [ax.get_title() for ax in figure.axes] == ["u", "v"]
    np.testing.assert_allclose(figure.axes[1].collections[0].get_offsets(), [[2, 0], [4, 9]])


@pytest.mark.parametrize("index", [pd.RangeIndex(10), pd.period_range("2020-01", periods=10, freq="M")])
def test_forecast(index):
    series = pd.Series(np.arange(10.0), index=index, name="load")
    frame = pd.DataFrame({0.1: [6.0, 7], 0.5: [8.0, 8], 0.9: [9.0, 11]}, index=index[8:])
    figure = pictures.draw_forecast(series, [frame])
    ax = figure.axes[0]
    assert ax.get_ylabel() == "load"
    np.testing.assert_allclose(ax.lines[0].get_ydata(), series)
    np.testing.assert_allclose(ax.lines[1].get_ydata(), [8, 8])
    assert "80 % interval" in [t.get_text() for t in ax.get_legend().get_texts()]


def test_save(tmp_path):
    figure = pictures.draw_values(np.zeros(2), np.ones(2))
    for ending, start in (("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")):
        path = pictures.save(figure, tmp_path / "deep" / f"a.{ending}")
        assert path.read_bytes().startswith(start)
    with pytest.raises(ValueError, match="nonsense"):
        pictures.save(figure, tmp_path / "other" / "a.nonsense")
    assert not (tmp_path / "other").exists()
    assert len(list((tmp_path / "deep").iterdir())) == 3
