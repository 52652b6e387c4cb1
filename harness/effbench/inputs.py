"""The inputs there are: what options that name rows or data become when a suite is planned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from effbench.api import EncodedTexts, TrainedModel
from effbench.steps.encode import EncodeTexts
from effbench.steps.texts import read_texts
from effbench.steps.train import MODEL, Train
from effbench.vectors import DiskVectors

if TYPE_CHECKING:
    from effbench.workbench import Workbench


@dataclass(frozen=True)
class TextsInput:
    """An `EncodedTexts` to be."""

    step: EncodeTexts

    def open(self, bench: Workbench) -> EncodedTexts:
        """Return the texts with their vectors, both read from disk as needed."""
        vectors = DiskVectors(bench.artifact(self.step).folder)
        return EncodedTexts(read_texts(self.step.texts, bench), vectors, self.step.row.name)


@dataclass(frozen=True)
class ModelInput:
    """A `TrainedModel` to be."""

    step: Train

    def open(self, bench: Workbench) -> TrainedModel:
        """Return the folder of the trained model."""
        return TrainedModel(self.step.row.name, bench.artifact(self.step).folder / MODEL)
