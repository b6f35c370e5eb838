"""What stands under a name: pipes, folders, other encodings, a little that unpacks to a great deal."""

import bz2
import gzip
import io
import lzma
import math
import os
import stat
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from carrousel.data import DataError, _registry, load_sequences, load_series

from .samples import LOAD, SAMPLES, TABLE, csv, npz, outcome

ENDINGS = [(kind, ending) for kind, ending in SAMPLES]
TEXT = "id,time,x,label\na,0,1,p\nb,0,2,q\n"


@pytest.mark.parametrize(("kind", "ending"), ENDINGS)
def test_what_is_no_file(tmp_path, kind, ending):
    refused(LOAD[kind], tmp_path / f"none{ending}", ["no such file"])
    (folder := tmp_path / f"folder{ending}").mkdir()
    refused(LOAD[kind], folder, ["no pictures" if kind == "images" else "directory"])  # a folder can hold these
    os.mkfifo(pipe := tmp_path / f"pipe{ending}")
    refused(LOAD[kind], pipe, ["pipe or a device"])
    (link := tmp_path / f"link{ending}").symlink_to(link)
    refused(LOAD[kind], link, ["cannot be read"])
    refused(LOAD[kind], tmp_path / f"{'x' * 300}{ending}", ["cannot be read", "too long"])
    (empty := tmp_path / f"empty{ending}").touch()
    refused(LOAD[kind], empty, [])
    refused(LOAD[kind], empty / f"in{ending}", ["cannot be read"])


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
@pytest.mark.parametrize(("kind", "ending"), ENDINGS)
def test_what_may_not_be_read(tmp_path, kind, ending):
    (path := tmp_path / f"data{ending}").write_bytes(SAMPLES[kind, ending][0])
    path.chmod(0)
    refused(LOAD[kind], path, ["cannot be read", "ermission"])
    path.chmod(stat.S_IRUSR)
    tmp_path.chmod(0)
    try:
        refused(LOAD[kind], path, ["cannot be read", "ermission"])
    finally:
        tmp_path.chmod(stat.S_IRWXU)


@pytest.mark.parametrize("ending", [".csv", ".ts"])
def test_encodings(tmp_path, ending):
    path = tmp_path / f"data{ending}"
    text = SAMPLES["sequences", ending][0].decode().replace("p", "é")
    text = (
        text.replace("@éroblemName", "@problemName")
        .replace("@timeStaMés", "@timeStamps")
        .replace("@timeStamés", "@timeStamps")
    )
    path.write_text(text, encoding="utf-8")
    wanted = load_sequences(path)
    assert any("é" in label for label in wanted.classes())
    for encoding in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "windows-1252"):
        path.write_text(text, encoding=encoding)
        same(load_sequences(path), wanted)
    for encoding in ("cp437", "shift_jis", "gb18030"):
        if encoding == "cp437":
            path.write_text(text, encoding=encoding)
            same(load_sequences(path, encoding=encoding), wanted)
        refused(load_sequences, path, ["no encoding that Python knows"], encoding="cp0")
    path.write_bytes(text.encode() + b"\x81\xff")
    refused(load_sequences, path, ["line ", "not UTF-8", "0x81", "encoding="])
    refused(load_sequences, path, ["line ", "no utf-8 text"], encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([*lines[:7], lines[7].replace(b".", b"\0.", 1), *lines[8:]]))
    refused(load_sequences, path, ["line 8 holds a NUL byte"])


def same(data, wanted):
    assert list(data.y) == list(wanted.y)
    assert list(data.ids) == list(wanted.ids)
    assert data.channels == wanted.channels
    for x, y in zip(data.X, wanted.X, strict=True):
        np.testing.assert_array_equal(x, y)


def packed(content, how):
    """Bytes packed in a way that people pack files."""
    if how == ".zip":
        with zipfile.ZipFile(file := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("data.csv", content)
        return file.getvalue()
    return {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstd}[how](content)


def zstd(content):
    return pa.Codec("zstd").compress(content).to_pybytes()


@pytest.mark.parametrize("how", [".gz", ".zst", ".zip", ".bz2", ".xz"])
@pytest.mark.parametrize("ending", [".csv", ".ts"])
def test_packed_files(tmp_path, ending, how):
    content = SAMPLES["sequences", ending][0]
    (plain := tmp_path / f"data{ending}").write_bytes(content)
    wanted = load_sequences(plain)
    (path := tmp_path / f"data{ending}{how}").write_bytes(packed(content, how))
    same(data := load_sequences(path), wanted)
    assert data.how[-1] in ("gzip", "zstd", "zip", "bzip2", "xz")
    plain.write_bytes(packed(content, how))  # the content tells
    same(load_sequences(plain), wanted)
    for size in range(0, path.stat().st_size - 1, 40):
        path.write_bytes(packed(content, how)[:size])
        outcome("sequences", path)
    path.write_bytes(packed(b"\n" * 10**7, how))
    refused(load_sequences, path, ["unpack to more than 1 MB", "max_size="], max_size=1e6)


def test_archives_of_one_file(tmp_path):
    path = tmp_path / "data.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("__MACOSX/._a.csv", b"x")
        archive.writestr("folder/a.csv", csv(TABLE))
    assert len(load_sequences(path)) == 8
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("b.csv", csv(TABLE))
    refused(load_sequences, path, ["2 files", "folder/a.csv, b.csv"])


def test_line_ends_are_those_of_the_reader(tmp_path):
    """Python ends lines at signs of Unicode too, and sktime does not."""
    path = tmp_path / "data.ts"
    for sign in "\x0b\x0c\x1c\x85\u2028":
        path.write_text(SAMPLES["sequences", ".ts"][0].decode().replace("@univariate", f"# a{sign}@data\n@univariate"))
        assert outcome("sequences", path) == "accepted"


def test_classes_that_differ_in_case_only(tmp_path):
    path = tmp_path / "data.ts"
    path.write_text("@problemName t\n@timeStamps false\n@classLabel true up Up\n@data\n1,2:up\n1,2:Up\n")
    refused(load_sequences, path, ["line 3", "up and Up", "case"])


def test_messages_stay_short_and_hold_nothing_that_a_terminal_obeys(tmp_path):
    path = tmp_path / "data.csv"
    for name in ("x" * 10**6, "\x1b[2Jx", '"two\nlines\nand a third"'):
        path.write_text(f"id,time,{name},{name}\na,0,1,1\n")
        assert outcome("sequences", path) == "refused"
        path.write_text(f"id,time,x,label\na,0,1,{name}\na,1,1,q\n")
        assert outcome("sequences", path) == "refused"


BIG = 4_000_000  # bytes of zeros, in every file below


def big(kind, ending, path):
    """A small file that unpacks to about ``BIG`` bytes."""
    rows = BIG // 8
    if ending == ".npz" and kind != "series":
        y = {"tags": np.zeros((100, rows // 100), dtype=np.int8), "strings": np.repeat(["a", "b"], 50)}
        y = y.get(kind, np.repeat([0, 1], 50))
        path.write_bytes(npz(np.savez_compressed, X=np.zeros((100, rows // 100, 1)), y=y))
    elif ending == ".npz":
        path.write_bytes(npz(np.savez_compressed, values=np.zeros(rows)))
    else:
        table = {"id": np.repeat(["a", "b"], rows // 4), "time": np.arange(rows // 2), "x": np.zeros(rows // 2)}
        pq.write_table(pa.table(table if kind != "series" else {"time": table["time"], "x": table["x"]}), path)


@pytest.mark.parametrize(
    ("kind", "ending"), [c for c in ENDINGS if c[0] in ("sequences", "series") and c[1] in (".npz", ".parquet")]
)
def test_size(tmp_path, kind, ending):
    path = tmp_path / f"big{ending}"
    big(kind, ending, path)
    message = refused(LOAD[kind], path, ["unpack to ", "MB, more than 1 MB", "max_size="], max_size=1e6)
    assert float(message.split("unpack to ")[1].split(" MB")[0]) >= BIG / 1e6 * 0.95
    for size in (1e9, math.inf):
        assert len(LOAD[kind](path, max_size=size)) > 0


def test_rows_that_are_shorter_than_the_header_take_no_memory(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text(f"id,time,{','.join(f'x{k}' for k in range(5_000))}\n" + "a,1\n" * 5_000)
    refused(load_sequences, path, ["row 1 has 2 fields, the header has 5002"])


def test_what_is_large_on_disk_too_has_no_limit(tmp_path):
    path = tmp_path / "data.npz"
    path.write_bytes(npz(X=np.zeros((100, 100, 1)), y=np.repeat([0, 1], 50)))
    assert len(load_sequences(path, max_size=10)) == 100
    (tmp_path / "data.csv").write_bytes(csv(TABLE))
    assert len(load_sequences(tmp_path / "data.csv", max_size=10)) == 8


def test_a_text_that_stands_in_every_row_is_held_once(tmp_path):
    """A page of a dictionary makes it cheap to name the same megabyte in a hundred thousand rows: 100 GB if copied."""
    path = tmp_path / "data.parquet"
    rows, word = 100_000, "x" * 10**6
    texts = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, "i4")), pa.array([word]))
    pq.write_table(
        pa.table({"id": texts, "time": np.arange(rows), "x": np.zeros(rows)}).replace_schema_metadata(),
        path,
        store_schema=False,
    )
    assert path.stat().st_size < 2 * 10**6
    assert list(load_sequences(path).ids) == [word]


def test_every_reader_of_files_takes_a_limit():
    for kind in _registry.KINDS:
        for ending, reader in _registry.by_ending(kind).items():
            assert "max_size" in reader.options, ending


def test_a_channel_by_its_name_alone(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text(TEXT.replace("x", "first"))
    assert load_sequences(path, channels="first").channels == ("first",)
    pd.DataFrame({"time": range(3), "first": range(3)}).to_csv(path, index=False)
    assert load_series(path, channels="first").columns == ("first",)


def refused(load, path, words, **options):
    with pytest.raises(DataError) as caught:
        load(path, **options)
    message = str(caught.value)
    for word in [str(path), *words]:
        assert word in message, message
    return message


def test_a_table_as_r_writes_it_has_names_of_rows_above_which_stands_nothing(tmp_path):
    path = tmp_path / "r.csv"
    rows = [f'"{k + 1}","s{k // 3}",{k % 3},{k / 2}' for k in range(6)]
    for end in ("\n", "\r\n"):
        path.write_bytes(end.join(['"id","time","x"', *rows, ""]).encode())
        data = load_sequences(path)
        assert (data.ids.tolist(), data.channels) == (["s0", "s1"], ("x",))
    path.write_text("id,time,x\n" + "".join(f"s{k // 3},{k % 3},1,{k}\n" for k in range(6)))
    with pytest.raises(DataError, match="row 1 has 4 fields, the header has 3"):
        load_sequences(path)
