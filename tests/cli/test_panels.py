"""Many series of one table, through every command."""

import json

import numpy as np
import pandas as pd
import pytest

from carrousel import estimators

from .conftest import QUICK

TRAIN = ["--horizon", "3", "--context", "8", "--season", "1", "--set", "batches_per_epoch=5", *QUICK]
SHOPS = ("07", "7", "Graz", "NA")


def long():
    """Monthly sales of four shops that end at different times, newest month last, with columns of every kind."""
    random, rows = np.random.default_rng(0), []
    for k, shop in enumerate(SHOPS):
        for t, month in enumerate(pd.date_range("2020-01-01", periods=48 - 4 * k, freq="MS")):
            rows.append((month, shop, 10.0 * (k + 1) + t + random.normal(), t % 2, "AB"[k % 2], k + 1, f"n{t}"))
    names = ["month", "shop", "sales", "offer", "region", "size", "note"]
    frame = pd.DataFrame(rows, columns=names).sample(frac=1, random_state=0)
    return frame.sort_values("month", kind="stable")


@pytest.fixture
def shops(tmp_path, monkeypatch):
    """``long.csv``, and ``ahead.csv`` with the offers of the months after each shop's last."""
    monkeypatch.chdir(tmp_path)
    frame = long()
    frame.to_csv("long.csv", index=False)
    last = frame.groupby("shop")["month"].max()
    ahead = [(month + pd.DateOffset(months=k), shop, 1) for shop, month in last.items() for k in range(1, 5)]
    pd.DataFrame(ahead, columns=["month", "shop", "offer"]).to_csv("ahead.csv", index=False)
    return frame


def test_a_long_table_through_every_command(shops, run, refused):
    columns = ["--target", "sales", "--id", "shop", "--static", "region,size", "--known", "offer"]
    code, out, err = run("train", "forecast", "long.csv", *columns, "-o", "m", "--embedding", "2", "--json", *TRAIN)
    assert code == 0, err
    assert json.loads(out)["estimator"] == "LSTMPanelForecaster"
    assert "4 series of 36 to 48 steps" in err
    assert "static: region, size; reporting on the last 20% of each" in err
    assert "left out, for it holds no numbers: note" in err
    model = estimators.load("m")
    assert model.ids_ == list(shops["shop"].unique())  # text as it is written, in the file's order
    assert (model.target, model.id, model.static, model.embedding) == ("sales", "shop", ("region", "size"), 2)
    assert model.columns_ == ["sales", "offer", "region=A", "region=B", "size"]
    scores = json.loads(out)["report"]["scores"]
    assert {"drift", "naive", "exponential smoothing"} <= {score["method"] for score in scores}

    # What was held out is told from the dates again, and other series are reported on whole.
    code, again, err = run("evaluate", "m", "long.csv", "--json")
    assert code == 0, err
    assert json.loads(again)["report"] == json.loads(out)["report"]
    shops[shops["shop"] == "7"].assign(shop="new").rename(columns={"shop": "name"}).to_csv("new.csv", index=False)
    code, out, err = run("evaluate", "m", "new.csv", "--id", "name", "--json")
    assert code == 0, err
    assert json.loads(out)["report"]["count"] > 20

    code, out, err = run("predict", "m", "long.csv", "--future", "ahead.csv", "-o", "said.csv")
    assert code == 0, err
    said = pd.read_csv("said.csv", dtype={"id": str}, keep_default_na=False)
    assert list(said.columns) == ["id", "time", "quantile 0.1", "quantile 0.5", "quantile 0.9"]
    for shop, part in said.groupby("id"):
        last = shops.loc[shops["shop"] == shop, "month"].max()
        assert list(part["time"]) == [str((last + pd.DateOffset(months=k)).date()) for k in (1, 2, 3)]
    assert set(said["id"]) == set(SHOPS)
    refused("predict", "m", "long.csv", says=["give future=, the next 3 rows of the known covariates ['offer']"])

    code, out, err = run("inspect", "m", "long.csv", "--sequence", "07", "-o", "p")
    assert code == 0, err
    assert out.split() == ["p/forecast.png", "p/gates.png", "p/learning-curve.png"]
    refused("inspect", "m", "long.csv", "--sequence", "8", says=["there is no series '8'"])
    shops.drop(columns="region").to_csv("bare.csv", index=False)
    refused("predict", "m", "bare.csv", says=["no column 'region' (static)"])


def test_words_that_look_like_numbers_stay_words(shops, run):
    """Of a static column that had words in training, a later file may have such alone as are numbers too."""
    shops.assign(region=shops["shop"]).to_csv("codes.csv", index=False)
    columns = ["--target", "sales", "--id", "shop", "--static", "region", "--known", "offer"]
    assert run("train", "forecast", "codes.csv", *columns, "-o", "m", *TRAIN)[0] == 0
    assert estimators.load("m").columns_[2:4] == ["size", "region=07"]
    shops.assign(region=shops["shop"])[shops["shop"].isin(["07", "7"])].to_csv("two.csv", index=False)
    code, _, err = run("predict", "m", "two.csv", "--future", "ahead.csv")
    assert code == 0, err


def test_several_targets_of_one_series(folder, run, refused):
    code, out, err = run("train", "forecast", "series.csv", "--target", "load,other", "-o", "m", *TRAIN)
    assert code == 0, err
    assert "2 series of 120 steps" in err
    assert estimators.load("m").ids_ == ["load", "other"]
    assert run("evaluate", "m", "series.csv")[0] == 0
    code, out, err = run("predict", "m", "series.csv")
    assert [line.split(",")[:2] for line in out.splitlines()[1::3]] == [["load", "2020-04-30"], ["other", "2020-04-30"]]
    assert run("inspect", "m", "series.csv", "--sequence", "other", "-o", "p")[0] == 0
    refused("train", "forecast", "series.csv", "--target", "load,othr", *TRAIN, says=["no column 'othr'", "'other'"])


def test_gaps_of_many_series_are_the_model_s_matter(shops, run, refused):
    gappy = shops.drop(shops.index[30:33])
    gappy.to_csv("gappy.csv", index=False)
    columns = ["--target", "sales", "--id", "shop", "--channels", "sales"]
    refused("train", "forecast", "gappy.csv", *columns, *TRAIN, says=["series shop", "missing", "--fill interpolate"])
    code, _, err = run("train", "forecast", "gappy.csv", *columns, "--fill", "mask", "-o", "m", *TRAIN)
    assert code == 0, err
    assert "missing, left to the model" in err
    assert run("evaluate", "m", "gappy.csv")[0] == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--id", "shp", "--target", "sales"], ["no column 'shp' (id)", "the nearest is 'shop'"]),
        (["--id", "shop"], ["say with --target which column to forecast (sales, offer, size)"]),
        (["--id", "shop", "--target", "sale"], ["no column 'sale' (--target); the nearest is 'sales'"]),
        (["--id", "shop", "--target", "sales", "--known", "ofer"], ["no column 'ofer' (--known)"]),
        (["--id", "shop", "--target", "sales", "--static", "note"], ["a static column has one value in a series"]),
        (["--id", "shop", "--target", "sales", "--static", "shop"], ["'shop' is the id and also static"]),
        (["--id", "shop", "--target", "sales,offer"], ["--target names several: give one target"]),
        (["--target", "sales", "--static", "region"], ["--static region: it is for many series; --id names"]),
        (["--target", "sales", "--embedding", "2"], ["--embedding 2: it is for many series"]),
        (["--target", "sales"], ["told apart by column shop", "--id shop takes them all"]),
        (["--id", "month", "--target", "sales"], ["no column of times"]),
        (["--id", "shop", "--target", "sales", "--horizon", "48"], ["longer than every series allows"]),
        (["--id", "shop", "--target", "sales", "--horizon", "30"], ["no series is long enough to hold its end out"]),
        (["--id", "shop", "--target", "sales", "--holdout", "1"], ["--holdout 1.0: a share between 0 and 1"]),
        (["--id", "shop", "--target", "sales", "--set", "id=x"], ["id is given as --id"]),
    ],
    ids=lambda value: " ".join(value)[:40],
)
def test_refused(shops, refused, words, says):
    horizon = [] if "--horizon" in words else ["--horizon", "3"]
    refused("train", "forecast", "long.csv", *words, *horizon, says=says)
