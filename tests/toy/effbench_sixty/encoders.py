"""Hostile encoders."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from effbench_toy import WordsEncoder

import effbench
from effbench_sixty.hostile import ERRORS, Hostile, Table, absent, raising
from effbench_sixty.states import ENDS, OUTPUTS, STATES, STREAMS, UNNAMED


class LyingArray(np.ndarray):
    """Says another length than it has."""

    def __len__(self) -> int:
        return 30


class Shapeless:
    """Looks like an array until somebody asks for its shape."""

    dtype = np.dtype("float32")

    @property
    def shape(self) -> tuple[int, ...]:
        raise SystemExit(0)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise SystemExit(0)


def gone(_: Any, honest: Any) -> Any:
    """Return a mapped file that is deleted."""
    with tempfile.TemporaryDirectory() as folder:
        np.save(path := Path(folder) / "vectors.npy", honest)
        return np.load(path, mmap_mode="r")


def strided(_: Any, honest: Any) -> Any:
    """Return every second row of a larger array, backwards, in another order of bytes."""
    twice = np.repeat(honest[::-1], 2, axis=0).astype(">f4")
    return twice[::-2]


def with_value(value: float) -> Any:
    def deed(_: Any, honest: Any) -> Any:
        honest[2, 1] = value
        return honest

    return deed


ANSWERS = {
    "None": lambda _, __: None,
    "a number": lambda _, __: 0.5,
    "ragged lists": lambda _, honest: [*honest.tolist()[:-1], [1.0]],
    "strings": lambda _, honest: honest.astype(str),
    "objects": lambda _, honest: honest.astype(object),
    "booleans": lambda _, honest: honest > 0.1,
    "complex": lambda _, honest: honest * 1j,
    "dates": lambda _, honest: honest.astype("M8[s]"),
    "NaN": with_value(np.nan),
    "infinity": with_value(-np.inf),
    "3 dimensions": lambda _, honest: honest[None],
    "no width": lambda _, honest: honest[:, :0],
    "a row less": lambda _, honest: honest[1:],
    "no row": lambda _, honest: honest[:0],
    "masked": lambda _, honest: np.ma.masked_less(honest, 0.5),
    "a dictionary": lambda _, honest: dict(enumerate(honest)),
    "a generator": lambda _, honest: iter(honest),
    "a tensor with gradients": lambda _, honest: torch.tensor(honest, requires_grad=True),
    "a sparse tensor": lambda _, honest: torch.tensor(honest).to_sparse(),
    "a tensor without data": lambda _, honest: torch.tensor(honest).to("meta"),
    "a record array": lambda _, __: np.zeros(30, dtype=[("x", "f4")]),
    "no shape": lambda _, __: Shapeless(),
}

FAILS: Table = {
    "init": {name: ERRORS[name] for name in ("Exception", "SystemExit", "GeneratorExit")},
    "encode_corpus": {**ERRORS, **ANSWERS},
    "encode_queries": {
        **{name: ERRORS[name] for name in ("Exception", "SystemExit", "BaseException")},
        "None": lambda _, __: None,
        "another width": lambda _, honest: honest[:, :-1],
        "NaN": with_value(np.nan),
    },
    "method": {"is absent": absent, "SystemExit": ERRORS["SystemExit"]},
}
STANDS: Table = {
    "init": {
        "goes to another folder": STATES["goes to another folder"],
        "prints": OUTPUTS["prints"],
    },
    "encode_corpus": {
        **STATES,
        **OUTPUTS,
        **UNNAMED,
        **ENDS,
        "float16": lambda _, honest: honest.astype(np.float16),
        "Fortran's order": lambda _, honest: np.asfortranarray(honest),
        "strides": strided,
        "a mapped file that is gone": gone,
        "another length": lambda _, honest: honest.view(LyingArray),
    },
    "encode_queries": {
        "seeds": STATES["seeds"],
        "numpy's errors": STATES["numpy's errors"],
        "prints": OUTPUTS["prints"],
    },
    "attribute": {"SystemExit": raising(lambda: SystemExit(0))},
    "describe": {
        **ERRORS,
        "None": lambda _, __: None,
        "a dictionary": lambda _, honest: honest._asdict(),
        "a word": lambda _, honest: honest._replace(query_parameters="many"),
        "NaN": lambda _, honest: honest._replace(query_parameters=float("nan")),
        "infinity": lambda _, honest: honest._replace(query_parameters=1e999),
        "negative": lambda _, honest: honest._replace(query_parameters=-1),
        "digits": lambda _, honest: honest._replace(query_parameters=10**5000),
        "a stage that is a word": lambda _, honest: honest._replace(stages={"pool": "it"}),
        "a count of tokens": lambda _, honest: honest._replace(count_tokens=7),
    },
}
EITHER: Table = {"encode_corpus": STREAMS}
PLANS: Table = {"check": {**ERRORS}}


class SixtyEncoder(Hostile, WordsEncoder):
    """Hashed words, and something hostile."""

    tables = (FAILS, STANDS, EITHER, PLANS)

    def __init__(self, *, does: str) -> None:
        self.does, self.width, self.pause = does, 64, 0.0
        self.at("init")

    def encode_corpus(self, docs):
        return self.at("encode_corpus", super().encode_corpus(docs))

    @property
    def encode_queries(self):
        return self.at("method", self._queries)

    def _queries(self, queries):
        return self.at("encode_queries", super().encode_queries(queries))

    def describe(self):
        return self.at("describe", effbench.Description(query_parameters=7))

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        self.at("attribute")
        raise AttributeError(name)
