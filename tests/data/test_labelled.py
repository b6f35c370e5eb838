"""Sequences with several labels each: from CoNLL's columns, tables and arrays."""

import numpy as np
import pandas as pd
import pytest

from carrousel.data import DataError, hold_out, load_tagged, load_transcribed, make_tagged, make_transcribed, spoken

TABLE = """id,time,person,x,y,label
a,0,ann,1,2,rest
a,1,ann,3,4,
b,0,bob,5,6,walk
b,1,bob,7,8,rest
b,2,bob,9,9,rest
"""
UNIVERSAL = """# sent_id = first
# text = Don't panic
1-2\tDon't\t_\t_\t_
1\tDo\tdo\tAUX\t_
2\tn't\tnot\t_\t_
3\tpanic\tpanic\tVERB\t_
3.1\tnothing\t_\tX\t_

# sent_id = second
1\t#1\tno\tNUM\t_
"""


@pytest.fixture
def file(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


# ---- tables ----


def test_a_table_with_a_label_for_every_step(file):
    data = load_tagged(file("steps.csv", TABLE))
    assert [x.tolist() for x in data.X] == [[[1, 2], [3, 4]], [[5, 6], [7, 8], [9, 9]]]
    assert [labels.tolist() for labels in data.y] == [["rest", ""], ["walk", "rest", "rest"]]
    assert data.groups.tolist() == ["ann", "bob"]
    assert data.channels == ("x", "y")
    assert data.labels().tolist() == ["rest", "walk"]
    assert "1 of 5 steps have no label" in data.how
    assert str(data) == "2 sequences of 2 to 3 steps, 2 channels, 2 labels, 2 groups"
    renamed = load_tagged(
        file("other.csv", TABLE.replace("label", "what").replace("person", "who")), label="what", group="who"
    )
    assert [labels.tolist() for labels in renamed.y] == [labels.tolist() for labels in data.y]
    assert load_tagged(file("bare.csv", TABLE.replace("label", "what")), text="what").y is None


def test_a_table_of_one_sequence_and_one_of_words(file):
    alone = load_tagged(file("alone.csv", "time,x,label\n0,1,a\n1,2,b\n"))
    assert (len(alone), alone.y[0].tolist()) == (1, ["a", "b"])
    assert "all rows are one sequence, for there is no column id" in alone.how
    words = load_tagged(file("words.csv", "id,word,label\n1,the,D\n1,dog,N\n2,it,P\n"), time="none")
    assert words.symbolic
    assert [x.tolist() for x in words.X] == [["the", "dog"], ["it"]]
    assert words.channels == ("word",)
    both = file("both.csv", "id,word,x,label\n1,the,0.5,D\n1,dog,2,N\n")
    assert load_tagged(both, time="none", channels="word").symbolic
    assert load_tagged(both, time="none", channels="x").X[0].tolist() == [[0.5], [2]]


@pytest.mark.parametrize(
    ("change", "options", "says"),
    [
        (("a,1,ann", "a,1,bob"), {}, "row 2, column person: sequence id a is bob, but ann in row 1"),
        (("b,2,bob", "b,0,bob"), {}, "row 5, column time"),
        ((",walk", ",0.5"), {"text": "person"}, None),
        (("x", "x"), {"label": "lable"}, "'lable'"),
        (("x", "x"), {"label": ["x", "y"]}, "one column has the labels of the steps"),
        (("x", "x"), {"channels": ["x", "label"]}, "'label' is a channel and also"),
        (("x", "x"), {"group": "persn"}, "'persn' (group)"),
        (("5,6", "much,6"), {}, "column x"),
        (("x", "x"), {"channels": ["person", "x"], "group": "id"}, "column person holds words"),
    ],
)
def test_tables_that_are_refused(file, change, options, says):
    path = file("steps.csv", TABLE.replace(*change, 1))
    if says is None:
        assert load_tagged(path, **options).labels().tolist() == ["0.5", "rest"]
        return
    with pytest.raises(DataError) as caught:
        load_tagged(path, **options)
    assert str(path) in str(caught.value)
    assert says in str(caught.value)


def test_labels_that_are_values(file):
    path = file("values.csv", "id,x,label\na,1,0.25\na,2,1.5\n")
    with pytest.raises(DataError, match=r"labels are values such as 0\.25, no classes of steps"):
        load_tagged(path, time="none")


# ---- CoNLL ----


def test_universal_columns(file):
    data = load_tagged(file("corpus.conllu", UNIVERSAL))
    assert [x.tolist() for x in data.X] == [["Do", "n't", "panic"], ["#1"]]
    assert [labels.tolist() for labels in data.y] == [["AUX", "", "VERB"], ["NUM"]]
    assert data.ids.tolist() == ["first", "second"]
    assert data.how[0] == "words in column FORM, labels in UPOS"
    lemmas = load_tagged(file("corpus.conllu", UNIVERSAL), channels="LEMMA", label="FORM")
    assert lemmas.X[0].tolist() == ["do", "not", "panic"]
    plus = load_tagged(file("plus.conllu", "# global.columns = FORM KIND\na\tx\nb\ty\n"), label="KIND")
    assert plus.y[0].tolist() == ["x", "y"]


@pytest.mark.parametrize("separator", [" ", "\t", "  "])
def test_plain_columns(file, separator):
    lines = [
        ["-DOCSTART-", "-X-", "O"],
        [],
        ["EU", "NNP", "B-ORG"],
        ["rejects", "VBZ", "O"],
        [],
        [],
        ["#tag", "NN", "O"],
    ]
    text = "# a comment\r\n" + "\r\n".join(separator.join(line) for line in lines)
    data = load_tagged(file("ner.conll", text))
    assert [x.tolist() for x in data.X] == [["EU", "rejects"], ["#tag"]]
    assert [labels.tolist() for labels in data.y] == [["B-ORG", "O"], ["O"]]
    assert data.channels == ("1",)
    assert "1 lines of -DOCSTART- left out" in data.how
    assert load_tagged(file("ner.conll", text), label="2").y[0].tolist() == ["NNP", "VBZ"]
    assert load_tagged(file("words.iob", "EU\nrejects\n")).y is None


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        ("a x\nb\n", {}, "line 2 has 1 column, the lines before it have 2"),
        ("a\tx\n\tx\n", {}, "line 2, column 1: the field is empty"),
        ("# only a comment\n\n", {}, "there are no sentences"),
        ("a x\n", {"label": "3"}, "no column '3' (label)"),
        ("a x\n", {"channels": "1", "label": "1"}, "column 1 is the input and also the label"),
        ("a x\n", {"channels": ["1", "2"]}, "one column is needed"),
        ("# global.columns = A B C\na x\n", {}, "has 2 columns, and # global.columns names 3"),
    ],
)
def test_columns_that_are_refused(file, text, options, says):
    path = file("bad.conll", text)
    with pytest.raises(DataError) as caught:
        load_tagged(path, **options)
    assert str(path) in str(caught.value)
    assert says in str(caught.value)


# ---- arrays ----


def test_arrays_in_both_layouts(tmp_path):
    X, lengths = np.arange(8.0).reshape(4, 2), np.array([3, 1])
    padded = np.full((2, 3, 2), np.nan)
    padded[0], padded[1, :1] = X[:3], X[3:]
    flat, square = np.array(["a", "", "b", "c"]), np.array([["a", "", "b"], ["c", "", ""]])
    found = []
    for name, arrays in {"flat": {"X": X, "y": flat}, "padded": {"X": padded, "y": square}}.items():
        np.savez(tmp_path / f"{name}.npz", lengths=lengths, ids=np.array(["u", "v"]), **arrays)
        data = load_tagged(tmp_path / f"{name}.npz")
        found.append(([x.tolist() for x in data.X], [labels.tolist() for labels in data.y], data.ids.tolist()))
    assert found[0] == found[1]
    assert found[0][1] == [["a", "", "b"], ["c"]]


@pytest.mark.parametrize(
    ("y", "units", "strings"),
    [
        (["one two", "six"], "words", [("one", "two"), ("six",)]),
        (["ab", "c"], "letters", [("a", "b"), ("c",)]),
        ([["one", "two"], ["six", ""]], "letters", [("one", "two"), ("six",)]),
        ([[4, 0], [7, -1]], "letters", [("4", "0"), ("7",)]),
    ],
)
def test_arrays_with_strings(tmp_path, y, units, strings):
    np.savez(tmp_path / "data.npz", X=np.zeros((2, 5, 1)), y=np.array(y), rate=50, groups=np.array([1, 2]))
    data = load_transcribed(tmp_path / "data.npz", units=units)
    assert data.y == strings
    assert (data.rate, data.groups.tolist()) == (50.0, ["1", "2"])


@pytest.mark.parametrize(
    ("load", "arrays", "says"),
    [
        (load_tagged, {"y": np.zeros((2, 3))}, "labels must be words or whole numbers"),
        (load_tagged, {"y": np.array([["a"], ["b"]])}, "sequence 0 has length 3, but y has 1 steps"),
        (load_tagged, {"y": np.array(["a"])}, "the lengths add up to 6, but y has 1 rows"),
        (load_transcribed, {"y": np.array(["a", ""])}, "sequence 1: its transcript is empty"),
        (load_transcribed, {"y": np.array(["a"])}, "2 sequences but 1 transcripts"),
        (load_transcribed, {"y": np.array(["a", "b"]), "rate": np.array(0)}, "rate must be one number above 0"),
        (load_transcribed, {"y": np.array(["a", "b"]), "groups": np.array([1])}, "2 sequences but 1 groups"),
    ],
)
def test_arrays_that_are_refused(tmp_path, load, arrays, says):
    np.savez(tmp_path / "bad.npz", X=np.zeros((2, 3, 1)), **arrays)
    with pytest.raises(DataError) as caught:
        load(tmp_path / "bad.npz")
    assert "bad.npz" in str(caught.value)
    assert says in str(caught.value)


# ---- what is made ----


@pytest.mark.parametrize(
    ("make", "X", "y", "says"),
    [
        (make_tagged, [np.zeros((2, 1))], [["a"]], "sequence 0 has 2 steps but 1 labels"),
        (make_tagged, [np.zeros((2, 1))], [["a", 0.5]], "the label 0.5 is no word and no whole number"),
        (make_tagged, [np.zeros((2, 1))], [["a", "b\0"]], "holds a NUL character"),
        (make_tagged, [["a", ""]], [["x", "y"]], "sequence 0, step 1: the symbol is empty"),
        (make_tagged, [["a"], []], [["x"], []], "sequence 1 is empty"),
        (make_tagged, [np.array([["a"]])], None, "has 2 dimensions; symbols are [steps]"),
        (make_tagged, [], [], "there are no sequences"),
        (make_transcribed, [np.zeros((2, 1))], [[]], "its transcript is empty"),
        (make_transcribed, [np.zeros((2, 1))], [["a", ""]], "label 2 of its transcript is empty"),
        (make_transcribed, [np.zeros((2, 1)), np.zeros((2, 2))], ["a", "b"], "has 2 channels"),
    ],
)
def test_what_cannot_be_made(make, X, y, says):
    with pytest.raises(DataError) as caught:
        make(X, y, name="data")
    assert says in str(caught.value)


def test_numbers_become_words_and_words_are_said():
    data = make_transcribed([np.zeros((4, 1))], [[1, np.int64(2), True]], name="data")
    assert data.y == [("1", "2", "True")]
    assert (spoken("abc"), spoken(["a", "bc"])) == ("abc", "a bc")


def test_groups_and_rare_labels_are_not_held_out():
    X = [np.zeros((2, 1))] * 20
    groups = [f"p{k // 4}" for k in range(20)]
    data = make_tagged(X, [["a", "b"]] * 20, name="data", groups=groups)
    train, test = hold_out(data, 0.3, seed=1)
    assert not set(train.groups) & set(test.groups)
    assert len(test) in (4, 8)
    rare = make_transcribed(X, [["a", str(k)] if k % 2 else ["a"] for k in range(20)], name="data")
    for seed in range(5):
        train, test = hold_out(rare, 0.5, seed=seed)
        assert set(test.labels()) == {"a"}
        assert len(train) + len(test) == 20
    with pytest.raises(DataError, match="one group"):
        hold_out(make_tagged(X, None, name="data", groups=["p"] * 20), 0.3)
    with pytest.raises(DataError, match="every sequence that could be held out has a label that no other has"):
        hold_out(make_transcribed(X, [[str(k)] for k in range(20)], name="data"), 0.3)


def test_what_is_taken_keeps_its_labels():
    data = make_tagged([np.full((k + 1, 1), k) for k in range(4)], [["a"] * (k + 1) for k in range(4)], name="data",
                       groups=list("wxyz"))  # fmt: skip
    part = data.take([2, 0])
    assert [len(x) for x in part.X] == [len(labels) for labels in part.y] == [3, 1]
    assert (part.ids.tolist(), part.groups.tolist()) == ([2, 0], ["y", "w"])
    assert pd.Series(part.lengths).tolist() == [3, 1]
