"""Reading of a session's file: a zip of numpy arrays, which may be foreign or damaged."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from effbench.api.errors import EffbenchError
from effbench.latency.recorded import COLUMNS, FORMAT, NO_BLOCK, Header
from effbench.store.disk import SEAL
from effbench.store.door import content, parsed, typed
from effbench.text.words import plain_line

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_TIMES = 10_000_000
"""Times in a session. A session of 15 rows, five processes and 300 queries has 100,000."""

LARGEST_HEADER = 50_000_000
"""Bytes of a session's header."""

LARGEST_DIRECTORY = 4096
"""Bytes of a zip file's directory. Ours lists seven arrays."""

LONGEST = 200
"""Characters of a library's message that are shown."""

ADVICE = "delete it, and measure anew: effbench latency SUITE"
END = b"PK\x05\x06"
LARGER_END = b"PK\x06\x07"


def read(path: Path) -> tuple[Header, dict[str, NDArray[np.int64]]]:
    """Return the header of a session, and its columns (name -> array [times]).

    Raises:
        EffbenchError: the file is missing, cut off, foreign, of a newer format or too large,
            or its times belong to a row, process, span or query that the header lacks.

    """
    raw = content(path)
    try:
        arrays = dict(_arrays(raw))
    except EffbenchError:
        raise
    except Exception as error:  # numpy and zipfile raise any exception at damaged bytes
        # zipfile puts thousands of the file's bytes into its message
        message = plain_line(str(error), LONGEST)
        raise EffbenchError(f"{path}: no latency session: {message} ({ADVICE})") from error
    data = parsed(arrays.pop("header").tobytes(), path)
    header = _header(data, path)
    columns = {name: column.astype("i8") for name, column in arrays.items()}
    if header.sha256 is not None and header.sha256 != checksum(data, columns):
        raise EffbenchError(f"{path}: its checksum does not hold ({ADVICE})")
    for problem in _problems(header, columns):
        raise EffbenchError(f"{path}: {problem} ({ADVICE})")
    return header, columns


def checksum(header: Mapping[str, Any], columns: Mapping[str, NDArray[Any]]) -> str:
    """Return the SHA-256 of a session: of its header without checksum, and of its columns."""
    plain = {name: value for name, value in header.items() if name != SEAL}
    digest = hashlib.sha256(json.dumps(plain, sort_keys=True).encode())
    for name, kind in COLUMNS.items():
        digest.update(columns[name].astype(kind).tobytes())
    return digest.hexdigest()


def _header(data: Any, path: Path) -> Header:
    version = data.get("format") if isinstance(data, dict) else None
    if type(version) is int and version > FORMAT:
        raise EffbenchError(f"{path}: a session of a newer effbench (upgrade effbench)")
    header: Header = typed(data, Header, path, ADVICE)
    return header


def _arrays(raw: bytes) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield the header and the columns by name; check each size before inflating."""
    import numpy as np

    end = raw[-22:]
    if end[:4] != END or raw[-42:-38] == LARGER_END:
        raise BadZipFile("its end is not that of a zip file of ours")
    if int.from_bytes(end[12:16], "little") > LARGEST_DIRECTORY:
        raise BadZipFile("it holds more than a session")
    count = None
    with ZipFile(io.BytesIO(raw)) as file:
        for name, kind in {"header": "u1", **COLUMNS}.items():
            dtype = np.dtype(kind)
            most = LARGEST_HEADER if name == "header" else MOST_TIMES * dtype.itemsize
            array = _array(_inflated(file, f"{name}.npy", most + 1000), dtype)
            if name != "header":
                count = len(array) if count is None else count
                if len(array) != count:
                    raise BadZipFile("its columns are not of one length")
            yield name, array


def _inflated(file: ZipFile, name: str, most: int) -> bytes:
    info = file.getinfo(name)
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise BadZipFile(f"{name} is packed in another way than ours")
    if info.file_size > most:
        raise BadZipFile(f"{name} has {info.file_size} bytes, and at most {most} are read")
    with file.open(info) as member:
        # read no more than the directory promises: a bomb inflates to more
        data = member.read(info.file_size)
    if len(data) != info.file_size:
        raise BadZipFile(f"{name} is damaged")
    return data


def _array(data: bytes, dtype: np.dtype[Any]) -> NDArray[Any]:
    import numpy as np
    from numpy.lib import format as npy

    file = io.BytesIO(data)
    if npy.read_magic(file) != (1, 0):
        raise BadZipFile("an array of another version than ours")
    shape, _, kind = npy.read_array_header_1_0(file)
    # older files hold the spans as u1
    known = kind.kind == dtype.kind and kind.itemsize <= dtype.itemsize
    array = np.frombuffer(data, kind if known else dtype, offset=file.tell())
    if not known or shape != array.shape:
        raise BadZipFile(f"an array is {kind} of {shape}, not {dtype} of one dimension")
    return array


def _problems(header: Header, columns: Mapping[str, NDArray[np.int64]]) -> Iterator[str]:
    """Yield a message for each column that names something that the header lacks."""
    if not len(columns["ns"]):
        return
    largest = {name: int(column.max()) for name, column in columns.items()}
    processes = [facts.process for facts in header.processes]
    for name, known in (
        ("row", len(header.rows)),
        ("span", len(header.spans)),
        ("query", len(header.queries)),
        ("process", max(processes, default=-1) + 1),
    ):
        if largest[name] >= known:
            yield f"a time is of {name} {largest[name]}, and the header has {known}"
    blocks = columns["block"][columns["block"] != NO_BLOCK]
    known = max((block.block for block in header.blocks), default=-1) + 1
    if len(blocks) and int(blocks.max()) >= known:
        yield f"a time is of block {int(blocks.max())}, and the header has {known}"
    if int(columns["ns"].min()) < 1 or largest["ns"] > 10**15:
        yield "a time is not between 1 ns and 11 days"
