"""The random search over nine variants: what is drawn, what is compared, what is said to matter."""

from __future__ import annotations

import numpy as np
import pytest

from carrousel.papers import reproduce
from carrousel.papers._trial import Setting
from carrousel.papers.greff2015 import EXPERIMENTS
from carrousel.papers.greff2015._figures import beside_vanilla, best, shares
from carrousel.papers.greff2015._trial import RATE, REST, UNITS, drawn

ODYSSEY = EXPERIMENTS[0]


def _setting(number: int, noise: str = "none", **changes) -> Setting:
    config = ODYSSEY.config("vanilla").changed(pieces="blues", max_epochs=1, **changes)
    return Setting.of(config, {"size": "small", "noise": noise}, 0, number)


def test_settings_are_drawn_from_the_space_of_the_paper():
    found = [drawn(_setting(number, "uniform")) for number in range(300)]
    for name, low, high in (("units", *UNITS), ("rate", *RATE)):
        values = np.log([each[name] for each in found])
        assert np.log(low) <= values.min() < values.max() <= np.log(high)
        assert values.mean() == pytest.approx(np.log(low * high) / 2, abs=0.25 * np.log(high / low) / 4)
    rest = np.log([1.0 - each["momentum"] for each in found])
    assert rest.mean() == pytest.approx(np.log(REST[0] * REST[1]) / 2, abs=0.3)
    assert np.mean([each["noise"] for each in found]) == pytest.approx(0.5, abs=0.06)
    assert drawn(_setting(3))["noise"] == 0.0


def test_variants_are_those_of_the_paper_each_with_its_weights():
    made = {}
    for row in ODYSSEY.rows:
        setting = Setting.of(row.config.changed(pieces="blues"), {"size": "small", "noise": "none"}, 0, 0)
        network = ODYSSEY.prepare(setting).learner.build()
        H = drawn(setting)["units"]
        made[row.name] = sum(w.numel() for w in network.lstm.parameters() if w.requires_grad)
        assert all(not w.any() for name, w in network.named_parameters() if "bias_hh" in name)
    gate, peephole = H * (88 + H + 1), H
    vanilla = 4 * gate + 3 * peephole
    assert made == {
        "vanilla": vanilla,
        "no-input-gate": vanilla - gate - peephole,
        "no-forget-gate": vanilla - gate - peephole,
        "no-output-gate": vanilla - gate - peephole,
        "no-input-activation": vanilla,
        "no-output-activation": vanilla,
        "no-peepholes": 4 * gate,
        "coupled": vanilla - gate - peephole,
        "full-gate-recurrence": vanilla + 9 * H * H,
    }


def test_a_training_that_diverges_counts_as_single_keys(monkeypatch):
    setting = _setting(0)
    monkeypatch.setattr(
        "carrousel.papers.greff2015._trial.drawn",
        lambda setting: {"units": 4, "rate": 1e36, "momentum": 0.99, "noise": 0.0},
    )
    prepared = ODYSSEY.prepare(setting)
    found = ODYSSEY.train(prepared, setting)
    assert (found["diverged"], found["success"]) == (True, False)
    assert found["test"] == prepared.sets[1]["test"]


def _trials(tests: list[float]) -> list[dict[str, float]]:
    return [
        {"test": t, "valid": t + 0.1, "success": True, "units": 20.0, "rate": 1e-3, "momentum": 0.5, "noise": 0.0}
        for t in tests
    ]


def test_the_best_fifth_is_chosen_by_validation_and_compared_with_the_vanilla_cell():
    trials = _trials([9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 0.5])
    trials[0]["valid"] = 0.0  # looks good, and is not
    assert best(trials) == [9.0, 0.5]
    rng = np.random.default_rng(0)
    same, worse = ({"vanilla": _trials([*rng.normal(9, 0.1, 20)]), "x": _trials([*(rng.normal(9 + d, 0.1, 20))])}
                   for d in (0.0, 1.0))  # fmt: skip
    assert beside_vanilla(worse)["x"]["above"] == pytest.approx(1.0, abs=0.15)
    assert beside_vanilla(worse)["x"]["p"] < 0.001
    assert beside_vanilla(same)["x"]["p"] > 0.01
    assert beside_vanilla(worse)["vanilla"] == {"above": 0.0, "p": None}
    assert beside_vanilla({"x": worse["x"]}) == {}


def test_variance_is_parted_among_the_settings():
    rng = np.random.default_rng(1)
    trials = []
    for _ in range(40):
        rate = float(np.exp(rng.uniform(*np.log(RATE))))
        units = int(np.exp(rng.uniform(*np.log(UNITS))))
        test = 9.0 + (np.log10(rate) + 3) ** 2 - 0.1 * np.log(units)
        momentum = 1.0 - float(np.exp(rng.uniform(*np.log(REST))))
        trials.append({"units": units, "rate": rate, "momentum": momentum, "noise": 0.0, "test": test})
    found = shares(trials)
    assert set(found) == {"units", "rate", "momentum"}
    assert found["rate"] > 0.6 > 0.2 > max(found["units"], found["momentum"])
    trials[0]["momentum"] = 1.0 - REST[0] + 1e-12  # as rounding may leave it
    assert set(shares(trials)) == set(found)
    assert shares(trials[:3]) == {"units": None, "rate": None, "momentum": None}


def test_a_result_has_what_sets_rows_beside_one_another(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    from dataclasses import replace

    rows = [
        replace(row, config=row.config.changed(pieces="blues", max_epochs=1))
        for row in ODYSSEY.rows
        if row.name in ("vanilla", "coupled")
    ]
    result = reproduce(replace(ODYSSEY, rows=tuple(rows)), trials=2, jobs=1)
    vanilla, coupled = (entry["measured"] for entry in result["rows"])
    assert vanilla["above"] == 0.0
    assert coupled["above"] == pytest.approx(coupled["fifth"] - vanilla["fifth"])
    assert len(coupled["tests"]) == 2
