"""The exported folder: finds the row's encoder, writes it, and tells how to use it."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from effbench.api.encoders import READER, Exported
from effbench.api.errors import EffbenchError
from effbench.export import card
from effbench.guard.blame import blamed_for_all
from effbench.plan import costs
from effbench.plan.cells import Plan
from effbench.store.disk import on_disk, open_to_readers
from effbench.text.suggestions import naming, suggest
from effbench.work.rows import Row
from effbench.work.workbench import Workbench

TOLD = re.compile(r'^model = \w+\("this folder"(.*)\)$', re.MULTILINE)
"""The line of a README.md that opens its folder."""


def find(plan: Plan, name: str, dataset: str | None) -> Row:
    """Return the encoder row with this name, for ``dataset`` if it is given.

    Raises:
        EffbenchError: there is no such encoder or dataset; or the row is a different encoder
            for each dataset, and ``dataset`` is not given.

    """
    cells = [cell for cell in plan.cells if cell.row.name == name]
    encoders = {cell.row.name: cell.row.family for cell in plan.cells if cell.index}
    if not cells:
        raise EffbenchError(f"no row {name!r} in this suite ({naming(name, encoders)})")
    if name not in encoders:
        raise EffbenchError(
            f"{name!r} is a retriever, which has no encoder to export "
            f"(encoders: {', '.join(sorted(encoders)) or 'none'})"
        )
    datasets = list(dict.fromkeys(cell.dataset.name for cell in cells))
    if dataset is not None and dataset not in datasets:
        raise EffbenchError(
            f"no dataset {dataset!r} in this suite ({suggest(dataset, datasets)})"
        )
    first, *rows = [cell.row for cell in cells if dataset in (None, cell.dataset.name)]
    if not all(card.same(first, row) for row in rows):
        raise EffbenchError(
            f"{name!r} is another encoder for each dataset "
            f"(give --dataset, one of: {', '.join(datasets)})"
        )
    return first


def export(
    row: Row,
    folder: Path,
    plan: Plan,
    bench: Workbench,
    results: Path,
    warn: Callable[[str], object],
) -> None:
    """Make the row's model and write it to ``folder``, which appears only when it is complete.

    If ``folder`` exists and is empty, it is not replaced (it may be a mount of a container, or
    the working folder of a shell), but filled at the end.

    The README has the row's figures from the records under ``results``; ``warn`` is called
    with a message for each file there that cannot be read.

    Raises:
        EffbenchError: ``folder`` is not empty, the row's encoder cannot be exported, or the
            disk of the cache has no room for the steps to be made.
        PluginError: the plugin raised an exception that is not an `EffbenchError`.
        StepFailed: the row's model could not be made.

    """
    with on_disk(folder):
        if folder.exists() and any(folder.iterdir()):
            raise EffbenchError(f"{folder} is not empty (name a folder that is new)")
    steps = (*row.steps, *(row.passages.steps if row.passages else ()))
    costs.check_room(steps, costs.Facts(bench.store, bench.device))
    folder = Path(os.path.realpath(folder))
    with _temporary_folder(folder) as parts:
        passages = None
        if row.passages:
            passages = _write(row.passages, Path(parts, "passages"), None, bench)
        whole = _write(row, Path(parts, "whole"), passages, bench)
        card.write(whole, row, plan, bench, results, warn)
        open_to_readers(whole)
        _move(whole, folder, existed=Path(parts).parent == folder)


def _temporary_folder(folder: Path) -> tempfile.TemporaryDirectory[str]:
    """Return a temporary folder on the disk of ``folder``: inside it, else beside it."""
    try:
        place = folder if folder.exists() else folder.parent
        place.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(dir=place, prefix=f".{folder.name}-")
    except OSError as error:
        message = f"{folder}: {error.strerror} (name a folder that can be made)"
        raise EffbenchError(message) from error


def _move(whole: Path, folder: Path, *, existed: bool) -> None:
    """Make ``whole`` the folder, or move its files into the folder if that existed before."""
    with on_disk(folder):
        if not existed:
            whole.rename(folder)
            return
        for path in sorted(whole.iterdir()):
            path.rename(folder / path.name)


def usage(folder: Path) -> list[str]:
    """Return lines that name the exported folder, and the Python code that uses it."""
    light = [
        "",
        "# vectors of queries alone, faster, with numpy and tokenizers:",
        f"import sys; sys.path.insert(0, {str(folder)!r})",
        f"from {Path(READER).stem} import Encoder",
        f"Encoder({str(folder)!r}).encode(['a query'])",
    ]
    return [
        f"Exported to {folder}, which its README.md describes:",
        "",
        f"from sentence_transformers import {_library_class(folder)}",
        f"model = {_library_class(folder)}({str(folder)!r}{_arguments(folder)})",
        'model.encode_query(["a query"]) @ model.encode_document(["title text"]).T',
        *(light if (folder / READER).is_file() else []),
    ]


def _arguments(folder: Path) -> str:
    """Return what the library's class takes beside the folder, as README.md says it."""
    readme = (folder / card.README).read_text(encoding="utf-8")
    if told := TOLD.search(readme):
        return told[1]
    # Sentence Transformers runs code from a model's folder only if the caller trusts it
    code = [path for path in folder.glob("*.py") if path.name != READER]
    return ", trust_remote_code=True" if code else ""


def _library_class(folder: Path) -> str:
    """Return the class of Sentence Transformers that loads the folder."""
    path = folder / "config_sentence_transformers.json"
    config = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return str(config.get("model_type", "SentenceTransformer"))


def _write(row: Row, folder: Path, passages: Path | None, bench: Workbench) -> Path:
    """Make the row's encoder and let its plugin write ``folder``; return the folder."""
    encoder = row.make(bench)
    if not isinstance(encoder, Exported):
        raise EffbenchError(
            f"{row.who}: {row.offer.name!r} cannot be exported (its plugin has no `export`)"
        )
    folder.mkdir()
    with blamed_for_all(row.who):
        try:
            encoder.export(folder, passages)
        except ModuleNotFoundError as error:
            raise EffbenchError(
                f"{row.who}: export needs the module {error.name!r} "
                "(pip install 'effbench[sentence-transformers]')"
            ) from error
    return folder
