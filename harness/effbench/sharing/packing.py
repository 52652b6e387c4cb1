"""The making of a pack: the records of a suite, and what its latency sessions open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec

from effbench.api.errors import EffbenchError
from effbench.machine import facts
from effbench.offers.offer import Offer
from effbench.plan.cells import Cell, Plan
from effbench.plan.learned import NOTES, packed_place
from effbench.run.records import SUITE as SUITE_FACTS
from effbench.run.results import Results
from effbench.sharing import hub
from effbench.sharing.archive import member_of, write_archive
from effbench.sharing.manifest import CACHE, FORMAT, RECORDS, SUITE, Manifest, PackedCell
from effbench.steps.index import SAVED, BuildRetriever
from effbench.store.artifacts import MANIFEST, Store
from effbench.store.digests import files_under
from effbench.store.disk import write_json, write_text
from effbench.work import code
from effbench.work.options import named_files
from effbench.work.rows import HubModel, Row
from effbench.work.step import key_of

RUN = "effbench run SUITE makes it"


class Packed(NamedTuple):
    """A pack that was written."""

    manifest: Manifest
    nbytes: int


def pack(plan: Plan, store: Store, results: Path, target: Path) -> Packed:
    """Write the pack of a plan's finished cells to ``target``; return its manifest.

    ``results`` is the folder of the results of all machines and suites.

    Raises:
        EffbenchError: no cell can be packed, or the file cannot be written.

    """
    records = Results.of(results, plan)
    left_out = {cell.name: why for cell in plan.cells if (why := _unfit(cell, store, records))}
    cells = [cell for cell in plan.cells if cell.name not in left_out]
    if not cells:
        why = next(iter(left_out.values()), "the suite has no cell")
        raise EffbenchError(f"nothing to pack: {why}")
    with TemporaryDirectory() as folder:
        files = {
            **_plan_files(plan, Path(folder)),
            **{name: path for cell in cells for name, path in _cell_files(cell, store)},
            **_record_files(cells, records),
        }
        manifest = Manifest(
            format=FORMAT,
            suite=plan.suite.name,
            machine=facts.name(),
            created=datetime.now(timezone.utc),
            versions={**facts.versions(), **code.versions(_offers(cells))},
            cells={cell.name: PackedCell(cell.key, cell.latency_key) for cell in cells},
            left_out=left_out,
            members={name: member_of(path) for name, path in sorted(files.items())},
        )
        write_archive(target, manifest, files)
    return Packed(manifest, target.stat().st_size)


def _offers(cells: Sequence[Cell]) -> list[Offer]:
    return [offer for cell in cells for row in _rows(cell) for offer in row.offers]


def _rows(cell: Cell) -> list[Row]:
    """Return the rows that answer a query."""
    return [row for row in (cell.row, cell.index) if row]


def _unfit(cell: Cell, store: Store, records: Results) -> str | None:
    """Return why a cell cannot be packed; None if it can."""
    if not cell.has_latency:
        return "it has no latency: this machine does not compute its answers"
    if records.finished(cell) is None:
        return f"it has no finished record ({RUN})"
    if cell.index is not None and _needs_gpu(cell.index):
        return f"{cell.index.who}: its index depends on the machine's GPU (run it there)"
    for row in _rows(cell):
        if any(each.resolved.datasets for each in (row, *row.live)):
            return f"{row.who}: it reads a dataset whenever it is opened (run it there)"
    for step in cell.read:
        artifact = store.artifact(step.kind, key_of(step))
        if not artifact.sound():
            lost = "not in the cache, or damaged"
            return f"{step.label}: {lost} ({RUN}; --cache names the cache of another run)"
        if isinstance(step, BuildRetriever) and not (artifact.folder / SAVED).is_dir():
            return f"{step.row.who}: saves nothing, and is made from the docs (run it there)"
    return hub.lacking(_hub_models(cell))


def _needs_gpu(index: Row) -> bool:
    """Tell whether an option of an index, or of a row in it, asks for a GPU."""
    options = [each.resolved.arguments for each in (index, *index.live)]
    return any(
        given.get("gpu") is True or str(given.get("device")).startswith("cuda")
        for given in options
    )


def _hub_models(cell: Cell) -> list[HubModel]:
    return [
        model for row in _rows(cell) for each in (row, *row.live) for model in each.hub_models
    ]


def _plan_files(plan: Plan, folder: Path) -> dict[str, Path]:
    """Write the suite's text and the plan's notes into a folder; return both."""
    write_text(folder / SUITE, plan.suite.text)
    write_json(folder / NOTES, msgspec.to_builtins(plan.sources.notes()))
    return {name: folder / name for name in (SUITE, NOTES)}


def _cell_files(cell: Cell, store: Store) -> Iterator[tuple[str, Path]]:
    """Yield the name in the pack, and the path, of each file that a cell opens."""
    for step in (cell.search, cell.search.data, *cell.opened):
        artifact = store.artifact(step.kind, key_of(step))
        place = f"{CACHE}/{artifact.folder.relative_to(store.root).as_posix()}"
        for path in (*artifact.files(""), artifact.folder / MANIFEST):
            yield f"{place}/{path.relative_to(artifact.folder).as_posix()}", path
    for row in _rows(cell):
        for each in (row, *row.live):
            yield from _named_files(each)
    yield from hub.files(_hub_models(cell))


def _named_files(row: Row) -> Iterator[tuple[str, Path]]:
    """Yield the files and folders that the options of a row name."""
    for named, fact in named_files(row.offer.options, row.resolved):
        path = Path(named)
        if fact is None or fact == named or not path.exists():
            continue
        place = packed_place(named, fact)
        if path.is_file():
            yield place, path
            continue
        for file in files_under(path):
            yield f"{place}/{file.relative_to(path).as_posix()}", file


def _record_files(cells: Sequence[Cell], records: Results) -> dict[str, Path]:
    """Return the records of cells, the files beside them, and the facts of the suite."""
    names = [SUITE_FACTS]
    for cell in cells:
        record = records.finished(cell) or {}
        names += [f"{cell.name}.json", *record.get("files", {})]
    paths = {f"{RECORDS}/{name}": records.folder / name for name in names}
    for path in paths.values():
        if not path.is_file():
            raise EffbenchError(f"{path}: is missing ({RUN})")
    return paths
