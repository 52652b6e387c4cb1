"""Counts of letters, weighed by a training: a ready row that brings its own model."""

from __future__ import annotations

from effbench_letters import LettersEncoder

import effbench

TEXTS = [{"titles": "target"}]


@effbench.hookimpl
def effbench_trainers():
    return {"letter-weights": LetterWeights}


@effbench.hookimpl
def effbench_encoders():
    return {"weighed-letters": WeighedLetters}


@effbench.hookimpl
def effbench_ready_rows():
    weights = {"use": "letter-weights", "counts": {"encoder": "counted", "texts": TEXTS}}
    return {
        "models": {"weights": weights},
        "encoders": {
            "counted": {"use": "letters"},
            "weighed": {"use": "weighed-letters", "model": "weights"},
        },
    }


class LetterWeights:
    """Weigh each letter: a letter that all texts have weighs little."""

    def __init__(self, counts: effbench.EncodedTexts) -> None:
        self.counts = counts.vectors

    def train(self, output_dir, *, seed):
        import numpy as np

        np.save(output_dir / "weights.npy", 1 / self.counts[:].mean(axis=0))


class WeighedLetters(LettersEncoder):
    """Counts of letters, weighed and normalised."""

    def __init__(self, model: effbench.TrainedModel) -> None:
        import numpy as np

        super().__init__()
        self.weights = np.load(model.folder / "weights.npy")

    def encode_queries(self, queries):
        import numpy as np

        weighed = super().encode_queries(queries) * self.weights
        return weighed / np.linalg.norm(weighed, axis=1, keepdims=True)
