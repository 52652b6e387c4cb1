"""Files that hold an array: ``.npy``, and the binary files of big-ann-benchmarks."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from effbench import EffbenchError
from effbench.files import read_lines

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHUNK = 65_536
"""Names that are read at once."""

BINARY = {".fbin": "<f4", ".f16bin": "<f2", ".u8bin": "|u1", ".i8bin": "|i1"}
"""Ending of a binary file -> the type of its numbers."""

HEADER = 8
"""Bytes before the numbers of a binary file: two uint32, its rows and its width."""

BESIDE = (".ids", ".txt")
"""Endings of the file beside an ``.npy`` file that has a name on each line."""


class ArrayFile:
    """The rows of a file with an array; they have no names of their own.

    It is mapped for each look-up: thousands of files that stay open are more than many systems
    let a process have.
    """

    def __init__(self, path: Path) -> None:
        """Open the file; raise `EffbenchError` if it is no array [n, d] or is cut off."""
        self.path = path
        self.rows, self.width = self._mapped().shape

    def read(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return rows of the file in their order, float32 [n, d]."""
        import numpy as np

        return self._mapped()[rows].astype(np.float32)

    def forget(self) -> None:
        """Do nothing: nothing is kept between look-ups."""

    def _mapped(self) -> NDArray[Any]:
        path = self.path
        return _npy(path) if path.suffix == ".npy" else binary(path, BINARY[path.suffix])

    def names(self) -> Iterator[list[str]]:
        """Yield the names of the rows, in lists.

        Raises:
            EffbenchError: the file of names has more or fewer lines than the array has rows.

        """
        path, count = names_beside(self.path), 0
        lines = (text for _, text in read_lines(path))
        while chunk := list(islice(lines, CHUNK)):
            count += len(chunk)
            yield chunk
        if count != self.rows:
            raise EffbenchError(
                f"{path}: {count:,} lines for {self.rows:,} vectors in {self.path.name} "
                "(write one for each vector, in order)"
            )


def names_beside(path: Path) -> Path:
    """Return the file that has the names of an ``.npy`` file's rows; raise if none is there."""
    places = [path.with_suffix(ending) for ending in BESIDE]
    for place in places:
        if place.is_file():
            return place
    raise EffbenchError(
        f"{path}: whose vectors are these? (put a file {places[0].name} beside it, with one id "
        "or text on each line)"
    )


def binary(path: Path, kind: str, after: int = 0) -> NDArray[Any]:
    """Return the numbers [n, d] of a file of big-ann-benchmarks, memory-mapped.

    ``after`` is the number of bytes that follow for each number of the array.

    Raises:
        EffbenchError: the size of the file contradicts its header.

    """
    import numpy as np

    size, dtype = path.stat().st_size, np.dtype(kind)
    rows, width = header_of(path)
    wanted = HEADER + rows * width * (dtype.itemsize + after)
    if size != wanted or not rows or not width:
        raise EffbenchError(
            f"{path}: {size:,} bytes, but its header ({rows:,} rows of {width:,}) says "
            f"{wanted:,} (download it again, whole)"
        )
    return np.memmap(path, dtype, "r", HEADER, (rows, width))


def header_of(path: Path) -> tuple[int, int]:
    """Return the rows and the width that a binary file's header says; 0, 0 without header."""
    import numpy as np

    header = np.fromfile(path, "<u4", 2).tolist()
    return (header[0], header[1]) if len(header) == 2 else (0, 0)


def _npy(path: Path) -> NDArray[Any]:
    import numpy as np

    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r")
    except (ValueError, OSError, EOFError, OverflowError) as error:
        why = str(error).split(".", 1)[0].partition("\n")[0]  # the rest is for programmers
        raise EffbenchError(f"{path}: {why} (take an intact .npy file)") from None
    if not isinstance(array, np.ndarray):
        raise EffbenchError(f"{path}: this is an .npz archive (save one array with numpy.save)")
    if array.ndim != 2 or array.dtype.kind not in "fiu" or not array.size:
        raise EffbenchError(
            f"{path}: {array.dtype} {list(array.shape)} (save numbers [n, d] in it)"
        )
    return array
