"""Options of ``carrousel train`` for texts and for pairs of texts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

from carrousel.cli._errors import UsageError
from carrousel.cli._models import told
from carrousel.cli._options import Field, MaxSize, size
from carrousel.cli._parts import Parts, refuse_two_parts

__all__ = ["MUSIC", "PairOptions", "TextOptions", "is_music"]

HOLDOUT = 0.1
MUSIC = (".mid", ".midi", ".musicxml", ".mxl")
"""The endings of files that hold music alone."""


@dataclass(frozen=True, kw_only=True)
class OfText:
    """What texts and pairs have in common: how files are written, and what is reported on."""

    kind: ClassVar[Any]

    field: Field = None
    encoding: Annotated[
        str | None, typer.Option(help="of text: utf-8, windows-1252, shift_jis, …  [default: told]")
    ] = None
    max_size: MaxSize = None
    holdout: Annotated[
        float | None,
        typer.Option(
            help="share kept out of training and used for the report; 0 trains on everything  "
            f"[default: {HOLDOUT} of files; a data set's own test part]",
        ),
    ] = None
    test: Annotated[
        str | None, typer.Option("--test", metavar="DATA", help="other data to report on; nothing is held out")
    ] = None

    def options(self) -> dict[str, Any]:
        """Returns them as the readers take them."""
        return {"field": self.field, "encoding": self.encoding, "max_size": size(self.max_size)}

    def parts(self, opened: Parts, model: Any) -> Parts:
        """Returns the data."""
        return opened

    def parts_of(self, sources: list[str], load: Any, join: Any, hold_out: Any, seed: int, kind: Any = None) -> Parts:
        """Reads sources, and holds a part out.

        Args:
            sources: names or paths.
            load: the reader.
            join: makes data of several sources one.
            hold_out: divides data.
            seed: of what is held out.
            kind: of the data; by default the options' own.
        """
        from carrousel.data import splits

        refuse_two_parts(self.test, self.holdout)
        kind = self.kind if kind is None else kind
        notes: list[str] = []
        with told(notes) as tell:
            own = [name for name in sources if "test" in splits(name, kind)]
            if own and self.holdout is not None:
                raise UsageError(f"--holdout: {own[0]} has a test part of its own")
            with_parts = bool(own) and self.test is None
            if with_parts and len(own) < len(sources):
                raise UsageError(f"{own[0]} has a test part of its own, the others have none; --test gives one for all")
            read = [load(name, split="train" if name in own else "all", **self.options()) for name in sources]
            train = join(read)
            tell(train)
            if with_parts:
                test = join([load(name, split="test", **self.options()) for name in sources])
                return Parts(train, test, f"{train}; reporting on {test}", tuple(notes))
            if self.test is not None:
                split = "test" if "test" in splits(self.test, kind) else "all"
                test = load(self.test, split=split, **self.options())
                return Parts(train, test, f"{train}; reporting on {test}", tuple(notes))
        share = HOLDOUT if self.holdout is None else self.holdout
        if share == 0:
            return Parts(train, None, f"{train}; nothing is held out", tuple(notes))
        train, test = hold_out(train, share, seed=seed)
        return Parts(train, test, f"{train}; {test} more are held out for the report", tuple(notes))


@dataclass(frozen=True, kw_only=True)
class TextOptions(OfText):
    """Options of texts that are to be gone on with, and of music."""

    source: ClassVar[str] = (
        "python-source, folk-tunes, or files of text in any encoding, of JSON lines (.jsonl); of music: chorales, or "
        ".mid, .musicxml, .mxl, .abc; .gz, .zst, .zip"
    )
    kind: ClassVar[Any] = "texts"
    several: ClassVar[bool] = True

    tokens: Annotated[
        str | None, typer.Option(help="a symbol is: characters, words, pieces, symbols  [default: characters]")
    ] = None
    vocabulary: Annotated[
        int | None, typer.Option(min=1, help="most symbols  [default: all characters, 10000 words, 2000 pieces]")
    ] = None

    resolution: Annotated[
        int | None,
        typer.Option(help="frames in a quarter note; .abc and .xml are music then  [default: 4, or 1 of chorales]"),
    ] = None

    def estimator(self, opened: Parts) -> type:
        """Returns what learns texts, or music."""
        from carrousel.data import Pieces
        from carrousel.estimators import LSTMComposer, LSTMGenerator

        return LSTMComposer if isinstance(opened.train, Pieces) else LSTMGenerator

    def options(self) -> dict[str, Any]:
        """Returns them as the readers take them."""
        return {**super().options(), **({} if self.resolution is None else {"resolution": self.resolution})}

    def parameters(self) -> dict[str, Any]:
        """Returns the estimator's parameters among them."""
        values = {"tokens": self.tokens, "vocabulary": self.vocabulary}
        return {name: value for name, value in values.items() if value is not None}

    def opened(self, sources: list[str], seed: int) -> Parts:
        """Reads the texts, or the music."""
        from carrousel.data import load_music, load_texts
        from carrousel.data._pieces import hold_out_pieces, joined_pieces
        from carrousel.data._texts import hold_out_texts, joined_texts

        music = [source for source in sources if self.resolution is not None or is_music(source)]
        if music and len(music) < len(sources):
            text = next(source for source in sources if source not in music)
            raise UsageError(f"{music[0]} is music and {text} is text; train a model of each")
        if music:
            for option, value in (("--tokens", self.tokens), ("--vocabulary", self.vocabulary)):
                if value is not None:
                    raise UsageError(f"{option} {value}: that is of text, and {music[0]} is music")
            return self.parts_of(sources, load_music, _joined(joined_pieces), hold_out_pieces, seed, "music")
        return self.parts_of(sources, load_texts, _joined(joined_texts), hold_out_texts, seed)


@dataclass(frozen=True, kw_only=True)
class PairOptions(OfText):
    """Options of pairs of texts, of which the second is to be said for the first."""

    source: ClassVar[str] = (
        "cmudict, german-plurals, verses, or a file of pairs: a line each with a tab between (.tsv), or JSON lines "
        "(.jsonl); .gz, .zst, .zip"
    )
    kind: ClassVar[Any] = "pairs"

    tokens: Annotated[
        str | None,
        typer.Option(help="a symbol of a source is: characters, words, pieces, symbols  [default: what suits DATA]"),
    ] = None
    target_tokens: Annotated[str | None, typer.Option(help="the same of an answer  [default: what suits DATA]")] = None

    def parameters(self) -> dict[str, Any]:
        """Returns the estimator's parameters among them."""
        values = {"tokens": self.tokens, "target_tokens": self.target_tokens}
        return {name: value for name, value in values.items() if value is not None}

    def opened(self, source: str, seed: int) -> Parts:
        """Reads the pairs."""
        from carrousel.data import DataError, load_pairs
        from carrousel.data._texts import hold_out_pairs

        def load(name: str, **options: Any) -> Any:
            data = load_pairs(name, **options)
            if data.targets is None:
                raise DataError(f"{data.name}: there are no answers in it: a source, a tab and a target on each line")
            return data

        return self.parts_of([source], load, lambda read: read[0], hold_out_pairs, seed)


def is_music(source: str) -> bool:
    """Tells whether a name or a path is of music alone: tunes in ABC and XML can be read as texts too."""
    from carrousel.data import names

    return Path(source).suffix.lower() in MUSIC or source in names("music")


def _joined(join: Any) -> Any:
    """Returns a function that joins data, and refuses the same file twice."""

    def checked(parts: list[Any]) -> Any:
        names = [part.name for part in parts]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise UsageError(f"{twice} is given twice")
        return join(parts)

    return checked
