"""Music: what is read of MIDI and of scores, what is left out, and what is written."""

import io
import wave

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carrousel.data import DataError, DataWarning, Pieces, load_music, load_texts, splits
from carrousel.data import _scores as scores
from carrousel.data._midi import midi_of, notes_of_midi
from carrousel.data._pieces import Note, frames_of, hold_out_pieces, joined_pieces, notes_of
from carrousel.data.music import sound_of, write_midi, write_sound
from carrousel.data.readers import chorales, folk_tunes

from .samples import HERE, SCORE, TUNE, midi, packed_score, score

needs_music21 = pytest.mark.skipif(not HERE, reason="music21 is not installed")


def keys(frames):
    return [(np.flatnonzero(frame) + 21).tolist() for frame in frames]


def read(tmp_path, content, name="a.mid", **options):
    (tmp_path / name).write_bytes(content)
    return load_music(tmp_path / name, **options)


def test_notes_of_all_tracks_are_in_the_frames_at_whose_beginning_they_sound(tmp_path):
    content = midi([(60, 0, 24, 0), (64, 24, 42, 0)], [(36, 0, 48, 1)])
    data = read(tmp_path, content, resolution=2)
    assert keys(data.frames[0]) == [[36, 60], [36, 60], [36, 64], [36, 64]]
    assert (data.titles, data.resolution, data.how) == (("a.mid",), 2, ())
    assert keys(read(tmp_path, content, resolution=1).frames[0]) == [[36, 60], [36, 64]]
    assert keys(read(tmp_path, content).frames[0])[-2:] == [[36, 64], [36]]
    assert splits(tmp_path / "a.mid", "music") == ()


def test_a_note_that_begins_while_it_sounds_and_one_that_never_ends():
    data = midi([(60, 0, 24, 0), (60, 12, 36, 0)])
    (notes,), _ = notes_of_midi(data, "x")
    assert sorted((note.begin * 24, note.end * 24) for note in notes) == [(0, 24), (12, 36)]
    file = mido.MidiFile(ticks_per_beat=24, tracks=[mido.MidiTrack()])
    file.tracks[0] += [mido.Message("note_on", note=60, time=6), mido.Message("note_off", note=61, time=18)]
    file.save(file=(held := io.BytesIO()))
    assert notes_of_midi(held.getvalue(), "x")[0] == [[Note(60, 0.25, 1)]]


def test_times_that_a_file_has_rounded_are_those_of_the_frames(tmp_path):
    """A third of 25 ticks is none: the notes begin and end beside it."""
    content = midi([(60, 0, 8, 0), (62, 8, 17, 0), (64, 17, 25, 0)], ticks=25)
    assert keys(read(tmp_path, content, resolution=3).frames[0]) == [[60], [62], [64]]


def test_tracks_of_their_own_are_pieces(tmp_path):
    data = read(tmp_path, midi([(60, 0, 24, 0)], [(62, 0, 48, 0)], kind=2), resolution=1)
    assert [keys(frames) for frames in data.frames] == [[[60]], [[62], [62]]]
    assert data.titles == ("a.mid 1", "a.mid 2")


def test_what_is_left_out_is_told(tmp_path):
    content = midi([(60, 0, 24, 0), (50, 0, 9, 9), (51, 0, 9, 9), (12, 0, 24, 0), (62, 2, 5, 0)])
    told = "left out: 2 notes of percussion, 1 note that no piano has, 1 note too short for 4 frames a quarter note"
    with pytest.warns(DataWarning, match=told):
        data = read(tmp_path, content)
    assert data.how == (told,)
    assert keys(data.frames[0]) == [[60]] * 4


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (b"no music at all", {}, "this is no MIDI file: it does not begin with MThd"),
        (b"", {}, "this is no MIDI file"),
        (midi([(60, 0, 24, 0)])[:30], {}, "no intact MIDI file"),
        (midi([]), {}, "there is no note in it"),
        (midi([(60, 3, 9, 0)]), {"resolution": 1}, "no note in it that 1 frames a quarter note would hold"),
        (midi([(40, 0, 24, 9)]), {}, "there is no note in it"),
        (midi([(60, 0, 24, 0)]), {"resolution": 0}, "resolution='0': frames in a quarter note, from 1 to 96"),
        (midi([(60, 0, 24, 0)]), {"resolution": 97}, "resolution='97'"),
        (midi([(60, 0, 24, 0)]), {"sep": ";"}, "sep= is no option for this kind of data"),
        (midi([(60, 0, 24, 0)]).replace(b"\0\x18", b"\xe7\x28"), {}, "counted in seconds"),
        (midi([(60, 0, 10**8, 0)], ticks=1), {}, "more than 1 GB"),
    ],
)
def test_what_is_refused(tmp_path, content, options, message):
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path, content, **options)
    assert str(caught.value).startswith(str(tmp_path / "a.mid"))


@given(
    seed=st.integers(0, 2**32 - 1), share=st.floats(0, 0.5), length=st.integers(1, 12), resolution=st.integers(1, 96)
)
@settings(max_examples=30, deadline=None)
def test_what_is_written_is_read_again(seed, share, length, resolution):
    frames = (np.random.default_rng(seed).uniform(size=(length, 88)) < share).astype(np.uint8)
    frames[-1, 5] = 1
    (notes,), drums = notes_of_midi(midi_of(frames, resolution, 90.0), "x")
    assert drums == 0
    found, missed = frames_of(notes, resolution, "x")
    np.testing.assert_array_equal(found, frames)
    assert missed == 0
    assert len(notes) == len(notes_of(frames))


def test_midi_has_the_tempo_and_the_instrument(tmp_path):
    silence = np.zeros((8, 88))
    write_midi(tmp_path / "made" / "a.mid", silence, resolution=2, tempo=50, program=19)
    file = mido.MidiFile(tmp_path / "made" / "a.mid")
    assert [m.program for m in file.tracks[0] if m.type == "program_change"] == [19]
    assert file.length == pytest.approx(4 * 60 / 50)


def test_sound_has_the_pitch_the_length_and_partials(tmp_path):
    frames = np.zeros((4, 88), dtype=np.uint8)
    frames[:2, 48] = 1  # 440 Hz
    sound = sound_of(frames, 1, 60.0)
    assert len(sound) == round(4.08 * 22_050)
    strength = np.abs(np.fft.rfft(sound[:22_050]))
    assert strength.argmax() == 440
    assert 0.1 < strength[880] / strength[440] < 0.6
    assert not sound[round(2.09 * 22_050) :].any()
    path = write_sound(tmp_path / "a.wav", frames, resolution=1, tempo=60)
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 22_050)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert np.abs(samples).max() == round(0.9 * 32767)
    assert not sound_of(frames * 0, 1, 60.0).any()
    highest = np.zeros((1, 88))
    highest[0, 87] = 1
    assert np.isfinite(sound_of(highest, 1, 60.0)).all()


@pytest.mark.parametrize(
    ("frames", "options", "message"),
    [
        (np.zeros((3, 12)), {}, r"frames must be 0 and 1, \[T, 88\]"),
        (np.full((3, 88), 0.5), {}, "frames must be 0 and 1"),
        (np.zeros((3, 88)), {"resolution": 0}, "resolution must be"),
        (np.zeros((3, 88)), {"tempo": float("nan")}, "tempo must be quarter notes in a minute"),
        (np.zeros((3, 88)), {"tempo": 1e9}, "tempo must be"),
        (np.zeros((3, 88)), {"program": 128}, "program must lie"),
    ],
)
def test_what_is_not_written(tmp_path, frames, options, message):
    with pytest.raises(ValueError, match=message):
        write_midi(tmp_path / "a.mid", frames, **{"resolution": 4, **options})
    assert not list(tmp_path.iterdir())


def test_pieces_are_held_out_whole_and_of_few_the_end():
    many = Pieces([np.ones((k + 3, 88), "u1") for k in range(10)], tuple(map(str, range(10))), 4)
    train, test = hold_out_pieces(many, 0.2, seed=1)
    assert sorted([*train.titles, *test.titles], key=int) == list(many.titles)
    assert (len(test), train.split, test.split) == (2, "train", "test")
    one = many.take([7])
    assert [part.lengths.tolist() for part in hold_out_pieces(one, 0.3)] == [[7], [3]]
    with pytest.raises(DataError, match="3 frames are too few"):
        hold_out_pieces(many.take([0]), 0.1)
    other = Pieces([np.ones((2, 88), "u1")], ("z",), 4, "b")
    assert joined_pieces([one, other]).titles == ("7", "z")
    with pytest.raises(DataError, match="2 frames a quarter note and music 4"):
        joined_pieces([one, Pieces([np.ones((2, 88), "u1")], ("z",), 2, "b")])


@needs_music21
def test_scores_are_read_packed_or_not(tmp_path):
    for name, content in (("a.musicxml", SCORE), ("a.xml", SCORE), ("a.mxl", packed_score(SCORE))):
        assert keys(read(tmp_path, content, name, resolution=2).frames[0]) == [[60], [60], [], [67], *[[76]] * 4]
    for content, message in (
        (b"<html/>", "this is no MusicXML"),
        (packed_score(SCORE)[:60], "cannot be read"),
        (SCORE[:300], "cannot be read"),
        (score(("R", 0, 8)), "there is no note in it"),
    ):
        with pytest.raises(DataError, match=message):
            read(tmp_path, content, "b.mxl" if content.startswith(b"PK") else "b.musicxml")
    (tmp_path / "c.mxl").write_bytes(packed_score(SCORE + b" " * 2_000))
    with pytest.raises(DataError, match="max_size= allows more"):
        load_music(tmp_path / "c.mxl", max_size=10)


@needs_music21
def test_tunes_are_a_piece_each(tmp_path):
    data = read(tmp_path, TUNE, "a.abc", resolution=1)
    assert data.titles == ("1 First", "2 Second")
    assert [keys(frames) for frames in data.frames] == [[[60], [64], [67], [72]], [[67], [67], [69], [69]]]
    with pytest.raises(DataError, match="this is no ABC"):
        read(tmp_path, b"once there was\n", "b.abc")
    assert load_texts(tmp_path / "a.abc").documents == [TUNE.decode()]


def test_what_reads_scores_is_named_with_the_command_that_installs_it(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "music21", None)
    for name, content in (("a.musicxml", SCORE), ("a.abc", TUNE)):
        with pytest.raises(DataError, match="which is not installed\npip install 'carrousel\\[music\\]'"):
            read(tmp_path, content, name)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"chorales: it is read from .* music21, which .*\npip install 'carrousel"):
        load_music("chorales")
    with pytest.raises(DataError, match=r"folk-tunes: .* music21, which .*\npip install --no-deps 'music21==10.5.1'"):
        load_texts("folk-tunes")
    assert scores.INSTALL == "pip install 'carrousel[music]'"


def test_folk_tunes_of_a_small_package(tmp_path, monkeypatch):
    """A tune that stands in two books is in one part; one whose text is there already is left out."""
    for book in folk_tunes.BOOKS:
        (tmp_path / book).mkdir()
        for k in range(8):
            tune = f"X:{k}\nT:Tune {k if k else 'One!'}\nK:C\n{book[0]}{k}|\n"
            (tmp_path / book / f"{k}.abc").write_text(f"a book\n\n{tune}\n\nwords\n\n{tune}")
    monkeypatch.setattr(folk_tunes, "inside", lambda package, *parts, name: tmp_path.joinpath(*parts[1:]))
    every, train, test = (load_texts("folk-tunes", split=part) for part in ("all", "train", "test"))
    assert len(every) == 24 == len(train) + len(test)
    assert not set(train.titles) & set(test.titles)
    assert every.documents[0] == "X:0\nT:Tune One!\nK:C\na0|\n"


@needs_music21
def test_chorales_of_a_small_package(tmp_path, monkeypatch):
    """Sorted by number, without one that sounds as another does and one of other voices; kept where they are made."""
    monkeypatch.setenv("CARROUSEL_CACHE", str(tmp_path / "cache"))
    parts = SCORE.decode()
    begin, end = parts.index('<part id="P1">'), parts.index("</score-partwise>")

    def voices(count, octave):
        part = parts[begin:end].replace("<octave>4", f"<octave>{octave}")
        listed = "".join(f'<score-part id="P{k}"><part-name>a</part-name></score-part>' for k in range(1, count + 1))
        head = parts[: parts.index("<part-list>")] + f"<part-list>{listed}</part-list>"
        body = "".join(part.replace('id="P1"', f'id="P{k}"') for k in range(1, count + 1))
        return packed_score((head + body + parts[end:]).encode())

    folder = tmp_path / "bach"
    folder.mkdir()
    for name, count, octave in (
        ("bwv2.6", 4, 2), ("bwv10.7", 4, 3), ("bwv2.10", 4, 4), ("bwv3.1", 4, 5), ("bwv1.6", 5, 2), ("bwv9.1", 4, 4),
        ("bwv4.1", 4, 6),
    ):  # fmt: skip
        (folder / f"{name}.mxl").write_bytes(voices(count, octave))
    monkeypatch.setattr(chorales, "inside", lambda *parts, name: folder)
    data = load_music("chorales")
    assert data.titles == ("bwv2.6", "bwv2.10", "bwv3.1", "bwv4.1", "bwv10.7")
    assert keys(data.frames[0]) == [[36], [], [76], [76]]
    monkeypatch.setattr(chorales, "scores_of", None)  # it is read back
    assert [part.titles for part in (load_music("chorales", split="train"), load_music("chorales", split="test"))] == [
        data.titles[:4],
        data.titles[4:],
    ]


@pytest.mark.slow
@needs_music21
def test_the_chorales():
    train, test = (load_music("chorales", split=part) for part in ("train", "test"))
    assert (len(train), len(test)) == (290, 72)
    assert train.titles[:3] == ("bwv2.6", "bwv3.6", "bwv4.8")
    notes = np.concatenate([*train.frames, *test.frames]).sum(axis=1)
    assert 3.5 < notes.mean() < 4.0
