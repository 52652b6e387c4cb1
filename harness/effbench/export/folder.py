"""Write what a row encodes with as a folder that is deployed without effbench."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from effbench.api.encoders import READER, Exported
from effbench.api.errors import EffbenchError
from effbench.export import card
from effbench.guard.blame import blamed
from effbench.plan import costs
from effbench.plan.cells import Plan
from effbench.store.disk import on_disk, open_to_readers
from effbench.text.suggestions import suggest
from effbench.work.rows import Row
from effbench.work.workbench import Workbench


def find(plan: Plan, name: str, dataset: str | None) -> Row:
    """Return the encoder row of that name, as ``dataset`` sees it.

    Raises:
        EffbenchError: there is none, or one for each dataset and ``dataset`` is not given.

    """
    cells = [cell for cell in plan.cells if cell.row.name == name]
    encoders = {cell.row.name for cell in plan.cells if cell.index}
    if not cells:
        raise EffbenchError(f"no row {name!r} in this suite ({suggest(name, encoders)})")
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
    first, *others = [c.row for c in cells if dataset in (None, c.dataset.name)]
    if not all(card.same(first, row) for row in others):
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
    said: Callable[[str], object],
) -> None:
    """Make the row and write it to ``folder``, which appears when it is whole.

    One that is there, and empty, stays what it is (a mount of a container, a shell's place) and
    is filled at the end.

    Its README has the figures that stand under ``results``; ``said`` is told of what there
    could not be read.

    Raises:
        EffbenchError: ``folder`` is not empty, the row's encoder cannot be exported, or what
            it lacks will not fit on the disk of the cache.
        PluginError: the plugin raised what it did not word for users.
        StepFailed: its model could not be made.

    """
    with on_disk(folder):
        if folder.exists() and any(folder.iterdir()):
            raise EffbenchError(f"{folder} is not empty (name a folder that is new)")
    steps = (*row.steps, *(row.passages.steps if row.passages else ()))
    costs.check_room(steps, costs.Facts(bench.store, bench.device))
    folder = Path(os.path.realpath(folder))
    try:
        there = folder.exists()
        place = folder if there else folder.parent
        place.mkdir(parents=True, exist_ok=True)
        beside = tempfile.TemporaryDirectory(dir=place, prefix=f".{folder.name}-")
    except OSError as error:
        message = f"{folder}: {error.strerror} (name a folder that can be made)"
        raise EffbenchError(message) from error
    with beside as parts:
        passages = None
        if row.passages:
            passages = _write(row.passages, Path(parts, "passages"), None, bench)
        whole = _write(row, Path(parts, "whole"), passages, bench)
        card.write(whole, row, plan, bench, results, said)
        open_to_readers(whole)
        with on_disk(folder):
            if not there:
                whole.rename(folder)
                return
            for path in sorted(whole.iterdir()):
                path.rename(folder / path.name)


def usage(folder: Path) -> list[str]:
    """Return lines that say where an export is, and those of Python that use it."""
    # a model folder that brings code is loaded only by who says so
    code = [path for path in folder.glob("*.py") if path.name != READER]
    trust = ", trust_remote_code=True" if code else ""
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
        "from sentence_transformers import SentenceTransformer",
        f"model = SentenceTransformer({str(folder)!r}{trust})",
        'model.encode_query(["a query"]) @ model.encode_document(["title text"]).T',
        *(light if (folder / READER).is_file() else []),
    ]


def _write(row: Row, folder: Path, passages: Path | None, bench: Workbench) -> Path:
    encoder = row.make(bench)
    if not isinstance(encoder, Exported):
        raise EffbenchError(
            f"{row.who}: {row.offer.name!r} cannot be exported (its plugin has no `export`)"
        )
    folder.mkdir()
    with blamed(row.who):
        try:
            encoder.export(folder, passages)
        except EffbenchError as error:
            raise EffbenchError(f"{row.who}: {error}") from error
        except ModuleNotFoundError as error:
            raise EffbenchError(
                f"{row.who}: export needs the module {error.name!r} "
                "(pip install 'effbench[sentence-transformers]')"
            ) from error
    return folder
