"""A collection in BEIR's layout, as a folder and as a zip."""

from __future__ import annotations

import zipfile
from pathlib import Path

from effbench_beir import Beir, Folder

CORPUS = """\
{"_id": "d1", "title": "One", "text": "first text"}
{"_id": "d2", "text": "no title, caf\u00e9 \u2028 line separator"}

{"_id": "\\"d3\\"", "title": "", "text": "an id in quotes", "metadata": {"url": "x"}}
"""


QUERIES = """\
{"_id": "q2", "text": "judged in test"}
{"_id": "q0", "text": "judged in train only"}
{"_id": "q1", "text": "judged in test as well"}
"""


TEST = 'query-id\tcorpus-id\tscore\nq1\td1\t2\nq2\t"""d3"""\t1\nq2\td2\t0 \ngone\td1\t1\n'


TRAIN = "query-id\tcorpus-id\tscore\nq0\td1\t1\n"


def write_folder(folder: Path, **files: str) -> Path:
    contents = {"corpus": CORPUS, "queries": QUERIES, "test": TEST, "train": TRAIN, **files}
    (folder / "qrels").mkdir(parents=True)
    for name, content in contents.items():
        path = f"{name}.jsonl" if name in ("corpus", "queries") else f"qrels/{name}.tsv"
        (folder / path).write_bytes(content.encode("utf-8", "surrogateescape"))
    return folder


def write_zip(
    archive: Path, folder: Path, inside: str, method: int = zipfile.ZIP_DEFLATED
) -> Path:
    with zipfile.ZipFile(archive, "w", method) as opened:
        for path in sorted(folder.rglob("*.*")):
            opened.write(path, f"{inside}{path.relative_to(folder).as_posix()}")
    return archive


def read_all(dataset: Folder | Beir) -> None:
    for read in (dataset.docs, dataset.qrels, dataset.queries):
        list(read())
