"""The train step: runs a trainer and keeps its model."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from effbench.api.errors import EffbenchError
from effbench.api.training import ABOUT
from effbench.guard import processes
from effbench.guard.blame import blamed_for_all
from effbench.steps.built import refuse_links
from effbench.store.disk import on_disk
from effbench.work.effort import Work
from effbench.work.progress import training
from effbench.work.rows import Row
from effbench.work.step import Bench, Known, Step

if TYPE_CHECKING:
    from effbench.offers.plugins import Offer
    from effbench.store.artifacts import Artifact

MODEL = "model"
MOST_ABOUT = 1_000_000
"""Most bytes of the file `ABOUT`, which goes into the record of each cell."""

_READ = ("queries", "examples", "run")
"""Kinds of the steps whose texts, examples or hits a training reads many times."""


@dataclass(frozen=True)
class Train:
    """Train a model; a killed training goes on from the files that its trainer has left."""

    row: Row
    seed: int
    kind = "model"

    @property
    def together(self) -> bool:
        """Whether all processes of a run train the model together."""
        return self.row.offer.together

    @property
    def label(self) -> str:
        """Name model, trainer and datasets: a row may train a model for each dataset."""
        return f"train {self.row.name} with {self.row.offer.name}{self._on}"

    @property
    def _on(self) -> str:
        names = [name for step in self.row.steps for name in getattr(step, "datasets", ())]
        more = " ..." if len(names) > 2 else ""
        return f" on {', '.join(names[:2])}{more}" if names else ""

    @property
    def facts(self) -> Mapping[str, Any]:
        return {"row": self.row.query_facts, "seed": self.seed}

    @property
    def inputs(self) -> tuple[Step, ...]:
        return self.row.steps

    @property
    def offers(self) -> tuple[Offer, ...]:
        return self.row.offers

    def work(self, known: Known) -> Work:
        works = [step.work(known) for step in self.row.steps if step.kind in _READ]
        amounts = [work.amount for work in works if work.amount is not None]
        amount = None if len(amounts) < len(works) else sum(amounts) or 1
        return Work("examples", amount, ["train", self.row.pace(known.device)], volume=1)

    def make(self, artifact: Artifact, bench: Bench) -> Mapping[str, Any]:
        folder = artifact.folder / MODEL
        folder.mkdir(exist_ok=True)
        trainer = self.row.make(bench)
        if not processes.rank():  # the file of a failed attempt does not count
            (folder / ABOUT).unlink(missing_ok=True)
        with bench.progress.work(self.label, 1, "models") as work:
            start = perf_counter()
            who = f"{self.row.who}{self._on}"
            with training(work), blamed_for_all(who), on_disk(folder, only_full=True):
                trainer.train(folder, seed=self.seed)
            seconds = perf_counter() - start
            if work.unit == "models":  # the trainer has told of no steps
                work(1)
        if processes.rank() and self.together:
            return {}
        try:
            refuse_links(folder, self.row)
            _check_about(folder / ABOUT, self.row)
            if not artifact.seal(MODEL):
                raise EffbenchError(
                    f"{self.row.who}: train left no file in its folder (write the model there)"
                )
        except EffbenchError:  # a mended trainer must start anew
            _remove(folder)
            raise
        return {"seconds": seconds, **({"share": work.share} if 0 < work.share < 1 else {})}


def _remove(folder: Path) -> None:
    if folder.is_symlink():
        folder.unlink()
    else:
        shutil.rmtree(folder, ignore_errors=True)


def _check_about(path: Path, row: Row) -> None:
    """Refuse a trainer's file `ABOUT` if no record could hold its facts."""
    if not path.exists():
        return
    who = f"{row.who}: {path.name}"
    if not path.is_file() or path.stat().st_size > MOST_ABOUT:
        raise EffbenchError(
            f"{who}: it is no plain file of at most {MOST_ABOUT:,} bytes (write less)"
        )
    try:
        facts = json.loads(
            path.read_text(encoding="utf-8"), parse_constant=_refuse, parse_float=_finite
        )
        json.dumps(
            facts, ensure_ascii=False
        ).encode()  # raises for half a character (a surrogate)
    except (ValueError, RecursionError) as error:
        raise EffbenchError(f"{who}: {error} (write plain JSON)") from error
    if not isinstance(facts, dict):
        raise EffbenchError(f"{who} is no JSON object (write one)")
    remarks = facts.get("remarks", [])
    if not (isinstance(remarks, list) and all(isinstance(remark, str) for remark in remarks)):
        raise EffbenchError(f"{who}: remarks is no list of sentences (write a list of strings)")


def _refuse(number: str) -> None:
    raise ValueError(f"{number} is no number in JSON")


def _finite(number: str) -> float:
    if math.isinf(float(number)):
        raise ValueError(f"{number} is too large for a number")
    return float(number)
