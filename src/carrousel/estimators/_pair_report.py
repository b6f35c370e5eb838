"""A network that says strings beside simple methods."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np

from carrousel.data.tokenisers import Tokeniser
from carrousel.estimators._pair_rules import ContextRules, EndingRules
from carrousel.estimators._report import Report, Score
from carrousel.estimators.metrics import distance

__all__ = ["grouped", "pair_report", "simple_answers", "units"]

LACKING = "BLEU and chrF are left out, for they need sacrebleu: pip install 'carrousel[text]'."


def units(tokeniser: Tokeniser, text: str) -> list[str]:
    """Returns what a text is compared by: its symbols, as they are spelled; pieces are compared by characters."""
    split = getattr(tokeniser, "split", None)
    return list(text) if split is None else split(text)


def grouped(sources: Sequence[str], targets: Sequence[str]) -> dict[str, list[str]]:
    """Returns all targets of each source, each once."""
    found: dict[str, list[str]] = {}
    for source, target in zip(sources, targets, strict=True):
        answers = found.setdefault(source, [])
        if target not in answers:
            answers.append(target)
    return found


def pair_report(
    said: dict[str, dict[str, str]], right: dict[str, list[str]], tokeniser: Tokeniser, notes: Sequence[str]
) -> Report:
    """Returns the figures of each method's answers.

    Args:
        said: of each method the answer to each source; the model's first.
        right: all right answers to each source: any of them counts.
        tokeniser: of the answers.
        notes: sentences that stand below the verdict.
    """
    sentences = tokeniser.name != "symbols" and any(" " in answer for answers in right.values() for answer in answers)
    library = sentences and find_spec("sacrebleu") is not None
    scores: list[Score] = []
    hits: dict[str, np.ndarray] = {}
    for method, answers in said.items():
        hits[method] = np.array([answers[source] in wanted for source, wanted in right.items()], dtype=float)
        metrics = {"exact match": float(hits[method].mean())}
        metrics[f"{tokeniser.unit} error"] = _error(answers, right, tokeniser)
        if library:
            metrics |= _translation(answers, right)
        scores.append(Score(method, bool(scores), metrics))
    metric = "chrF" if library else "exact match"
    best = max(scores[1:], key=lambda score: score.metrics[metric])
    difference = hits[scores[0].method] - hits[best.method]
    count = len(difference)
    error = float(difference.std(ddof=1) / np.sqrt(count)) if count > 1 and not library else None
    lacking = [LACKING] if sentences and not library else []
    return Report("translation", metric, True, tuple(scores), count, error, (*notes, *lacking), "sources")


def _error(answers: dict[str, str], right: dict[str, list[str]], tokeniser: Tokeniser) -> float:
    """Returns the symbols that are wrong for each symbol of the right answer that is nearest."""
    wrong = length = 0
    for source, wanted in right.items():
        said = units(tokeniser, answers[source])
        nearest = min((distance(each, said), len(each)) for each in (units(tokeniser, one) for one in wanted))
        wrong, length = wrong + nearest[0], length + nearest[1]
    return wrong / max(length, 1)


def _translation(answers: dict[str, str], right: dict[str, list[str]]) -> dict[str, float]:
    import sacrebleu

    said = [answers[source] for source in right]
    most = max(map(len, right.values()))
    references = [[(wanted + wanted[:1] * most)[k] for wanted in right.values()] for k in range(most)]
    return {
        "BLEU": float(sacrebleu.corpus_bleu(said, references).score),
        "chrF": float(sacrebleu.corpus_chrf(said, references).score),
    }


def simple_answers(
    learned: Sequence[tuple[str, str]], sources: Sequence[str], before: Tokeniser, after: Tokeniser
) -> dict[str, dict[str, str]]:
    """Returns what simple methods say that learned from pairs of texts."""
    between = after.separator.decode()
    pairs = [(units(before, source), units(after, target)) for source, target in learned]
    rules = ContextRules(pairs)
    found = {"rules in context": {source: between.join(rules.say(units(before, source))) for source in sources}}
    if before.name == after.name:
        endings = EndingRules(pairs)
        found["rules of endings"] = {source: between.join(endings.say(units(before, source))) for source in sources}
        found["the source itself"] = {source: source for source in sources}
    return found
