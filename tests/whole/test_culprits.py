"""Whatever a plugin raises or returns: one line names its row and its plugin."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from made_plugins import offering

SOURCE = """
from effbench_toy import ScanRetriever, ToyDataset

def words(): raise effbench.EffbenchError("my words (mend it)")
def no_data(): raise effbench.NoDataError("my data (bring it)")
def key(): return {}["wanted"]
def leave(): sys.exit(3)
def wrong(): return ["seven"]
DEEDS = {f.__name__: f for f in (words, no_data, key, leave, wrong)}

class Culprit:
    at = how = ""
    def here(self, place, honest):
        return DEEDS[self.how]() if self.at == place else honest()

def made(kind):
    def factory(*, at: str, how: str, name: str = ""):
        thing = kind()
        thing.at, thing.how, thing.named = at, how, name
        return thing.here("factory", lambda: thing)
    return factory

def later(self, place, items):
    for number, item in enumerate(items):
        yield self.here(place + " later", lambda: item) if number == 2 else item

class Data(Culprit, ToyDataset):
    @property
    def dataset_id(self): return self.here("dataset_id", lambda: self.named)
    @dataset_id.setter
    def dataset_id(self, _): pass
    @property
    def key(self): return self.named
    @key.setter
    def key(self, _): pass
    corpus_key = key
    @property
    def note(self): return self.here("note", lambda: "")
    def docs_count(self): return self.here("docs_count", lambda: 60)
    def docs(self): return self.read("docs", super().docs())
    def queries(self): return self.read("queries", super().queries())
    def qrels(self): return self.read("qrels", super().qrels())
    def read(self, place, items): return self.here(place, lambda: later(self, place, items))

class Encoder(Culprit, WordsEncoder):
    def encode_queries(self, queries):
        return self.here("encode_queries", lambda: super(Encoder, self).encode_queries(queries))
    def encode_corpus(self, docs):
        return self.here("encode_corpus", lambda: super(Encoder, self).encode_corpus(docs))

class Kept(Culprit):
    @property
    def nbytes(self): return self.here("nbytes", lambda: 8)
    def save(self, folder): self.here("save", lambda: (folder / "kept").write_text("it"))
    def load(self, folder, vectors): self.here("load", lambda: self.fill(vectors))

class Index(Kept, PlainIndex):
    def build(self, vectors): self.here("build", lambda: self.fill(vectors))
    def fill(self, vectors): self.vectors = vectors[:]
    def search(self, queries, k):
        return self.here("search", lambda: super(Index, self).search(queries, k))

class Retriever(Kept, ScanRetriever):
    docs = ()
    def index(self, docs):
        docs = list(docs)
        self.here("index", lambda: ScanRetriever.index(self, docs))
    def fill(self, _): ScanRetriever.index(self, ToyDataset().docs())
    def search(self, queries, k):
        return self.here("search", lambda: super(Retriever, self).search(queries, k))

class Trainer(Culprit):
    def train(self, output_dir, *, seed):
        self.here("train", lambda: (output_dir / "word").write_text("oak"))

class Student(WordsEncoder):
    def __init__(self, model: effbench.TrainedModel): super().__init__()
"""
OFFERS = {
    "datasets": "made(Data)",
    "retrievers": "made(Retriever)",
    "indexes": "made(Index)",
    "trainers": "made(Trainer)",
}
PLUGIN = (
    SOURCE
    + "".join(offering(section, factory) for section, factory in OFFERS.items())
    + "\n@effbench.hookimpl\n"
    + "def effbench_encoders(): return {'mine': made(Encoder), 'student': Student}\n"
)
SAID = {
    "words": "my words (mend it)",
    "no_data": "my data (bring it)",
    "key": "KeyError: 'wanted'",
    "leave": "SystemExit: 3 (a plugin must not end the program: it raises an error)",
    "wrong": "",
}
PLACES = {
    "dataset": "docs_count docs queries qrels docs-later queries-later qrels-later",
    "encoder": "factory encode_queries encode_corpus",
    "index": "factory build nbytes save load search",
    "retriever": "factory index nbytes save load search",
    "model": "factory train",
}
RETURNS_NOTHING = {"build", "save", "load", "index"}
"""What these methods return does not matter."""


def trials(kind: str) -> dict[str, dict[str, str]]:
    """Return the culprits of a kind by name: where they go wrong, and how."""
    found = {}
    for place in PLACES[kind].split():
        for how in SAID:
            if how != "wrong" or place not in RETURNS_NOTHING:
                options = {"at": place.replace("-", " "), "how": how}
                found[f"c{len(found)}"] = {"use": "mine", **options}
    return found


def suite_of(kind: str) -> dict[str, Any]:
    """Return a suite of all culprits of a kind beside honest rows."""
    text: dict[str, Any] = {
        "suite": "culprits",
        "datasets": [{"use": "toy"}],
        "encoders": {"words": {"use": "words"}},
        "indexes": {"plain": {"use": "plain"}},
        "latency": False,
    }
    rows = trials(kind)
    if kind == "dataset":
        text["datasets"] += [{**row, "name": name} for name, row in rows.items()]
    elif kind == "model":
        text["models"] = rows
        student = {"use": "student", "passages": "words"}
        text["encoders"] |= {name: {**student, "model": name} for name in rows}
    else:
        section = {"index": "indexes"}.get(kind, f"{kind}s")
        text[section] = {**text.get(section, {}), **rows}
    return text


def complaints(name: str, who: str, row: Mapping[str, str], records: Mapping) -> list[str]:
    """Return what is wrong with the records of a culprit."""
    mine = {cell: record for cell, record in records.items() if name in cell.split("--")}
    wrong = [] if mine else [f"{row}: no record"]
    for record in mine.values():
        error = record.get("error", record["status"])
        if not error.startswith(f"{who}: ") or SAID[row["how"]] not in error:
            wrong.append(f"{row}: {error}")
        if error.count("(plugin ") > 1 or "\n" in error:
            wrong.append(f"{row} names several: {error}")
        if (row["how"] == "no_data") != (record["status"] == "skipped"):
            wrong.append(f"{row} is {record['status']}")
    return wrong


@pytest.mark.parametrize("kind", PLACES)
def test_whatever_a_run_gets_from_a_plugin_is_said_under_its_own_name(
    mine, ran: Callable[..., Any], kind: str
) -> None:
    mine(PLUGIN)
    found, records = ran(json.dumps(suite_of(kind)))
    assert found.exit_code == 1, found.output
    assert "Traceback" not in found.stderr
    wrong = []
    for name, row in trials(kind).items():
        wrong += complaints(name, f"{kind} {name!r} (plugin mine)", row, records)
    assert wrong == []
    assert records["toy--words--plain"]["status"] == "done"
    for cell, record in records.items():
        if record["status"] == "failed":
            assert f"FAILED {cell}: " in found.stderr


@pytest.mark.parametrize("how", SAID)
@pytest.mark.parametrize("place", ["factory", "dataset_id", "note"])
def test_whatever_a_plan_gets_from_a_dataset_is_said_under_its_name(
    mine, effbench, suite, place: str, how: str
) -> None:
    mine(PLUGIN)
    text = suite_of("dataset")
    text["datasets"] = [{"use": "mine", "at": place, "how": how, "name": "made"}]
    found = effbench("plan", suite(json.dumps(text)))
    assert found.exit_code == 2, found.output
    (line,) = [one for one in found.stderr.splitlines() if "mine" in one]
    assert "dataset 'mine' (plugin mine)" in line
    assert SAID[how] in line
    assert "Traceback" not in found.stderr
