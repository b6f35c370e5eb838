"""What stands for missing values, in sequences and in series of every kind of file."""

import numpy as np
import pandas as pd
import pytest

from carrousel.data import DataError, load_sequences, load_series

NAN = np.nan
GAPS = np.array([[NAN, 1.0], [2.0, NAN], [NAN, NAN], [5.0, 4.0]])
WANTED = {
    "interpolate": [[2.0, 1.0], [2.0, 2.0], [3.5, 3.0], [5.0, 4.0]],
    "mask": GAPS.tolist(),
}


def write(path, values):
    """Writes a sequence of two channels beside one without gaps."""
    if path.suffix == ".npz":
        np.savez(path, X=np.stack([values, np.zeros_like(values)]), y=np.array(["p", "q"]))
    elif path.suffix == ".ts":
        rows = ["?".join(",".join(f"{v:g}" for v in row).split("nan")) for row in values.T]
        path.write_text(f"@classLabel true p q\n@data\n{':'.join(rows)}:p\n0,0,0,0:0,0,0,0:q\n")
    else:
        frame = pd.DataFrame({"id": np.repeat(["a", "b"], 4), "time": np.tile(np.arange(4), 2)})
        frame[["x", "y"]] = np.concatenate([values, np.zeros_like(values)])
        frame.assign(label=np.repeat(["p", "q"], 4)).to_csv(path, index=False)


@pytest.mark.parametrize("ending", [".csv", ".ts", ".npz"])
def test_sequences(tmp_path, ending):
    path = tmp_path / f"data{ending}"
    write(path, GAPS)
    with pytest.raises(DataError, match=r"(?s)missing or NaN.*fill='interpolate'"):
        load_sequences(path)
    for fill, wanted in WANTED.items():
        data = load_sequences(path, fill=fill)
        np.testing.assert_array_equal(data.X[0], wanted)
        assert data.how[-1].startswith("4 values missing")
    with pytest.raises(DataError, match=r"(?s)step 0.*nothing stands before.*fill='interpolate'"):
        load_sequences(path, fill="last")
    write(path, np.array([[1.0, 2.0], [NAN, NAN], [3.0, NAN], [NAN, 5.0]]))
    np.testing.assert_array_equal(load_sequences(path, fill="last").X[0], [[1, 2], [1, 2], [3, 2], [3, 5]])
    write(path, np.array([[NAN, 1.0]] * 4))
    with pytest.raises(DataError, match="all its values are missing"):
        load_sequences(path, fill="interpolate")
    write(path, np.array([[np.inf, NAN]] * 4))
    with pytest.raises(DataError, match="inf"):
        load_sequences(path, fill="mask")
    with pytest.raises(DataError, match="it is interpolate, last, mask"):
        load_sequences(path, fill="zero")


def test_what_is_filled_stays_within_its_sequence(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("id,time,x\na,0,1\nb,0,9\na,1,\nb,1,7\na,2,3\n")
    assert [x.ravel().tolist() for x in load_sequences(path, fill="interpolate").X] == [[1, 2, 3], [9, 7]]


@pytest.mark.parametrize(
    ("times", "steps"),
    [
        (["2020-01-01", "2020-01-02", "2020-01-03", "2020-01-05"], 5),
        (["2020-01-31", "2020-02-29", "2020-03-31", "2020-04-30", "2020-06-30"], 6),
        ([f"2020-{k:02d}-15" for k in (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12)], 12),
        (["2020 Q1", "2020 Q2", "2020 Q3", "2021 Q1"], 5),
        (["2020-01-01 00:00", "2020-01-01 00:30", "2020-01-01 01:00", "2020-01-01 02:00"], 5),
        (["0", "10", "20", "50"], 6),
        (["Jan 2020", "Feb 2020", "Mar 2020", "Apr 2020", "Jun 2020"], 6),
    ],
)
def test_rows_that_a_series_lacks(tmp_path, times, steps):
    path = tmp_path / "data.csv"
    path.write_text("time,x\n" + "".join(f"{when},{k}\n" for k, when in enumerate(times)))
    with pytest.raises(DataError, match=r"(?s)differs from the others.*fill='interpolate'"):
        load_series(path)
    for fill in ("interpolate", "last", "mask"):
        series = load_series(path, fill=fill)
        assert len(series) == steps
        assert np.isnan(series.frame["x"]).any() == (fill == "mask")
        assert f"{steps - len(times)} row" in series.how[-1]
    last = load_series(path, fill="last").frame["x"].tolist()
    assert last == sorted(last)
    assert last[-1] == len(times) - 1
    assert last[-2] == len(times) - 2


def test_a_series_of_one_or_two_rows_has_its_step_if_it_is_given(tmp_path):
    path = tmp_path / "ahead.csv"
    for rows in (1, 2):
        days = pd.date_range("2020-01-01", periods=rows)
        pd.DataFrame({"date": days, "x": 1.0}).to_csv(path, index=False)
        assert load_series(path).frame.index.tolist() == days.tolist()
        assert load_series(path, freq="D").frame.index.freqstr == "D"
