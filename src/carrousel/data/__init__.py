"""Readers: from a data set's name or a file to sequences with labels, to images, or to one or several series.

A reader is one file in ``carrousel/data/readers``; put there, it is discovered.
"""

from __future__ import annotations

from carrousel.data._check import make_sequences, make_series
from carrousel.data._errors import DataError, DataWarning
from carrousel.data._file import File
from carrousel.data._holdout import hold_out
from carrousel.data._images import Images, make_images
from carrousel.data._labelled import Labelled, Tagged, Transcribed, spoken
from carrousel.data._make_labelled import make_tagged, make_transcribed
from carrousel.data._pieces import Pieces
from carrousel.data._registry import reads_file, reads_name
from carrousel.data._texts import Pairs, Texts
from carrousel.data._types import Panel, Sequences, Series
from carrousel.data.load import (
    find,
    load_images,
    load_music,
    load_pairs,
    load_panel,
    load_sequences,
    load_series,
    load_tagged,
    load_texts,
    load_transcribed,
    look,
    names,
    splits,
    takes,
)

__all__ = [
    "DataError",
    "DataWarning",
    "File",
    "Images",
    "Labelled",
    "Pairs",
    "Panel",
    "Pieces",
    "Sequences",
    "Series",
    "Tagged",
    "Texts",
    "Transcribed",
    "find",
    "hold_out",
    "load_images",
    "load_music",
    "load_pairs",
    "load_panel",
    "load_sequences",
    "load_series",
    "load_tagged",
    "load_texts",
    "load_transcribed",
    "look",
    "make_images",
    "make_sequences",
    "make_series",
    "make_tagged",
    "make_transcribed",
    "names",
    "reads_file",
    "reads_name",
    "splits",
    "spoken",
    "takes",
]
