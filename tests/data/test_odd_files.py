"""What stands under a name: pipes, folders, other encodings, a little that unpacks to a great deal."""

import math
import os
import stat

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
    refused(LOAD[kind], folder, ["directory"])
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
    text = SAMPLES["sequences", ending][0].decode()
    for encoding in ("utf-16", "utf-16-be"):
        path.write_text(text, encoding=encoding)
        refused(load_sequences, path, ["UTF-16" if encoding == "utf-16" else "line 1 holds a NUL byte"])
    path.write_bytes(text.replace("p", "é").replace("u", "é").encode("latin-1"))
    refused(load_sequences, path, ["line ", "not UTF-8", "0xe9"])
    lines = text.encode().split(b"\n")
    path.write_bytes(b"\n".join([*lines[:7], lines[7].replace(b".", b"\0.", 1), *lines[8:]]))
    refused(load_sequences, path, ["line 8 holds a NUL byte"])
    path.write_bytes(text.encode() + b"x" * (2**20 - 3) + b"\n" + "é".encode()[:1])
    refused(load_sequences, path, [f"line {text.count(chr(10)) + 2} is not UTF-8"])


def test_byte_order_marks(tmp_path):
    (tmp_path / "data.csv").write_text(TEXT, encoding="utf-8-sig")
    assert list(load_sequences(tmp_path / "data.csv").ids) == ["a", "b"]
    (tmp_path / "data.ts").write_bytes(b"\xef\xbb\xbf" + SAMPLES["sequences", ".ts"][0])
    refused(load_sequences, tmp_path / "data.ts", ["line 1", "byte order mark"])


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
    if ending == ".npz" and kind == "sequences":
        path.write_bytes(npz(np.savez_compressed, X=np.zeros((100, rows // 100, 1)), y=np.repeat([0, 1], 50)))
    elif ending == ".npz":
        path.write_bytes(npz(np.savez_compressed, values=np.zeros(rows)))
    elif ending == ".parquet":
        table = {"id": np.repeat(["a", "b"], rows // 4), "time": np.arange(rows // 2), "x": np.zeros(rows // 2)}
        pq.write_table(pa.table(table if kind == "sequences" else {"time": table["time"], "x": table["x"]}), path)
    else:  # a header that is much wider than the rows
        path.write_text(f"id,time,{','.join(f'x{k}' for k in range(5_000))}\n" + "a,1\n" * (rows // 5_000))


@pytest.mark.parametrize(("kind", "ending"), [case for case in ENDINGS if case[1] != ".ts"])
def test_size(tmp_path, kind, ending):
    path = tmp_path / f"big{ending}"
    big(kind, ending, path)
    message = refused(LOAD[kind], path, ["unpack to ", "MB, more than 1 MB", "max_size", "--max-size"], max_size=1e6)
    assert float(message.split("unpack to ")[1].split(" MB")[0]) >= BIG / 1e6 * 0.95
    for size in (1e9, math.inf):
        if ending == ".csv":  # its rows are short, whatever the limit
            assert "row 1, column" in refused(LOAD[kind], path, [], max_size=size)
        else:
            assert len(LOAD[kind](path, max_size=size)) > 0


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


def test_every_reader_of_compressed_files_takes_a_limit():
    """Of those that read text, a table alone: what is missing in its rows is filled up."""
    for kind in ("sequences", "series"):
        for ending, reader in _registry.by_ending(kind).items():
            assert ("max_size" in reader.options) == (ending != ".ts"), ending


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
