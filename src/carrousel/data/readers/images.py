"""Images: a folder of pictures with a folder for each class, a table of paths and labels, and MNIST's IDX files."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from carrousel.data._errors import DataError, listed, option, reading
from carrousel.data._file import FOLDER, File
from carrousel.data._images import Images, make_images
from carrousel.data._limit import MAX_SIZE, amount
from carrousel.data._manifest import check_units, labels_in, manifest
from carrousel.data._opened import opened
from carrousel.data._pictures import PICTURES, check_colours, read_picture
from carrousel.data._registry import reads_file
from carrousel.data._unpack import unpacked
from carrousel.data.readers.table import ENDINGS, look

__all__ = ["names_pictures", "read_folder", "read_idx", "read_table"]

TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
"""NumPy's names for the types of IDX, by the format's number."""


@reads_file("images", FOLDER)
def read_folder(file: File, *, colours: str | None = None, max_size: float = MAX_SIZE) -> Images:
    """Reads the pictures in a folder's folders, whose names are their classes; or those in itself, without labels.

    Args:
        file: the folder.
        colours: ``"grey"`` or ``"rgb"`` makes all pictures that; by default they are alike.
        max_size: bytes that the pictures may unpack to, all together.
    """
    check_colours(colours, file.name)
    found, others = _pictures_below(file.path)
    if not found:
        raise DataError(f"{file.name}: there are no pictures in it, nor in its folders ({listed(PICTURES, 20)})")
    loose = [path for path in found if path.parent == file.path]
    if loose and len(loose) < len(found):
        raise DataError(
            f"{file.name}: {loose[0].name} lies beside the folders of the classes; every picture lies in one of them"
        )
    ids = [path.relative_to(file.path).as_posix() for path in found]
    y = None if loose else np.array([path.parent.name for path in found])
    how = [f"left out: {others} other file{'s' * (others != 1)}"] if others else []
    X = _read_all(found, ids, colours, file.name, max_size)
    return make_images(X, y, name=file.name, ids=ids, rows=ids, how=how, made={"colours": colours})


@reads_file("images", *ENDINGS, look=look)
def read_table(
    file: File,
    *,
    path: str | None = None,
    label: str | Sequence[str] | None = None,
    units: str | None = None,
    colours: str | None = None,
    where: str | None = None,
    sep: str | None = None,
    encoding: str | None = None,
    max_size: float = MAX_SIZE,
) -> Images:
    """Reads the pictures whose paths stand in a table, each with a class, or with a text as a string of labels.

    Args:
        file: the table.
        path: the column of the paths, from the table's folder on; by default ``"path"``.
        label: the column of the classes or texts; by default ``"label"``, which has classes, or else ``"text"``.
        units: whether the labels of a text are its ``"letters"`` or its ``"words"``; by default letters for the
            column ``"text"``, and any other column has classes.
        colours: ``"grey"`` or ``"rgb"`` makes all pictures that; by default they are alike.
        where: ``"COLUMN=VALUE"`` takes the rows that have this text in a column.
        sep: what separates the fields of the table, as for other tables.
        encoding: of the table's text, as for other tables.
        max_size: bytes that a packed table, or the pictures all together, may unpack to.
    """
    check_colours(colours, file.name)
    if units is not None:
        check_units(units, file.name)
    usual = ("text",) if units is not None else ("label", "text")
    table = manifest(
        file, path=path, label=label, usual=usual, group=None, where=where, sep=sep, encoding=encoding,
        max_size=max_size,
    )  # fmt: skip
    for row, each in zip(table.rows, table.paths, strict=True):
        if each.suffix.lower() not in PICTURES:
            kinds = listed(PICTURES, 20)
            raise DataError(f"{file.name}: {row}: pictures are needed ({kinds}), not {each.suffix or 'one of no kind'}")
    if units is None and table.label == "text":
        units = "letters"
    y: np.ndarray | list[tuple[str, ...]] | None = None
    if table.labels is not None:
        y = np.array(table.labels) if units is None else [labels_in(text, units) for text in table.labels]
    X = _read_all(table.paths, table.rows, colours, file.name, max_size)
    made = {"colours": colours, "units": units}
    return make_images(X, y, name=file.name, ids=table.written, rows=table.rows, how=table.how, made=made)


def names_pictures(
    file: File,
    *,
    path: str | None = None,
    where: str | None = None,
    sep: str | None = None,
    encoding: str | None = None,
    max_size: float = MAX_SIZE,
) -> bool:
    """Tells whether a file is a table whose first row has the path of a picture; the arguments are ``read_table``'s."""
    if file.ending not in ENDINGS:
        return False
    column = path or "path"
    try:
        frame = opened(file, sep, encoding, max_size, [column], where, None).frame
    except DataError:
        return False  # whoever reads it says what is wrong
    return column in frame and len(frame) > 0 and Path(str(frame[column].iloc[0])).suffix.lower() in PICTURES


@reads_file("images", ".idx")
def read_idx(file: File, *, labels: str | None = None, max_size: float = MAX_SIZE) -> Images:
    """Reads a file of images in MNIST's format, and the classes in another.

    Args:
        file: the file of images, ``[N, H, W]`` or ``[N, H, W, C]``, which may be packed.
        labels: the file of classes ``[N]``; by default the one beside it that has ``labels`` and ``idx1`` in its name
            where the file has ``images`` and ``idx3``, packed or not, if it is there.
        max_size: bytes that a packed file may unpack to.
    """
    images = _array(file.path, max_size)
    if images.ndim not in (3, 4):
        kind = "labels" if images.ndim == 1 else f"an array of {images.ndim} dimensions"
        raise DataError(f"{file.name}: it holds {kind}; images are [N, H, W] or [N, H, W, C]")
    beside = _labels_beside(file.path) if labels is None else Path(labels)
    if labels is not None and not Path(labels).is_file():
        raise DataError(f"{labels}: there is no such file")
    y = None if beside is None else _array(beside, max_size)
    if y is not None and (y.ndim != 1 or len(y) != len(images)):
        raise DataError(f"{file.name}: it has {len(images)} images, but {beside} is an array of {list(y.shape)}")
    how = [] if beside is None else [f"labels of {beside.name}"]
    return make_images(list(images), y, name=file.name, how=how)


def _pictures_below(folder: Path) -> tuple[list[Path], int]:
    """Returns the pictures in a folder and its folders, in the order of their names, and how many other files."""
    found, others = [], 0
    with reading(folder):
        for place, folders, names in os.walk(folder):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                if name.startswith("."):
                    continue
                if os.path.splitext(name)[1].lower() in PICTURES:
                    found.append(Path(place, name))
                else:
                    others += 1
    deep = next((path for path in found if len(path.relative_to(folder).parts) > 2), None)
    if deep is not None:
        raise DataError(
            f"{folder}: {deep.relative_to(folder).as_posix()} lies in a folder of a folder: no class is told"
        )
    return found, others


def _read_all(paths: list[Path], words: list[str], colours: str | None, name: str, max_size: float) -> list[np.ndarray]:
    X, left = [], max_size
    for path, word in zip(paths, words, strict=True):
        X.append(read_picture(path, colours, f"{name}: {word}", left))
        left = max(0.0, left - 4 * X[-1].size)
        if X[-1].shape[2] != X[0].shape[2]:
            raise DataError(
                f"{name}: {word} has {X[-1].shape[2]} channels, the pictures before it have {X[0].shape[2]}\n"
                f"{option('colours', 'grey')} or {option('colours', 'rgb')} makes all alike"
            )
    return X


def _labels_beside(path: Path) -> Path | None:
    names = [path.name.replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1")]
    names += [names[0] + ".gz", names[0].removesuffix(".gz")]
    return next((path.with_name(name) for name in names if name != path.name and path.with_name(name).is_file()), None)


def _array(path: Path, max_size: float) -> np.ndarray:
    """Returns the array of an IDX file: two zeros, its type, its dimensions, and their sizes, then the values."""
    with reading(path):
        content, _ = unpacked(path, max_size)
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in TYPES or not 1 <= content[3] <= 4:
        raise DataError(f"{path}: it is no IDX file: it begins with {content[:4].hex(' ') or 'nothing'}")
    start = 4 + 4 * content[3]
    shape = [int.from_bytes(content[k : k + 4], "big") for k in range(4, start, 4)]
    dtype = np.dtype(TYPES[content[2]])
    claimed, there = math.prod(shape) * dtype.itemsize, len(content) - start
    if there != claimed or 0 in shape:
        raise DataError(f"{path}: its {amount(max(there, 0))} are not the {shape} {dtype} that its head names")
    values = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return values.astype(dtype.newbyteorder("="))
