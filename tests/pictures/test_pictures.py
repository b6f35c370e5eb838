"""Pictures show what they are given: the numbers are read back from the figures."""

import numpy as np
import pandas as pd
import pytest

from carrousel import pictures
from carrousel.learning.online import Learner, Network
from carrousel.pictures.beside import Bar
from carrousel.pictures.curves import Curves, Growth
from carrousel.pictures.steps import Bars, Image, Lines, activations_over, cell_names, unit_names


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
    assert images["forget gate f"].get_cmap() != images["carrousel c"].get_cmap()
    assert "sorted by the mean of c" in figure.get_supxlabel()


def test_the_input_is_drawn_once_standardised_with_its_names():
    both = activations(["h", "c", "i", "f", "g", "o"])
    sequence = np.stack([np.arange(7.0) * 1e6, np.full(7, 3.0)], axis=1)
    figure = pictures.draw_activations(both, sequence, cell="lstm", channels=["u", "flat"])
    inputs = [ax for ax in figure.axes if ax.get_title().startswith("input")]
    assert len(inputs) == 1
    assert [label.get_text() for label in inputs[0].get_yticklabels()] == ["u", "flat"]
    shown = inputs[0].images[0].get_array()
    np.testing.assert_allclose(shown.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(shown.std(axis=1), [1, 0])
    many = pictures.draw_activations(both, np.random.default_rng(0).normal(size=(7, 40)), cell="lstm")
    labels = next(ax for ax in many.axes if ax.get_title().startswith("input")).get_yticklabels()
    assert [label.get_text() for label in labels] == ["0", "39"]


def test_both_directions_and_other_layers():
    found = activations(["h", "r", "z", "n"]) | activations(["h", "r", "z", "n"], layer=1, units=3)
    figure = pictures.draw_activations(found, cell="gru", layer=1)
    pictured = [ax for ax in figure.axes if ax.images]
    assert [ax.get_title() for ax in pictured[:2]] == ["forward", "backward: read from the right"]
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
    last = pictures.draw_learning_curve(history, best_epoch=3).axes[0].get_legend().get_texts()
    assert "kept: epoch 3, the last: more epochs may help" in [t.get_text() for t in last]
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
    np.testing.assert_allclose(ax.lines[1].get_ydata(), [7, 8, 8])  # from the last value before it
    beside = pictures.draw_forecast(series, [frame], rivals=[pd.Series([7.0, 7.0], index[8:], name="naive")])
    np.testing.assert_allclose(beside.axes[0].lines[1].get_ydata(), [7, 7, 7])
    assert "naive" in [t.get_text() for t in beside.axes[0].get_legend().get_texts()]
    alone = pictures.draw_forecast(series[9:], [frame]).axes[0]
    np.testing.assert_allclose(alone.lines[1].get_ydata(), [8, 8])
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


def test_steps_are_the_lines_bars_and_images_that_are_given():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(6, 4))
    rings = rng.random((6, 4)) < 0.5
    panels = [
        Bars(label="number", values=values[:, :1], names=["marked"], shown=[2, 5]),
        Lines(label="state", values=values, names=list("abcd"), bold=1, group=2, marks=[2, 5]),
        Image(label="gate", values=np.abs(values), rings=rings, ticks=list("uvwxyz"), first=3),
    ]
    figure = pictures.draw_steps([panels], "A title")
    bars, lines, image = (axes for axes in figure.axes if axes.get_ylabel())
    heights = {round(bar.get_x() + bar.get_width() / 2): bar.get_height() for bar in bars.patches}
    assert [heights[k] for k in range(1, 7)] == values[:, 0].tolist()
    drawn = lines.get_lines()
    for k in range(4):
        assert drawn[k].get_xdata().tolist() == [1, 2, 3, 4, 5, 6]
        assert drawn[k].get_ydata().tolist() == values[:, k].tolist()
    assert drawn[2].get_color() == drawn[3].get_color() != drawn[0].get_color()
    assert [line.get_linestyle() for line in drawn[:4]] == ["-", "--", "-", "--"]
    assert drawn[1].get_linewidth() > drawn[0].get_linewidth()
    assert [line.get_xdata()[0] for line in drawn[5:]] == [2, 5]
    np.testing.assert_allclose(image.images[0].get_array(), np.abs(values).T)
    assert sorted(zip(*image.get_lines()[0].get_data(), strict=True)) == sorted(
        (t + 3, k) for t, k in np.argwhere(rings).tolist()
    )
    assert [label.get_text() for label in image.get_xticklabels()] == list("uvwxyz")


def test_columns_of_steps_share_their_ranges():
    low, high = (Lines(label="state", values=np.full((3, 1), value), title=str(value)) for value in (-1.0, 5.0))
    left, right = pictures.draw_steps([[low], [high]]).axes
    assert left.get_ylim() == right.get_ylim()
    assert (left.get_title(), right.get_title()) == ("-1.0", "5.0")
    assert (left.get_ylabel(), right.get_ylabel()) == ("state", "")


def test_curves_and_what_they_are_compared_with():
    panels = [Curves(f"row {k}", [([1, 2], [0.5, 0.1 * (k + 1)])], published=2.0 if k else None) for k in range(4)]
    figure = pictures.draw_curves(panels, xlabel="sequences", ylabel="error")
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title() for axes in shown] == [f"row {k}" for k in range(4)]
    assert [axes.get_lines()[0].get_ydata()[1] for axes in shown] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert [len(axes.get_lines()) for axes in shown] == [1, 2, 2, 2]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["published mean"]
    with pytest.raises(ValueError, match="nothing to draw"):
        pictures.draw_curves([], xlabel="", ylabel="")
    figure = pictures.draw_growth([Growth("lag", {10: 5.0, 20: 9.0}, {10: (6.0, 4.0, 80.0)})], "A title", ylabel="n")
    published, spread, mean = figure.axes[0].get_lines()
    assert published.get_ydata().tolist() == [5.0, 9.0]
    assert spread.get_ydata().tolist() == [4.0, 80.0]
    assert mean.get_ydata().tolist() == [6.0]
    low, high = figure.axes[0].get_ylim()
    assert low == 0
    assert high > 80


def test_bars_beside_what_is_published():
    bars = [
        Bar("one", 30.0, None, 20.0),
        Bar("two", other=500.0),
        Bar("three", 7.0, None, 9.0, uncertain=True),
        Bar("four"),
    ]
    figure = pictures.draw_beside(bars, "A title", measured="here", other="others", published="published")
    axes = figure.axes[0]
    assert [bar.get_width() for bar in axes.patches] == [30.0, 500.0, 7.0]
    assert [line.get_xdata()[0] for line in axes.get_lines()] == [20.0, 9.0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["one", "two", "three", "four"]
    words = {text.get_text() for text in figure.legends[0].get_texts()}
    assert words == {"here", "others", "published", "published, source uncertain"}
    shares = pictures.draw_beside(
        [Bar("one", 0.2, 0.9, words="1 of 5")], "A title", measured="a", other="b", share=True
    )
    assert [bar.get_width() for bar in shares.axes[0].patches] == [0.9, 0.2]
    assert shares.axes[0].texts[0].get_text() == "1 of 5"


def test_a_learner_is_followed_and_left_as_it_was():
    learner = Learner(Network(2, 3, blocks=2), seed=0)
    run = activations_over(learner, np.array([0, 1, 1, 0]))
    assert {name: values.shape for name, values in run.items()}["state"] == (4, 2)
    np.testing.assert_allclose(run["output"], learner.sequence_outputs(np.array([0, 1, 1, 0]), [[0, 4]]))
    assert cell_names(4, 2) == ["block 1, cell 1", "block 1, cell 2", "block 2, cell 1", "block 2, cell 2"]
    values, names = unit_names(run, {"input_gate": "in", "forget_gate": "forget", "output_gate": "out"})
    assert names == ["in 1", "in 2", "out 1", "out 2"]
    assert np.array_equal(values[:, :2], run["input_gate"])


@pytest.mark.parametrize("least", [0.5, 1e-3, 1e-12])
def test_curves_have_ticks_however_far_they_fall(least):
    figure = pictures.draw_curves([Curves("a", [([0, 1], [1.0, least])])], xlabel="x", ylabel="y")
    low, high = figure.axes[0].get_ylim()
    ticks = [tick for tick in figure.axes[0].yaxis.get_majorticklocs() if low <= tick <= high]
    assert len(ticks) >= 1


@pytest.mark.parametrize("words", [1, 30])
def test_a_title_is_as_wide_as_its_picture(words, tmp_path):
    title = " ".join(["Forecasts of MAE,"] * words)
    figure = pictures.draw_values(np.zeros(2), np.ones(2), title=title)
    pictures.save(figure, tmp_path / "a.png", dpi=figure.dpi)  # which lays it out
    assert figure.get_suptitle().replace("\n", " ") == title
    assert figure._suptitle.get_window_extent().x1 <= figure.bbox.x1


# ---- labels ----


def test_tags_stand_above_what_is_so():
    said = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])
    sequence = np.stack([np.arange(4.0), np.full(4, 2.0)], axis=1)
    actual = ["on", "off", "off", ""]
    figure = pictures.draw_tags(said, ["on", "off"], sequence, actual=actual, channels=["u", "v"])
    image, lines, bands = figure.axes
    np.testing.assert_allclose(image.images[0].get_array()[0].std(), 1)
    assert [label.get_text() for label in image.get_yticklabels()] == ["u", "v"]
    for k, line in enumerate(lines.lines):
        np.testing.assert_allclose(line.get_ydata(), said[:, k])
    bars = [(round(bar.get_y() + bar.get_height() / 2), bar.get_x() + 0.5, bar.get_width()) for bar in bands.patches]
    assert bars[:3] == [(0, 0, 2), (0, 2, 1), (0, 3, 1)]  # on on off on
    assert bars[3:6] == [(1, 0, 1), (1, 1, 2), (1, 3, 1)]  # on off off, and one that nobody knows
    wrong = [bar.get_x() + bar.get_width() / 2 for bar in bands.patches[6:]]
    assert wrong == [1]


def test_tags_of_words_have_the_words_below_them():
    said = np.full((3, 9), 1 / 9)
    figure = pictures.draw_tags(said, list("abcdefghi"), np.array(["it", "never", "rains"]), tags=list("abc"))
    image, bands = figure.axes
    np.testing.assert_allclose(image.images[0].get_array(), said.T)
    assert [label.get_text() for label in bands.get_xticklabels()] == ["it", "never", "rains"]
    assert [text.get_text() for text in bands.texts] == ["a", "b", "c"]


def test_spikes_bear_their_labels_in_seconds():
    said = np.full((6, 3), 0.01)
    said[:, 2] = 0.98
    said[1], said[3], said[4] = [0.9, 0.05, 0.05], [0.1, 0.8, 0.1], [0.1, 0.6, 0.3]
    options = {"said": ("a", "b"), "actual": ("a", "b", "b"), "stride": 2, "rate": 10.0}
    figure = pictures.draw_spikes(said, ["a", "b"], np.random.default_rng(0).normal(size=(11, 4)), **options)
    image, spikes = figure.axes
    assert image.images[0].get_extent()[:2] == [0.0, 1.1]
    assert [(text.get_text(), round(text.get_position()[0], 2)) for text in spikes.texts] == [("a", 0.3), ("b", 0.7)]
    np.testing.assert_allclose(spikes.lines[0].get_ydata(), said[:, 2])
    assert spikes.get_xlabel() == "second\nsaid:   ab\nactual: abb"
    alone = pictures.draw_spikes(said, ["a", "b"], said=("a", "b"))
    assert [ax.get_xlabel() for ax in alone.axes] == ["frame\nsaid:   ab"]


def test_error_flow():
    curves = {"unit": [1.0, 0.25, 0.0625, 0.0], "carrousel": [1.0] * 4}
    figure = pictures.draw_error_flow(curves, bounds={"unit": [1.0, 0.5, 0.25, 0.1]}, title="Flow")
    axes = figure.axes[0]
    assert axes.get_yscale() == "log"
    assert [line.get_label() for line in axes.lines] == ["unit", "unit: bound", "carrousel"]
    assert np.isnan(axes.lines[0].get_ydata()[3])
    assert axes.lines[0].get_color() == axes.lines[1].get_color()
    for curves, bounds in (({}, {}), ({"a": [1.0]}, {"b": [1.0]})):
        with pytest.raises(ValueError, match="a bound must be of a curve"):
            pictures.draw_error_flow(curves, bounds=bounds)


def test_a_piano_roll_has_a_box_for_each_note_and_a_line_for_so_many_quarters():
    frames = np.zeros((20, 88), dtype=np.uint8)
    frames[:6, 39], frames[4:6, 51], frames[10:, 43] = 1, 1, 1
    figure = pictures.draw_roll(frames, resolution=2, quarters=4, labels=["one"], title="a piece", caption="below")
    boxes = [[path.get_extents() for path in axes.collections[0].get_paths()] for axes in figure.axes]
    assert [len(each) for each in boxes] == [2, 1, 1]
    first = boxes[0][0]
    assert (first.x0, round(first.x1, 2), round((first.y0 + first.y1) / 2)) == (0.0, 2.94, 60)
    assert (figure.axes[0].get_ylabel(), figure.axes[0].get_xlim(), figure.get_supxlabel()) == ("one", (0, 4), "below")
    chances = np.zeros((20, 88))
    chances[3, 39] = 0.7
    shown = pictures.draw_roll(frames, resolution=2, chances=chances).axes[0]
    assert shown.get_xlim() == (0, 10)
    assert shown.images[0].get_array().max() == 0.7
    assert pictures.draw_roll(frames * 0, resolution=4).axes
    for wrong, options in ((frames[:, :5], {}), (frames[:0], {}), (frames, {"chances": chances[:3]})):
        with pytest.raises(ValueError, match="must be"):
            pictures.draw_roll(wrong, resolution=2, **options)
