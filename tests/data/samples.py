"""A small good file for every reader of files, and what a reader promises of whatever it accepts.

Files that others name, recordings and pictures, are ``BESIDE`` them in the same folder.
"""

import contextlib
import importlib.util
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import mido
import numpy as np
import pandas as pd
import soundfile
from damage import damaged
from PIL import Image

from carrousel.data import (
    DataError,
    Images,
    Labelled,
    Pairs,
    Panel,
    Pieces,
    Sequences,
    Series,
    Tagged,
    Texts,
    load_images,
    load_music,
    load_pairs,
    load_panel,
    load_sequences,
    load_series,
    load_tagged,
    load_texts,
    load_transcribed,
)
from carrousel.data._registry import ANY

RNG = np.random.default_rng(0)
LOAD = {
    "panel": load_panel,
    "sequences": load_sequences,
    "series": load_series,
    "tags": load_tagged,
    "strings": load_transcribed,
    "images": load_images,
    "texts": load_texts,
    "pairs": load_pairs,
    "music": load_music,
}
TABLE = pd.DataFrame(
    {
        "id": np.repeat([f"s{k}" for k in range(8)], 6),
        "time": np.tile(np.arange(6), 8),
        "x": RNG.normal(size=48).round(3),
        "y": RNG.integers(0, 99, 48),
        "label": np.repeat(["p", "q"], 24),
    }
)
PANEL = TABLE[["id", "time", "x", "y"]]
SERIES = pd.DataFrame(
    {"time": pd.date_range("2020-01-01", periods=48), "x": RNG.normal(size=48).round(3), "y": np.arange(48)}
)
TAGS = TABLE.assign(label=np.tile(["p", "p", "q", "", "q", "p"], 8))
WORDS = "# sent_id = 1\n1\tdogs\tdog\tNOUN\n2\tbark\tbark\tVERB\n\n1\tit\tit\tPRON\n2\trains\train\tVERB\n"
RECORDINGS = pd.DataFrame({"path": ["low.wav", "high.wav"], "text": ["la", "do re"], "speaker": ["u", "v"]})
PICTURES = pd.DataFrame({"path": ["a.png", "b.png"], "text": ["17", "4"]})
PAIRS = "one\teins\r\n\r\ntwo\tzwei\ntwo\tzwö\n".encode()
HEAD = "@problemName t\n@timeStamps {}\n@univariate false\n@classLabel true Up Down\n@data\n"
ARRAYS = {
    "X": RNG.normal(size=(4, 5, 2)),
    "lengths": np.array([5, 1, 3, 2]),
    "y": np.array(["p", "q", "p", "q"]),
    "ids": np.arange(4),
    "channels": np.array(["u", "v"]),
}
TAGGED = {"X": RNG.normal(size=(9, 2)), "lengths": np.array([5, 3, 1]), "y": np.array(list("ppqqpp") + [""] * 3)}
STRINGS = {**ARRAYS, "y": np.array(["pq", "q", "qp", "p"]), "groups": np.array(list("abab")), "rate": np.array(9.5)}
VALUES = {
    "values": RNG.normal(size=(6, 2)),
    "time": np.arange("2020-01", "2020-07", dtype="M8[M]"),
    "columns": np.array(["a", "b"]),
}


def csv(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False).encode()


def parquet(frame: pd.DataFrame) -> bytes:
    frame.to_parquet(file := io.BytesIO(), index=False)
    return file.getvalue()


def npz(save=np.savez, **arrays: np.ndarray) -> bytes:
    save(file := io.BytesIO(), **arrays)
    return file.getvalue()


def plain_ts() -> bytes:
    cases = [":".join(",".join(f"{v:.2f}" for v in row) for row in RNG.normal(size=(2, 4 + k % 3))) for k in range(8)]
    return (
        HEAD.format("false") + "".join(f"{case}:{['up', 'Down'][k % 2]}\n" for k, case in enumerate(cases))
    ).encode()


def timed_ts() -> bytes:
    return (HEAD.format("true") + "(0,1.5),(1,2):(0,3),(1,4):up\n(0,5):(0,6):down\n" * 6).encode()


def lines(frame: pd.DataFrame) -> bytes:
    return frame.to_json(orient="records", lines=True, date_format="iso").encode()


def records(frame: pd.DataFrame) -> bytes:
    return frame.to_json(orient="records", date_format="iso", indent=1).encode()


def excel(frame: pd.DataFrame) -> bytes:
    frame.to_excel(file := io.BytesIO(), index=False)
    return file.getvalue()


def local(frame: pd.DataFrame, sep: str) -> bytes:
    """As a German or French program writes it."""
    return frame.to_csv(index=False, sep=sep, decimal=",").encode("utf-8-sig")


def tables(frame: pd.DataFrame) -> dict[str, list[bytes]]:
    """A table in every format."""
    return {
        ".csv": [csv(frame), local(frame, ";")],
        ".tsv": [frame.to_csv(index=False, sep="\t").encode()],
        ".txt": [frame.to_csv(index=False, sep="|").encode()],
        ".jsonl": [lines(frame)],
        ".ndjson": [lines(frame)],
        ".json": [records(frame)],
        ".xlsx": [excel(frame)],
        ".parquet": [parquet(frame)],
    }


def wave(pitch: float, rate: int = 8000, channels: int = 1, kind: str = "WAV", seconds: float = 0.05) -> bytes:
    time = np.arange(int(rate * seconds)) / rate
    sound = np.repeat(0.5 * np.sin(2 * np.pi * pitch * time)[:, None], channels, axis=1)
    soundfile.write(file := io.BytesIO(), sound, rate, format=kind)
    return file.getvalue()


def picture(width: int = 6, mode: str = "L", kind: str = "PNG") -> bytes:
    pixels = RNG.integers(0, 256, (5, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(file := io.BytesIO(), format=kind)
    return file.getvalue()


def idx(array: np.ndarray, code: int = 8) -> bytes:
    """An array in MNIST's format."""
    head = bytes([0, 0, code, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return head + array.tobytes()


def midi(*tracks: list[tuple[int, int, int, int]], kind: int = 1, ticks: int = 24) -> bytes:
    """Tracks of notes as (key, begin, end, channel), in ticks."""
    file = mido.MidiFile(type=kind, ticks_per_beat=ticks)
    for notes in tracks:
        events = [(end, 0, key, channel) for key, _, end, channel in notes]
        events += [(begin, 90, key, channel) for key, begin, _, channel in notes]
        track, now = mido.MidiTrack(), 0
        for at, loud, key, channel in sorted(events):
            track.append(mido.Message("note_on", note=key, velocity=loud, channel=channel, time=at - now))
            now = at
        file.tracks.append(track)
    file.save(file=(held := io.BytesIO()))
    return held.getvalue()


def score(*notes: tuple[str, int, int], divisions: int = 2) -> bytes:
    """MusicXML of one part in 4/4: (step, octave, duration) one after the other; a step of "R" is a rest."""
    text = "".join(
        f"<note>{'<rest/>' if s == 'R' else f'<pitch><step>{s}</step><octave>{o}</octave></pitch>'}"
        f"<duration>{d}</duration></note>"
        for s, o, d in notes
    )
    return (
        '<?xml version="1.0"?><score-partwise><part-list><score-part id="P1"><part-name>a</part-name></score-part>'
        '</part-list><part id="P1"><measure number="1"><attributes>'
        f"<divisions>{divisions}</divisions></attributes>{text}"
        "</measure></part></score-partwise>"
    ).encode()


def packed_score(text: bytes) -> bytes:
    """A score as .mxl has it."""
    with zipfile.ZipFile(file := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("META-INF/container.xml", "<container/>")
        archive.writestr("score.xml", text)
    return file.getvalue()


SCORE = score(("C", 4, 2), ("R", 0, 1), ("G", 4, 1), ("E", 5, 4))
TUNE = b"X:1\nT:First\nM:4/4\nL:1/8\nK:C\nC2 E2 G2 c2|]\n\nX:2\nT:Second\nM:4/4\nL:1/8\nK:G\nG4 A4|]\n"
STROKES = b"""{"id": "a", "writer": "u", "text": "ab", "strokes": [[[0, 0], [3, 4.5]], [[1, 2, 0.5], [1, 0, 0.7]]]}
{"id": "b", "writer": "v", "text": ["down"], "strokes": [{"x": [0, 0], "y": [1, 9]}]}
"""
INK = b"""<?xml version="1.0"?>
<ink xmlns="http://www.w3.org/2003/InkML"><traceFormat><channel name="T"/><channel name="X"/><channel name="Y"/>
</traceFormat><trace id="t0">0 0 0, 10 3 4, 20 8 4</trace><trace id="t1">0 1 1, '5 '2'3, 5 2 -1</trace>
<traceGroup><annotation type="truth">ab c</annotation><traceView traceDataRef="#t0"/></traceGroup>
<traceGroup><annotation type="truth">d</annotation><traceView traceDataRef="#t1"/></traceGroup></ink>
"""
DIGITS = RNG.integers(0, 256, (3, 4, 5), dtype=np.uint8)
BESIDE = {
    "low.wav": wave(300),
    "high.wav": wave(900),
    "a.png": picture(),
    "b.png": picture(9),
    "letter.inkml": INK[: INK.index(b"<traceGroup>")] + b"</ink>",
    "good-labels.idx1-ubyte": idx(np.array([1, 0, 1], dtype=np.uint8)),
}


def lay_beside(folder: Path) -> None:
    """Writes the files that samples name."""
    for name, content in BESIDE.items():
        (folder / name).write_bytes(content)


SAMPLES = {
    **{("sequences", ending): contents for ending, contents in tables(TABLE).items()},
    ("sequences", ".npz"): [npz(**ARRAYS), npz(np.savez_compressed, **ARRAYS)],
    ("sequences", ".ts"): [plain_ts(), timed_ts()],
    **{("series", ending): contents for ending, contents in tables(SERIES).items()},
    **{("panel", ending): contents for ending, contents in tables(PANEL).items()},
    **{("tags", ending): contents[:1] for ending, contents in tables(TAGS).items()},
    ("tags", ".npz"): [npz(**TAGGED)],
    **{("tags", ending): [WORDS.encode()] for ending in (".conll", ".conllu", ".conllx", ".iob", ".bio")},
    ("strings", ".npz"): [
        npz(**STRINGS),
        npz(X=np.array(["ab", "cd"]), lengths=np.array([1, 1]), y=np.array([[1, 2], [0, -1]])),
    ],
    ("series", ".npz"): [npz(**VALUES), npz(np.savez_compressed, **VALUES)],
    **{("strings", ending): contents for ending, contents in tables(RECORDINGS).items()},
    ("strings", ".inkml"): [INK],
    **{("images", ending): contents for ending, contents in tables(PICTURES).items()},
    ("images", ".idx"): [idx(DIGITS)],
    ("texts", ANY): ["Once there was\n\ta cät.\r\n".encode(), "Once".encode("utf-16")],
    **{("texts", ending): [b'{"text": "Once"}\n\n"there was"\n'] for ending in (".jsonl", ".ndjson")},
    ("music", ".mid"): [midi([(60, 0, 24, 0), (64, 24, 48, 0)], [(36, 0, 48, 1)])],
    ("music", ".midi"): [midi([(60, 0, 24, 0)])],
    ("music", ".musicxml"): [SCORE],
    ("music", ".xml"): [SCORE],
    ("music", ".mxl"): [packed_score(SCORE)],
    ("music", ".abc"): [TUNE],
    **{("pairs", ending): [PAIRS, b"one\ntwo\n"] for ending in (".tsv", ".txt", ".tab")},
    **{
        ("pairs", ending): [b'{"source": "one", "target": "eins"}\n{"target": "zwei", "source": "two"}\n']
        for ending in (".jsonl", ".ndjson")
    },
}
SAMPLES["strings", ".json"].append(STROKES)
SAMPLES["strings", ".csv"].append(csv(RECORDINGS.assign(path="letter.inkml")))
"""A folder of pictures, which is no file, is in test_pictures.py."""

HERE = importlib.util.find_spec("music21") is not None
"""Whether what reads scores is installed, which the tests do without."""
LACKING = set() if HERE else {("music", ending) for ending in (".musicxml", ".xml", ".mxl", ".abc")}

ALIKE = {("tags", ending) for ending in (".conllu", ".conllx", ".iob", ".bio")}
ALIKE |= {("music", ".midi"), ("music", ".xml")}
ALIKE |= {("texts", ".ndjson"), ("pairs", ".ndjson"), ("pairs", ".txt"), ("pairs", ".tab")}
ALIKE |= {(kind, ending) for kind in ("tags", "strings", "images") for ending in tables(TABLE)}
ALIKE -= {(kind, ".csv") for kind in ("tags", "strings", "images")} | {("strings", ".json")}
"""Files that are read as others are: to damage one of them will do."""


def copies(content: bytes, count: int) -> Iterator[bytes]:
    """Damaged copies. Of a zip every other has its damage in a member, under a check sum that is right again."""
    yield from damaged(content, count - count // 2 if content.startswith(b"PK") else count)
    if not content.startswith(b"PK"):
        return
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for k, hurt in enumerate(members):
        for part in damaged(members[hurt], count // 2 // len(members) + 1, seed=k):
            with zipfile.ZipFile(file := io.BytesIO(), "w") as archive:
                for name, whole in members.items():
                    archive.writestr(name, part if name == hurt else whole)
            yield file.getvalue()


def outcome(kind: str, source, *, names=None, **options) -> str:
    """``"accepted"`` or ``"refused"``; fails where a file ends in anything but good data or a good DataError, which
    ``names`` the source or what is given."""
    try:
        check(LOAD[kind](source, **options))
    except DataError as error:
        message = str(error)
    else:
        return "accepted"
    assert str(names or source) in message, message
    assert 1 <= len(message.split("\n")) <= 2, message
    assert message.replace("\n", "").isprintable(), message
    assert len(message) <= 20_000
    return "refused"


def check_labels(data: Labelled) -> None:
    """What a reader of tags or strings promises."""
    assert len(data.ids) == len(data) > 0
    for x in data.X:
        assert len(x) > 0
        assert x.dtype.kind == "U" if data.symbolic else (x.dtype == np.float32 and np.isfinite(x).all())
        assert x.shape[1:] == (() if data.symbolic else (len(data.channels),))
    if data.y is None:
        return
    for x, labels in zip(data.X, data.y, strict=True):
        assert all(isinstance(label, str) for label in labels)
        if isinstance(data, Tagged):
            assert len(labels) == len(x)
        else:
            assert len(labels) > 0
            assert "" not in labels


def check(data: Sequences | Series | Panel | Labelled | Images | Texts | Pairs | Pieces) -> None:
    """What a reader promises."""
    assert str(data)
    if isinstance(data, Pieces):
        assert len(data) == len(data.titles) > 0
        for frames in data.frames:
            assert (frames.dtype, frames.shape) == (np.uint8, (len(frames), 88))
            assert frames[-1].any()
            assert frames.max() == 1
        "".join(data.titles).encode()
        return
    if isinstance(data, (Texts, Pairs)):
        texts = data.documents if isinstance(data, Texts) else [*data.sources, *(data.targets or [])]
        assert all(texts)
        assert len(data) > 0
        "".join(texts).encode()
        return
    if isinstance(data, Series):
        assert (data.frame.dtypes == np.float64).all()
        assert np.isfinite(data.frame.to_numpy()).all()
        assert len(data) >= 1
        assert data.frame.index.is_monotonic_increasing
        assert data.frame.index.is_unique
        assert len(set(data.columns)) == len(data.columns) > 0
        return
    if isinstance(data, Panel):
        assert len(data) > 0
        assert all(np.isfinite(frame.to_numpy()).all() for frame in data.frames.values())
        return
    if isinstance(data, Labelled):
        return check_labels(data)
    assert len(data) > 0
    for x in data.X:
        assert x.dtype == np.float32
        assert x.shape == (*x.shape[: 2 if isinstance(data, Images) else 1], len(data.channels))
        assert x.size > 0
        assert np.isfinite(x).all()
    assert len(set(data.channels)) == len(data.channels) > 0
    assert all(type(name) is str for name in data.channels)
    assert len(data.ids) == len(data)
    assert data.ids.dtype.kind in "biufU"
    if data.y is None:
        return
    assert len(data.y) == len(data)
    if isinstance(data.y, tuple):
        assert all(isinstance(label, str) for labels in data.y for label in labels)
        return
    assert data.y.dtype.kind in "biufU"
    assert data.y.dtype.kind != "f" or np.isfinite(data.y).all()
    for use in (data.classes, *([data.values] if isinstance(data, Sequences) else [])):
        with contextlib.suppress(DataError):
            found = use()
            assert found.dtype.kind == "U" or np.isfinite(found).all()
    " ".join([*data.ids.astype(str), *data.y.ravel().astype(str), *data.channels]).encode()
