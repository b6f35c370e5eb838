"""Messages of one or two lines on what went wrong."""

from __future__ import annotations

import errno

__all__ = ["UsageError", "lines", "missing", "of_system"]

# Packages of the extras, by the name under which they are imported.
TRAIN = ("markdown_it", "matplotlib", "pandas", "pyarrow", "rich", "sklearn", "skorch", "sktime", "typer")
EXTRAS = dict.fromkeys(TRAIN, ("the command line needs", "train"))
EXTRAS |= {"gymnasium": ("worlds of gymnasium need", "rl")}
EXTRAS |= {"optuna": ("carrousel search needs", "search"), "openpyxl": ("Excel files need", "excel")}
EXTRAS |= dict.fromkeys(("soundfile", "kaldi_native_fbank"), ("files of sound need", "labels"))
EXTRAS |= {"reservoirpy": ("echo state networks need", "reservoir")}
EXTRAS |= {"mido": ("files of MIDI need", "music")}
EXTRAS |= {"PIL": ("pictures need", "labels"), "hmmlearn": ("hidden Markov models need", "labels")}
EXTRAS |= {"babel": ("names of months in other languages than English need", "dates")}
EXTRAS |= {"tokenizers": ("pieces of words need", "text"), "sacrebleu": ("BLEU and chrF need", "text")}


FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class UsageError(ValueError):
    """The command was called in a way that cannot work; the message names the option or file at fault."""


def missing(error: ModuleNotFoundError) -> str | None:
    """Returns how to install the package that is missing, or None when it is none of ours."""
    package = (error.name or "").split(".")[0]
    if package not in EXTRAS:
        return None
    who, extra = EXTRAS[package]
    return f"{package} is not installed; {who} it: pip install 'carrousel[{extra}]'"


def lines(error: BaseException) -> str:
    """Returns a message of at most two lines."""
    # A message on data has its options as the shell writes them.
    text = getattr(error, "in_shell", None) or str(error)
    written = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    if not written:
        return type(error).__name__
    return written[0] if len(written) == 1 else f"{written[0]}\n{' '.join(written[1:])}"


def of_system(error: OSError) -> str:
    """Returns a message on a file that cannot be read or written, without Python's numbering."""
    if error.strerror and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if error.errno in FULL:  # whatever writes a file names it
        return f"standard output: {error.strerror}"
    return lines(error)
