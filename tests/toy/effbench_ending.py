"""Rows that end in a way of their own, wherever a plugin is called."""

from __future__ import annotations

import atexit
import errno
import os

import effbench_toy

import effbench
from effbench.cli.commands import main


@effbench.hookimpl
def effbench_datasets():
    return {"ending": EndingDataset}


@effbench.hookimpl
def effbench_trainers():
    return {"ending": EndingTrainer}


@effbench.hookimpl
def effbench_encoders():
    return {"ending": EndingEncoder}


@effbench.hookimpl
def effbench_retrievers():
    return {"ending": EndingRetriever}


@effbench.hookimpl
def effbench_indexes():
    return {"ending": EndingIndex}


class BrokenError(Exception):
    """An error that cannot even be shown."""

    def __str__(self):
        raise SystemExit(0)


WAYS = {
    "exit": lambda: SystemExit(0),
    "generator": GeneratorExit,
    "stop": StopIteration,
    "broken": BrokenError,
    "short": lambda: OSError("96000 requested and 31712 written"),
    "lines": lambda: ValueError("one\ntwo"),
    "disk": lambda: OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a/file"),
}


class Ending:
    """Knows where to end, and how."""

    def __init__(self, at: str = "", how: str = "exit") -> None:
        self.at, self.how = at, how
        self.reach("init")

    @staticmethod
    def check(*, at: str = "", how: str = "exit") -> None:
        if at == "check":
            raise WAYS[how]()

    def reach(self, place):
        if self.at == place:
            if self.how == "within":  # a command of ours that ends well, and then an end
                main(["plugins"], standalone_mode=False)
            if self.how in ("os", "within"):
                os._exit(0)
            if self.how == "at exit":
                atexit.register(lambda: os._exit(0))
                raise ValueError("and later an end")
            if self.how == "straight at exit":
                atexit.register(os._exit, 0)
                raise ValueError("and later an end")
            raise WAYS[self.how]()


class EndingDataset(effbench_toy.ToyDataset):
    """Toys, and an end."""

    def __init__(self, *, at: str = "", how: str = "exit") -> None:
        self.ending = Ending(at, how)
        super().__init__(name="ending")

    def docs_count(self):
        self.ending.reach("docs_count")
        return super().docs_count()

    def docs(self):
        for number, doc in enumerate(super().docs()):
            if number == 3:
                self.ending.reach("docs")
            yield doc

    def queries(self):
        self.ending.reach("queries")
        return super().queries()

    def qrels(self):
        yield from super().qrels()
        self.ending.reach("qrels")

    @property
    def drop_self_hits(self):
        self.ending.reach("drop_self_hits")
        return False


class EndingEncoder(Ending, effbench_toy.WordsEncoder):
    """Hashed words, and an end."""

    width, pause = 64, 0.0

    def encode_corpus(self, docs):
        self.reach("encode_corpus")
        return super().encode_corpus(docs)

    def encode_queries(self, queries):
        self.reach("encode_queries")
        if len(queries) == 1:
            self.reach("alone")
        return super().encode_queries(queries)

    def export(self, folder, passages):
        self.reach("export")


class EndingIndex(Ending, effbench_toy.PlainIndex):
    """All products, and an end."""

    @property
    def nbytes(self):
        self.reach("nbytes")
        return 0

    def build(self, vectors):
        self.reach("build")
        super().build(vectors)

    def save(self, folder):
        self.reach("save")

    def load(self, folder, vectors):
        self.reach("load")
        super().build(vectors)

    def search(self, queries, k):
        self.reach("search")
        if len(queries) == 1:
            self.reach("alone")
        return super().search(queries, k)


class EndingRetriever(Ending, effbench_toy.ScanRetriever):
    """Common words, and an end."""

    twice = False

    def index(self, docs):
        self.reach("index")
        super().index(docs)

    def search(self, queries, k):
        self.reach("search")
        return super().search(queries, k)


class EndingTrainer(Ending):
    """Learns nothing, and ends."""

    def train(self, output_dir, *, seed):
        self.reach("train")
        (output_dir / "words.txt").write_text("oak")
