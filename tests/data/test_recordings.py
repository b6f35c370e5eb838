"""Recordings of sound and strokes of a pen, with what is said or written in them."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.fft import dct

from carrousel.data import DataError, load_transcribed
from carrousel.data._sound import Features, resampled

from .samples import INK, STROKES, wave


@pytest.fixture
def folder(tmp_path):
    """Recordings with a table of them, and what is wrong with some."""
    (tmp_path / "low.wav").write_bytes(wave(300))
    (tmp_path / "high.flac").write_bytes(wave(900, kind="FLAC"))
    (tmp_path / "fast.wav").write_bytes(wave(300, rate=16000))
    (tmp_path / "both.wav").write_bytes(wave(300, channels=2))
    (tmp_path / "cut.wav").write_bytes(wave(300)[:300])
    (tmp_path / "none.wav").write_bytes(wave(300, seconds=0))
    (tmp_path / "text.wav").write_text("no sound")
    (tmp_path / "letter.inkml").write_bytes(INK[: INK.index(b"<traceGroup>")] + b"</ink>")
    (tmp_path / "two.inkml").write_bytes(INK)
    (tmp_path / "empty.inkml").write_text("<ink/>")
    return tmp_path


def table(folder: Path, *rows: str, head: str = "path,text") -> Path:
    path = folder / "table.csv"
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def test_recordings_with_their_texts(folder):
    data = load_transcribed(table(folder, "low.wav,do  re,ann", "high.flac,é,bob", head="path,text,speaker"))
    assert data.y == [("d", "o", " ", "r", "e"), ("é",)]
    assert data.groups.tolist() == ["ann", "bob"]
    assert data.ids.tolist() == ["low.wav", "high.flac"]
    assert [x.shape for x in data.X] == [(3, 26)] * 2  # 50 ms: three frames of 25 ms, 10 ms apart
    assert data.rate == 100
    assert "8000 samples a second" in data.how[-1]
    words = load_transcribed(
        table(folder, "low.wav,do re,x", "nix.wav,do,y", head="path,text,part"), units="words", where="part=x"
    )
    assert words.y == [("do", "re")]
    assert load_transcribed(table(folder, "low.wav", head="path")).y is None
    named = load_transcribed(table(folder, "low.wav,x,u", head="file,said,by"), path="file", label="said", group="by")
    assert named.y == [("x",)]
    assert named.groups.tolist() == ["u"]


def test_features_are_what_their_parameters_say(folder):
    path = table(folder, "low.wav,a")
    for options, steps, channels in (
        ({"step": 5, "window": 10}, 9, 26),
        ({"features": "log-mel", "bands": 20, "deltas": 0}, 3, 20),
        ({"coefficients": 12, "deltas": 2}, 3, 36),
    ):
        data = load_transcribed(path, **options)
        assert data.X[0].shape == (steps, channels)
        assert len(data.channels) == channels
    plain, slopes = (load_transcribed(path, deltas=deltas, step=5).X[0] for deltas in (0, 1))
    np.testing.assert_array_equal(slopes[:, :13], plain)
    # A straight line through five steps, by least squares.
    want = np.polyfit(np.arange(-2, 3), plain[1:6], 1)[0]
    np.testing.assert_allclose(slopes[3, 13:], want, rtol=1e-4, atol=1e-4)


def test_mel_bands_and_cepstra_are_those_of_the_definition():
    """Written out for one frame: less its mean, emphasised, weighted by the window, its power in triangles on mel."""
    rng = np.random.default_rng(0)
    sound, rate = rng.normal(size=200).astype(np.float32) * 0.1, 8000
    frame = sound.astype(np.float64) * 32768
    frame -= frame.mean()
    energy = np.log((frame**2).sum())
    frame = frame - 0.97 * np.concatenate([frame[:1], frame[:-1]])
    shape = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(200) / 199)) ** 0.85
    power = np.abs(np.fft.rfft(frame * shape, 256))[:-1] ** 2
    mel = lambda hertz: 1127 * np.log(1 + hertz / 700)  # noqa: E731
    edges = np.linspace(mel(20), mel(rate / 2), 22)
    at = mel(np.arange(128) * rate / 256)
    bands = np.array(
        [
            power @ np.clip(np.minimum((at - a) / (b - a), (c - at) / (c - b)), 0, None)
            for a, b, c in zip(edges, edges[1:], edges[2:], strict=False)
        ]
    )
    made = Features("log-mel", bands=20, deltas=0).of(sound, rate, "x")
    np.testing.assert_allclose(made[0], np.log(bands), rtol=1e-4)
    lifter = 1 + 11 * np.sin(np.pi * np.arange(13) / 22)
    want = dct(np.log(bands), norm="ortho")[:13] * lifter
    made = Features(bands=20, deltas=0).of(sound, rate, "x")
    np.testing.assert_allclose(made[0, 1:], want[1:], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(made[0, 0], energy, rtol=1e-4)


def test_recordings_are_brought_to_one_rate_where_that_is_asked_for(folder):
    path = table(folder, "low.wav,a", "fast.wav,b")
    with pytest.raises(DataError, match=r"row 2 \(fast.wav\) has 16000 samples a second, row 1 \(low.wav\) has 8000\n"):
        load_transcribed(path)
    data = load_transcribed(path, rate=8000)
    assert len(data.X[0]) == len(data.X[1])
    np.testing.assert_allclose(data.X[0][1, 0], data.X[1][1, 0], atol=0.01)  # the same tone, as loud
    assert "8000, resampled from 8000, 16000 samples" in data.how[-1]
    tone = np.sin(np.arange(1600) * 2 * np.pi * 300 / 16000).astype(np.float32)
    half = np.sin(np.arange(800) * 2 * np.pi * 300 / 8000)
    np.testing.assert_allclose(resampled(tone, 16000, 8000)[50:-50], half[50:-50], atol=0.01)


FAULTS = [
    (["low.wav,a", "both.wav,b"], {}, r"row 2 \(both.wav\): it has 2 channels; one is needed"),
    (["cut.wav,a"], {}, r"row 1 \(cut.wav\): it was cut off"),
    (["none.wav,a"], {}, "it holds no sound"),
    (["text.wav,a"], {}, r"row 1 \(text.wav\): cannot be read: it is no intact file of sound"),
    (["lo.wav,a"], {}, "there is no such file; the nearest is 'low.wav'"),
    (["low.txt,a"], {}, r"row 1 \(low.txt\): files of sound are needed"),
    (["letter.inkml,a", "low.wav,b"], {}, r"row 1 \(letter.inkml\).*not .inkml beside recordings"),
    (["two.inkml,a"], {}, r"row 1 \(two.inkml\): it holds 2 drawings"),
    (["empty.inkml,a"], {}, "there is no trace"),
    (["nix.inkml,a"], {}, r"row 1 \(nix.inkml\): there is no such file"),
    (["low.wav,a", "low.wav,"], {}, "row 2, column text: the field is empty"),
    (["low.wav,a", ",b"], {}, "row 2, column path: the field is empty"),
    (["low.wav,a"], {"features": "mfc"}, "features='mfc': it is mfcc, log-mel; the nearest is 'mfcc'"),
    (["low.wav,a"], {"deltas": 3}, "deltas='3': it lies between 0 and 2"),
    (["low.wav,a"], {"coefficients": 27}, "coefficients='27': it lies between 1 and 26"),
    (["low.wav,a"], {"features": "log-mel", "coefficients": 5}, "coefficients='5': they are of mfcc alone"),
    (["low.wav,a"], {"spacing": 0.1}, "spacing='0.1' is no option for recordings of sound"),
    (["letter.inkml,a"], {"step": 5}, "step='5' is no option for drawings"),
    (["letter.inkml,a"], {"rate": 8000}, "rate='8000' is no option for drawings"),
    (["low.wav,a"], {"window": 2, "bands": 40}, "40 bands are too many for windows of 2 ms at 8000 samples a second"),
    (["low.wav,a"], {"window": float("nan")}, "window='nan': it lies between"),
    (["low.wav,a"], {"rate": 10}, "rate='10': it lies between 1000 and"),
    (["low.wav,a"], {"units": "word"}, "units='word': it is letters, words; the nearest is 'words'"),
    (["low.wav,a"], {"spacing": 2}, "spacing='2'"),
    (["low.wav,a"], {"path": "fiel"}, "no column 'fiel'"),
    (["low.wav,a"], {"label": ["path", "text"]}, "one column has the labels"),
    (["low.wav,a"], {"max_size": 10}, None),
]


@pytest.mark.parametrize(("rows", "options", "words"), FAULTS, ids=[f"{k}-{f[0][-1]}" for k, f in enumerate(FAULTS)])
def test_faults_name_the_table_and_the_row(folder, rows, options, words):
    path = table(folder, *rows)
    if words is None:  # a file as large on disk has no limit
        assert len(load_transcribed(path, **options)) == 1
        return
    with pytest.raises(DataError, match=words) as caught:
        load_transcribed(path, **options)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_recording_that_unpacks_to_too_much_is_refused(folder):
    (folder / "long.flac").write_bytes(wave(0, kind="FLAC", seconds=60))
    with pytest.raises(DataError, match="480000 samples, which are too many; max_size= allows more"):
        load_transcribed(table(folder, "long.flac,a"), max_size=1e5)


def test_strokes_become_steps_of_equal_length(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"text": "ab", "strokes": [[[0, 0], [0, 4]], [[3, 4], [3, 0], [3, 4]]]}]))
    data = load_transcribed(path, spacing=0.5)
    assert data.channels == ("dx", "dy", "up")
    want = [[0, 0, 1], [0, 0.5, 0], [0, 0.5, 0], [0.75, 0, 1], [0, -0.5, 0], [0, -0.5, 0], [0, 0.5, 0], [0, 0.5, 0]]
    np.testing.assert_allclose(data.X[0], want)
    fine = load_transcribed(path, spacing=0.07).X[0]
    assert np.hypot(fine[:, 0], fine[:, 1])[fine[:, 2] == 0].max() <= 0.07
    np.testing.assert_allclose(fine[:, :2].sum(0), [0.75, 1], rtol=1e-5)  # where it ends, however fine


def test_strokes_of_dots_and_dashes(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"strokes": [[[7, 7]]]}, {"strokes": [[[0, 0], [20, 0]]]}]))
    dot, dash = load_transcribed(path, spacing=1).X
    assert dot.tolist() == [[0, 0, 1]]
    assert dash[:, 0].sum() == pytest.approx(10)  # counts as a tenth as high as wide
    assert load_transcribed(path).y is None


def test_json_has_labels_of_text_or_of_lists(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(STROKES)
    data = load_transcribed(path)
    assert data.y == [("a", "b"), ("down",)]
    assert data.groups.tolist() == ["u", "v"]
    assert data.ids.tolist() == ["a", "b"]


def test_inkml_with_groups_other_axes_and_differences(tmp_path):
    path = tmp_path / "a.inkml"
    path.write_bytes(INK)
    data = load_transcribed(path, spacing=1)
    assert data.y == [("a", "b", " ", "c"), ("d",)]
    # The second: from (1, 1), by a step of (2, 3) and, as these go on, by one of (2, -1).
    np.testing.assert_allclose(load_transcribed(path, spacing=0.02).X[1][:, :2].sum(0), [4 / 3, 2 / 3], rtol=1e-3)
    path.write_text('<ink><trace>0 0,0 2</trace><trace type="penUp">0 2,9 9</trace><trace>1 0,1 1</trace></ink>')
    assert load_transcribed(path, spacing=1).X[0].tolist() == [[0, 0, 1], [0, 1, 0], [0.5, -1, 1], [0, 0.5, 0]]


PENS = [
    ("a.inkml", "<ink>", "no intact XML"),
    ("a.inkml", "<svg/>", "its first element is svg"),
    ("a.inkml", "<ink><trace>0 0, 1</trace></ink>", "trace 1, point 2: '1' has no x and y"),
    ("a.inkml", "<ink><trace>0 0, a b</trace></ink>", "trace 1, point 2"),
    ("a.inkml", '<ink><trace id="t">0 ?</trace></ink>', "trace t, point 1: '\\?' is no coordinate"),
    ("a.inkml", "<ink><trace>0 1e300</trace></ink>", "point 1: y is 1e\\+300; a number is needed"),
    (
        "a.inkml",
        '<ink><traceGroup><annotation type="truth">a</annotation><traceView traceDataRef="#x"/></traceGroup></ink>',
        "group 1 refers to the trace x, which is not there",
    ),
    ("a.json", '[{"strokes": []}]', "record 1 has no strokes"),
    ("a.json", '[{"strokes": [[[1, 2], [3]]]}]', "record 1, stroke 1, point 2: two numbers"),
    ("a.json", '[{"strokes": [[[1, NaN]]]}]', "no JSON: NaN"),
    ("a.json", '[{"strokes": [[[1, true]]]}]', "stroke 1, point 1"),
    ("a.jsonl", '{"strokes": [[[1, 2]]], "text": "a"}\n{"strokes": [[[1, 2]]]}', "line 2 has no text, and others"),
    ("a.jsonl", '{"strokes": [[[1, 2]]], "text": 3}', "line 1: its text is neither"),
    ("a.jsonl", '{"strokes": [[[1, 2]]], "text": ""}', "its transcript is empty"),
    ("a.jsonl", '{"strokes": [{"x": [1], "y": [1, 2]}]}', "line 1, stroke 1: x and y are lists of equal length"),
]


def test_strokes_in_json_take_no_options_of_tables_and_sounds(tmp_path):
    (path := tmp_path / "a.json").write_bytes(STROKES)
    for options in ({"group": "writer"}, {"bands": 20}, {"where": "a=b"}):
        with pytest.raises(DataError, match="is no option for strokes in JSON"):
            load_transcribed(path, **options)


@pytest.mark.parametrize(("name", "text", "words"), PENS, ids=[f"{k}-{case[0]}" for k, case in enumerate(PENS)])
def test_faults_of_strokes(tmp_path, name, text, words):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(DataError, match=words) as caught:
        load_transcribed(path)
    assert str(caught.value).startswith(f"{path}: ")
