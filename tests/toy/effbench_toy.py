"""A plugin of toys: quick, exact, and wrong in every way that a plugin can be wrong."""

from __future__ import annotations

import os
import shutil
import time
import zlib
from pathlib import Path
from typing import Literal

import effbench


@effbench.hookimpl
def effbench_datasets():
    return {"toy": ToyDataset, "paired": PairedDataset}


@effbench.hookimpl
def effbench_encoders():
    return {
        "words": WordsEncoder,
        "bad": BadEncoder,
        "words-queries": WordsQueries,
        "typed": TypedQueries,
        "odd": OddQueries,
        "staged": StagedQueries,
        "table": TableEncoder,
        "table-in": table_in,
    }


@effbench.hookimpl
def effbench_trainers():
    return {"table": TableTrainer, "centroids": CentroidTrainer, "nearest": NearestTrainer}


@effbench.hookimpl
def effbench_retrievers():
    return {"scan": ScanRetriever}


@effbench.hookimpl
def effbench_indexes():
    return {"plain": PlainIndex, "near": NearIndex}


@effbench.hookimpl
def effbench_ready_rows():
    return {
        "encoders": {
            "ready-words": {"use": "words", "width": 32},
            "ready-broken": {"use": "words", "widht": 32},
        },
        "retrievers": {"ready-scan": {"use": "scan"}},
    }


THINGS = ("apple", "boat", "cloud", "door", "eagle", "fire", "glass", "house", "iron", "jar",
          "kite", "lamp", "moon", "nest", "oak")  # fmt: skip


class ToyDataset:
    """Docs of two things each; a query names both, the doc that has them is relevant."""

    drop_self_hits = False

    def __init__(self, *, docs: int = 60, name: str = "toy", broken: str = "") -> None:
        if docs < 1:
            raise effbench.EffbenchError(f"docs: {docs} is too few (give 1 or more)")
        self.dataset_id = name
        self.corpus_key = f"toy:{docs}:{broken}"
        self.key = f"toy:{docs}:{name}:{broken}"
        self._docs, self._broken = docs, broken

    def docs_count(self):
        return self._docs

    def docs(self):
        if self._broken == "offline":
            raise effbench.EffbenchError("toy: the host cannot be reached (connect)")
        for i in range(self._docs):
            same = "d0" if self._broken == "double" and i == 3 else f"d{i}"
            yield effbench.Doc(same, self._text(i), title=f"no {i}")

    def queries(self):
        for i in range(0, self._docs, 2):
            yield effbench.Query(f"q{i}", self._text(i))

    def qrels(self):
        for i in range(0, 0 if self._broken == "unjudged" else self._docs, 2):
            yield effbench.Qrel(f"q{i}", f"d{i}", 1)

    def _text(self, i):
        return f"{THINGS[i % 15]} {THINGS[i * 7 // 15 % 15]} {THINGS[i * 11 // 4 % 15]}"


class PairedDataset(ToyDataset):
    """The same with training pairs of its own."""

    def docpairs(self):
        for qrel in self.qrels():
            number = int(qrel.doc_id[1:])
            yield effbench.DocPair(qrel.query_id, qrel.doc_id, f"d{number + 1}")
            yield effbench.DocPair(qrel.query_id, qrel.doc_id, "gone")


def note(line):
    """Add a line to the log that a test asks for."""
    if "TOY_LOG" in os.environ:
        with Path(os.environ["TOY_LOG"]).open("a") as log:
            log.write(f"{line}\n")


def bag(texts, width):
    """Return normalised counts of hashed words."""
    import numpy as np

    vectors = np.full((len(texts), width), 1e-3, dtype=np.float32)
    for row, text in enumerate(texts):
        for word in text.split():
            vectors[row, zlib.crc32(word.encode()) % width] += 1
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class WordsQueries:
    """Hashed words, queries only."""

    def __init__(self, *, width: int = 64) -> None:
        self.width = width

    def encode_queries(self, queries):
        return bag(queries, self.width)


class TypedQueries(WordsQueries):
    """Hashed words, read while the query is typed; logs what it is asked."""

    def __init__(self, *, width: int = 64, words: int | None = None) -> None:
        super().__init__(width=width)
        self.words = words

    def encode_queries(self, queries):
        note(f"encode {len(queries)}")
        return self._vectors(queries)

    def describe(self):
        return effbench.Description(query_parameters=1_234_567)

    def start(self):
        note("start")
        return ""

    def advance(self, state, text):
        note(f"advance {text!r} after {state!r}")
        return text

    def finish(self, state, text):
        note(f"finish {text!r} after {state!r}")
        return self._vectors([text])

    def _vectors(self, queries):
        return bag([" ".join(query.split()[: self.words]) for query in queries], self.width)


class OddQueries(WordsQueries):
    """Hashed words; something happens when a query comes alone."""

    def __init__(
        self,
        *,
        odd: Literal[
            "crashes", "raises", "hangs", "is killed", "remembers", "sleeps", "prints"
        ],
        text: str = "",
        ms: float = 20.0,
    ) -> None:
        super().__init__()
        self.odd, self.text, self.seconds, self.known = odd, text, ms / 1e3, {}

    def encode_queries(self, queries):
        return super().encode_queries(queries) if len(queries) > 1 else self.alone(queries[0])

    def alone(self, query):
        if self.odd == "crashes":
            os._exit(7)
        if self.odd == "raises":
            raise RuntimeError("out of luck")
        if self.odd == "hangs":
            time.sleep(60)
        if self.odd == "is killed":
            os.kill(os.getpid(), 9)
        if self.odd == "prints":
            print("noise")  # noqa: T201
        if (self.odd == "sleeps" and query == self.text) or (
            self.odd == "remembers" and query not in self.known
        ):
            time.sleep(self.seconds)
        self.known[query] = True
        return super().encode_queries([query])


class StagedQueries(WordsQueries):
    """Hashed words, split into stages; tells how much it reads."""

    def describe(self):
        return effbench.Description(
            stages={"tokenise": self.tokenise, "pool": self.pool},
            count_tokens=lambda queries: [10 * len(query.split()) for query in queries],
            bytes_read=lambda tokens: 1_000_000 * tokens,
        )

    def tokenise(self, texts):
        return [text.split() for text in texts]

    def pool(self, words):
        time.sleep(0.002)
        return bag([" ".join(one) for one in words], self.width)

    def encode_queries(self, queries):
        return self.pool([query.split() for query in queries])


class WordsEncoder(WordsQueries):
    """Hashed words."""

    def __init__(
        self,
        *,
        width: int = 64,
        lower: effbench.QueryOnly[bool] = False,
        pause_ms: effbench.SpeedOnly[float] = 0.0,
        device: effbench.SpeedOnly[str] = "cpu",
    ) -> None:
        self.width, self.pause = width, pause_ms / 1e3
        note(f"made {device}")

    def encode_corpus(self, docs):
        time.sleep(self.pause * len(docs))
        note(f"encoded {docs[0].doc_id} {len(docs)}")
        return bag([doc.default_text() for doc in docs], self.width)

    def export(self, folder, passages):
        (folder / "width.txt").write_text(str(self.width))


class BadEncoder(WordsEncoder):
    """Hashed words, with something wrong."""

    def __init__(
        self, *, wrong: Literal["raises", "nan", "shape", "rows", "int", "query-width"]
    ):
        super().__init__()
        self.wrong = wrong

    def encode_queries(self, queries):
        return bag(queries, 32 if self.wrong == "query-width" else self.width)

    def encode_corpus(self, docs):
        import numpy as np

        vectors = super().encode_corpus(docs)
        if self.wrong == "raises":
            raise RuntimeError("out of luck")
        if self.wrong == "nan":
            vectors[3, 0] = np.nan
        if self.wrong == "int":
            return vectors.astype(int)
        if self.wrong == "shape":
            return vectors.ravel()
        return vectors[:-1] if self.wrong == "rows" else vectors


class PlainIndex:
    """All products, sorted."""

    def __init__(self, *, lose: int = 0) -> None:
        self.lose = lose

    @staticmethod
    def exact(**_):
        return True

    @property
    def nbytes(self):
        return self.vectors.nbytes

    def build(self, vectors):
        self.vectors = vectors[:]

    def search(self, queries, k, depth: int | None = None):
        import numpy as np

        scores = np.round(queries @ self.vectors.T, 4)  # equal ones tie with any BLAS
        order = np.argsort(-scores, axis=1, kind="stable")[:, : depth or k]
        return np.take_along_axis(scores, order, axis=1), order


class NearIndex(PlainIndex):
    """Misses every doc whose position is a multiple of ``miss``; 0 misses none."""

    @staticmethod
    def exact(**_):
        return False

    def search(self, queries, k, miss: int = 0):
        import numpy as np

        scores, order = super().search(queries, len(self.vectors))
        seen = order % miss > 0 if miss else np.ones_like(order, bool)
        kept = np.argsort(~seen, axis=1, kind="stable")[:, : min(k, seen[0].sum())]
        return np.take_along_axis(scores, kept, axis=1), np.take_along_axis(order, kept, axis=1)


class ScanRetriever:
    """Counts common words."""

    nbytes = 0

    def __init__(self, *, twice: bool = False) -> None:
        self.twice = twice

    def index(self, docs):
        self.docs = [(doc.doc_id, set(doc.default_text().split())) for doc in docs]

    def search(self, queries, k):
        found = []
        for query in queries:
            words = set(query.split())
            hits = [
                effbench.ScoredDoc(d, float(len(words & w))) for d, w in self.docs if words & w
            ]
            found.append(
                sorted(hits, key=lambda hit: -hit.score)[:k] * (2 if self.twice else 1)
            )
        return found


class TableTrainer:
    """Learns a vector for each word: the mean of the vectors of the texts that hold it."""

    def __init__(
        self,
        targets: effbench.EncodedTexts,
        *,
        start: effbench.TrainedModel | None = None,
        fail: bool = False,
        about: str = "",
    ) -> None:
        self.targets, self.start, self.fail, self.about = targets, start, fail, about

    def train(self, output_dir, *, seed):
        import numpy as np

        note(
            f"trained on {len(self.targets.texts)} texts of {self.targets.encoder}, seed {seed}"
        )
        if self.targets.weights is not None:
            note(f"weights {sorted(set(self.targets.weights.tolist()))}")
        vectors, words = self.targets.vectors[:], {}
        for text, vector in zip(self.targets.texts, vectors, strict=True):
            for word in text.split():
                words.setdefault(word, []).append(vector)
        (output_dir / "words.txt").write_text("\n".join(words))
        if self.about:
            (output_dir / effbench.ABOUT).write_text(self.about)
        if self.fail:
            raise effbench.EffbenchError("the loss is not a number (lower learning_rate)")
        np.save(
            output_dir / "table.npy", np.array([np.mean(v, axis=0) for v in words.values()])
        )


class CentroidTrainer:
    """Learns a vector for each word of the queries: the mean of their good docs' vectors."""

    def __init__(
        self, data: effbench.Examples, *, start: effbench.TrainedModel | None = None
    ) -> None:
        self.data, self.start = data, start

    def train(self, output_dir, *, seed):
        import numpy as np

        data, words = self.data, {}
        bad = sum(map(len, data.negatives))
        note(f"trained on {len(data.queries)} queries, {len(data.docs)} docs, {bad} bad")
        for query, good in zip(data.queries, data.positives, strict=True):
            note(f"example {query} | {' | '.join(data.docs[i].text for i in good)}")
            for word in query.split():
                if data.vectors:
                    words.setdefault(word, []).append(data.vectors(good).mean(0))
        (output_dir / "words.txt").write_text("\n".join(words))
        np.save(output_dir / "table.npy", np.array([sum(v) for v in words.values()]))


class NearestTrainer:
    """Takes the table of the domain whose queries are nearest."""

    def __init__(self, domains: effbench.DomainModels) -> None:
        self.domains = domains

    def train(self, output_dir, *, seed):
        target = self.domains.target.queries.mean(0)
        best = max(self.domains.sources, key=lambda one: float(one.queries.mean(0) @ target))
        for path in sorted(best.model.folder.iterdir()):
            shutil.copy(path, output_dir)


class TableEncoder:
    """Adds up the vectors of words that were learnt; queries only."""

    def __init__(self, model: effbench.TrainedModel) -> None:
        import numpy as np

        self.folder = model.folder
        words = (model.folder / "words.txt").read_text().split("\n")
        self.table = dict(zip(words, np.load(model.folder / "table.npy"), strict=True))
        self.width = len(next(iter(self.table.values())))

    def encode_queries(self, queries):
        import numpy as np

        vectors = np.full((len(queries), self.width), 1e-6, dtype=np.float32)
        for row, query in enumerate(queries):
            for word in query.split():
                vectors[row] += self.table.get(word, 0)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def export(self, folder, passages):
        passages.rename(folder / "passages")
        shutil.copy(self.folder / "table.npy", folder)


def table_in(model: effbench.ModelId):
    """Open what a trainer learnt, named as any model."""
    return TableEncoder(effbench.TrainedModel("model", Path(model)))
