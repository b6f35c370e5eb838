"""Superimposed sines: the picture."""

import numpy as np

from carrousel.papers.schmidhuber2007._sines import _figure


def test_the_legend_stands_beside_the_curves():
    waves = np.sin(np.arange(30)), np.cos(np.arange(30))
    figure = _figure([("two", *waves), ("three", *waves)])
    figure.draw_without_rendering()
    first = figure.axes[0]
    box = first.get_legend().get_window_extent()
    assert [text.get_text() for text in first.get_legend().get_texts()] == ["true", "generated"]
    assert box.x0 >= first.get_window_extent().x1 - 1
    assert box.x1 <= figure.bbox.x1
