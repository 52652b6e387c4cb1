"""An unpacked pack as a plan, a store and records: all that a latency session needs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from effbench.api.errors import EffbenchError
from effbench.machine import facts
from effbench.offers import plugins
from effbench.plan import planner
from effbench.plan.cells import Plan
from effbench.plan.learned import read_unpacked
from effbench.run.records import MACHINE, QUERIES, RUNS, read
from effbench.run.records import SUITE as SUITE_FACTS
from effbench.sharing import hub
from effbench.sharing.archive import unpack
from effbench.sharing.manifest import CACHE, RECORDS, SUITE, Manifest
from effbench.store.artifacts import Store
from effbench.store.digests import DIGESTS
from effbench.store.disk import write_json


class OpenPack(NamedTuple):
    """A pack in a folder, and the plan of its cells."""

    folder: Path
    manifest: Manifest
    plan: Plan

    @property
    def store(self) -> Store:
        """The artifacts that the cells open."""
        return Store(self.folder / CACHE)

    def copy_records(self, results: Path) -> Path:
        """Copy the records into the folder of this machine; return the suite's folder there.

        A file that is there stays. What no record of a cell names is not copied, so a pack
        brings no latency sessions.

        Raises:
            EffbenchError: a record is missing or damaged.

        """
        place, ours = results / facts.name() / self.plan.suite.name, self.folder / RECORDS
        records = [read(ours / f"{cell}.json") for cell in self.manifest.cells]
        beside = {name for record in records for name in record.files}
        kept = [name for name in beside if name.partition("/")[0] in (RUNS, QUERIES)]
        for name in (SUITE_FACTS, *(f"{record.cell}.json" for record in records), *kept):
            path, target = ours / name, place / name
            if path.is_file() and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
        if not (place.parent / MACHINE).exists():
            write_json(place.parent / MACHINE, facts.described())
        return place


@contextmanager
def opened_pack(path: Path) -> Iterator[OpenPack]:
    """Unpack a pack into a temporary folder, and plan its suite from its notes.

    Raises:
        EffbenchError: the file is no pack, or this machine would measure something else.

    """
    with TemporaryDirectory(prefix="effbench-pack-") as temporary:
        folder = Path(temporary).resolve()
        manifest = unpack(path, folder)
        memory = folder / CACHE / DIGESTS
        unpacked = read_unpacked(folder)
        with hub.reading_from(folder):
            plan = planner.make(folder / SUITE, plugins.load(), memory, folder, pack=unpacked)
            yield OpenPack(folder, manifest, _packed_part(plan, manifest))


def _packed_part(plan: Plan, manifest: Manifest) -> Plan:
    """Return the plan with the cells of a pack alone; refuse cells with other keys."""
    here = {cell.name: cell for cell in plan.cells}
    for name, packed in manifest.cells.items():
        cell = here.get(name)
        if cell is None or (cell.key, cell.latency_key) != (packed.key, packed.latency_key):
            made = manifest.versions.get("effbench", "another version")
            what = "is not planned" if cell is None else "has another key"
            raise EffbenchError(
                f"{name}: {what} by the effbench and plugins that are installed here: the pack "
                f"was made with effbench {made} (install that version, and the same plugins)"
            )
    cells = (cell for cell in plan.cells if cell.name in manifest.cells)
    return replace(plan, cells=tuple(cells))
