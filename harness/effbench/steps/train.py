"""The train step: a trainer's options opened, its model kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

from effbench import processes
from effbench.errors import EffbenchError
from effbench.rows import Row
from effbench.steps import Step

if TYPE_CHECKING:
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
        return bool(getattr(self.row.offer.factory, "together", False))

    @property
    def label(self) -> str:
        return f"train {self.row.name}"

    @property
    def facts(self) -> Mapping[str, Any]:
        return {"row": self.row.query_facts, "seed": self.seed}

    @property
    def inputs(self) -> tuple[Step, ...]:
        return self.row.steps

    def make(self, artifact: Artifact, bench: Workbench) -> Mapping[str, Any]:
        folder = artifact.folder / MODEL
        folder.mkdir(exist_ok=True)
        trainer = self.row.make(bench)
        with bench.progress.work(self.label, None, "models") as advance:
            start = perf_counter()
            trainer.train(folder, seed=self.seed)
            seconds = perf_counter() - start
            advance(1)
        if processes.rank():
            return {}
        if not artifact.seal(MODEL):
            raise EffbenchError(f"{self.row.who}: train left no file in its folder")
        return {"seconds": seconds}
