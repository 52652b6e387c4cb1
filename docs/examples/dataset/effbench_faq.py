"""Questions with answers, from a file of JSON lines: who asks a question wants its answer."""

from __future__ import annotations

from pathlib import Path

import effbench
from effbench import files


@effbench.hookimpl
def effbench_datasets():
    return {"faq": FaqDataset}


class FaqDataset:
    """Lines such as {"id": "1", "question": "...", "answer": "..."}."""

    def __init__(self, *, file: Path) -> None:
        self.file = file
        self.dataset_id = f"faq/{file.stem}"
        self.corpus_key = self.key = files.text_digest(file)

    def docs(self):
        return (effbench.Doc(line["id"], line["answer"]) for line in self.lines())

    def queries(self):
        return (effbench.Query(line["id"], line["question"]) for line in self.lines())

    def qrels(self):
        return (effbench.Qrel(line["id"], line["id"], 1) for line in self.lines())

    def lines(self):
        return (line for _, line in files.json_objects(files.read_lines(self.file)))
