"""Hostile indexes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from effbench_toy import PlainIndex

from effbench_sixty.hostile import ERRORS, Hostile, Table, absent
from effbench_sixty.states import OUTPUTS, STATES

MAPPED: list[Any] = []
"""Files that stay open."""


def pair(change: Any) -> Any:
    """Return the deed of changing scores and positions."""

    def deed(_: Any, honest: Any) -> Any:
        scores, positions = (array.copy() for array in honest)
        return change(scores, positions)

    return deed


def put(row: int, column: int, value: int) -> Any:
    def change(scores: Any, positions: Any) -> Any:
        positions[row, column] = value
        return scores, positions

    return pair(change)


def score(value: float) -> Any:
    def change(scores: Any, positions: Any) -> Any:
        scores[1, 0] = value
        return scores, positions

    return pair(change)


def writes_into_vectors(index: Any, honest: Any) -> Any:
    """Write into what it was given: all other rows read the same file."""
    index.given[:][:] = 0
    return honest


def writes_into_queries(index: Any, honest: Any) -> Any:
    index.asked[:] = 0
    return honest


def deletes(parent: int) -> Any:
    """Return the deed of deleting the folder that lies so far above its own."""

    def deed(_: Any, folder: Path) -> Any:
        shutil.rmtree(folder.parents[parent - 1] if parent else folder)
        return folder

    return deed


def spoils(_: Any, folder: Path) -> Any:
    """Write into the folder that it loads from: it belongs to all who search it."""
    (folder / "vectors.npy").write_bytes(b"nothing")
    return folder


def keeps_open(_: Any, folder: Path) -> Any:
    MAPPED.append(np.load(folder / "vectors.npy", mmap_mode="r"))
    return folder


def links_out(_: Any, folder: Path) -> Any:
    (folder / "link").symlink_to("/etc/passwd")
    return folder


def links_in_a_circle(_: Any, folder: Path) -> Any:
    (folder / "link").symlink_to("link")
    return folder


def links_to_zeros(_: Any, folder: Path) -> Any:
    (folder / "link").symlink_to("/dev/zero")
    return folder


def makes_a_pipe(_: Any, folder: Path) -> Any:
    os.mkfifo(folder / "pipe")
    return folder


def odd_name(_: Any, folder: Path) -> Any:
    Path(os.fsdecode(bytes(folder) + b"/\xff\n")).write_bytes(b"x")
    return folder


ANSWERS = {
    "None": lambda _, __: None,
    "three things": lambda _, honest: (*honest, 7),
    "a generator": lambda _, honest: iter(honest),
    "scores alone": lambda _, honest: honest[0],
    "a position beyond the end": put(0, 3, 10_000),
    "a negative position": put(0, 3, -7),
    "a doc twice": pair(lambda scores, at: (scores, at[:, [0, 0]])),
    "rising scores": pair(lambda scores, at: (scores[:, ::-1], at[:, ::-1])),
    "NaN": score(np.nan),
    "infinity": score(np.inf),
    "more than floats hold": pair(lambda scores, at: (scores.astype("f8") * 1e300, at)),
    "one query less": pair(lambda scores, at: (scores[1:], at[1:])),
    "ragged lists": lambda _, honest: ([[1.0], [1.0, 0.5]], [[0], [0, 1]]),
    "strings": pair(lambda scores, at: (scores.astype(str), at)),
    "positions as floats": pair(lambda scores, at: (scores, at.astype("f4"))),
    "complex": pair(lambda scores, at: (scores * 1j, at)),
    "objects": pair(lambda scores, at: (scores.astype(object), at.astype(object))),
    "flat": pair(lambda scores, at: (scores.ravel(), at.ravel())),
}

FAILS: Table = {
    "init": {name: ERRORS[name] for name in ("Exception", "BaseException")},
    "build": {name: ERRORS[name] for name in ("Exception", "SystemExit", "MemoryError")},
    "save": {
        "SystemExit": ERRORS["SystemExit"],
        "an error of a file": ERRORS["an error of a file"],
        "deletes its folder": deletes(0),
    },
    "load": {
        "CancelledError": ERRORS["CancelledError"],
        "UnicodeDecodeError": ERRORS["UnicodeDecodeError"],
    },
    "nbytes": {
        "SystemExit": ERRORS["SystemExit"],
        "is absent": absent,
        "a word": lambda _, __: "many",
        "NaN": lambda _, __: float("nan"),
        "negative": lambda _, __: -1,
        "digits": lambda _, __: 10**5000,
    },
    "search": {
        **{n: ERRORS[n] for n in ("Exception", "GeneratorExit", "RecursionError", "no text")},
        **ANSWERS,
    },
}
STANDS: Table = {
    "build": {"torch's dtype": STATES["torch's dtype"]},
    "search": {
        "more than k": lambda _, honest: honest,  # PlainIndex returns all that it holds
        "writes into the vectors": writes_into_vectors,
        "writes into the queries": writes_into_queries,
        "positions of another width": pair(lambda scores, at: (scores, at.astype("i1"))),
        "no hit at all": pair(lambda scores, at: (scores, np.full_like(at, -1))),
        "prints": OUTPUTS["prints"],
        "warnings are errors": STATES["warnings are errors"],
    },
    "nbytes": {"more than 64 bits": lambda _, __: 2**70},
    "load": {"keeps a file open": keeps_open},
}
EITHER: Table = {
    "save": {
        "a link out of the folder": links_out,
        "a link to itself": links_in_a_circle,
        "a link to endless zeros": links_to_zeros,
        "a pipe": makes_a_pipe,
        "a name that is no text": odd_name,
    },
    "load": {
        "spoils its files": spoils,
        "deletes its files": deletes(0),
        "deletes its step": deletes(1),
        "deletes all indexes": deletes(2),
        "deletes the store": deletes(3),
    },
}
PLANS: Table = {"check": {"BaseException": ERRORS["BaseException"]}}


class SixtyIndex(Hostile, PlainIndex):
    """All products, kept on disk, and something hostile."""

    tables = (FAILS, STANDS, EITHER, PLANS)

    def __init__(self, *, does: str) -> None:
        self.does, self.lose = does, 0
        self.at("init")

    def build(self, vectors):
        self.at("build")
        self.given = vectors
        super().build(vectors)

    def save(self, folder):
        np.save(folder / "vectors.npy", self.vectors)
        self.at("save", folder)

    def load(self, folder, vectors):
        self.given, self.vectors = vectors, np.load(folder / "vectors.npy")
        self.at("load", folder)

    @property
    def nbytes(self):
        return self.at("nbytes", 7)

    def search(self, queries, k):
        self.asked = queries
        return self.at("search", super().search(queries, k))
