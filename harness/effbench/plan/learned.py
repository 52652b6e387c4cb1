"""What a plan learns from files and datasets: their digests and keys, which decide its keys.

A pack keeps this as notes. A machine that has neither the files nor the datasets plans the
suite from the notes, and gets the same keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any, NamedTuple, TypeAlias

from msgspec import Struct

from effbench.api.encoders import ModelId
from effbench.api.errors import EffbenchError
from effbench.offers.plugins import Plugins
from effbench.offers.schema import Option
from effbench.store.digests import Digests, digest_of, file_sha256
from effbench.store.disk import read_sealed
from effbench.store.door import typed
from effbench.store.paths import inside
from effbench.work.datasets import DatasetRow
from effbench.work.options import Argument, plain_argument

MANIFEST, NOTES = "pack.json", "notes.json"
"""The files of a pack with the digests of its members, and with the notes."""

FILES = "files"
"""The folder of an unpacked pack with the files and models that its rows name."""


class DatasetNote(Struct, frozen=True, kw_only=True):
    """What a plan learned from a dataset, or from one of its splits."""

    dataset_id: str
    corpus_key: str
    key: str
    drop_self_hits: bool
    parts: list[tuple[str, str]]
    note: str
    docs: int | None = None
    within: list[tuple[str, str]] = []
    split_notes: dict[str, DatasetNote] = {}
    """The splits, if the plan asked for them."""


class FileNote(Struct, frozen=True):
    """What a plan learned of a file, a folder or a model that the suite names."""

    fact: str | None
    """The digest; the name of a model of the hub; None if nothing has the name."""

    place: str
    """The path in an unpacked pack, if a row that answers queries opens it."""


class Notes(Struct, frozen=True):
    """What a plan has learned."""

    files: dict[str, FileNote]
    """Name in the suite -> the file."""

    datasets: dict[str, DatasetNote]
    """Digest of the offer and its options -> the dataset."""


class Unpacked(NamedTuple):
    """A pack in a folder of this machine."""

    folder: Path
    pack_id: str
    notes: Notes


def read_unpacked(folder: Path) -> Unpacked:
    """Return the pack in a folder.

    Raises:
        EffbenchError: its notes are missing or damaged.

    """
    path = folder / NOTES
    notes: Notes = typed(read_sealed(path), Notes, path, "unpack the pack again")
    return Unpacked(folder, file_sha256(folder / MANIFEST), notes)


class Learning:
    """Learns from this machine's files and datasets, and keeps notes."""

    pack: Unpacked | None = None

    def __init__(self, beside: Path, digests: Digests) -> None:
        """Take the folder in which relative paths start."""
        self._beside, self._digests = beside, digests
        self._files: dict[str, FileNote] = {}
        self._datasets: dict[str, list[DatasetRow]] = {}

    def argument(self, option: Option, value: Any) -> Argument:
        """Return the argument for a value that names neither rows nor data."""
        argument, fact = plain_argument(option, value, self._beside, self._digests)
        if option.path is not None and isinstance(value, str | Path):
            self._files[str(value)] = FileNote(fact, packed_place(str(argument), fact))
        return argument, fact

    def text_file(self, named: str) -> tuple[Path, str]:
        """Return the path and the digest of a file of texts.

        Raises:
            EffbenchError: there is no such file.

        """
        path = inside(self._beside, named)
        if not path.is_file():
            raise EffbenchError(f"texts: no file {path} (paths start at the suite's folder)")
        digest = self._digests.of(path)
        self._files[named] = FileNote(digest, packed_place(str(path), digest))
        return path, digest

    def dataset(
        self,
        use: str,
        options: Mapping[str, Any],
        group: str | None,
        make: Callable[[], DatasetRow],
    ) -> DatasetRow:
        """Return the dataset of an offer with these options."""
        row = make()
        self._datasets.setdefault(_digest(use, options), []).append(row)
        return row

    def notes(self) -> Notes:
        """Return what was learned so far."""
        datasets = {
            digest: _noted(next((row for row in rows if _asked(row)), rows[0]))
            for digest, rows in self._datasets.items()
        }
        return Notes(dict(self._files), datasets)


class Recalled:
    """Recalls what another machine has learned, from the notes in a pack."""

    def __init__(self, pack: Unpacked, plugins: Plugins) -> None:
        """Take the unpacked pack, and the plugins of this machine."""
        self.pack, self._plugins = pack, plugins

    def notes(self) -> Notes:
        """Return the notes of the pack."""
        return self.pack.notes

    def argument(self, option: Option, value: Any) -> Argument:
        """Return the argument for a value that names neither rows nor data.

        A path leads into the pack. Nothing is there if only a training needs it.
        """
        if option.path is None or not isinstance(value, str | Path):
            return plain_argument(option, value, self.pack.folder, None)
        note = self._note(str(value))
        if note.fact == value:  # a model of the hub
            return value, value
        path = self.pack.folder / note.place
        return (str(path) if option.path is ModelId else path), note.fact

    def text_file(self, named: str) -> tuple[Path, str]:
        """Return the path that a file of texts would have, and its digest."""
        note = self._note(named)
        return self.pack.folder / note.place, str(note.fact)

    def dataset(
        self,
        use: str,
        options: Mapping[str, Any],
        group: str | None,
        make: Callable[[], DatasetRow],
    ) -> DatasetRow:
        """Return the dataset of an offer with these options, which has keys but no data."""
        note = self.pack.notes.datasets.get(_digest(use, options))
        offer = self._plugins.offers.get(("datasets", use))
        if note is None:
            raise EffbenchError(f"the pack knows no dataset {use!r} with these options")
        if offer is None:
            hint = self._plugins.hint("datasets", use)
            raise EffbenchError(f"nothing installed offers {use!r} ({hint})")
        within = tuple((corpus, key) for corpus, key in note.within)
        return DatasetRow(_KnownDataset(note), offer, within, group)

    def _note(self, named: str) -> FileNote:
        if named not in self.pack.notes.files:
            raise EffbenchError(f"the pack knows no file {named!r} (is its suite changed?)")
        return self.pack.notes.files[named]


Sources: TypeAlias = Learning | Recalled
"""Where a plan learns from: both have the same methods."""


class _KnownDataset:
    """A dataset of which only the keys are known here."""

    def __init__(self, note: DatasetNote) -> None:
        self.dataset_id, self.note = note.dataset_id, note.note
        self.corpus_key, self.key = note.corpus_key, note.key
        self.drop_self_hits, self.parts = note.drop_self_hits, note.parts
        self.splits = tuple(note.split_notes)
        self._note = note

    def split(self, name: str) -> _KnownDataset:
        return _KnownDataset(self._note.split_notes[name])

    def docs_count(self) -> int | None:
        return self._note.docs

    def docs(self) -> Iterator[Any]:
        raise EffbenchError("its docs are not in the pack (measure where the data are)")

    queries = qrels = docpairs = docs


def packed_place(path: str, fact: str | None) -> str:
    """Return the path inside a pack of a file or folder, whose digest is in the keys."""
    return f"{FILES}/{fact}/{PurePath(path).name}"


def _digest(use: str, options: Mapping[str, Any]) -> str:
    return digest_of([use, sorted((name, str(value)) for name, value in options.items())])


def _asked(row: DatasetRow) -> bool:
    """Tell whether the plan asked for the splits of a dataset, which may be slow."""
    return "splits" in vars(row)


def _noted(row: DatasetRow) -> DatasetNote:
    splits = row.splits if _asked(row) else ()
    known = row.declared
    return DatasetNote(
        dataset_id=known.dataset_id,
        corpus_key=known.corpus_key,
        key=known.key,
        drop_self_hits=known.drop_self_hits,
        parts=sorted(known.parts),
        note=known.note,
        docs=row.docs_count(),
        within=list(row.within),
        split_notes={name: _noted(row.split(name)) for name in splits},
    )
