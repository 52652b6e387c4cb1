"""The train step: a trainer's options opened, its model kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from effbench import processes
from effbench.blame import blamed
from effbench.errors import EffbenchError
from effbench.files import on_disk
from effbench.rows import Row
from effbench.steps import Step
from effbench.trainers import ABOUT

if TYPE_CHECKING:
    from effbench.plugins import Offer
    from effbench.store import Artifact
    from effbench.workbench import Workbench

MODEL = "model"


@dataclass(frozen=True)
class Train:
    """Train a model; a killed training goes on from what its trainer left in the folder."""

    row: Row
    seed: int
    kind = "model"

    @property
    def together(self) -> bool:
        """Whether all processes of a run train it together."""
        return self.row.offer.together

    @property
    def label(self) -> str:
        """Say what is trained, and on which datasets: each may have one of its own."""
        names = [n for step in self.row.steps for n in getattr(step, "datasets", ())]
        on = f" on {', '.join(names[:2])}" if names else ""
        return f"train {self.row.name}{on}{' ...' if len(names) > 2 else ''}"

    @property
    def facts(self) -> Mapping[str, Any]:
        return {"row": self.row.query_facts, "seed": self.seed}

    @property
    def inputs(self) -> tuple[Step, ...]:
        return self.row.steps

    @property
    def offers(self) -> tuple[Offer, ...]:
        return (self.row.offer,)

    def make(self, artifact: Artifact, bench: Workbench) -> Mapping[str, Any]:
        folder = artifact.folder / MODEL
        folder.mkdir(exist_ok=True)
        trainer = self.row.make(bench)
        with bench.progress.work(self.label, None, "models") as advance:
            start = perf_counter()
            with blamed(self.row.who), on_disk(folder, only_full=True):
                trainer.train(folder, seed=self.seed)
            seconds = perf_counter() - start
            advance(1)
        if processes.rank() and self.together:
            return {}
        _check_about(folder / ABOUT, self.row)
        if not artifact.seal(MODEL):
            raise EffbenchError(f"{self.row.who}: train left no file in its folder")
        return {"seconds": seconds}


def _check_about(path: Path, row: Row) -> None:
    """Refuse facts of a trainer that no record could hold."""
    if not path.is_file():
        return
    try:
        facts = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
    except ValueError as error:
        raise EffbenchError(f"{row.who}: {path.name}: {error}") from error
    if not isinstance(facts, dict):
        raise EffbenchError(f"{row.who}: {path.name} is no JSON object")
    remarks = facts.get("remarks", [])
    if not (isinstance(remarks, list) and all(isinstance(one, str) for one in remarks)):
        raise EffbenchError(f"{row.who}: {path.name}: remarks is no list of sentences")


def _refuse(number: str) -> None:
    raise ValueError(f"{number} is no number in JSON")
