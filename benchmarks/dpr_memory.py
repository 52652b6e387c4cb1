"""Measure the memory that reading a large DPR file takes.

    python benchmarks/dpr_memory.py [--size-gb N] [--folder FOLDER]

The file is made up, in the format of NQ's: each entry has 5 positives, 50 negatives and 100
hard negatives of about 600 random characters, and no text occurs twice. A second process then
reads docs, queries, qrels and docpairs, each once. The memory that it has before is the
memory of Python and effbench. At the end, the file is removed.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from effbench_dpr import Dpr

READS = ("docs", "queries", "qrels", "docpairs")
LETTERS = 600
CONTEXTS = {"positive_ctxs": 5, "negative_ctxs": 50, "hard_negative_ctxs": 100}


def main() -> None:
    """Write the file, read it in another process, and remove it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size-gb", type=float, default=2.0, help="1 GB is 10^9 bytes")
    parser.add_argument("--folder", type=Path, default=Path())
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        read(options.read)
        return
    path = options.folder / "dpr_memory.json"
    try:
        entries = write(path, options.size_gb * 1e9)
        print(f"{path.stat().st_size / 1e6:.0f} MB, {entries} entries", flush=True)
        subprocess.run([sys.executable, __file__, "--read", path], check=True)
    finally:
        path.unlink(missing_ok=True)


def write(path: Path, size: float) -> int:
    """Write entries of at least ``size`` bytes; return how many entries."""
    draw = random.Random(0)
    entries = passages = 0
    with path.open("w", encoding="utf-8") as file:
        file.write("[")
        while file.tell() < size:
            lists = {}
            for key, count in CONTEXTS.items():
                lists[key] = [context(draw, passages + i) for i in range(count)]
                passages += count
            entry = {"dataset": "made_up", "question": f"question {entries}", "answers": ["x"]}
            file.write(",\n" if entries else "\n")
            json.dump(entry | lists, file, indent=4)
            entries += 1
        file.write("\n]\n")
    return entries


def context(draw: random.Random, number: int) -> dict[str, Any]:
    """Return a passage whose text is different from all others."""
    text = draw.randbytes(LETTERS // 2).hex()
    return {"title": f"title {number}", "text": text, "score": 1.5, "passage_id": str(number)}


def read(path: Path) -> None:
    """Print the size of each part, how quickly it is read, and the peak of memory."""
    print(f"before reading: peak memory {peak_mb():.1f} MB")
    dataset = Dpr(path=path)
    megabytes = path.stat().st_size / 1e6
    for name in READS:
        start = perf_counter()
        count = sum(1 for _ in getattr(dataset, name)())
        rate = megabytes / (perf_counter() - start)
        print(f"{count} {name}: {rate:.0f} MB/s, peak memory {peak_mb():.1f} MB", flush=True)


def peak_mb() -> float:
    """Return this process's peak resident memory in MB (10^6 bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


if __name__ == "__main__":
    main()
