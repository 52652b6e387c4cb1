"""A trainer of a third party: it pulls a query to its good docs, and away from its bad ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

import effbench


@effbench.hookimpl
def effbench_trainers():
    return {"pull": Pull}


@dataclass(frozen=True)
class Pull:
    """Tune any student: a good doc shall score higher than a bad one, by ``margin``."""

    student: effbench.TrainedModel
    data: effbench.Examples
    margin: Annotated[float, Meta(gt=0)] = 0.1
    steps: Annotated[int, Meta(ge=1)] = 30

    def train(self, output_dir, *, seed):
        import torch

        from effbench_training.sides import save_side
        from effbench_training.students import open_student

        if self.data.vectors is None:
            raise effbench.EffbenchError("pull: data has no vectors (say passages in data)")
        torch.manual_seed(seed)
        student = open_student(self.student.folder)
        used = [row for row, bad in enumerate(self.data.negatives) if len(bad)]
        good, bad = (
            torch.from_numpy(self.data.vectors([docs[row][0] for row in used]))
            for docs in (self.data.positives, self.data.negatives)
        )
        features = student.preprocess([self.data.queries[row] for row in used])
        weights = [weight for weight in student.parameters() if weight.requires_grad]
        optimizer = torch.optim.Adam(weights, lr=0.01)
        student.train()
        for step in range(self.steps):
            effbench.tell_steps(step, self.steps)
            queries = student(dict(features))["sentence_embedding"]
            loss = (self.margin - (queries * (good - bad)).sum(1)).relu().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        effbench.tell_steps(self.steps, self.steps)
        save_side(student, output_dir)
