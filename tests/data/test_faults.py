"""A faulty file gives one DataError whose one or two lines say where the fault is."""

from pathlib import Path

import numpy as np
import pytest

from carrousel.data import DataError, load_sequences, load_series

GOOD = "id,time,x,y,label\na,0,1,2,p\na,1,3,4,p\nb,0,5,6,q\nb,2,7,8,q\n"
TS = "@problemName t\n@timeStamps false\n@univariate false\n@classLabel true Up Down\n@data\n"

# name of the file, its text, words that the message must hold
TEXTS = [
    ("empty.csv", "", ["empty"]),
    ("header.csv", "id,time,x,label\n", ["no rows"]),
    ("ragged.csv", GOOD + "b,3,1,2,q,9\n", ["row 5 has 6 fields", "header has 5", "sep="]),
    ("surplus.csv", "id,time,x,label\na,0,1,p,9\nb,0,1,q,9\n", ["more fields than the header"]),
    ("noid.csv", GOOD.replace("id,", "idd,", 1), ["'id'", "nearest is 'idd'"]),
    ("notime.csv", GOOD.replace("time", "tme", 1), ["no column of times", "nearest is 'tme'", "time="]),
    ("twice.csv", GOOD.replace("x,y", "x,x", 1), ["two columns 'x'"]),
    ("gap.csv", GOOD.replace("a,1,3,4", "a,1,,4"), ["row 2", "column x", "missing"]),
    ("nan.csv", GOOD.replace("b,0,5,6", "b,0,5,nan"), ["row 3", "column y"]),
    ("inf.csv", GOOD.replace("b,0,5,6", "b,0,5,inf"), ["row 3", "column y", "inf"]),
    ("huge.csv", GOOD.replace("b,2,7,8", "b,2,7,1e300"), ["sequence b", "channel y", "float32"]),
    ("word.csv", GOOD.replace("b,2,7,8", "b,2,seven,8"), ["row 4", "column x", "seven"]),
    ("nolabel.csv", GOOD.replace("a,1,3,4,p", "a,1,3,4,"), ["row 2", "column label"]),
    ("mixed.csv", GOOD.replace("a,1,3,4,p", "a,1,3,4,q"), ["row 2", "is q", "but p in row 1"]),
    ("order.csv", GOOD.replace("b,2", "b,-2"), ["row 4", "earlier", "row 3"]),
    ("same.csv", GOOD.replace("b,2", "b,0"), ["row 4", "the time of row 3"]),
    ("date.csv", GOOD.replace("b,2", "b,31/12/2020"), ["row 1", "column time"]),
    ("bare.csv", "id,time,label\na,0,p\n", ["no channels"]),
    ("binary.csv", "\x00\x01\x02", []),
    ("foreign.parquet", GOOD, ["cannot be read"]),
    ("foreign.npz", GOOD, ["no intact .npz"]),
    ("foreign.ts", GOOD, ["@data"]),
    ("cut.ts", TS, ["no case"]),
    ("width.ts", TS + "1,2:3,4:up\n1,2:down\n", ["line 7", "1 channels", "2"]),
    ("word.ts", TS + "1,2:3,4:up\n1,x:2,3:down\n", ["line 7", "channel 0", "'x'"]),
    ("missing.ts", TS + "1,?:3,4:up\n", ["line 6", "step 1", "NaN"]),
    ("class.ts", TS + "1,2:3,4:upp\n", ["line 6", "upp", "nearest is 'Up'"]),
    ("steps.ts", TS + "1,2:3:up\n", ["line 6", "1 steps", "2"]),
    ("none.ts", TS + ":  :up\n", ["line 6", "empty"]),
    ("odd.doc", GOOD, [".csv", ".doc"]),
    ("short.csv", GOOD + "b,3,1\n", ["row 5 has 3 fields", "header has 5", "fewer"]),
    ("odd.jsonl", '{"id": "a"}\n[1]\n', ["line 2", "no object"]),
    ("broken.jsonl", '{"id": "a"}\n{"id": \n', ["line 2", "no JSON"]),
    ("twice.jsonl", '{"id": "a", "id": "b"}\n', ["line 1", "two members 'id'"]),
    ("foreign.xlsx", GOOD, ["no intact Excel file"]),
    (
        "times.ts",
        TS.replace("Stamps false", "Stamps true") + "(0,1),(1,2):(0,3),(2,4):up\n",
        ["line 6", "step 1", "same times"],
    ),
    ("back.ts", TS.replace("Stamps false", "Stamps true") + "(1,1),(0,2):(1,3),(0,4):up\n", ["line 6", "times ascend"]),
    ("pairs.ts", TS.replace("Stamps false", "Stamps true") + "1,2:3,4:up\n", ["line 6", "(time, value)"]),
]


@pytest.mark.parametrize(("name", "text", "words"), TEXTS, ids=[t[0] for t in TEXTS])
def test_faulty_sequences(tmp_path, name, text, words):
    path = tmp_path / name
    path.write_text(text)
    fails(load_sequences, path, words)


ARRAYS = {
    "names": ({"x": np.zeros((2, 3, 1))}, ["'X'", "nearest is 'x'"]),
    "flat": ({"X": np.zeros((2, 3))}, ["[N, T, C]", "[2, 3]"]),
    "objects": ({"X": np.array([np.zeros((2, 1)), np.zeros((3, 1))], dtype=object)}, ["Python objects"]),
    "words": ({"X": np.array([[["a"]]])}, ["numbers"]),
    "none": ({"X": np.zeros((0, 3, 1))}, ["no sequences"]),
    "nan": ({"X": np.array([[[1.0]], [[np.nan]]])}, ["sequence 1", "step 0", "channel 0"]),
    "empty": ({"X": np.zeros((2, 3, 1)), "lengths": np.array([3, 0])}, ["sequence 1 is empty"]),
    "long": ({"X": np.zeros((2, 3, 1)), "lengths": np.array([3, 4])}, ["sequence 1", "length 4", "3 steps"]),
    "lengths": ({"X": np.zeros((2, 3, 1)), "lengths": np.array([3])}, ["2 sequences", "1 lengths"]),
    "sum": ({"X": np.zeros((5, 1)), "lengths": np.array([3, 3])}, ["add up to 6", "5 rows"]),
    "labels": ({"X": np.zeros((2, 3, 1)), "y": np.zeros(3)}, ["2 sequences", "3 labels"]),
    "channels": ({"X": np.zeros((2, 3, 1)), "channels": np.array(["a", "b"])}, ["1 channels", "2 channel names"]),
}


@pytest.mark.parametrize("case", ARRAYS)
def test_faulty_npz(tmp_path, case):
    arrays, words = ARRAYS[case]
    path = tmp_path / "data.npz"
    np.savez(path, **arrays)
    fails(load_sequences, path, words)


def test_truncated_npz(tmp_path):
    path = tmp_path / "data.npz"
    np.savez(path, X=np.random.default_rng(0).normal(size=(20, 30, 4)))
    whole = path.read_bytes()
    for size in (0, 10, len(whole) // 2, len(whole) - 5):
        path.write_bytes(whole[:size])
        fails(load_sequences, path, ["cannot be read"])


def test_npz_never_unpickles(tmp_path):
    ran = tmp_path / "ran"

    class Trap:
        def __reduce__(self):
            return (open, (str(ran), "w"))

    path = tmp_path / "data.npz"
    np.savez(path, X=np.array([Trap()], dtype=object))
    fails(load_sequences, path, ["Python objects"])
    assert not ran.exists()


SERIES = [
    ("untimed.csv", "a,b\n1,2\n3,4\n5,6\n", ["no column of times", "a, b"]),
    ("header.csv", "time,x\n", ["no rows"]),
    ("headless.csv", "2024-01-01,1.5\n2024-01-02,2\n", ["first row holds values (2024-01-01, 1.5)", "names"]),
    ("several.csv", "year,x,city\n1,1,a\n2,1,a\n1,1,b\n2,1,b\n", ["2 series", "column city (a, b)", "where='city=a'"]),
    ("counted.csv", "time,x,box\n1,1,4\n1,1,5\n2,1,4\n2,1,5\n", ["2 series", "column box (4, 5)", "where='box=4'"]),
    ("gap.csv", "time,x\n0,1\n1,\n2,3\n", ["row 2", "column x", "missing"]),
    ("word.csv", "time,x\n0,1\n1,no\n2,3\n", ["row 2", "column x", "no"]),
    ("back.csv", "time,x\n0,1\n2,2\n1,3\n", ["row 3", "earlier"]),
    ("same.csv", "time,x\n0,1\n1,2\n1,3\n", ["row 3", "the same time as row 2"]),
    ("uneven.csv", "time,x\n0,1\n1,2\n2,3\n5,3\n6,3\n", ["row 3", "row 4", "equal steps"]),
    ("parts.csv", "time,x\n0,1\n0.5,2\n1,3\n", ["row 2", "0.5", "whole number"]),
    ("days.csv", "time,x\n2024-01-01,1\n2024-01-02,2\n2024-01-03,2\n2024-01-06,2\n", ["row 3", "equal steps"]),
    (
        "date.csv",
        "time,x\n01/02/2024,1\n02/02/2024,2\n03/02/2024,2\n",
        ["row 1", "01/02/2024", "2024-02-01 or 2024-01-02", "date_format='%d/%m/%Y'"],
    ),
    ("alone.csv", "time\n0\n1\n2\n", ["no column beside the time"]),
    ("series.ts", TS + "1,2:3,4:up\n", ["sequences only"]),
]


@pytest.mark.parametrize(("name", "text", "words"), SERIES, ids=[t[0] for t in SERIES])
def test_faulty_series(tmp_path, name, text, words):
    path = tmp_path / name
    path.write_text(text)
    fails(load_series, path, words)


def test_a_column_that_is_not_there(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text(GOOD)
    fails(load_sequences, path, ["'z'", "label"], label="z")
    fails(load_sequences, path, ["'xx'", "channels"], channels=["xx"])
    fails(load_sequences, path, ["also the id"], channels=["x", "label"])
    fails(load_sequences, path, ["colour= is no option", "channels, date_format", "max_size"], colour="x")


def test_options_of_a_source_without_columns():
    fails(load_sequences, "digits", ["label= is no option"], label="z")


def test_sources_that_are_not_there(tmp_path):
    fails(load_sequences, tmp_path, ["directory"])
    (tmp_path / "speech.csv").write_text(GOOD)
    fails(load_sequences, tmp_path / "speach.csv", ["no such file", "nearest is 'speech.csv'"])
    fails(load_sequences, "digit", ["neither", "nearest is 'digits'"])
    fails(load_sequences, tmp_path / "speech.csv", ["no train part"], split="train")
    fails(load_series, "digits", ["neither"])


def test_a_download_that_fails_is_one_error_and_leaves_nothing(tmp_path, monkeypatch):
    import sktime.datasets

    def broken(own, split, extract_path):
        Path(extract_path, own).mkdir()
        raise RuntimeError("All download strategies failed")

    monkeypatch.setattr(sktime.datasets, "load_UCR_UEA_dataset", broken)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    fails(load_sequences, "Coffee", ["Coffee", "network"], split="train")
    assert list((tmp_path / "carrousel" / "uea").iterdir()) == []


def test_labels_that_do_not_serve(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text(GOOD.replace(",q", ",p"))
    with pytest.raises(DataError, match=r"one class \(p\)"):
        load_sequences(path).classes()
    with pytest.raises(DataError, match="target of sequence a is not a number: p"):
        load_sequences(path).values()
    with pytest.raises(DataError, match="2 labels for each"):
        two_values(tmp_path).classes()
    path.write_text("id,time,x\na,0,1\nb,0,1\n")
    with pytest.raises(DataError, match="no labels"):
        load_sequences(path).classes()


def two_values(folder):
    path = folder / "two.csv"
    path.write_text("id,time,x,u,v\na,0,1,5,6\nb,0,1,7,8\n")
    return load_sequences(path, label=["u", "v"])


def fails(load, source, words, **options):
    with pytest.raises(DataError) as caught:
        load(source, **options)
    message = str(caught.value)
    assert 1 <= len(message.splitlines()) <= 2, message
    for word in [*words, str(getattr(source, "name", source))]:
        assert word in message, message
