"""Ids and labels are text, as they are written: nothing is guessed from how they look."""

import itertools

import numpy as np
import pytest

from carrousel.data import (
    DataError,
    load_sequences,
    make_images,
    make_sequences,
    make_tagged,
    make_transcribed,
)

ENDINGS = [".csv", ".tsv", ".jsonl", ".xlsx"]


def write(path, ids, labels):
    import pandas as pd

    frame = pd.DataFrame({"id": ids, "time": np.arange(len(ids)), "x": 0.5, "label": labels}, dtype=object)
    if path.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    elif path.suffix == ".xlsx":
        frame.to_excel(path, index=False)
    else:
        frame.to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",")


@pytest.mark.parametrize("ending", ENDINGS)
def test_ids_stay_apart_and_whole(tmp_path, ending):
    path = tmp_path / f"data{ending}"
    ids = ["7", "07", "7.0", "NA", "nan", "1e3", "1000", "None", "true", "True"]
    write(path, ids, ["p"] * len(ids))
    assert load_sequences(path).ids.tolist() == ids


def test_a_letter_far_below_changes_no_id_above(tmp_path):
    path = tmp_path / "data.csv"
    ids = ["1"] * 300_000 + ["2"] * 10 + ["a"] + ["1"]
    path.write_text("id,time,x\n" + "".join(f"{name},{k},0\n" for k, name in enumerate(ids)))
    assert load_sequences(path).ids.tolist() == ["1", "2", "a"]


LABELS = {  # labels, type of what they become
    "whole numbers": (["1", "2", "30"], "i"),
    "numbers": (["0.5", "1.5", "2.0"], "f"),
    "with a zero before": (["01", "02", "3"], "U"),
    "with a zero behind": (["1.50", "2.5", "3.5"], "U"),
    "missing by its name": (["NA", "1", "2"], "U"),
    "not a number by its name": (["nan", "1.5", "2.5"], "U"),
    "signed": (["+1", "-1", "+2"], "U"),
    "truth": (["True", "False", "TRUE"], "U"),
    "long": (["9" * 24, "9" * 23 + "8", "1"], "U"),
    "infinite": (["inf", "1.5", "2.5"], "U"),
    "exponents": (["1e3", "1e4", "1e5"], "U"),
}


@pytest.mark.parametrize(("case", "ending"), itertools.product(LABELS, ENDINGS))
def test_labels_are_numbers_only_if_nothing_is_lost(tmp_path, case, ending):
    path = tmp_path / f"data{ending}"
    labels, kind = LABELS[case]
    write(path, [f"s{k}" for k in range(3)], labels)
    data = load_sequences(path)
    assert [str(y) for y in data.y] == labels
    assert data.y.dtype.kind == kind
    assert [str(y) for y in load_sequences(path, text="label").y] == labels
    assert load_sequences(path, text="label").y.dtype.kind == "U"


def test_only_an_empty_field_is_missing(tmp_path):
    path = tmp_path / "data.csv"
    for name in ("id", "label"):
        row = {"id": "b", "label": "q", name: ""}
        path.write_text(f"id,time,x,label\na,0,1,NA\n{row['id']},0,1,{row['label']}\n")
        with pytest.raises(DataError, match=f"row 2, column {name}: the value is missing"):
            load_sequences(path)


def test_values_with_a_decimal_comma(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("id;time;x;label\na;0;1,5;0,50\nb;0;2;1,25\n")
    data = load_sequences(path)
    np.testing.assert_array_equal(data.values(), [0.5, 1.25])
    path.write_text("id;time;x;u;v\na;0;1,5;0,50;1\nb;0;2;1,25;2\n")
    np.testing.assert_array_equal(load_sequences(path, label=["u", "v"]).values(), [[0.5, 1], [1.25, 2]])


@pytest.mark.parametrize("labels", [["07", "7"], ["NA", "NB"], ["1", "2"], ["0.0", "1.0"]])
def test_a_label_comes_out_of_predict_as_it_went_in(tmp_path, labels):
    from carrousel.estimators import LSTMClassifier, load

    path = tmp_path / "data.csv"
    names = [f"{k:02d}" for k in range(12)]
    write(path, names, [labels[k % 2] for k in range(12)])
    data = load_sequences(path)
    model = LSTMClassifier(2, max_epochs=1, validation=None, random_state=0).fit_on(data)
    model.save(tmp_path / "model")
    table = load(tmp_path / "model").table(data)
    assert table["id"].tolist() == names
    assert {str(label) for label in table["prediction"]} <= set(labels)
    assert list(table.columns[2:]) == [f"probability {label}" for label in labels]


PERSONS = "id,time,x,person,counts,label\na,0,1,p1,2,u\na,1,2,p1,2,u\nb,0,3,p2,0.5,v\nc,0,3,p1,0,v\n"


def test_groups_and_weights_are_of_sequences(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text(PERSONS)
    data = load_sequences(path, group="person", sample_weight="counts")
    assert data.channels == ("x",)
    assert data.groups.tolist() == ["p1", "p2", "p1"]
    assert data.weights.tolist() == [2.0, 0.5, 0.0]
    some = data.take([2, 1])
    assert (some.groups.tolist(), some.weights.tolist()) == (["p1", "p2"], [0.0, 0.5])
    assert load_sequences(path).groups is load_sequences(path).weights is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("a,1,2,p1,2,u", "a,1,2,p3,2,u", r"row 2, column person: sequence id a is p3, but p1 in row 1"),
        ("a,1,2,p1,2,u", "a,1,2,p1,3,u", r"row 2, column counts: sequence id a is 3.0, but 2.0 in row 1"),
        ("p2", "p1", "column person: all 3 sequences are of one group"),
        ("p2", "", "row 3, column person: the value is missing"),
        ("0.5", "-0.5", "row 3, column counts: the weight is -0.5"),
        ("0.5", "much", "row 3, column counts: the value is much"),
        ("0.5", "", "row 3, column counts: the value is missing"),
        ("person,", "persons,", "no column 'person' .group.; the nearest is 'persons'"),
        (",counts", ",count", "no column 'counts' .sample_weight."),
    ],
    ids=range(9),
)
def test_groups_and_weights_that_do_not_serve(tmp_path, old, new, message):
    path = tmp_path / "data.csv"
    path.write_text(PERSONS.replace(old, new, 1))
    with pytest.raises(DataError, match=message):
        load_sequences(path, group="person", sample_weight="counts")


def test_all_weights_zero(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("id,time,x,counts\na,0,1,0\nb,0,1,0\n")
    with pytest.raises(DataError, match="every sequence has the weight 0"):
        load_sequences(path, sample_weight="counts")
    with pytest.raises(DataError, match="group= is no option for this kind of data"):
        load_sequences("digits", group="person")
    with pytest.raises(DataError, match="'x' is a channel and also"):
        load_sequences(path, channels="x", group="x")


MAKERS = {
    "sequences": lambda groups: make_sequences([np.zeros((2, 1))] * 3, None, name="d", groups=groups),
    "tagged": lambda groups: make_tagged([np.zeros((2, 1))] * 3, None, name="d", groups=groups),
    "transcribed": lambda groups: make_transcribed([np.zeros((2, 1))] * 3, None, name="d", groups=groups),
    "images": lambda groups: make_images([np.zeros((2, 2))] * 3, None, name="d", groups=groups),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize("groups", [[7, 7, 12], ["7", "7", "12"], np.array([7, 7, 12], np.uint8)])
def test_names_of_groups_are_text_whatever_has_them(make, groups):
    made = make(groups)
    assert made.groups.dtype.kind == "U"
    assert made.groups.tolist() == ["7", "7", "12"]
    assert make(None).groups is None
    with pytest.raises(DataError, match=r"d: 3 (sequences|images) but 2 groups"):
        make(groups[:2])


def test_groups_of_a_table_with_types_are_text_too(tmp_path):
    import pandas as pd

    path = tmp_path / "data.parquet"
    pd.DataFrame({"id": [1, 1, 2], "time": [0, 1, 0], "x": 0.5, "who": [3, 3, 12]}).to_parquet(path)
    assert load_sequences(path, group="who").groups.tolist() == ["3", "12"]
