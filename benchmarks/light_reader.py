"""Measure exported query encoders: the light reader, effbench's own row, Sentence Transformers.

    python benchmarks/light_reader.py [--shape minilm|bert-base] [--queries FILE] [--threads N]

Students have a real tokenizer, and random weights, which do not change times. They are
exported as ``effbench export`` does it. All three read the same query in turn, one query at a
time and in one process, so other work of the machine slows all equally. A ratio above 1 means
slower than the row, whose time is in the leaderboard. FILE has a query in each line; if a line
has tabs, the query is the last column.
"""

from __future__ import annotations

import importlib.util
import statistics
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from query_latency import SHAPES, Call, make_base, measure, parse, print_machine, read, student
from sentence_transformers import SentenceTransformer
from threadpoolctl import threadpool_limits
from transformers.utils.logging import disable_progress_bar

from effbench import ModelId
from effbench_transformer import TransformerEncoder


class Kind(NamedTuple):
    """A student, and the options with which its row reads it."""

    cell: str
    int8: bool = False
    precompute: bool = False
    table: Literal["int8", "int4"] | None = None


KINDS = {
    "static": Kind("static"),
    "static, int8 words": Kind("static", table="int8"),
    "static, int4 words": Kind("static", table="int4"),
    "GRU": Kind("gru"),
    "GRU, precomputed": Kind("gru", precompute=True),
    "GRU, int8": Kind("gru", int8=True),
    "LSTM": Kind("lstm"),
    "LSTM, int8": Kind("lstm", int8=True),
}


def main() -> None:
    """Print a line for each student."""
    options = parse(__doc__, shape="minilm", count=300)
    disable_progress_bar()
    torch.set_num_threads(options.threads)
    queries = read(options.queries, options.count)
    print_machine(options.threads)
    print(f"{options.shape}, {len(queries)} queries, {options.rounds} rounds, p50 in ms\n")
    print("| student | row | light reader | ratio | Sentence Transformers | ratio | apart |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    with threadpool_limits(options.threads), TemporaryDirectory() as folder:
        base = make_base(SHAPES[options.shape], Path(folder, "base"))
        for name, kind in KINDS.items():
            print_row(name, kind, base, queries, options.rounds)


def print_row(name: str, kind: Kind, base: Path, queries: list[str], rounds: int) -> None:
    """Print a student's times, and how far the light reader's vectors are from the row's."""
    calls = readers(kind, base)
    samples = measure(calls, {}, queries, rounds)
    row, light, library = (statistics.median(times) * 1e3 for times in samples.values())
    row_call, light_call = calls["row"], calls["light"]
    distance = max(
        float(np.abs(row_call(query) - light_call(query)).max()) for query in queries
    )
    print(
        f"| {name} | {row:.3f} | {light:.3f} | {light / row:.2f} "
        f"| {library:.3f} | {library / row:.1f} | {distance:.0e} |"
    )


def readers(kind: Kind, base: Path) -> dict[str, Call]:
    """Export a student; return the functions that encode a query, by their names.

    They are the row, the light reader of the export, and Sentence Transformers.
    """
    how = {"int8": kind.int8, "precompute": kind.precompute, "table": kind.table}
    encoder: Any = student(base, base.parent, kind.cell, 1, **how)
    folder = base.parent / "-".join(map(str, kind))
    with TemporaryDirectory() as passages:
        TransformerEncoder(ModelId(str(base)), normalize=True).export(Path(passages), None)
        folder.mkdir()
        encoder.export(folder, Path(passages))
    spec: Any = importlib.util.spec_from_file_location("reader", folder / "reader.py")
    reader = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reader)
    light = reader.Encoder(folder)
    library = SentenceTransformer(str(folder), device="cpu", trust_remote_code=True)
    return {
        "row": lambda query: encoder.encode_queries([query]),
        "light": lambda query: light.encode([query]),
        "library": lambda query: library.encode_query([query], show_progress_bar=False),
    }


if __name__ == "__main__":
    main()
