"""Arrays of every type and shape under every name of an ``.npz`` file: data, or one DataError."""

import io
import zipfile

import numpy as np
import pytest
from damage import one_more, rounds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from carrousel.data import DataError, load_sequences, load_series

from .samples import ARRAYS, VALUES, npz, outcome

pytestmark = pytest.mark.filterwarnings("ignore:Stored array in format 3.0")
KINDS = st.one_of(
    st.sampled_from(
        [
            *("?", "i1", "u1", "i2", ">i4", "i8", "u8", "f2", "f4", ">f8", "f8", "g", "c8", "c16", "m8[s]", "O"),
            *("M8[s]", "M8[ns]", "M8[D]", "M8[Y]", "M8[3M]", "M8[as]", ">M8[us]", "M8", "U3", ">U2", "S4", "U0", "S0"),
        ]
    ).map(np.dtype),
    arrays_of.array_dtypes(max_size=2),
)
SHAPES = st.one_of(
    arrays_of.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    st.sampled_from([(4,), (4, 5, 2), (6,), (6, 2), (2,), (11, 2), (4, 1)]),  # those of the good file
)


@st.composite
def odd(draw):
    dtype, shape = draw(KINDS), draw(SHAPES)
    if dtype.kind == "O":
        values = [None, 1, 10**30, 2.5, "word", b"bytes", [1], float("nan"), True]
        array = np.empty(shape, dtype)
        for place in np.ndindex(shape):
            array[place] = draw(st.sampled_from(values))
        return array
    if dtype.itemsize == 0:
        return np.zeros(shape, dtype)
    size = int(np.prod(shape)) * dtype.itemsize
    if draw(st.booleans()) or dtype.kind in "VgUM":
        raw = draw(st.binary(min_size=size, max_size=size)) if dtype.kind != "g" else bytes(size)
        return np.frombuffer(raw, dtype).reshape(shape)
    return draw(arrays_of.arrays(dtype, shape))


def told(test):
    """The same examples in every run, more of them under ``make fuzz``."""
    quiet = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
    return settings(
        max_examples=rounds(80), derandomize=True, database=None, deadline=None, suppress_health_check=quiet
    )(test)


@pytest.mark.fuzz
@told
@given(st.dictionaries(st.sampled_from([*ARRAYS, "else"]), odd(), min_size=1, max_size=2))
def test_odd_sequences(tmp_path, arrays):
    one_more()
    (tmp_path / "odd.npz").write_bytes(npz(**{**ARRAYS, **arrays}))
    outcome("sequences", tmp_path / "odd.npz")


@pytest.mark.fuzz
@told
@given(st.dictionaries(st.sampled_from([*VALUES, "else"]), odd(), min_size=1, max_size=2))
def test_odd_series(tmp_path, arrays):
    one_more()
    (tmp_path / "odd.npz").write_bytes(npz(**{**VALUES, **arrays}))
    outcome("series", tmp_path / "odd.npz")


SEQUENCES = {  # arrays beside, or instead of, those of the good file; words of the message
    "objects": ({"X": np.array([None, 1], object)}, ["X", "Python objects"]),
    "records": ({"X": np.zeros(3, "i4,f4")}, ["X holds", "numbers or words"]),
    "complex": ({"X": ARRAYS["X"] * 1j}, ["X must be numbers", "complex128"]),
    "one number": ({"X": np.float64(3.0)}, ["X must be [N, T, C]", "[]"]),
    "dates": ({"X": ARRAYS["X"].astype("M8[s]")}, ["X must be numbers", "datetime64[s]"]),
    "nothing but sequences": ({"X": np.zeros((10**12, 5, 0))}, ["[1000000000000, 5, 0]"]),
    "no steps": ({"X": np.zeros((4, 0, 2)), "lengths": ARRAYS["lengths"]}, ["empty"]),
    "lengths that wrap": ({"X": np.zeros((3, 1)), "lengths": np.array([2**63, 2**63, 3], "u8")}, ["add up to 184"]),
    "length": ({"lengths": np.int64(3)}, ["lengths must be whole numbers [N]"]),
    "ids": ({"ids": np.zeros((4, 2), int)}, ["ids must be words or numbers [N]"]),
    "id": ({"ids": np.array([0, 1, np.nan, 3])}, ["ids: number 2 is NaN"]),
    "one label": ({"y": np.int64(3)}, ["labels must be words or numbers"]),
    "no label": ({"y": np.zeros((4, 0))}, ["labels must be words or numbers", "[4, 0]"]),
    "dates for labels": ({"y": np.zeros(4, "M8[D]")}, ["labels", "datetime64[D]"]),
    "missing label": ({"y": np.array([0, 1, np.nan, 1])}, ["sequence 2", "label is missing"]),
    "infinite label": ({"y": np.array([[0, 1], [1, np.inf], [1, 2], [3, 4]])}, ["sequence 1", "label is infinite"]),
    "latin-1": ({"y": np.array([b"a", b"\xe9", b"a", b"a"])}, ["labels", "not UTF-8"]),
    "no text": ({"channels": np.array([0xD800, 0x110000], "u4").view("U1")}, ["channels", "code points"]),
    "twice": ({"channels": np.array(["u", "u"])}, ["two channels 'u'"]),
    "channels": ({"channels": np.array([["u", "v"]])}, ["channels must be words or numbers [N]", "[1, 2]"]),
}


@pytest.mark.parametrize("case", SEQUENCES)
def test_refused_sequences(tmp_path, case):
    arrays, words = SEQUENCES[case]
    refused(load_sequences, tmp_path / "odd.npz", npz(**{"y": ARRAYS["y"], **ARRAYS, **arrays}), words)


SERIES = {
    "complex": ({"values": VALUES["values"] * 1j}, ["values must be numbers", "complex128"]),
    "one value": ({"values": np.float64(1.0)}, ["values must be numbers [T, C]"]),
    "no columns": ({"values": np.zeros((6, 0)), "columns": np.zeros(0, "U1")}, ["values must be numbers [T, C]"]),
    "NaT": ({"time": np.array(["2020-01"] * 5 + ["NaT"], "M8[M]")}, ["time, row 6", "NaT"]),
    "no unit": ({"time": np.arange(6).view("M8")}, ["time", "dates of no unit"]),
    "far away": ({"time": (np.arange(6) + 2**60).view("M8[Y]")}, ["time, row 1", "years 1 to 9999"]),
    "backward without a sign": ({"time": np.array([1, 2, 3, 5, 4, 6], "u8")}, ["row 5", "an earlier time", "4"]),
    "beyond int64": ({"time": np.arange(6, dtype="u8") + np.uint64(2**63)}, ["time, row 1", "beyond"]),
    "infinite": ({"time": np.array([0, 1, 2, 3, 4, np.inf])}, ["time, row 6", "infinite"]),
    "huge": ({"time": np.arange(6) * 1e300}, ["time, row 2", "beyond"]),
    "missing": ({"time": np.array([0, 1, np.nan, 3, 4, 5])}, ["time, row 3", "missing"]),
    "durations": ({"time": np.arange(6).view("m8[s]")}, ["time", "numbers or dates", "timedelta64"]),
    "words": ({"time": np.array(list("abcdef"))}, ["time", "numbers or dates"]),
    "one time": ({"time": np.int64(0)}, ["time", "[T]"]),
    "twice": ({"columns": np.array(["a", "a"])}, ["two columns 'a'"]),
    "infinite value": (
        {"values": np.array([1, 2, np.inf, 4, 5, 6]), "columns": np.array(["a"])},
        ["row 3", "column a"],
    ),
}


@pytest.mark.parametrize("case", SERIES)
def test_refused_series(tmp_path, case):
    arrays, words = SERIES[case]
    refused(load_series, tmp_path / "odd.npz", npz(**{**VALUES, **arrays}), words)


@pytest.mark.parametrize("dtype", ["f2", ">f8", "g", "i1", ">i4", "u8"])
def test_types_that_serve_become_the_plain_ones(tmp_path, dtype):
    path = tmp_path / "odd.npz"
    X, y = (ARRAYS["X"] * 3 + 9).astype(dtype), np.arange(4).astype(dtype)
    path.write_bytes(npz(X=X, y=y))
    data = load_sequences(path)
    np.testing.assert_array_equal(np.stack(data.X), X.astype("f4"))
    np.testing.assert_array_equal(data.y, y)
    assert data.y.dtype.isnative
    times = np.array([-100, 0, 100] if dtype == "i1" else [50, 150, 250])
    path.write_bytes(npz(values=X[0, :3], time=times.astype(dtype)))
    series = load_series(path)
    np.testing.assert_array_equal(series.frame.to_numpy(), X[0, :3].astype("f8"))
    assert series.frame.index.tolist() == times.tolist()


def test_bytes_become_text(tmp_path):
    path = tmp_path / "odd.npz"
    path.write_bytes(npz(X=ARRAYS["X"], y=np.array(["café".encode()] * 4), channels=np.array([b"u", b"v"])))
    data = load_sequences(path)
    assert (data.y[0], data.channels) == ("café", ("u", "v"))


def test_what_is_not_asked_for_is_not_read(tmp_path):
    (tmp_path / "odd.npz").write_bytes(npz(**ARRAYS, note=np.array([{}], object)))
    assert len(load_sequences(tmp_path / "odd.npz")) == 4


HEADER = "{{'descr': {}, 'fortran_order': {}, 'shape': {}, }}"


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (HEADER.format("'<f8'", "False", "(1000000000000,)"), ["X", "8 bytes", "1000000000000"]),
        (HEADER.format("'<f8'", "False", "(-1,)"), ["X", "[-1]"]),
        (HEADER.format("'<f8'", "False", "(1" + "0" * 30 + ",)"), ["X"]),
        (HEADER.format("'<f8'", "False", "(" * 200 + ")" * 200), ["X", "no intact array"]),
        (HEADER.format("'<f8'", "False", "(1,"), ["X", "no intact array"]),
        (HEADER.format("'|O'", "False", "(1,)"), ["X", "Python objects"]),
        (HEADER.format("'<U0'", "False", "(1000000000000,)"), ["X", "numbers or words"]),
        (HEADER.format("'<f99'", "False", "(1,)"), ["X", "no intact array"]),
        ("{}", ["X", "no intact array"]),
        ("", ["X", "no intact array"]),
        ("\x00" * 20, ["X", "no intact array"]),
    ],
)
def test_headers(tmp_path, header, words):
    text = (header + "\n").encode("latin-1")
    array = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(8)
    refused(load_sequences, tmp_path / "odd.npz", zipped({"X.npy": array}), words)


def test_archives(tmp_path):
    path = tmp_path / "odd.npz"
    whole = zipped({"X.npy": npy(ARRAYS["X"])})
    twice = zipped({"X.npy": npy(ARRAYS["X"]), "x.npy": npy(ARRAYS["X"] + 1)}).replace(b"x.npy", b"X.npy")
    refused(load_sequences, path, twice, ["two arrays 'X'"])
    locked = bytearray(whole)
    for mark, at in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        locked[locked.index(mark) + at] |= 1
    refused(load_sequences, path, bytes(locked), ["X", "no intact array"])
    refused(load_sequences, path, zipped({"in/X.npy": npy(ARRAYS["X"])}), ["'X'", "in/X"])
    refused(load_sequences, path, zipped({"X.npy": b"anything"}), ["X", "no intact array"])
    refused(load_sequences, path, zipped({"X": npy(ARRAYS["X"])}), ["no array 'X'"])
    refused(load_sequences, path, zipped({}), ["no array 'X'"])
    refused(load_sequences, path, npy(ARRAYS["X"]), ["single .npy"])
    path.write_bytes(zipped({"X.npy": npy(ARRAYS["X"])}, zipfile.ZIP_LZMA))
    assert len(load_sequences(path)) == 4


def npy(array):
    np.save(file := io.BytesIO(), array)
    return file.getvalue()


def zipped(members, how=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(file := io.BytesIO(), "w", how) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def refused(load, path, content, words):
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        load(path)
    for word in [str(path), *words]:
        assert word in str(caught.value)
