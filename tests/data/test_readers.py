"""What a good file or name gives, whatever its kind."""

import numpy as np
import pandas as pd
import pytest

import carrousel.data
from carrousel.data import load_sequences, load_series, names, splits


@pytest.fixture
def table():
    """Two sequences whose rows are interleaved, of 3 and 2 steps."""
    return pd.DataFrame(
        {
            "id": ["b", "a", "b", "a", "b"],
            "time": [0, 0, 1, 4, 2],
            "x": [1.0, 10.0, 2.0, 20.0, 3.0],
            "y": [-1, -10, -2, -20, -3],
            "label": ["up", "down", "up", "down", "up"],
        }
    )


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_long_table(tmp_path, table, ending):
    path = tmp_path / f"data.{ending}"
    table.to_csv(path, index=False) if ending == "csv" else table.to_parquet(path)
    data = load_sequences(path)
    assert list(data.ids) == ["b", "a"]
    assert list(data.y) == ["up", "down"]
    assert data.channels == ("x", "y")
    assert [x.dtype for x in data.X] == [np.float32, np.float32]
    np.testing.assert_array_equal(data.X[0], [[1, -1], [2, -2], [3, -3]])
    np.testing.assert_array_equal(data.X[1], [[10, -10], [20, -20]])
    assert list(data.lengths) == [3, 2]


def test_columns_by_name(tmp_path, table):
    path = tmp_path / "data.csv"
    table.rename(columns={"id": "patient", "time": "hour", "label": "ward"}).to_csv(path, index=False)
    data = load_sequences(path, id="patient", time="hour", label="ward", channels=["y"])
    assert data.channels == ("y",)
    assert list(data.classes()) == ["down", "up"]


def test_table_without_labels_and_with_several_values(tmp_path, table):
    path = tmp_path / "data.csv"
    table.drop(columns="label").to_csv(path, index=False)
    assert load_sequences(path).y is None
    table["u"] = table["id"].map({"a": 1.5, "b": 2.5})
    table["v"] = table["id"].map({"a": 3, "b": 4})
    table.drop(columns="label").to_csv(path, index=False)
    data = load_sequences(path, label=["u", "v"])
    np.testing.assert_array_equal(data.values(), [[2.5, 4], [1.5, 3]])


def test_dates_order_a_sequence(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("id,time,x\na,2024-01-31T23:00+01:00,1\na,2024-02-01T00:00+01:00,2\n")
    assert load_sequences(path).X[0].tolist() == [[1], [2]]


def test_the_times_of_sequences_are_found_by_what_they_do(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("id,t,step,x\na,0,5,1\nb,0,5,3\na,1,5,2\nb,1,5,4\n")
    data = load_sequences(path)
    assert data.channels == ("step", "x")
    assert data.how == ("times in column t",)


def test_npz_layouts_are_one_another(tmp_path):
    rng = np.random.default_rng(0)
    lengths = np.array([3, 1, 5])
    parts = [rng.normal(size=(n, 2)).astype("f") for n in lengths]
    padded = np.full((3, 5, 2), np.nan)  # padding is not looked at
    for row, part in zip(padded, parts, strict=True):
        row[: len(part)] = part
    y = np.array([[1], [0], [1]])
    np.savez(tmp_path / "padded.npz", X=padded, lengths=lengths, y=y, channels=np.array(["u", "v"]))
    np.savez(tmp_path / "joined.npz", X=np.concatenate(parts), lengths=lengths, y=y[:, 0], ids=np.array([7, 8, 9]))
    one, two = load_sequences(tmp_path / "padded.npz"), load_sequences(tmp_path / "joined.npz")
    for a, b, part in zip(one.X, two.X, parts, strict=True):
        np.testing.assert_array_equal(a, part)
        np.testing.assert_array_equal(b, part)
    np.testing.assert_array_equal(one.y, two.y)
    assert one.channels == ("u", "v")
    assert list(two.ids) == [7, 8, 9]


def test_ts_keeps_the_case_of_class_names_and_reads_values(tmp_path):
    path = tmp_path / "data.ts"
    head = "@problemName t\n@timeStamps {}\n@univariate false\n{}\n@data\n"
    path.write_text(head.format("false", "@classLabel true Up Down") + "1,2,3:4,5,6:up\n7:8:Down\n")
    data = load_sequences(path)
    assert list(data.y) == ["Up", "Down"]
    np.testing.assert_array_equal(data.X[0], [[1, 4], [2, 5], [3, 6]])
    np.testing.assert_array_equal(data.X[1], [[7, 8]])
    path.write_text(head.format("false", "@targetLabel true") + "1,2:3,4:0.5\n5:6:-2\n")
    np.testing.assert_array_equal(load_sequences(path).values(), [0.5, -2])
    path.write_text(head.format("true", "@classLabel true a b") + "(0,1),(1,2):(0,3),(1,4):a\n(0,5):(0,6):b\n")
    np.testing.assert_array_equal(load_sequences(path).X[0], [[1, 3], [2, 4]])


SIZES = {  # train, test, channels, classes
    "japanese-vowels": (270, 370, 12, 9),
    "basic-motions": (40, 40, 6, 4),
    "digits": (1437, 360, 8, 10),
    "UnitTest": (20, 22, 1, 2),
}


@pytest.mark.parametrize("name", SIZES)
def test_named(name):
    train, test, channels, classes = SIZES[name]
    assert splits(name) == ("train", "test")
    parts = {part: load_sequences(name, split=part) for part in ("train", "test", "all")}
    assert [len(parts[p]) for p in ("train", "test", "all")] == [train, test, train + test]
    assert len(parts["train"].channels) == channels
    assert len(parts["train"].classes()) == classes
    assert [p.split for p in parts.values()] == ["train", "test", "all"]
    np.testing.assert_array_equal(parts["all"].X[train], parts["test"].X[0])
    np.testing.assert_array_equal(parts["all"].y[train:], parts["test"].y)


def test_names_are_found_in_any_spelling():
    assert len(load_sequences("JapaneseVowels", split="train")) == 270
    assert len(load_sequences("basic_motions", split="train")) == 40


def test_a_file_wins_over_a_name(tmp_path, table, monkeypatch):
    table.to_csv(tmp_path / "digits.csv", index=False)
    monkeypatch.chdir(tmp_path)
    assert len(load_sequences("digits.csv")) == 2
    assert splits("digits.csv") == ()


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_series(tmp_path, ending):
    path = tmp_path / f"data.{ending}"
    frame = pd.DataFrame({"Date": pd.date_range("2020-01-31", periods=5, freq="ME"), "a": range(5), "b": [0.5] * 5})
    frame.to_csv(path, index=False) if ending == "csv" else frame.to_parquet(path)
    series = load_series(path)
    assert series.columns == ("a", "b")
    assert series.frame.index.freqstr == "ME"
    assert series.frame.to_numpy().dtype == np.float64
    assert load_series(path, time="Date", channels=["b"]).columns == ("b",)


def test_series_from_npz_and_by_step(tmp_path):
    np.savez(
        tmp_path / "a.npz", values=np.arange(6.0).reshape(3, 2), time=np.arange("2020-01", "2020-04", dtype="M8[M]")
    )
    series = load_series(tmp_path / "a.npz")
    assert series.frame.index.freqstr == "MS"
    np.savez(tmp_path / "b.npz", values=np.arange(4.0), columns=np.array(["level"]))
    assert load_series(tmp_path / "b.npz").columns == ("level",)
    (tmp_path / "c.csv").write_text("time,x\n2.0,1\n4.0,2\n6.0,3\n")
    assert list(load_series(tmp_path / "c.csv").frame.index) == [2, 4, 6]


def test_named_series():
    assert names("series") == ("airline", "lynx", "santa-fe-laser", "shampoo-sales")
    assert [len(load_series(n)) for n in ("airline", "lynx", "shampoo-sales")] == [144, 114, 36]
    assert load_series("airline").frame.index.freqstr == "MS"


def test_take():
    data = load_sequences("basic-motions", split="train")
    few = data.take([3, 1])
    np.testing.assert_array_equal(few.X[0], data.X[3])
    assert list(few.ids) == [3, 1]
    assert few.y[1] == data.y[1]


def test_the_room_imports_nothing_above_it():
    import subprocess
    import sys

    code = (
        "import sys, carrousel.data as d; d.load_sequences('digits')\n"
        "bad = [m for m in sys.modules if m.split('.')[:2][-1] in ('estimators', 'pictures', 'cli') "
        "and m.startswith('carrousel.')]\n"
        "assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert carrousel.data.__all__ == sorted(carrousel.data.__all__)
