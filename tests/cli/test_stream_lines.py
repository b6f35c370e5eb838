"""``carrousel stream``: lines as people have them, times and rivals."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import math

import pytest

SMALL = ["--target", "y", "--hidden-size", "2", "--rate", "0.01"]
HOURS = [f"2024-03-{4 + t // 24:02} {t % 24:02}:00" for t in range(60)]


def table(sep=",", decimal=".", header="time{0}y{0}wo"):
    rows = [f"{when}{sep}{10 * math.sin(t / 4):.3f}".replace(".", decimal) for t, when in enumerate(HOURS)]
    return header.format(sep) + "\n" + "".join(f"{row}{sep}Süd\n" for row in rows)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_report_has_seasons_and_the_linear_method_of_all_lines_and_of_the_last(place, run):
    (place / "a.csv").write_text(table())
    code, out, err = run("stream", "a.csv", *SMALL, "--quiet", "--every", "40")
    assert (code, out) == (0, "")
    left_out, times, first, last = err.splitlines()
    assert left_out == "left out, for it holds no numbers in the first line: wo"
    assert times == "times in field time, hourly: seasons of 24 and 168 lines (--season sets others)"
    rivals = ["of persistence", "of season 24", "of season 168", "of linear"]
    assert all(first.count(name) == 1 and last.count(name) == 2 for name in rivals)
    assert "; of the last 20 " in last
    code, out, _ = run("stream", "a.csv", *SMALL, "--json", "--every", "40")
    told = json.loads(out.splitlines()[-1])
    names = {"error", "persistence_error", "season_24_error", "season_168_error", "linear_error"}
    assert told.keys() == {"lines", "last", *names}
    assert told["last"].keys() == {"lines", *names}
    assert (told["lines"], told["last"]["lines"]) == (60, 20)
    for words, names in (
        (["--season", "12"], {"season_error"}),
        (["--season", "none"], set()),
        (["--time", "none", "--season", "3, 5"], {"season_3_error", "season_5_error"}),
    ):
        code, out, err = run("stream", "a.csv", *SMALL, "--json", *words)
        keys = json.loads(out.splitlines()[-1]).keys()
        assert keys == {"lines", "error", "persistence_error", "linear_error", *names}, err


def test_without_river_the_linear_method_is_left_out_in_one_line(place, run, monkeypatch):
    from carrousel import streams
    from carrousel.streams import _rivals

    for room in (streams, _rivals):
        monkeypatch.setattr(room, "has_river", lambda: False)
    (place / "a.csv").write_text(table())
    code, out, err = run("stream", "a.csv", *SMALL, "--json")
    assert code == 0
    assert err.splitlines()[0] == ("river is not installed: no linear method beside; pip install 'carrousel[stream]'")
    assert "linear_error" not in json.loads(out.splitlines()[-1])


@pytest.mark.parametrize("pack", [None, gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize(
    ("sep", "decimal", "encoding"), [(";", ",", "utf-8"), ("\t", ".", "cp1252"), ("|", ".", "utf-8")]
)
def test_lines_in_any_dialect_are_the_same_lines(place, run, sep, decimal, encoding, pack):
    (place / "plain.csv").write_text(table())
    name = "a.csv" + {None: "", gzip.compress: ".gz", bz2.compress: ".bz2", lzma.compress: ".xz"}[pack]
    content = ("\ufeff" if encoding == "utf-8" else "") + table(sep, decimal)
    (place / name).write_bytes((pack or bytes)(content.encode(encoding)))
    words = ["--decimal", decimal, "--encoding", encoding]
    code, out, err = run("stream", name, *SMALL, *words, "--state", "s", "--season", "none")
    assert code == 0, err
    assert out == run("stream", "plain.csv", *SMALL, "--season", "none")[1]
    assert "going on after line 60" in run("stream", name, *SMALL, *words, "--state", "s", "--season", "none")[2]


@pytest.mark.parametrize(
    ("content", "words", "says"),
    [
        (table(";", ","), [], ["line 1: 'y' is '0,000'", "--decimal , takes the comma"]),
        (table().encode("cp1252"), [], ["line 1: byte", "is no text in UTF-8; --encoding windows-1252"]),
        (table(), ["--encoding", "utf-16"], ["--encoding utf-16: its lines end otherwise"]),
        (table(), ["--encoding", "klingon"], ["--encoding klingon: no encoding is called so"]),
        (table(), ["--sep", "ab"], ["--sep ab: one sign"]),
        (table(), ["--sep", ";"], ["there is no field 'y' in the first line; it names time,y,wo"]),
        (table(), ["--decimal", "x"], ["--decimal x: the mark is . or ,"]),
        (table(), ["--season", "1"], ["--season 1: up to four numbers of lines, 2 to 100000"]),
        (table(), ["--season", "often"], ["--season often: up to four numbers"]),
        (table(), ["--time", "when"], ["there is no field 'when'"]),
        (table(), ["--time", "none", "--freq", "h"], ["--freq: with --time none there are no times"]),
        (table(), ["--freq", "soon"], ["--freq soon is no step of time"]),
        (table(), ["--task", "classify", "--season", "24"], ["--season: classes have no season"]),
        (table(header="time{0}y{0}y"), [], ["there are two fields 'y' in the first line"]),
        (
            table(header="time{0}Y{0}wo"),
            [],
            ["no field 'y' in the first line; it names time, Y, wo; the nearest is 'Y'"],
        ),
        ("[\n{}]\n", ["--format", "jsonl"], ["line 1: a list of objects is no stream; jq -c '.[]' makes lines of it"]),
        ("1,2\n3,4\n", [], ["the first line holds numbers (1, 2); it has to name the fields"]),
        ("a,y\n1,NA\n", [], ["line 1: 'y' is 'NA'", "--missing mask or --missing last"]),
        ("a,y\n1,cat\n", [], ["line 1: 'y' is 'cat': a number is wanted; --task classify predicts classes"]),
        ("a,y\n1;2\n", ["--features", "a"], ["line 1: it has 1 fields", "--sep says what separates them"]),
    ],
)
def test_what_cannot_be_read_is_told_with_what_mends_it(place, refused, content, words, says):
    (place / "a.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    refused("stream", "a.csv", *SMALL, *words, "--quiet", says=says)


def test_lines_as_r_and_pandas_write_them(place, run):
    """Rows have names, or numbers, above which stands nothing: they are no feature."""
    (place / "plain.csv").write_text("x,y\n" + "".join(f"{t % 3},{t % 5}\n" for t in range(30)))
    (place / "r.csv").write_text('"x","y"\n' + "".join(f'"{t + 1}",{t % 3},{t % 5}\n' for t in range(30)))
    (place / "pandas.csv").write_text(",x,y\n" + "".join(f"{t},{t % 3},{t % 5}\n" for t in range(30)))
    (place / "spaces.txt").write_text("x  y\n" + "".join(f" {t % 3}  {t % 5}\n" for t in range(30)))
    plain = run("stream", "plain.csv", *SMALL)
    assert plain[0] == 0
    for name in ("r.csv", "pandas.csv", "spaces.txt"):
        assert run("stream", name, *SMALL) == plain


def test_comments_before_the_names_are_passed_over(place, run):
    (place / "plain.csv").write_text(table())
    (place / "a.csv").write_text("\ufeff# from the web\n#\n" + table())
    assert run("stream", "a.csv", *SMALL)[:2] == (0, run("stream", "plain.csv", *SMALL)[1])


@pytest.mark.parametrize(("name", "says"), [("a.zip", "- reads a pipe"), ("b.csv", "No such file"), (".", "directory")])
def test_what_holds_no_lines_is_refused_at_once(place, refused, name, says):
    (place / "a.zip").write_bytes(b"PK")
    refused("stream", name, *SMALL, says=[says])
