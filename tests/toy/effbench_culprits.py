"""Rows that fail in every place where the harness calls them, until they are mended."""

from __future__ import annotations

import asyncio
import errno
import os

import effbench_toy

import effbench


@effbench.hookimpl
def effbench_datasets():
    return {"culprit": CulpritDataset}


@effbench.hookimpl
def effbench_encoders():
    return {"culprit": CulpritEncoder, "table-or-not": TableOrNot}


@effbench.hookimpl
def effbench_indexes():
    return {"culprit": CulpritIndex}


@effbench.hookimpl
def effbench_retrievers():
    return {"culprit": CulpritRetriever}


@effbench.hookimpl
def effbench_trainers():
    return {"culprit": CulpritTrainer}


def wrong(is_wrong):
    """Tell whether a row is to go wrong: not once its author has mended it."""
    return is_wrong and "TOY_MENDED" not in os.environ


class EvilError(Exception):
    """An error of which nothing can be shown."""

    def __str__(self):
        raise SystemExit(0)

    __repr__ = __str__

    @property
    def __notes__(self):
        raise SystemExit(0)


class EvilStr(str):
    """A string that raises when it is used."""

    def __hash__(self):
        raise RuntimeError("no hash")


def recursion():
    return recursion()


def wrapped(code):
    try:
        raise OSError(code, os.strerror(code), "a/file")
    except OSError as error:
        raise RuntimeError("could not save") from error


WAYS = {
    "exit": lambda: raised(SystemExit(0)),
    "generator": lambda: raised(GeneratorExit()),
    "cancelled": lambda: raised(asyncio.CancelledError()),
    "memory": lambda: raised(MemoryError()),
    "recursion": recursion,
    "evil": lambda: raised(EvilError()),
    "half": lambda: raised(ValueError("half \ud83d")),
    "own words": lambda: raised(effbench.EffbenchError("half \ud83d of it")),
    "long": lambda: raised(ValueError("x" * 10_000_000)),
    "base": lambda: raised(BaseException("base")),
    "missing": lambda: raised(FileNotFoundError(errno.ENOENT, "No such file", "mine")),
    "full": lambda: raised(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a/file")),
    "quota": lambda: raised(OSError(errno.EDQUOT, os.strerror(errno.EDQUOT), "a/file")),
    "broken disk": lambda: raised(OSError(errno.EIO, os.strerror(errno.EIO), "a/file")),
    "wrapped": lambda: wrapped(errno.ENOSPC),
}


def raised(error):
    raise error


class CulpritDataset(effbench_toy.ToyDataset):
    """Toys, of which one is wrong."""

    def __init__(self, *, bad: str) -> None:
        super().__init__(name="culprit")
        self.bad = bad

    def docs(self):
        for doc in super().docs():
            yield self.instead(doc) if doc.doc_id == "d3" and wrong(self.bad) else doc

    def instead(self, doc):
        values = {
            "blank id": doc._replace(doc_id="d 3"),
            "line in id": doc._replace(doc_id="d\n3"),
            "empty id": doc._replace(doc_id=""),
            "no id": doc._replace(doc_id=None),
            "number": doc._replace(doc_id=3),
            "no text": doc._replace(text=None),
            "tuple": tuple(doc),
            "nothing": None,
        }
        return values.get(self.bad, doc)

    def queries(self):
        for query in super().queries():
            yield self.other(query) if query.query_id == "q2" and wrong(self.bad) else query

    def other(self, query):
        values = {
            "query": query._replace(query_id="q 2"),
            "question": query._replace(text=None),
            "no query": None,
        }
        return values.get(self.bad, query)

    def qrels(self):
        for qrel in super().qrels():
            first = qrel.query_id == "q2" and wrong(self.bad)
            values = {
                "True": qrel._replace(relevance=True),
                "None": qrel._replace(relevance=None),
                "half": qrel._replace(relevance=0.5),
                "no qrel": 7,
            }
            yield values.get(self.bad, qrel) if first else qrel


class Raising:
    """Raises in a place, in a way."""

    def __init__(self, *, at: str = "", how: str = "exit") -> None:
        self.at, self.how = at, how

    def reach(self, place):
        if wrong(self.at == place):
            WAYS[self.how]()


class CulpritEncoder(Raising, effbench_toy.WordsEncoder):
    """Hashed words."""

    width, pause = 64, 0.0

    def describe(self):
        self.reach("describe")
        return effbench.Description(query_parameters=7)

    @property
    def encode_corpus(self):
        self.reach("attribute")
        return self.encoded

    def encoded(self, docs):
        if wrong(self.at == "second shard") and docs[0].doc_id != "d0":
            raise RuntimeError("second shard")
        vectors = effbench_toy.bag([doc.default_text() for doc in docs], self.width)
        return vectors[:, ::-1] if wrong(self.at == "second shard") else vectors

    def encode_queries(self, queries):
        self.reach("encode_queries")
        return super().encode_queries(queries)


class CulpritIndex(Raising, effbench_toy.PlainIndex):
    """All products, kept on disk."""

    def __init__(self, *, at: str = "", how: str = "exit") -> None:
        super().__init__(at=at, how=how)
        if wrong(at == "no search"):
            self.search = None

    @property
    def nbytes(self):
        self.reach("nbytes")
        return 8

    def build(self, vectors):
        self.reach("build")
        if wrong(self.at == "row"):
            vectors[3]
        if wrong(self.at == "step"):
            vectors[::2]
        self.vectors = vectors[:]

    def save(self, folder):
        self.reach("save")
        if wrong(self.at == "link"):
            (folder / "vectors").symlink_to("/etc/hostname")
        if wrong(self.at == "removes"):
            folder.rmdir()
            return
        (folder / "kept").write_text("rubbish" if wrong(self.at == "rubbish") else "whole")

    def load(self, folder, vectors):
        self.reach("load")
        if (folder / "kept").read_text() != "whole":
            raise ValueError("rubbish is kept")
        self.vectors = vectors[:]


class CulpritRetriever(Raising, effbench_toy.ScanRetriever):
    """Common words."""

    twice = False

    @property
    def nbytes(self):
        self.reach("nbytes")
        return 0

    def index(self, docs):
        if self.at == "hides":
            try:
                super().index(docs)
            except Exception as error:
                raise RuntimeError("mine") from error
        super().index(docs)

    def search(self, queries, k):
        found = super().search(queries, k)
        if wrong(self.at == "evil hits"):
            return [[(EvilStr(d), EvilFloat(s)) for d, s in hits] for hits in found]
        return found


class EvilFloat(float):
    """A number that raises when it is used."""

    def __float__(self):
        raise RuntimeError("no number")


class CulpritTrainer:
    """Writes a word, and what it should not."""

    def __init__(self, *, leaves: str) -> None:
        self.leaves = leaves

    def train(self, output_dir, *, seed):
        if not wrong(self.leaves):
            (output_dir / "word").write_text("oak")
            return
        texts = {
            "infinity": '{"loss": 1e999}',
            "nan": '{"loss": NaN}',
            "no json": "{",
            "list": "[1]",
            "half": '{"word": "\\ud83d"}',
            "deep": "[" * 100_000,
            "huge": '{"words": "' + "x" * 2_000_000 + '"}',
        }
        about = output_dir / effbench.ABOUT
        if self.leaves in texts:
            (output_dir / "word").write_text("oak")
            about.write_text(texts[self.leaves])
        if self.leaves == "folder":
            about.mkdir()
        if self.leaves == "link out":
            (output_dir / "weights").symlink_to("/etc/hostname")
        if self.leaves == "removed":
            output_dir.rmdir()
        if self.leaves == "raised":
            about.write_text(texts["infinity"])
            raise ValueError("raised")


class TableOrNot(effbench_toy.WordsQueries):
    """Hashed words, whatever was trained."""

    def __init__(self, model: effbench.TrainedModel) -> None:
        super().__init__()
        self.word = (model.folder / "word").read_text()
