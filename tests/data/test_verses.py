"""Verses in two languages: from modules in place of SWORD's, read by what stands for the package that reads them."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest

from carrousel import _cache
from carrousel.cli import main
from carrousel.data import DataError, load_pairs, splits
from carrousel.data.readers import verses

CHAPTERS = 40
FIRST, SECOND = verses.MODULES


class Bible:
    """A book whose chapters have three verses; what ``marked`` gives stands in them."""

    def __init__(self, name, marked):
        self.book = SimpleNamespace(name="Ruth", num_chapters=CHAPTERS)
        self.name, self.marked, self.unpacked = name, marked, 0

    def get_structure(self):
        return SimpleNamespace(get_books=lambda: {"ot": [self.book]})

    def _decompressed_text(self, part, number):
        self.unpacked += 1

    def get_iter(self, books, chapters, clean):
        assert (books, clean) == (["Ruth"], False)
        for number in (1, 2, 3):
            self._decompressed_text("ot", 0)
            yield self.marked(chapters[0], number)


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """The folder of two modules, and what reads them."""
    bibles = {
        FIRST: Bible(
            FIRST, lambda c, n: f"<title>Of it</title><w x='1'>Verse</w> {c}:{n},<note>or</note>\n so it is ."
        ),
        SECOND: Bible(SECOND, lambda c, n: "" if n == 3 else "x" * 121 if n == 2 and c % 2 else f"Verso {c} &amp; {n}"),
    }
    library = SimpleNamespace(
        parse_modules=lambda: {name: {"version": str(tmp_path)} for name in bibles}, get_bible_from_module=bibles.get
    )
    package, inner = ModuleType("pysword"), ModuleType("pysword.modules")
    inner.SwordModules = lambda folder: library
    monkeypatch.setitem(sys.modules, "pysword", package)
    monkeypatch.setitem(sys.modules, "pysword.modules", inner)
    monkeypatch.setattr(verses, "LIBRARIES", ("/nowhere", str(tmp_path)))
    (tmp_path / "mods.d").mkdir()
    for name in bibles:
        (tmp_path / "mods.d" / f"{name}.conf").touch()
    return bibles


def test_verses_are_paired_by_their_places(modules):
    assert splits("verses", "pairs") == ("train", "test")
    whole, train, test = (load_pairs("verses", split=part) for part in ("all", "train", "test"))
    assert list(zip(whole.sources, whole.targets, whole.groups, strict=True))[:3] == [
        ("Verse 1:1, so it is.", "Verso 1 & 1", "Ruth 1"),  # 1:2 is long in the second
        ("Verse 2:1, so it is.", "Verso 2 & 1", "Ruth 2"),
        ("Verse 2:2, so it is.", "Verso 2 & 2", "Ruth 2"),
    ]
    assert len(whole) == 3 * CHAPTERS // 2 == len(train) + len(test)
    assert whole.units == ("pieces", "pieces")
    assert 0 < len(test) < len(train)
    assert not set(train.groups) & set(test.groups)
    assert [bible.unpacked for bible in modules.values()] == [1, 1], "unpacked once, and kept for the next reading"


def test_what_was_kept_and_is_of_no_use_is_read_again(modules, monkeypatch):
    whole = load_pairs("verses")
    kept = {}
    monkeypatch.setattr(_cache, "read", lambda key: kept.get(key))
    monkeypatch.setattr(_cache, "write", lambda key, data: kept.__setitem__(key, data.replace(b"Verse", b'Ver"e')))
    assert load_pairs("verses").sources == whole.sources
    assert load_pairs("verses").sources == whole.sources


def test_what_is_missing_is_said(modules, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pysword.modules", None)
    with pytest.raises(DataError, match="read by the package pysword, which is not installed\napt install sword"):
        load_pairs("verses")
    monkeypatch.setattr(verses, "LIBRARIES", ("/nowhere",))
    with pytest.raises(DataError, match="two modules of SWORD, which are not installed\napt install sword-text-web"):
        load_pairs("verses")
    assert main(["train", "translate", "verses", "--out", "nothing"]) == 2
    assert "pip install 'pysword==0.2.8'" in capsys.readouterr().err


def test_modules_without_a_common_verse(modules):
    modules[SECOND].marked = lambda chapter, number: ""
    with pytest.raises(DataError, match="have no verses in common"):
        load_pairs("verses")
