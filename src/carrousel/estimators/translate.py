"""One text for another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from carrousel import pictures
from carrousel._format import whole
from carrousel.data import DataError, Pairs, load_pairs, splits
from carrousel.data._texts import hold_out_pairs
from carrousel.data.tokenisers import TOKENISERS, Tokeniser, tokeniser_from_json
from carrousel.estimators._base import Trainable
from carrousel.estimators._packed import pack_texts, unpack_texts
from carrousel.estimators._pair_report import grouped, pair_report, simple_answers
from carrousel.estimators._params import (
    check_memory,
    choice,
    flag,
    integer,
    lstm_options,
    number,
    refuse_unused,
    training_options,
)
from carrousel.estimators._report import Report
from carrousel.nets._attention import ATTENTIONS
from carrousel.nets._beam import Found
from carrousel.nets.encoder_decoder import EncoderDecoder
from carrousel.training import Job, train
from carrousel.training._pairs import PairDataset, padded_strings
from carrousel.training._progress import ProgressCallback

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["LSTMTranslator"]

ASIDE = 20  # pairs below which none are set aside
SIDE_BY_SIDE = 64  # sources that are searched together


@dataclass(eq=False, repr=False, kw_only=True)
class LSTMTranslator(Trainable):
    """Says one text for another: sounds for a spelling, a plural for a singular, a sentence in another language.

    An encoder reads the source to its end, and a decoder says the answer (Sutskever, Vinyals & Le 2014; Cho et al.
    2014), by default with both directions and attention (Bahdanau, Cho & Bengio 2015).

    Attributes:
        hidden_size: cells in each layer and direction.
        tokens: what a symbol of the source is: ``"characters"``, ``"words"``, ``"pieces"`` (needs ``carrousel[text]``),
            ``"symbols"``, whatever stands between spaces; ``"auto"`` takes what suits a named data set, else
            characters.
        target_tokens: what a symbol of the answer is.
        vocabulary, target_vocabulary: the most symbols of each; None as in ``LSTMGenerator``.
        embedding: the size of a symbol's vector; None takes 64, or ``hidden_size`` if that is less.
        attention: ``"additive"``, ``"dot"`` or None.
        reverse: whether the source is read backward, which helps without attention (Sutskever et al. 2014).
        fed: whether the decoder reads a summary of the source at every step (Cho et al. 2014).
        maxout: units of a maxout layer under the softmax; 0 for none.
        sampling: the chance that in training the decoder reads its own symbol (Bengio et al. 2015).
        beam: the width of the search for an answer; 1 takes the most probable symbol each time.
        normalise: the power of its length by which an answer's log probability is divided where answers are compared.
        longest: the most symbols of an answer; None takes half as many again as the longest learned, and five.
        rivals: whether the report sets the model beside simple methods. The model then keeps the training pairs,
            packed, which whoever has the model can read.

    All other parameters are those of the room's recipe; see ``carrousel.estimators.Recipe``. Noise on the input is not
    for texts.

    Attributes of a fitted model:
        source_, target_: the tokenisers.
        history_, best_epoch_, network_, fit_seconds_: as in LSTMClassifier.

    >>> from carrousel.estimators import LSTMTranslator
    >>> words = ["ab", "ba", "abb", "bab", "aab", "bba"] * 8
    >>> model = LSTMTranslator(16, batch_size=8, max_epochs=12, learning_rate=0.02, random_state=0)
    >>> model.fit(words, [word.upper() for word in words]).predict(["ab", "bba"]).tolist()
    ['AB', 'BBA']
    """

    hidden_size: int = field(default=128, kw_only=False)
    tokens: str = "auto"
    target_tokens: str = "auto"
    vocabulary: int | None = None
    target_vocabulary: int | None = None
    embedding: int | None = None
    attention: str | None = "additive"
    reverse: bool = False
    fed: bool = False
    maxout: int = 0
    sampling: float = 0.0
    beam: int = 5
    normalise: float = 1.0
    longest: int | None = None
    rivals: bool = True
    bidirectional: bool = True
    dropout: float = 0.2
    learning_rate: float = 3e-3
    weight_decay: float = 0.0
    batch_size: int | None = 64
    max_epochs: int = 20
    patience: int | None = 4
    validation: float | None = 0.05

    def _check_options(self) -> None:
        """Refuses parameters out of their range, before anything is computed."""
        for name in ("tokens", "target_tokens"):
            choice(self, name, ("auto", *TOKENISERS))
        for name in ("vocabulary", "target_vocabulary", "embedding", "longest"):
            integer(self, name, none=True)
        integer(self, "maxout", least=0)
        integer(self, "beam")
        number(self, "sampling", least=0.0)
        if self.sampling > 1:
            raise ValueError(f"sampling must be a chance from 0 to 1, got {self.sampling!r}")
        number(self, "normalise", least=0.0)
        choice(self, "attention", (*ATTENTIONS, None))
        for name in ("reverse", "fed", "rivals", "bidirectional"):
            flag(self, name)
        refuse_unused(self, input_noise=0.0)
        training_options(self)
        check_memory(self)

    # Learning

    def fit(
        self,
        X: Sequence[str],
        y: Sequence[str],
        *,
        groups: Sequence[str] | None = None,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        progress: ProgressCallback | None = None,
    ) -> LSTMTranslator:
        """Trains on the texts X and what is to be said for each, y.

        Args:
            X: the sources. One may stand several times, with other answers.
            y: the answers.
            groups: a name for each pair; those of one stay together in the validation part. By default those of one
                source do.
            checkpoint: a file from which a training that was broken off goes on with ``resume``.
            resume: whether to do so.
            progress: called after each batch and epoch.

        Raises:
            ValueError: a parameter is wrong, or a text is empty.
        """
        self._check_options()
        sources, targets = _texts(X, "X"), _texts(y, "y")
        if len(sources) != len(targets):
            raise ValueError(f"X has {len(sources)} texts and y has {len(targets)}")
        if groups is not None and len(groups) != len(sources):
            raise ValueError(f"X has {len(sources)} texts and groups has {len(groups)}")
        pairs = Pairs(sources, targets, None if groups is None else tuple(map(str, groups)))
        return self._fit(pairs, {"checkpoint": checkpoint, "resume": resume, "progress": progress})

    def _fit(self, pairs: Pairs, run: dict[str, Any]) -> LSTMTranslator:
        assert pairs.targets is not None
        seed = self._draw_seed(run.get("checkpoint"), bool(run.get("resume")))
        kept, aside = pairs, None
        names = pairs.sources if pairs.groups is None else pairs.groups
        if self.validation is not None and len(pairs) >= ASIDE and len(set(names)) > 1:
            kept, aside = hold_out_pairs(pairs, self.validation, seed=seed)
        asked = (self.tokens, self.target_tokens)
        kinds = [usual if name == "auto" else name for name, usual in zip(asked, pairs.units, strict=True)]
        assert kept.targets is not None
        self.source_ = TOKENISERS[kinds[0]].learned(kept.sources, self.vocabulary)
        self.target_ = TOKENISERS[kinds[1]].learned(kept.targets, self.target_vocabulary)
        items = self._items(kept)
        self.longest_ = max(map(len, items.answers)) * 3 // 2 + 5 if self.longest is None else int(self.longest)
        valid = None if aside is None else self._items(aside, known=True)
        valid = None if valid is None or not len(valid) else valid
        parts = [np.concatenate(part) for each in (items, valid) if each is not None
                 for part in (each.sources, each.answers)]  # fmt: skip
        identity = self._identity(seed, [*parts, items.lengths])
        job = Job(self._build, items, valid)
        self._keep(train(job, training_options(self), seed, identity=identity, **run), seed)
        self.pairs_ = list(zip(pairs.sources, pairs.targets, strict=True)) if self.rivals else None
        return self

    def _items(self, pairs: Pairs, known: bool = False) -> PairDataset:
        """Returns pairs as symbols; with ``known`` those whose answers can be said."""
        assert pairs.targets is not None
        sources, answers = [], []
        for source, target in zip(pairs.sources, pairs.targets, strict=True):
            said = self.target_.encode(target)
            if not (known and said.unknown):
                sources.append(self._read_by_encoder(source))
                answers.append(said.symbols)
        return PairDataset(sources, answers)

    def _read_by_encoder(self, text: str) -> np.ndarray:
        symbols = self.source_.encode(text).symbols
        if not len(symbols):
            raise ValueError(f"{text!r} has no symbols ({self.source_.name}); a source must have one at least")
        return symbols

    def _build(self) -> EncoderDecoder:
        options = lstm_options(self)
        size = min(64, options["hidden_size"]) if self.embedding is None else int(self.embedding)
        return EncoderDecoder(
            self.source_.size, self.target_.size, lstm=options, embedding=size, dropout=float(self.dropout),
            reverse=bool(self.reverse), fed=bool(self.fed), maxout=int(self.maxout), attention=self.attention,
            sampling=float(self.sampling),
        )  # fmt: skip

    # Answering

    def predict(self, X: Sequence[str]) -> np.ndarray:
        """Returns the best answer to each text of X, ``[N]``."""
        return np.array([found[0][0] for found in self.candidates(X, 1)], dtype=object)

    def candidates(self, X: Sequence[str], best: int = 5) -> list[list[tuple[str, float]]]:
        """Returns the best answers to each text of X that the beam found, each with its log probability.

        Args:
            X: the sources.
            best: how many answers to each.
        """
        self._check_fitted()
        sources = [self._read_by_encoder(text) for text in _texts(X, "X")]
        order = np.argsort([len(source) for source in sources], kind="stable")
        found: list[list[tuple[str, float]]] = [[] for _ in sources]
        network: Any = self.network_
        device = next(network.parameters()).device
        for begin in range(0, len(order), SIDE_BY_SIDE):
            rows = order[begin : begin + SIDE_BY_SIDE]
            batch = padded_strings([sources[k] for k in rows], 0).to(device)
            lengths = torch.tensor([len(sources[k]) for k in rows])
            said: list[list[Found]] = network.search(
                batch, lengths, width=int(self.beam), most=self.longest_, normalise=float(self.normalise), best=best
            )
            for row, answers in zip(rows, said, strict=True):
                found[row] = [(self.target_.decode(one.symbols), one.log_probability) for one in answers]
        return found

    def score(self, X: Sequence[str], y: Sequence[str]) -> float:
        """Returns the share of different texts of X for which an answer of y is said, to the last symbol."""
        right = grouped(_texts(X, "X"), _texts(y, "y"))
        said = self.predict(list(right))
        return float(np.mean([answer in wanted for answer, wanted in zip(said, right.values(), strict=True)]))

    def report(self, X: Sequence[str], y: Sequence[str]) -> Report:
        """Compares the model with simple methods on the texts X and their answers y.

        Where a text of X stands several times, any of its answers is right. Beside the share of exact answers there is
        the edit distance to the nearest right one; of sentences also BLEU and chrF, by sacrebleu.
        """
        self._check_fitted()
        right = grouped(_texts(X, "X"), _texts(y, "y"))
        sources = list(right)
        said = {self._method: dict(zip(sources, self.predict(sources).tolist(), strict=True))}
        notes = []
        if self.pairs_ is not None:
            said |= simple_answers(self.pairs_, sources, self.source_, self.target_)
        else:
            said["the source itself"] = {source: source for source in sources}
            notes.append("Not compared with rules: the model kept no training pairs (rivals=False).")
        unknown = sum(self.source_.encode(source).unknown.total() for source in sources)
        if unknown:
            notes.append(f"{unknown:,} symbols of the sources were not learned, and are all read as one.")
        return pair_report(said, right, self.target_, notes)

    # Data as they are read

    def read(self, source: Any, **options: Any) -> Pairs:
        """Reads pairs from a name or a file; options as in ``load_pairs``."""
        split = "test" if "test" in splits(source, "pairs") else "all"
        return load_pairs(source, **{"split": split, **options})

    def fit_on(self, data: Pairs, **run: Any) -> LSTMTranslator:
        """Trains on pairs as ``carrousel.data`` reads them; ``run`` as in ``fit``."""
        self._check_options()
        self._answers_of(data)
        return self._fit(data, run)

    def report_on(self, data: Pairs) -> Report:
        """Returns ``report`` on pairs as ``carrousel.data`` reads them.

        Raises:
            DataError: their answers are not known.
        """
        return self.report(data.sources, self._answers_of(data))

    def _answers_of(self, data: Pairs) -> list[str]:
        if data.targets is None:
            raise DataError(f"{data.name}: there are no answers in it: a source, a tab and a target on each line")
        return data.targets

    def table(self, data: Pairs) -> pd.DataFrame:
        """Returns a row for each source: the answer, and the right one where it is known."""
        import pandas as pd

        columns: dict[str, Any] = {"source": data.sources, "answer": self.predict(data.sources)}
        if data.targets is not None:
            columns["target"] = data.targets
        return pd.DataFrame(columns)

    def drawings(self, data: Pairs, *, layer: int = 0, sequence: str | None = None) -> dict[str, Figure]:
        """Draws what the decoder sees of a source as it answers; without attention the encoder's gates and states.

        Args:
            data: pairs as ``carrousel.data`` reads them.
            layer: the layer whose gates are drawn, from 0.
            sequence: the source; by default the first.
        """
        text = data.sources[0] if sequence is None else sequence
        answer = str(self.predict([text])[0])
        title = f"{data.name}: {text} → {answer}"
        network: Any = self.network_
        device = next(network.parameters()).device
        source = torch.from_numpy(self._read_by_encoder(text))[None].to(device)
        lengths, said = torch.tensor([source.shape[1]]), self.target_.encode(answer).symbols
        with torch.no_grad():
            if self.attention is not None:
                weights = network.attended(source, lengths, torch.from_numpy(said)[None].to(device))[0].cpu().numpy()
                rows = [_shown(self.target_, symbol) for symbol in said.tolist()]
                columns = [_shown(self.source_, symbol) for symbol in source[0].tolist()]
                figure = pictures.draw_attention(weights, columns, [*rows, "end"], title=title)
                return {"attention": figure, **super().drawings(data, layer=layer)}
            states = network.lstm(network.embedding(source), return_states="gates")[2]
        found = {name: value[0].cpu().numpy() for name, value in states.items()}
        figure = pictures.draw_activations(found, cell=self.cell, layer=layer, title=title)
        return {"gates": figure, **super().drawings(data, layer=layer)}

    # Saving

    def _facts(self) -> dict[str, Any]:
        packed = None
        if self.pairs_ is not None:
            array, length = pack_texts(self.pairs_)
            packed = {"size": len(array), "length": length}
        facts = {"source": self.source_.to_json(), "target": self.target_.to_json()}
        return {**facts, "longest": self.longest_, "pairs": packed}

    def _arrays(self) -> dict[str, np.ndarray]:
        return {} if self.pairs_ is None else {"pairs": pack_texts(self.pairs_)[0]}

    def _restore(self, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        self._check_options()
        self.source_, self.target_ = tokeniser_from_json(facts["source"]), tokeniser_from_json(facts["target"])
        self.longest_ = whole(facts["longest"], "the length of its longest answer", 1, 2**31)
        self.pairs_ = None
        if facts["pairs"] is not None:
            pairs = unpack_texts(arrays, "pairs", facts["pairs"]["size"], facts["pairs"]["length"])
            good = (
                isinstance(pairs, list)
                and pairs
                and all(
                    isinstance(pair, list) and len(pair) == 2 and all(isinstance(text, str) and text for text in pair)
                    for pair in pairs
                )
            )
            if not good:
                raise ValueError("its pairs are no list of pairs of texts")
            self.pairs_ = [(source, target) for source, target in pairs]
        if self.rivals != (self.pairs_ is not None):
            raise ValueError(f"it says rivals={self.rivals!r}, and has {'no' if self.pairs_ is None else 'its'} pairs")


def _texts(values: Any, what: str) -> list[str]:
    """Returns texts after checking them.

    Raises:
        ValueError: they are none, or one is empty.
    """
    texts = [values] if isinstance(values, str) else list(values)
    for k, text in enumerate(texts):
        if not isinstance(text, str):
            raise ValueError(f"{what} must be texts; number {k} is a {type(text).__name__}")
        if not text.strip():
            raise ValueError(f"{what}: text {k} is empty")
    if not texts:
        raise ValueError(f"{what}: there are no texts")
    return texts


def _shown(tokeniser: Tokeniser, symbol: int) -> str:
    return tokeniser.spelled(symbol).decode("utf-8", "replace")
