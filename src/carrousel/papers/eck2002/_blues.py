"""Eck & Schmidhuber 2002: chords alone, and chords with melodies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from carrousel.papers._experiment import Column, Config, Experiment, Picture, Quick, Row
from carrousel.papers._trial import first_success
from carrousel.papers.eck2002._paper import CITATION
from carrousel.papers.eck2002._trial import prepare, summary, train

__all__ = ["BLUES"]

FIGURES = (
    Column("success_rate", "11 choruses", ".0%"),
    Column("sequences_mean", "learned"),
    Column("kept", "choruses kept of 100", ".1f"),
    Column("right", "right chords", ".0%"),
    Column("told", "foretold", ".1%"),
    Column("like", "as a segment", ".0%"),
    Column("scale", "of the scale", ".0%"),
    Column("notes", "notes a bar", ".1f"),
)
NOTES = """
**Result.** The paper says that LSTM learns the form of the blues, plays by itself, and does not drift from it. With
forget gates that begin open (biases 0.5 to 2) all five networks of four blocks come to play the chords by themselves
for eleven choruses, after some 30,000 choruses of training; four of five then go on to the hundredth, and one loses
the form on the way. With forget gates that begin closed (-0.5 to -2) none of five does so within 150,000 choruses.

With melodies (experiment 2) three of three networks of eight blocks keep the chords for eleven choruses, and for 73
of a hundred in the mean. All notes that they play are of the scale, about six a bar as in the songs. A third of the
steps are as in one of the two segments of their bar: the melodies are of the kind, and not those that were taught.

**What was unknown.** The paper's text was not at hand. From notes on it are the 12 bars of 8 steps, a unit for each
of 12 chord notes and 13 melody notes, no mark of a note's end, blocks of two cells, the biases -0.5, -1, -1.5 and -2
of input and output gates, the output bias 0.5, cross entropy, the momentum 0.9, weights that change at every step,
and the thresholds of playing. Ours are:

- the chart: C7 F7 C7 C7, F7 F7 C7 A7, Dm7 G7 C7 G7, a chord held for the whole bar;
- the melodies: two segments a bar of a minor pentatonic scale, written for this, from which 4,096 choruses are drawn;
- the rate 1e-4 of the chords and 1e-3 of the melody. The notes have 1e-5, which was not tried, for the time that it
  takes;
- where a sequence begins anew: after four choruses of chords, and two of a song. The notes have a reset after a gross
  error. With one after the first wrong step none of three networks came to eleven choruses in 300,000 to 1,500,000
  beginnings, for they saw the end of the chart too seldom;
- that training of the chords ends when eleven choruses are right, looked at after every 200, and that melodies are
  learned after it. The chords' blocks hear nothing of the melody, and no error comes back to them from it: so they
  are a learner of their own, and a test holds both together to one network with zeros where nothing feeds.

Rates were tried by hand, on seeds of which one is the table's first, on what networks play of the chart that they are
taught: nothing is held out.

**How it is judged.** A network is given the first bar and plays a hundred choruses. *11 choruses* is the share of
networks whose first eleven have no wrong chord; *choruses kept* is how many come before the first wrong one; *right
chords* is the share of steps. *Foretold* is the share of steps of a true song whose chord is right in the step
before: a copy of the chord before would have 90 %. Of melodies, *as a segment* is the share of steps that are as in
the nearer of the two segments of their bar, and *of the scale* the share of notes that the scale has. A learned
sequence is a chorus.

**By back-propagation through time**, with as many weights, in one layer that hears all: AdamW, the norm clipped at 1,
a rate that rises and falls. With melodies an LSTM and an Elman network foretold every chord of a true song in a trial
of each before the table's, and lost the form when they played: what they hear of the melody tells them where they
are, and what they play themselves is not among the songs that they were taught. The paper's wiring, where chords do
not hear the melody, keeps them. Of the chords alone, three LSTMs of seven cells foretell all but a few changes and
lose the form at these; before the table's, with 4,000 and 6,000 updates at the same rate, two of two kept it for a
hundred choruses, and an Elman network of 16 units did. So the form is no long lag for the full gradient, which goes
back through every step, but so small an LSTM does not always come to it.

**Rows that are not in the committed table**: `1-elman`, `2-closed`, `2-lstm` and `2-elman`, for time. All four take
about five minutes of one processor; what is said of such networks above is of single ones, of other seeds or of the
first trial.
""".strip()
SHOWN = 100  # choruses that a network plays by itself
_BLOCKS = {
    "rule": "on-line", "rate": 1e-4, "melody_rate": 1e-3, "momentum": 0.9, "init": 0.1, "output_bias": 0.5,
}  # fmt: skip


def _blocks(name: str, tune: bool, forget: int, trials: int, note: str = "") -> Row:
    until = {"choruses": 150_000, "at_once": 4, "block": 200, "songs": 60_000 if tune else 0, "shown": SHOWN}
    config = Config({"melody": tune}, {**_BLOCKS, "forget": forget}, until)
    columns = {
        "experiment": "2" if tune else "1",
        "network": "8 blocks of 2 cells" if tune else "4 blocks of 2 cells",
        "rule": "on-line",
        "first forget bias": "0.5 to 2" if forget > 0 else "-0.5 to -2",
    }
    return Row(name, "LSTM", columns, {}, config, trials=trials, note=note)


def _layers(name: str, tune: bool, cell: str, hidden: int, rate: float, note: str = "") -> Row:
    until = {"songs": 120, "batch": 4, "epochs": 100} if tune else {"songs": 40, "batch": 1, "epochs": 150}
    learner = {"rule": "BPTT", "cell": cell, "hidden": hidden, "rate": rate, "forget": 1}
    config = Config({"melody": tune}, learner, {**until, "shown": SHOWN})
    columns = {
        "experiment": "2" if tune else "1",
        "network": f"{hidden} {'cells' if cell == 'lstm' else 'units'}",
        "rule": "BPTT",
        "first forget bias": "1" if cell == "lstm" else "-",
    }
    return Row(name, "LSTM" if cell == "lstm" else "Elman", columns, {}, config, trials=3, note=note)


def _draw_chords(path: Path, result: Mapping[str, Any]) -> None:
    from carrousel.papers.eck2002._picture import draw

    draw(path, *first_success(BLUES, "1", result), "Chords that a network plays by itself")


def _draw_melody(path: Path, result: Mapping[str, Any]) -> None:
    from carrousel.papers.eck2002._picture import draw

    draw(path, *first_success(BLUES, "2", result), "Chords and a melody that a network plays by itself")


BLUES = Experiment(
    "eck2002/blues",
    "The form of the blues: twelve bars of chords, alone and with melodies, played on and on by the network itself",
    CITATION,
    (
        _blocks("1", False, 1, 5),
        _blocks("1-closed", False, -1, 5),
        _layers("1-lstm", False, "lstm", 7, 5e-2),
        _layers("1-elman", False, "elman", 16, 1e-2),
        _blocks("2", True, 1, 3),
        _blocks("2-closed", True, -1, 3),
        _layers("2-lstm", True, "lstm", 10, 5e-2),
        _layers("2-elman", True, "elman", 22, 1e-2),
    ),
    prepare,
    train,
    figures=FIGURES,
    summary=summary,
    quick=Quick(
        "a network foretells most changes of chords: a copy of the chord before would be right at 90 % of the steps",
        lambda rows: rows["1"]["told"] > 0.96,
        ("1",),
        config={"rate": 3e-4, "choruses": 10_000, "shown": 2},
    ),
    pictures=(
        Picture("chords", "Ten choruses of chords that a network plays by itself, a line each", _draw_chords),
        Picture(
            "melody", "Ten choruses of chords and melody that a network plays by itself, a line each", _draw_melody
        ),
    ),
    source="from notes",
    outcome="partly",
    finding=(
        "Four blocks learn the chords by the on-line rule and play them for eleven choruses and more if their forget "
        "gates begin open; melodies come out in the scale, and not as they were taught."
    ),
    notes=NOTES,
)
