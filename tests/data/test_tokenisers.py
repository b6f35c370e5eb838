"""The contract of tokenisers, on every one: any text comes back, what is not known is counted, JSON says it all."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carrousel.data.tokenisers import BOUNDARY, TOKENISERS, UNKNOWN, Speller, tokeniser_from_json

TEXT = "The cat saw the dog.\n\tDer Hund, 'süß', sah 猫 – und 🐈‍⬛ und e\u0301! \x00 \r\n " * 3
EVERY = pytest.mark.parametrize("kind", TOKENISERS.values(), ids=TOKENISERS)
KNOWN = {name: kind.learned([TEXT]) for name, kind in TOKENISERS.items()}


def wanted(kind, text):
    return " ".join(text.split()) if kind.name == "symbols" else text


def test_tokenisers_are_found():
    assert set(TOKENISERS) == {"characters", "words", "symbols", "pieces"}


@EVERY
@settings(max_examples=60, deadline=None)
@given(text=st.text(min_size=1, max_size=40))
def test_any_text_that_was_learned_comes_back(kind, text):
    if kind.name == "symbols" and not text.split():
        with pytest.raises(ValueError, match="no text"):
            kind.learned([text])
        return
    known = KNOWN["pieces"] if kind.name == "pieces" else kind.learned([text])
    said = known.encode(text)
    assert not said.unknown
    assert said.symbols.dtype == np.int64
    assert BOUNDARY not in said.symbols
    assert UNKNOWN not in said.symbols
    assert known.decode(said.symbols) == wanted(kind, text)


@EVERY
@settings(max_examples=60, deadline=None)
@given(text=st.text(st.characters(), max_size=30))
def test_what_is_not_known_is_counted(kind, text):
    known = KNOWN[kind.name]
    said = known.encode(text)
    assert said.unknown.total() == (said.symbols == UNKNOWN).sum()
    assert (said.symbols < known.size).all()
    shown = known.decode(said.symbols)
    if "�" not in text:
        assert shown.count("�") == said.unknown.total()
    if not said.unknown:
        assert shown == wanted(kind, text)


@EVERY
def test_json_says_it_all(kind):
    known = KNOWN[kind.name]
    facts = json.loads(json.dumps(known.to_json()))
    again = tokeniser_from_json(facts)
    assert type(again) is kind
    assert again.size == known.size
    for text in (TEXT, "saw 猫x ", ""):
        assert again.encode(text).symbols.tolist() == known.encode(text).symbols.tolist()
        assert again.decode(known.encode(text).symbols) == known.decode(known.encode(text).symbols)


@EVERY
def test_frequent_symbols_come_first(kind):
    known = KNOWN[kind.name]
    counts = np.bincount(known.encode(TEXT).symbols, minlength=known.size)[2:]
    assert (np.diff(counts) <= 0).all()


@EVERY
def test_a_vocabulary_is_as_large_as_it_may_be(kind):
    assert kind.learned([TEXT], 260).size <= 260
    small = 257 if kind.name == "pieces" else 2
    with pytest.raises(ValueError, match="a vocabulary of"):
        kind.learned([TEXT], small)
    for nothing in ([], [""]):
        with pytest.raises(ValueError, match="no text"):
            kind.learned(nothing)
    if kind.name != "pieces":
        few = kind.learned([TEXT], 4)
        assert few.size == 4
        assert few.encode(TEXT).unknown


@EVERY
def test_halves_of_a_surrogate_pair_are_not_known(kind):
    known = kind.learned(["a \ud83d b"])
    said = known.encode("a \ud83d b")
    assert said.unknown.total() == 1
    assert known.decode(said.symbols).count("�") == 1


@EVERY
def test_a_text_is_spelled_as_it_comes(kind):
    known = KNOWN[kind.name]
    if kind.name == "symbols":
        return  # it has spaces between
    speller, symbols = Speller(known), known.encode(TEXT).symbols
    parts = [speller.add(symbol) for symbol in symbols.tolist()]
    assert "".join(parts) == TEXT
    assert speller.rest() == ""
    assert not any("�" in part for part in parts)


@EVERY
def test_damaged_json_is_refused(kind):
    facts = KNOWN[kind.name].to_json()
    key = next(name for name in facts if name != "kind")
    rest = {name: value for name, value in facts.items() if name != key}
    for wrong in ([], "abc", [1], ["a", "a"], [""], None, {"a": 1}, [["a"]], ["ab\ud800"]):
        with pytest.raises(ValueError, match=r"its |surrogates"):
            tokeniser_from_json({**rest, key: wrong})
    for wrong in (None, {}, {"kind": "other"}, []):
        with pytest.raises(ValueError, match="one of characters"):
            tokeniser_from_json(wrong)


def test_characters_of_json_are_single_and_merges_are_of_pieces():
    with pytest.raises(ValueError, match="single characters"):
        tokeniser_from_json({"kind": "characters", "characters": ["ab"]})
    facts = KNOWN["pieces"].to_json()
    for wrong in (None, ["ab"], [["a"]], [["a", "…"]], [["q", "w"]], [["a", 1]]):
        with pytest.raises(ValueError, match="pairs of its pieces"):
            tokeniser_from_json({**facts, "merges": wrong})
    with pytest.raises(ValueError, match="lack some"):
        tokeniser_from_json({**facts, "pieces": facts["pieces"][:-1] if len(facts["pieces"][-1]) == 1 else ["a"]})
