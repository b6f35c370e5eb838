"""Texts that go on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from carrousel import pictures
from carrousel.data import Texts, load_texts, splits
from carrousel.data._errors import place_of
from carrousel.data.tokenisers import BOUNDARY, TOKENISERS, UNKNOWN, Speller, tokeniser_from_json
from carrousel.estimators._base import Trainable
from carrousel.estimators._bits import bits_of
from carrousel.estimators._packed import pack_texts, unpack_texts
from carrousel.estimators._params import (
    check_memory,
    choice,
    flag,
    integer,
    lstm_options,
    refuse_unused,
    training_options,
)
from carrousel.estimators._report import Report
from carrousel.estimators._text_report import METRIC, documents_of, symbols_of, text_report
from carrousel.nets.generation import Sampling, generate
from carrousel.nets.language_model import LanguageModel
from carrousel.training import Job, Streams, train
from carrousel.training._progress import ProgressCallback

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["LSTMGenerator"]

STREAMS = 32
LARGE = 20_000  # symbols from which the softmax is divided where that is not given
CUTOFFS = (2000, 10_000)
FEW = 10  # documents from which whole ones are set aside
DRAWN = 1000  # characters of a picture


@dataclass(eq=False, repr=False, kw_only=True)
class LSTMGenerator(Trainable):
    """Learns texts, and goes on from the beginning of one: a language model of an LSTM, or any cell of the family.

    Texts are read one after the other by as many readers as a batch has sequences, each of which carries its states on;
    a document begins with none (Zaremba, Sutskever & Vinyals 2014).

    Attributes:
        hidden_size: cells in each layer.
        tokens: what a symbol is: ``"characters"``, ``"words"``, ``"pieces"`` of words (needs ``carrousel[text]``), or
            ``"symbols"``, whatever stands between spaces.
        vocabulary: the most symbols; None takes all characters or symbols, 10,000 words, or 2,000 pieces.
        embedding: the size of a symbol's vector; None takes 64, or the width of the LSTM's output if that is less or if
            ``tied``.
        tied: whether the softmax has the embedding's weights.
        cutoffs: where the softmax of a large vocabulary is divided; ``"auto"`` divides one of more than 20,000 symbols,
            at 2,000 and 10,000. Empty never divides.
        steps: symbols after which back-propagation is cut.
        batch_size: readers; None takes 32, or fewer of a short text.
        rivals: whether the report sets the model beside an n-gram model and ``xz``. The model then keeps the training
            texts, packed, which whoever has the model can read.

    All other parameters are those of the room's recipe; see ``carrousel.estimators.Recipe``. Noise on the input and
    both directions are not for texts.

    Attributes of a fitted model:
        tokeniser_: from text to symbols and back.
        history_, best_epoch_, network_, fit_seconds_: as in LSTMClassifier.

    >>> from carrousel.estimators import LSTMGenerator
    >>> model = LSTMGenerator(16, max_epochs=10, learning_rate=0.03, random_state=0).fit(["to and fro, " * 200])
    >>> model.generate("to a", length=14, temperature=0)
    'nd fro, to and'
    """

    hidden_size: int = field(default=256, kw_only=False)
    tokens: str = "characters"
    vocabulary: int | None = None
    embedding: int | None = None
    tied: bool = False
    cutoffs: Any = "auto"
    steps: int = 64
    rivals: bool = True
    learning_rate: float = 4e-3
    weight_decay: float = 0.0
    max_epochs: int = 10
    patience: int | None = 3
    validation: float | None = 0.05

    def _check_options(self) -> None:
        """Refuses parameters out of their range, before anything is computed."""
        choice(self, "tokens", tuple(TOKENISERS))
        for name in ("vocabulary", "embedding"):
            integer(self, name, none=True)
        integer(self, "steps")
        flag(self, "tied")
        flag(self, "rivals")
        refuse_unused(self, bidirectional=False, input_noise=0.0)
        cuts = self.cutoffs
        if cuts != "auto" and not (isinstance(cuts, (list, tuple)) and all(type(cut) is int for cut in cuts)):
            raise ValueError(f"cutoffs must be 'auto' or a tuple of numbers of symbols, got {cuts!r}")
        training_options(self)
        check_memory(self)

    # Learning

    def fit(
        self,
        X: Sequence[str] | str,
        y: None = None,
        *,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        progress: ProgressCallback | None = None,
    ) -> LSTMGenerator:
        """Trains on the texts X.

        Args:
            X: documents, or one text.
            y: not used: what comes next is in the texts.
            checkpoint: a file from which a training that was broken off goes on with ``resume``.
            resume: whether to do so.
            progress: called after each batch and epoch.

        Raises:
            ValueError: a parameter is wrong, there is no text, or too little.
        """
        self._check_options()
        documents = documents_of(X)
        seed = self._draw_seed(checkpoint, resume)
        kept, aside = self._set_aside(documents, seed)
        self.tokeniser_ = TOKENISERS[self.tokens].learned(kept, self.vocabulary)
        learned, valid = self._symbols(kept), self._symbols(aside) if aside else None
        streams = self._streams(learned, valid)
        if valid is not None and len(valid) <= streams:
            valid = None
        run = {"checkpoint": checkpoint, "resume": resume, "progress": progress}
        identity = self._identity(seed, [learned, np.zeros(0, np.int64) if valid is None else valid])
        steps = int(self.steps)
        job = Job(
            self._build,
            Streams(learned, streams, steps),
            None if valid is None else Streams(valid, streams, steps),
        )
        options = training_options(self)
        self._keep(train(job, replace(options, batch_size=streams), seed, identity=identity, **run), seed)  # type: ignore[arg-type]
        self.texts_ = documents if self.rivals else None
        return self

    def _set_aside(self, documents: list[str], seed: int) -> tuple[list[str], list[str]]:
        """Returns the texts to learn from, and those by which training is ended: documents, or the end of the last."""
        share = self.validation
        if share is None:
            return documents, []
        if len(documents) >= FEW:
            order = np.random.default_rng(seed).permutation(len(documents))
            count = max(1, round(share * len(documents)))
            return [documents[k] for k in np.sort(order[count:])], [documents[k] for k in np.sort(order[:count])]
        last = min(round(share * sum(map(len, documents))), len(documents[-1]) // 2)
        if not last:
            return documents, []
        cut = len(documents[-1]) - last
        return [*documents[:-1], documents[-1][:cut]], [documents[-1][cut:]]

    def _streams(self, learned: np.ndarray, valid: np.ndarray | None) -> int:
        """Returns the number of readers: of a short text so few that each has several pieces."""
        if self.batch_size is not None:
            return int(self.batch_size)
        most = len(learned) // (4 * int(self.steps))
        if valid is not None:
            most = min(most, len(valid) // 8)
        return int(np.clip(most, 1, STREAMS))

    def _symbols(self, documents: Sequence[str]) -> np.ndarray:
        return symbols_of(self.tokeniser_, documents)

    def _build(self) -> LanguageModel:
        size, options = self.tokeniser_.size, lstm_options(self)
        width = options["proj_size"] or options["hidden_size"]
        embedding = self.embedding
        if embedding is None:
            embedding = width if self.tied else min(64, width)
        cuts = (CUTOFFS if size > LARGE and not self.tied else ()) if self.cutoffs == "auto" else tuple(self.cutoffs)
        return LanguageModel(
            size, lstm=options, embedding=int(embedding), dropout=float(self.dropout), tied=bool(self.tied),
            cutoffs=cuts, start=BOUNDARY,
        )  # fmt: skip

    # Going on

    def stream(
        self, prompt: str = "", length: int = 200, *, temperature: float = 1.0, top_k: int | None = None,
        top_p: float | None = None, seed: int = 0, stop: str | None = None,
    ) -> Iterator[str]:  # fmt: skip
        """Goes on from a prompt, and gives the text piece by piece as it is made up.

        Args:
            prompt: the beginning of a document; what it has that is not known is read as unknown.
            length: the most symbols: characters, words or pieces.
            temperature: below 1 the probable becomes more so; 0 takes the most probable symbol each time.
            top_k: only so many of the most probable symbols are drawn from.
            top_p: only the most probable are drawn from that have this probability together.
            seed: the same seed makes up the same text.
            stop: a text before which it ends.

        Raises:
            ValueError: a number is out of its range.
        """
        self._check_fitted()
        if length < 0:
            raise ValueError(f"length must be at least 0, got {length}")
        if stop == "":
            raise ValueError("stop must be a text before which to end, got an empty one")
        begin = self.tokeniser_.encode(prompt).symbols.tolist()
        network: Any = self.network_
        symbols = generate(
            network, begin, length=length, sampling=Sampling(temperature, top_k, top_p), seed=seed, stop={BOUNDARY},
            never=[UNKNOWN] if self.tokeniser_.size > UNKNOWN + 1 else [],
        )  # fmt: skip
        return self._spelled(symbols, bool(begin), stop)

    def _spelled(self, symbols: Iterator[int], begun: bool, stop: str | None) -> Iterator[str]:
        speller, held = Speller(self.tokeniser_, begun=begun), ""
        for symbol in symbols:
            held += speller.add(symbol)
            if stop is None:
                if held:
                    yield held
                held = ""
                continue
            if stop in held:
                if before := held[: held.index(stop)]:
                    yield before
                return
            # What may be the beginning of the stop is held back.
            back = next((n for n in range(min(len(stop) - 1, len(held)), 0, -1) if stop.startswith(held[-n:])), 0)
            sure, held = held[: len(held) - back], held[len(held) - back :]
            if sure:
                yield sure
        if held := held + speller.rest():
            yield held

    def generate(self, prompt: str = "", length: int = 200, **options: Any) -> str:
        """Returns the text that goes on from a prompt; arguments as in ``stream``."""
        return "".join(self.stream(prompt, length, **options))

    # Figures

    def score(self, X: Sequence[str] | str, y: None = None) -> float:
        """Returns minus the bits per character of the texts X: higher is better."""
        return -self.report(X).model.metrics[METRIC]

    def report(self, X: Sequence[str] | str) -> Report:
        """Compares the model with an n-gram model and with ``xz -9e`` on the texts X, in bits per character.

        A perplexity is that of a symbol. Of xz it is asked how many bytes the training texts and X take more than the
        training texts alone.
        """
        self._check_fitted()
        return text_report(self._method, self._model(), self.tokeniser_, self.texts_, documents_of(X))

    def _model(self) -> LanguageModel:
        network: Any = self.network_
        return network

    def unknown(self, text: str) -> Counter[str]:
        """Returns what in a text is not known, and how often it comes."""
        self._check_fitted()
        return self.tokeniser_.encode(text).unknown

    def activations(self, text: str) -> tuple[list[str], dict[str, np.ndarray]]:
        """Returns the symbols of a text as they are spelled, and every state, gate and candidate as each is read.

        The activations are ``{"h_l0": [S, H], "c_l0": ..., "i_l0": ...}``: the names of the cell's states, gates and
        candidates with the layer.
        """
        self._check_fitted()
        symbols = self.tokeniser_.encode(text).symbols
        network = self._model().eval()
        device = network.embedding.weight.device
        with torch.no_grad():
            below = network.embedding(torch.from_numpy(np.concatenate([[BOUNDARY], symbols])).to(device))
            states = network.lstm(below[None], return_states="gates")[2]
        speller = Speller(self.tokeniser_)
        pieces = [speller.add(symbol) for symbol in symbols.tolist()]
        return pieces, {name: value[0, 1:].cpu().numpy() for name, value in states.items()}

    # Data as they are read

    def read(self, source: str | Path, **options: Any) -> Texts:
        """Reads texts from a name or a file; options as in ``load_texts``."""
        return load_texts(source, **{"split": _usual_split(source), **options})

    def fit_on(self, data: Texts, **run: Any) -> LSTMGenerator:
        """Trains on texts as ``carrousel.data`` reads them; ``run`` as in ``fit``."""
        return self.fit(data.documents, **run)

    def report_on(self, data: Texts) -> Report:
        """Returns ``report`` on texts as ``carrousel.data`` reads them."""
        return self.report(data.documents)

    def table(self, data: Texts) -> pd.DataFrame:
        """Returns a row for each document: how well the model foretells it."""
        import pandas as pd

        rows = []
        for title, document in zip(data.titles, data.documents, strict=True):
            symbols = self._symbols([document])
            bits = bits_of(self._model(), symbols)
            row = {"document": title, "characters": len(document), "symbols": len(symbols) - 2}
            unknown = int((symbols == UNKNOWN).sum())
            rows.append({**row, "unknown": unknown, "bits_per_character": bits.sum() / len(document),
                         "perplexity": 2.0 ** bits.mean()})  # fmt: skip
        return pd.DataFrame(rows)

    def drawings(self, data: Texts, *, layer: int = 0, sequence: str | None = None) -> dict[str, Figure]:
        """Draws the cell that holds what it knows for longest, over a document and over a text of the model's own.

        Args:
            data: texts as ``carrousel.data`` reads them.
            layer: the layer of the cell, from 0.
            sequence: the title of the document; by default the first.

        Raises:
            DataError: there is no document of that title.
        """
        row = place_of(sequence, data.titles, "document", data.name)
        made = self.generate("", DRAWN // 2)
        found = {"text": (data.documents[row][:DRAWN], f"{data.titles[row]}, as it is read"),
                 "generated": (made or " ", "made up by the model, seed 0")}  # fmt: skip
        cell = self._slowest(found["text"][0], layer)
        figures = {}
        for name, (text, about) in found.items():
            pieces, states = self.activations(text)
            kind = "c" if f"c_l{layer}" in states else "h"
            caption = f"colour: what cell {cell} of layer {layer} holds ({kind}), after each symbol; red positive"
            values = states[f"{kind}_l{layer}"][:, cell]
            figures[name] = pictures.draw_text(pieces, values, title=f"{data.name}: {about}", caption=caption)
        return {**figures, **super().drawings(data, layer=layer)}

    def _slowest(self, text: str, layer: int) -> int:
        """Returns the number of the cell whose state varies most for what it changes from symbol to symbol."""
        states = self.activations(text)[1]
        values = states.get(f"c_l{layer}", states[f"h_l{layer}"]).astype(float)
        changes = np.square(np.diff(values, axis=0)).mean(axis=0) if len(values) > 1 else np.ones(values.shape[1])
        return int((values.var(axis=0) / (changes + 1e-6)).argmax())

    # Saving

    def _facts(self) -> dict[str, Any]:
        packed = None
        if self.texts_ is not None:
            array, length = pack_texts(self.texts_)
            packed = {"size": len(array), "length": length}
        return {"tokeniser": self.tokeniser_.to_json(), "texts": packed}

    def _arrays(self) -> dict[str, np.ndarray]:
        return {} if self.texts_ is None else {"texts": pack_texts(self.texts_)[0]}

    def _restore(self, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        self._check_options()
        self.tokeniser_ = tokeniser_from_json(facts["tokeniser"])
        if self.tokeniser_.name != self.tokens:
            raise ValueError(f"its tokeniser is one of {self.tokeniser_.name}, and it says {self.tokens!r}")
        self.texts_ = None
        if facts["texts"] is not None:
            texts = unpack_texts(arrays, "texts", facts["texts"]["size"], facts["texts"]["length"])
            if not isinstance(texts, list) or not all(isinstance(text, str) and text for text in texts) or not texts:
                raise ValueError("its texts are no list of texts")
            self.texts_ = texts
        if self.rivals != (self.texts_ is not None):
            raise ValueError(
                f"it says rivals={self.rivals!r}, and keeps {'no' if self.texts_ is None else 'its'} texts"
            )


def _usual_split(source: Any) -> str:
    """Returns ``"test"`` of a data set that has such a part, ``"all"`` of what has none."""
    return "test" if "test" in splits(source, "texts") else "all"
