"""``carrousel bench forecasts``: its series, what it writes, how it goes on, and its table."""

import importlib.util
import json

import numpy as np
import pytest

from carrousel.bench import _forecasts
from carrousel.bench._forecasts import forecast_records, measured, read_records
from carrousel.bench._series import CASES, MissingPackages
from carrousel.bench._tables import forecast_table
from carrousel.cli import main

QUICK = {"max_epochs": 1, "hidden_size": 4, "batches_per_epoch": 2}


@pytest.mark.parametrize("name", CASES)
def test_the_series_are_regular_and_long_enough(name):
    case = CASES[name]
    if importlib.util.find_spec(case.package) is None:
        pytest.skip(f"{case.package} is not installed")
    series = case.load()
    assert np.isfinite(series.to_numpy()).all()
    steps = series.index.to_series().diff().dropna()
    assert steps.max() < 1.2 * steps.min()  # months differ
    assert len(series) // 5 - case.horizon + 1 >= 5, "rolling origins"


def test_a_record_is_that_of_a_backtest():
    record = measured("sunspots", 0, QUICK)
    rows = record["rows"]
    assert record["origins"] == rows // 5 - 11 + 1
    series = CASES["sunspots"].load().to_numpy()
    origins = np.arange(rows - rows // 5, rows - 10)
    naive = np.abs(series[origins[:, None] + np.arange(11)] - series[origins - 1][:, None]).mean()
    assert record["methods"]["naive"]["MAE"] == pytest.approx(naive, rel=1e-4)
    assert [name for name, method in record["methods"].items() if not method["simple"]] == ["LSTM"]
    assert json.loads(json.dumps(record)) == record


def made(name, seed, options):
    return {
        "series": name,
        "seed": seed,
        "options": options,
        "origins": 20,
        "horizon": 12,
        "seconds": 1.0,
        "uncertainty": 0.5,
        "best": "drift",
        "methods": {
            "LSTM": {"MAE": 10.0 + seed, "coverage": 0.8, "simple": False},
            "naive": {"MAE": 30.0, "coverage": 0.7, "simple": True},
            "drift": {"MAE": 20.0, "coverage": 0.7, "simple": True},
        },
    }


def test_it_goes_on_where_it_was_broken_off(tmp_path, monkeypatch, capsys):
    calls, path = [], tmp_path / "records.json"

    def one(name, seed, options):
        if len(calls) == 3:
            raise KeyboardInterrupt
        calls.append((name, seed))
        return made(name, seed, options)

    monkeypatch.setattr(_forecasts, "measured", one)
    names = ["airline", "co2"]
    with pytest.raises(KeyboardInterrupt):
        forecast_records(names, 2, path, lambda *_: None)
    assert len(read_records(path)) == 3
    monkeypatch.setattr(_forecasts, "measured", made)
    told = []
    records = forecast_records(names, 2, path, lambda record, known: told.append(known))
    assert told == [True, True, True, False]
    assert records == read_records(path)
    assert len(records) == 4
    with pytest.raises(ValueError, match="records made with"):
        forecast_records(names, 2, path, lambda *_: None, max_epochs=3)
    assert main(["bench", "forecasts", "--out", str(path), "--only", "airline", "--seeds", "2"]) == 0
    assert "measured before" in capsys.readouterr().out
    facts = json.loads(path.read_text())
    facts["records"][0]["methods"]["LSTM"]["MAE"] = 1.0
    path.write_text(json.dumps(facts))
    assert main(["bench", "forecasts", "--out", str(path), "--only", "airline"]) == 2
    assert "its checksum does not match" in capsys.readouterr().err
    assert main(["bench", "forecasts", "--out", str(tmp_path / "none" / "x")]) == 2
    assert "there is no directory" in capsys.readouterr().err
    assert main(["bench", "forecasts", "--only", "aeroplane"]) == 2
    assert "no such series; there are airline, " in capsys.readouterr().err


def test_the_table_by_hand():
    table = forecast_table([made(name, seed, {}) for name in ("airline", "sunspots") for seed in range(3)])
    row = next(line for line in table.splitlines() if "airline" in line)
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1:] == ["drift", "20", "11", "1", "0.550", "≤ 15 ✓", "80%", "LSTM"]
    assert "mean of 3 seeds" in table
    worse = [made("sunspots", seed, {}) for seed in range(3)]
    for record in worse:
        record["methods"]["LSTM"] = {"MAE": 20.2, "coverage": 0.97, "simple": False}
    cells = [cell.strip() for cell in forecast_table(worse).splitlines()[2].strip("|").split("|")]
    assert cells[5:] == ["1.010", "≤ best ✗", "97% ✗", "drift, which is simpler"]
    assert "Not measured yet" in forecast_table([])


def test_a_missing_package_is_named_with_its_command(monkeypatch, tmp_path):
    real = importlib.util.find_spec
    gone = {"vega_datasets", "river"}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name in gone else real(name, *a))
    message = "airline, employment are not installed: pip install river vega_datasets"
    with pytest.raises(MissingPackages, match=message):
        forecast_records(["airline", "employment", "co2"], 1, tmp_path / "x", lambda *_: None)
    with pytest.raises(MissingPackages, match="pip install river"):
        CASES["airline"].load()
