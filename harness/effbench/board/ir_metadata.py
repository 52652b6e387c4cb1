"""Records in ir_metadata (https://www.ir-metadata.org, schema 0.1): metadata of TREC runs.

Its six components are those of PRIMAD: platform, research goal, implementation, method, actor
and data. Publication and actor are not in records: the user may give them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from effbench.api.errors import EffbenchError
from effbench.board.leaderboard import Board
from effbench.machine.linux import present
from effbench.plan.located import parse, text_of
from effbench.run.recorded import Done, Offer
from effbench.run.records import MACHINE
from effbench.store.digests import file_sha256
from effbench.store.disk import unsealed
from effbench.store.door import content, parsed
from effbench.text.suggestions import suggest
from effbench.text.words import plain_line

COMPONENTS = ("platform", "research goal", "implementation", "method", "actor", "data")
VERSION = "run-version"

TREC_NAMES = {
    "nDCG": ("ndcg", "ndcg_cut_"),
    "AP": ("map", "map_cut_"),
    "RR": ("recip_rank", None),
    "Rprec": ("Rprec", None),
    "P": (None, "P_"),
    "R": (None, "recall_"),
    "Success": (None, "success_"),
}
"""Measure in ir_measures -> its name in trec_eval, and the start of that with a cut-off."""


class Annotated(NamedTuple):
    """A cell with its metadata, and its run if that lies beside the record."""

    cell: str
    metadata: Mapping[str, Any]
    run: Path | None


def annotated(board: Board, given: Mapping[str, Any]) -> Iterator[Annotated]:
    """Yield the metadata of each cell of a board that is done.

    ``given`` is the user's part, which counts where both say something.
    """
    for number, line in enumerate(board.lines):
        for record in line.records.values():
            if record.published:
                continue
            metadata = {
                "schema-version": 0.1,
                VERSION: 1.0,
                "tag": record.cell,
                "platform": _platform(board, number, record),
                "research goal": {"evaluation": _evaluation(board, number, record)},
                "implementation": {
                    "executable": {"cmd": f"effbench run {board.suite}"},
                    "source": {"lang": ["python"]},
                },
                "method": _method(record),
                "actor": {},
                "data": _data(record),
                "effbench": _identity(board, record),
            }
            yield Annotated(record.cell, _merged(metadata, given), _run(board, record))


def read_given(path: Path) -> dict[str, Any]:
    """Read the user's part of the metadata: a YAML mapping of components.

    Raises:
        EffbenchError: the file cannot be read, or has a part that ir_metadata has not.

    """
    data, _ = parse(path, text_of(path), "no mapping of components (actor: {name: NAME})")
    for name, part in data.items():
        if name not in (*COMPONENTS, VERSION):
            hint = suggest(str(name), (*COMPONENTS, VERSION))
            raise EffbenchError(
                f"{path}: {plain_line(str(name), 60)}: no component of ir_metadata ({hint})"
            )
        if name != VERSION and not isinstance(part, Mapping):
            raise EffbenchError(f"{path}: {name}: not a mapping (write its fields below it)")
    return dict(data)


def _merged(ours: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return both mappings in one; where both have a value, that of ``given`` counts."""
    merged = dict(ours)
    for name, value in given.items():
        known = merged.get(name)
        both = isinstance(known, Mapping) and isinstance(value, Mapping)
        merged[name] = _merged(known, value) if both else value  # type: ignore[arg-type]
    return merged


def _platform(board: Board, number: int, record: Done) -> dict[str, Any]:
    """Return the machine by the fingerprint of a latency session, else by machine.json."""
    fingerprints = [
        session.header.fingerprint
        for session, cell in board.partial_latencies[number].cells
        if cell == record.cell
    ]
    known = fingerprints[0].get("platform") if fingerprints else None
    platform = dict(known) if isinstance(known, Mapping) else _machine(board)
    hardware = platform.get("hardware")
    if isinstance(hardware, Mapping):
        gpus = hardware.get("gpu")
        single = isinstance(gpus, list) and len(gpus) == 1
        platform["hardware"] = {**hardware, **({"gpu": gpus[0]} if single and gpus else {})}
    software = platform.get("software")
    releases = {name: version for name, version in record.versions.items() if name != "python"}
    platform["software"] = {
        **(software if isinstance(software, Mapping) else {}),
        "libraries": {"python": [f"{name}=={releases[name]}" for name in sorted(releases)]},
        "retrieval toolkit": [f"effbench=={releases.get('effbench', '?')}"],
    }
    return platform


def _machine(board: Board) -> dict[str, Any]:
    """Return what machine.json tells; empty if it cannot be read."""
    path = board.collected.folders[0].parent / MACHINE
    try:
        facts = unsealed(parsed(content(path), path), path)
    except EffbenchError:
        return {}
    memory, gpus = facts.get("memory_gib"), facts.get("gpus")
    kernel, _, architecture = str(facts.get("system", "")).partition(" ")
    cpu = {
        "model": facts.get("cpu"),
        "architecture": architecture or None,
        "number of cores": facts.get("cores"),
    }
    hardware = {
        "cpu": present(cpu),
        "gpu": [{"model": model} for model in gpus]
        if isinstance(gpus, list) and gpus
        else None,
        "ram": f"{memory} GB" if memory else None,
    }
    return {
        "hardware": present(hardware),
        "operating system": present({"kernel": kernel or None}),
    }


def _evaluation(board: Board, number: int, record: Done) -> dict[str, Any]:
    baseline = board.baselines[number]
    known = None if baseline is None else board.lines[baseline].records.get(record.dataset)
    return {
        "reported measures": [trec_name(measure) for measure in record.scores],
        **({"baseline": [known.cell]} if known else {}),
        "significance test": [
            {"name": "paired randomisation test", "correction method": "Holm"}
        ],
    }


def trec_name(measure: str) -> str:
    """Return trec_eval's name of a measure, such as ndcg_cut_10; its own if it has none."""
    match = re.fullmatch(r"(\w+?)(?:@(\d+))?", measure)
    whole, cut = TREC_NAMES.get(match[1], (None, None)) if match else (None, None)
    if match and match[2]:
        return f"{cut}{match[2]}" if cut else measure
    return whole or measure


def _method(record: Done) -> dict[str, Any]:
    indexing = _described(record.index, record.search) if record.index else {}
    return {
        "automatic": True,
        "score ties": "doc_id, descending",
        "indexing": indexing,
        "retrieval": [_described(record.row, {} if record.index else record.search)],
    }


def _described(offer: Offer, search: Mapping[str, Any]) -> dict[str, Any]:
    params = {**offer.options, **search}
    return {
        "name": offer.name,
        "method": f"{offer.use} of {offer.distribution}".removesuffix(" of "),
        **({"params": params} if params else {}),
    }


def _data(record: Done) -> dict[str, Any]:
    training = [{"name": f"{record.dataset}: {part}"} for part in record.trained_on]
    return {
        "test collection": {
            "name": record.dataset,
            **({"ir_datasets": record.dataset} if _in_ir_datasets(record.dataset) else {}),
        },
        **({"training data": training} if training else {}),
    }


def _in_ir_datasets(dataset: str) -> bool:
    try:
        import ir_datasets
    except OSError:  # its import makes a folder in the home folder
        return False
    return dataset in ir_datasets.registry


def _identity(board: Board, record: Done) -> dict[str, Any]:
    """Return what ir_metadata has no name for: it tells the record that this is of."""
    facts = {"suite": board.suite, "machine": board.machine, "key": record.key}
    return {
        **facts,
        **present({"data_key": record.data_key or None, "k": record.k}),
        "created": record.created.isoformat(),
    }


def _run(board: Board, record: Done) -> Path | None:
    """Return the record's run if a file beside it has the checksum that the record knows."""
    for name, checksum in record.files.items():
        for folder in board.collected.folders if name.startswith("runs/") else ():
            if (folder / name).is_file() and file_sha256(folder / name) == checksum:
                return folder / name
    return None
