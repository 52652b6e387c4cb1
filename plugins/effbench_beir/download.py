"""The public datasets of BEIR, downloaded from BEIR's host when they are first read."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import ClassVar, NamedTuple

import effbench
from effbench.files import default_root, fetch, inside
from effbench_beir.folder import Files

HOST = "https://public.ukp.informatik.tu-darmstadt.de/thakur/BEIR/datasets"
FORUMS = (
    *("android", "english", "gaming", "gis", "mathematica", "physics"),
    *("programmers", "stats", "tex", "unix", "webmasters", "wordpress"),
)


class Archive(NamedTuple):
    """A zip on BEIR's host."""

    md5: str
    splits: tuple[str, ...]


TEST = ("test",)
DEV_TEST = ("dev", "test")
TRAIN_DEV_TEST = ("train", "dev", "test")
# Checksums: the table in BEIR's README, the same as in ir_datasets' etc/downloads.json.
# Splits: the files in the archives (the README lists nq's train, which is in nq-train.zip).
ARCHIVES = {
    "arguana": Archive("8ad3e3c2a5867cdced806d6503f29b99", TEST),
    "climate-fever": Archive("8b66f0a9126c521bae2bde127b4dc99d", TEST),
    "cqadupstack": Archive("4e41456d7df8ee7760a7f866133bda78", TEST),
    "dbpedia-entity": Archive("c2a39eb420a3164af735795df012ac2c", DEV_TEST),
    "fever": Archive("5a818580227bfb4b35bb6fa46d9b6c03", TRAIN_DEV_TEST),
    "fiqa": Archive("17918ed23cd04fb15047f73e6c3bd9d9", TRAIN_DEV_TEST),
    "hotpotqa": Archive("f412724f78b0d91183a0e86805e16114", TRAIN_DEV_TEST),
    "msmarco": Archive("444067daf65d982533ea17ebd59501e4", TRAIN_DEV_TEST),
    "nfcorpus": Archive("a89dba18a62ef92f7d323ec890a0d38d", TRAIN_DEV_TEST),
    "nq": Archive("d4d3d2e48787a744b6f6e691ff534307", TEST),
    "quora": Archive("18fb154900ba42a600f84b839c173167", DEV_TEST),
    "scidocs": Archive("38121350fc3a4d2f48850f6aff52e4a9", TEST),
    "scifact": Archive("5f7d1de60b170fc8027bb7898e2efca1", ("train", "test")),
    "trec-covid": Archive("ce62140cb23feb9becf6270d0d1fe6d1", TEST),
    "webis-touche2020": Archive("46f650ba5a527fc69e0a6521c5a23563", TEST),
}
NAMES = sorted(ARCHIVES.keys() - {"cqadupstack"}) + [f"cqadupstack/{each}" for each in FORUMS]


class Beir:
    """A public dataset of BEIR, such as ``scifact`` or ``cqadupstack/android``.

    When data is first read, the dataset's zip is downloaded into ``folder`` (by default
    ``$EFFBENCH_CACHE/beir``, or ``~/.cache/effbench/beir``). A zip that is there already is
    not downloaded again. Each zip is checked against BEIR's MD5, and is read without
    unpacking.

    Hits that have the query's id are dropped, as in BEIR's evaluation. ``msmarco`` is the
    exception: its query ids and doc ids are numbers that are equal by accident.

    Raises:
        EffbenchError: BEIR has no such name or split; or, while reading, the zip can neither
            be read nor downloaded.

    """

    requires: ClassVar[Mapping[str, str]] = {"beir": "effbench[beir]"}

    def __init__(
        self,
        name: str,
        *,
        split: str = "test",
        folder: str = "",
        drop_self_hits: bool | None = None,
    ) -> None:
        if name not in NAMES:
            close = " or ".join(difflib.get_close_matches(name, NAMES))
            hint = f"did you mean {close}?" if close else f"BEIR has: {', '.join(NAMES)}"
            raise effbench.EffbenchError(f"beir: there is no {name!r} ({hint})")
        self._stem = name.partition("/")[0]
        md5, splits = ARCHIVES[self._stem]
        if split not in splits:
            has = ", ".join(splits)
            raise effbench.EffbenchError(f"beir: {name} has no split {split!r} (it has: {has})")
        self._name = name
        self._split = split
        self._folder = inside(Path(), folder) if folder else default_root() / "beir"
        self.dataset_id = f"beir/{name}/{split}"
        self.corpus_key = f"beir:{name}:{md5}"
        self.key = f"{self.corpus_key}:{split}"
        self.drop_self_hits = name != "msmarco" if drop_self_hits is None else drop_self_hits

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits in BEIR's zip."""
        return ARCHIVES[self._stem].splits

    def split(self, name: str) -> Beir:
        """Return the same docs with the queries and judgments of a split."""
        return Beir(
            self._name,
            split=name,
            folder=str(self._folder),
            drop_self_hits=self.drop_self_hits,
        )

    @cached_property
    def _files(self) -> Files:
        name, md5 = f"{self._stem}.zip", ARCHIVES[self._stem].md5
        archive = fetch("beir", f"{HOST}/{name}", self._folder / name, md5, _transfer)
        return Files(archive, self._split, inside=self._name)

    def docs_count(self) -> None:
        """Return None: counting the docs takes a pass over the corpus."""

    def count_docs(self) -> int:
        """Return the number of lines of corpus.jsonl."""
        return self._files.count_docs()

    def docs(self) -> Iterator[effbench.Doc]:
        """Yield the docs in the order of corpus.jsonl."""
        return self._files.docs()

    def queries(self) -> Iterator[effbench.Query]:
        """Yield the queries that the split judges, in the order of queries.jsonl."""
        return self._files.queries()

    def qrels(self) -> Iterator[effbench.Qrel]:
        """Yield the judgments of the split."""
        return self._files.qrels()


def _transfer(url: str, part: Path) -> None:
    from beir.util import download_url

    download_url(url, str(part))
