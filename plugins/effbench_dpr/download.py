"""The download of DPR's files: their names, their host and their checksums."""

from __future__ import annotations

from pathlib import Path

from effbench.files import fetch

HOST = "https://dl.fbaipublicfiles.com/dpr/data/retriever"
NAMES = ("nq", "trivia", "webquestions", "curatedtrec", "squad1")
# From etc/downloads.json of ir_datasets (dpr-w100). Nobody publishes the other checksums.
MD5 = {
    "nq-train": "a1c927b5adae71388eb064329387709f",
    "nq-dev": "2640483dbe0df7ae29c6da419c551a80",
    "trivia-train": "5aa4d3577c91425cd20e239ed89a252b",
    "trivia-dev": "d559dffe09acfe5a6370adea55b8abf2",
}


def fetch_file(stem: str, folder: Path) -> Path:
    """Return the file of ``stem`` (such as nq-dev) in ``folder``, downloaded and checked.

    Raises:
        EffbenchError: the file cannot be downloaded, or its checksum is wrong.

    """
    name = f"biencoder-{stem}.json.gz"
    return fetch("dpr", f"{HOST}/{name}", folder / name, MD5.get(stem))
