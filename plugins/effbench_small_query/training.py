"""Align a student with its teacher."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor, nn
from transformers import set_seed

from effbench import EncodedTexts
from effbench_small_query import RECURRENT, Schedule, Shape
from effbench_small_query.nearness import nearness
from effbench_small_query.students import build, save
from effbench_small_query.targets import Targets, collate, norms_of
from effbench_training.loop import fit

README = """\
# A small query encoder trained by effbench

A {cell} student of `{base}`, trained on {texts} texts to give the query vectors of the row
`{encoder}`. It encodes queries only; passages are encoded by that row.

```python
SentenceTransformer("this folder"{trust}).encode_query("a query")
```
{needs}"""
NEEDS = """
Its first module is effbench's own, so that effbench must be installed here; Sentence
Transformers asks for `trust_remote_code=True`, by which it means that package, since the folder
holds no code. What `effbench export` writes needs no effbench.
"""


class Alignment(nn.Module):
    """A student and how far its vectors are from the targets."""

    def __init__(self, student: nn.Module, loss: str) -> None:
        super().__init__()
        self.student = student
        self._cosine = loss == "cosine"

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, targets: Tensor
    ) -> dict[str, Tensor]:
        """Return the ``loss``, a mean over the batch."""
        features = {"input_ids": input_ids, "attention_mask": attention_mask}
        vectors = self.student(features)["sentence_embedding"].float()
        if self._cosine:
            return {"loss": -nn.functional.cosine_similarity(vectors, targets).mean()}
        return {"loss": nn.functional.mse_loss(vectors, targets)}


def train(
    targets: EncodedTexts,
    base: str,
    revision: str | None,
    shape: Shape,
    schedule: Schedule,
    output_dir: Path,
    seed: int,
) -> None:
    """Train from the newest checkpoint in ``output_dir``, if any; write the student there."""
    norms = norms_of(targets)
    set_seed(seed)
    width, length = targets.vectors.shape[1], schedule.max_length
    student = build(base, revision, shape, width, norms.normalized, length)
    texts = Targets(
        targets, norms, student.tokenizer, student.special_tokens, schedule.max_length
    )

    def write(folder: Path) -> dict[str, Any]:
        near = nearness(student.network, texts, schedule.batch_size)
        save(student, shape, norms.normalized, folder)
        trust = shape.cell in RECURRENT
        readme = README.format(
            cell=shape.cell,
            base=Path(base).name,
            texts=len(texts),
            encoder=targets.encoder,
            trust=", trust_remote_code=True" if trust else "",
            needs=NEEDS if trust else "",
        )
        (folder / "README.md").write_text(readme, encoding="utf-8")
        return {"texts": len(texts), **near._asdict(), "remarks": near.remarks()}

    fit(
        "align",
        Alignment(student.network, schedule.loss),
        texts,
        collate,
        write,
        output_dir,
        seed=seed,
        num_train_epochs=schedule.epochs,
        learning_rate=schedule.learning_rate,
        warmup_steps=schedule.warmup_steps,
        per_device_train_batch_size=schedule.batch_size,
        bf16=schedule.bf16,
        save_steps=schedule.checkpoint_steps,
    )
