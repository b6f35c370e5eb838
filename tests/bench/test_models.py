"""Models beside the same in torch: both are alike, and figures are what they say."""

from __future__ import annotations

import pytest
import torch

from carrousel.bench import _models, model_verdicts
from carrousel.bench._online import Figure

SMALL = {"symbols": 12, "hidden": 6, "layers": 2, "steps": 5, "batch": 3}
IMAGES = {"28 x 28": (3, 1, 2), "14 x 14": (2, 2, 3)}


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_models, "IMAGES", 2)


@pytest.mark.usefixtures("few")
def test_every_figure_is_told() -> None:
    figures: list[Figure] = []
    _models.model_figures(figures.append, 0.0, SMALL, IMAGES)
    assert [figure.name for figure in figures] == [
        "language model, recurrent part", "language model, recurrent part, ours", "language model, whole step",
        "language model, whole step, ours", "language model, whole step, with nn.LSTM",
        "multidimensional LSTM, 28 x 28", "multidimensional LSTM, 14 x 14", "network of Graves et al. 2007",
    ]  # fmt: skip
    assert all(figure.value > 0 for figure in figures)


@pytest.mark.usefixtures("few")
def test_no_figure_is_told_of_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    run = _models.grids.reference.run
    monkeypatch.setattr(_models.grids.reference, "run", lambda *given: run(*given) + 0.01)
    figures: list[Figure] = []
    with pytest.raises(RuntimeError, match=r"layers over images of 28 x 28: ours and torch's are 1\.0e-02 apart"):
        _models.model_figures(figures.append, 0.0, SMALL, IMAGES)
    assert all("multidimensional" not in figure.name for figure in figures)

    class Off(torch.nn.Module):
        def __init__(self, ours: torch.nn.Module) -> None:
            super().__init__()
            self.ours = ours

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor]:
            return (self.ours(x)[0] * 2,)

    monkeypatch.setattr(_models, "_Torch", Off)
    with pytest.raises(RuntimeError, match="the layers of the language model: ours and torch's are"):
        _models.model_figures(figures.append, 0.0, SMALL, IMAGES)


@pytest.mark.usefixtures("few")
def test_what_is_checked_does_not_depend_on_how_long_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[float]] = []

    def note(what: str, said: object, subjects: object) -> None:
        with torch.no_grad():
            seen[-1].append(float(said(next(iter(subjects))).sum()))  # type: ignore[operator, call-overload]

    monkeypatch.setattr(_models, "_check", note)
    for rounds in (1, 4):
        seen.append([])
        monkeypatch.setattr(_models, "ROUNDS", rounds)
        _models.model_figures(lambda figure: None, 0.0, SMALL, IMAGES)
    assert len(seen[0]) == 1 + len(IMAGES)
    assert seen[0] == seen[1]


def test_verdicts() -> None:
    figures = [
        Figure("language model, recurrent part", 1.2, "times", ""),
        Figure("multidimensional LSTM, 14 x 14", 6.0, "times", ""),
    ]
    assert [verdict.reached for verdict in model_verdicts(figures, "AVX-512")] == [False, False]
    assert [verdict.reached for verdict in model_verdicts(figures, "AVX2")] == [True, False]
