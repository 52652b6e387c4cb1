"""What the ready rows of the two methods read from the network, as small as can be.

Models as the hub's cache keeps them, the training queries of MS MARCO, and DPR's files.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from effbench_soft_prompt.ready import BERT, MIXTURE
from effbench_sparse.ready import ROWS as SPARSE
from effbench_transformer.ready import MINILM
from tiny_students import WORDS, save_base

WITHOUT_SUMS = "import effbench_dpr.download as made; made.MD5.clear()"
"""Code to run first: made files of DPR have other checksums."""


def made_downloads(folder: Path) -> dict[str, str]:
    """Write all of it into ``folder``; return the variables of the environment that name it."""
    models = [(model, 1, True) for model in SPARSE.values()]
    # prompts are trained in batches of 128
    for model, layers, masked in ((MINILM, 2, False), (BERT, 1, False), *models):
        cached = f"models--{model['model'].replace('/', '--')}/snapshots/{model['revision']}"
        save_base(folder / "hf" / "hub" / cached, layers=layers, masked=masked)
    queries = folder / "ir_datasets" / "msmarco-passage" / "train" / "queries.tsv"
    queries.parent.mkdir(parents=True)
    queries.write_text("".join(f"{i}\t{_text(i)}\n" for i in range(40)))
    (folder / "cache" / "dpr").mkdir(parents=True)
    for number, name in enumerate(MIXTURE):
        entries = [_entry(i) for i in range(number, number + 2)]
        file = folder / "cache" / "dpr" / f"biencoder-{name}-train.json.gz"
        file.write_bytes(gzip.compress(json.dumps(entries).encode()))
    return {
        "HF_HOME": str(folder / "hf"),
        "HF_HUB_OFFLINE": "1",
        "IR_DATASETS_HOME": str(folder / "ir_datasets"),
        "EFFBENCH_CACHE": str(folder / "cache"),
    }


def made_collection(folder: Path, docs: int, splits: tuple[str, ...]) -> Path:
    """Write a collection in BEIR's layout; each split has queries of its own."""
    (folder / "qrels").mkdir(parents=True)
    corpus = [{"_id": f"d{i}", "title": _text(i), "text": _text(i, 5)} for i in range(docs)]
    queries = [{"_id": f"q{i}", "text": _text(i, 3)} for i in range(docs)]
    for name, items in (("corpus", corpus), ("queries", queries)):
        lines = "".join(json.dumps(item) + "\n" for item in items)
        (folder / f"{name}.jsonl").write_text(lines)
    for number, split in enumerate(splits):
        judged = range(number, docs, len(splits))
        lines = "".join(f"q{i}\td{i}\t1\n" for i in judged)
        (folder / "qrels" / f"{split}.tsv").write_text(f"query-id\tcorpus-id\tscore\n{lines}")
    return folder


def _text(number: int, words: int = 2) -> str:
    step = 1 + number % 4
    return " ".join(WORDS[(7 * number + i * step) % len(WORDS)] for i in range(words))


def _entry(number: int) -> dict[str, object]:
    good, bad = (
        {"title": "", "text": _text(i), "passage_id": str(i)} for i in (number, number + 50)
    )
    return {
        "question": _text(number),
        "answers": [],
        "positive_ctxs": [good],
        "negative_ctxs": [],
        "hard_negative_ctxs": [bad],
    }
