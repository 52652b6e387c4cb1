"""A dataset in BEIR's layout, read from a folder or directly from a zip archive."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from lzma import LZMAError
from pathlib import Path
from typing import IO, TypeAlias

import effbench
from effbench.files import count_lines, sha256_of, stamp_of
from effbench_beir.lines import read_docs, read_qrels, read_queries

Root: TypeAlias = Path | zipfile.Path  # zipfile.Path is a path inside an archive
SPLITS = ("train", "dev", "test")  # splits whose purpose is known: train, tune, evaluate

_COUNTED = 2**28  # the largest corpus, in bytes, whose docs a plan counts

_DIGESTS: dict[tuple[Path, str, tuple[int, ...]], bytes] = {}


class Files:
    """The files of one split; ``inside`` is their folder in a zip, or None to look for it.

    Raises:
        EffbenchError: a file is missing; or, while reading, a line is malformed.

    """

    def __init__(self, path: Path, split: str, inside: str | None = None) -> None:
        self._path = path
        self._split = split
        self._inside = inside
        with self._root() as root:
            for name in ("corpus.jsonl", "queries.jsonl"):
                if not (root / name).is_file():
                    raise effbench.EffbenchError(
                        f"{root / name}: no such file (a dataset has corpus.jsonl, "
                        "queries.jsonl and qrels/SPLIT.tsv)"
                    )
            self.splits = _list_splits(root)
            if split not in self.splits:
                has = ", ".join(self.splits) or "none"
                raise effbench.EffbenchError(
                    f"{path}: no split {split!r} (its qrels/ has: {has})"
                )

    def count_docs(self) -> int:
        """Return the number of lines of corpus.jsonl."""
        with self._file("corpus.jsonl") as (_, stream):
            return count_lines(stream)

    def docs(self) -> Iterator[effbench.Doc]:
        """Yield the docs in the order of corpus.jsonl."""
        with self._file("corpus.jsonl") as (path, stream):
            yield from read_docs(path, stream)

    def docs_count(self) -> int | None:
        """Return the number of docs if counting them takes less than a second, else None."""
        corpus = self._path / "corpus.jsonl"
        with self._root():
            if not self._path.is_dir() or corpus.stat().st_size > _COUNTED:
                return None
        with self._file("corpus.jsonl") as (_, stream):
            return sum(b"{" in line for line in stream)  # a doc is a line with a { in it

    def queries(self) -> Iterator[effbench.Query]:
        """Yield the queries that the split judges, in the order of queries.jsonl."""
        judged = {qrel.query_id for qrel in self.qrels()}
        with self._file("queries.jsonl") as (path, stream):
            for query in read_queries(path, stream):
                if query.query_id in judged:
                    yield query

    def qrels(self) -> Iterator[effbench.Qrel]:
        """Yield the judgments of the split, also for queries that queries.jsonl lacks."""
        with self._file(f"qrels/{self._split}.tsv") as (path, stream):
            yield from read_qrels(path, stream)

    def digest(self, *names: str) -> str:
        """Return the sha256 of the sha256s of files; a folder and its zip have the same."""
        digest = hashlib.sha256()
        for name in names:
            digest.update(self._sha256(name))
        return digest.hexdigest()

    def _sha256(self, name: str) -> bytes:
        file = self._path / name if self._path.is_dir() else self._path
        state = self._path, name, stamp_of(file)
        if state not in _DIGESTS:  # a run asks again after each time that it reads the file
            with self._file(name) as (_, stream):
                _DIGESTS[state] = sha256_of(stream)
        return _DIGESTS[state]

    @contextmanager
    def _file(self, name: str) -> Iterator[tuple[str, IO[bytes]]]:
        """Open a file, and yield its path and its stream."""
        with self._root() as root, (root / name).open("rb") as stream:
            yield str(root / name), stream

    @contextmanager
    def _root(self) -> Iterator[Root]:
        """Open the folder that holds corpus.jsonl.

        Raises:
            EffbenchError: the folder or zip cannot be read.

        """
        try:
            if self._path.is_dir():
                yield self._path
            else:
                with zipfile.ZipFile(self._path) as archive:
                    inside = _top_folder(archive) if self._inside is None else self._inside
                    yield zipfile.Path(archive, inside and f"{inside}/")
        except FileNotFoundError:
            raise effbench.EffbenchError(
                f"{self._path}: no such folder or zip (is path right?)"
            ) from None
        except OSError as error:
            where, reason = error.filename or self._path, error.strerror or error
            raise effbench.EffbenchError(
                f"{where}: {reason} (take a folder of files or an intact, plain zip)"
            ) from error
        except (EOFError, RuntimeError, zipfile.BadZipFile, zlib.error, LZMAError) as error:
            raise effbench.EffbenchError(
                f"{self._path}: {str(error)[:200]} (take a folder or an intact, plain zip)"
            ) from error


class Folder:
    """Your own collection: a folder, or a zip of a folder, with the three files of BEIR.

    ``corpus.jsonl`` has a line ``{"_id": ..., "title": ..., "text": ...}`` for each doc.
    ``queries.jsonl`` has a line ``{"_id": ..., "text": ...}`` for each query.
    ``qrels/SPLIT.tsv`` has the header ``query-id TAB corpus-id TAB score``, and a line with
    these columns for each judgment. ``drop_self_hits`` drops the hits that have the query's
    id, as BEIR's evaluation does.

    Raises:
        EffbenchError: a file is missing; or, with ``path:line``, a line is malformed.

    """

    def __init__(
        self,
        path: Path,
        *,
        split: str = "test",
        name: str | None = None,
        drop_self_hits: bool = True,
    ) -> None:
        self._files = Files(path, split)
        self._path = path
        self._split = split
        self._name = name
        stem = path.stem if path.suffix == ".zip" else path.resolve().name
        self.dataset_id = name or f"{stem}/{split}"
        self.drop_self_hits = drop_self_hits

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits among ``train``, ``dev`` and ``test`` that have a file of judgments."""
        return tuple(split for split in SPLITS if split in self._files.splits)

    def split(self, name: str) -> Folder:
        """Return the same docs with the queries and judgments of ``qrels/NAME.tsv``."""
        dataset_name = self._name
        if dataset_name and name != self._split:
            # two datasets with the same name would share a row in tables
            dataset_name = f"{dataset_name}/{name}"
        return Folder(
            self._path, split=name, name=dataset_name, drop_self_hits=self.drop_self_hits
        )

    @cached_property
    def corpus_key(self) -> str:
        """The digest of corpus.jsonl; the first access reads the whole file."""
        return self._files.digest("corpus.jsonl")

    @cached_property
    def key(self) -> str:
        """The digest of the queries and of the split's judgments."""
        return self._files.digest("queries.jsonl", f"qrels/{self._split}.tsv")

    def docs_count(self) -> int | None:
        """Return the number of docs of a small corpus in a folder; None for any other."""
        return self._files.docs_count()

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
        """Yield the judgments of the split, also for queries that queries.jsonl lacks."""
        return self._files.qrels()


def _list_splits(root: Root) -> list[str]:
    folder = root / "qrels"
    names = [file.name for file in folder.iterdir()] if folder.is_dir() else []
    return sorted(name.removesuffix(".tsv") for name in names if name.endswith(".tsv"))


def _top_folder(archive: zipfile.ZipFile) -> str:
    """Return the folder of corpus.jsonl in an archive: a name, or "" for the top."""
    members = (name.rpartition("/") for name in archive.namelist())
    corpora = [folder for folder, _, name in members if name == "corpus.jsonl"]
    folders = [folder for folder in corpora if "/" not in folder]
    if len(folders) != 1:
        raise effbench.EffbenchError(
            f"{archive.filename}: {len(folders)} corpus.jsonl at its top or one folder down "
            "(put exactly one dataset into the zip)"
        )
    return folders[0]
