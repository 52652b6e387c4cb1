"""Query encoding with any other student, as Sentence Transformers runs it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from effbench import Description
from effbench_training.students import open_student
from effbench_transformer.loading import place_for
from effbench_transformer.reads import weights_in

if TYPE_CHECKING:
    from effbench import Vectors

BATCH = 32
"""Queries that are encoded at once."""


class LibraryReader:
    """A student that is none of ours: its vectors are what its modules give."""

    def __init__(self, folder: Path, device: str) -> None:
        self._model = open_student(folder).to(place_for(device, "float32")).eval()
        self._folder = folder

    def encode_queries(self, queries: Sequence[str]) -> Vectors:
        """Return float32 [len(queries), d]; row i belongs to query i."""
        if not queries:
            return self.encode_queries([""])[:0]  # only a vector shows the width
        vectors = self._model.encode_query(
            list(queries), batch_size=BATCH, show_progress_bar=False, convert_to_numpy=True
        )
        return np.ascontiguousarray(vectors, dtype=np.float32)

    def describe(self) -> Description:
        """Return the number of weights; the library tells no more."""
        return Description(query_parameters=weights_in(self._model))

    def export(self, folder: Path, passages: Path | None) -> None:
        """Write the student and the passage encoder into one folder."""
        from effbench_small_query.exporting import export

        export(self._folder, folder, passages)
