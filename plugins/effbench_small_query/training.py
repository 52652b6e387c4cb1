"""Training of a student: the loss against the targets, and what is written at the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor, nn
from transformers import set_seed

from effbench_small_query import RECURRENT, Align
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
    """A student with its loss: how far its vectors are from the target vectors."""

    def __init__(self, student: nn.Module, loss: str) -> None:
        super().__init__()
        self.student = student
        self._cosine = loss == "cosine"

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, targets: Tensor
    ) -> dict[str, Tensor]:
        """Return the ``loss``, a mean over the batch.

        ``input_ids`` and ``attention_mask`` are [b, t], ``targets`` [b, d].
        """
        features = {"input_ids": input_ids, "attention_mask": attention_mask}
        vectors = self.student(features)["sentence_embedding"].float()
        if self._cosine:
            return {"loss": -nn.functional.cosine_similarity(vectors, targets).mean()}
        return {"loss": nn.functional.mse_loss(vectors, targets)}


def train(options: Align, output_dir: Path, seed: int) -> None:
    """Train a student and write it into ``output_dir``; continue from a checkpoint there.

    Raises:
        EffbenchError: options, base or targets do not fit together, or the loss is NaN.

    """
    targets = options.targets
    norms = norms_of(targets)
    set_seed(seed)
    student = build(options, targets.vectors.shape[1], norms.normalized)
    texts = Targets(
        targets, norms, student.tokenizer, student.special_tokens, options.max_length, seed
    )

    def write(folder: Path) -> dict[str, Any]:
        near = nearness(student.network, texts, options.batch_size)
        save(student, norms.normalized, folder)
        (folder / "README.md").write_text(_readme(options, len(texts)), encoding="utf-8")
        return {"texts": len(texts), **near._asdict(), "remarks": near.remarks()}

    fit(
        "align",
        Alignment(student.network, options.loss),
        texts,
        collate,
        write,
        output_dir,
        options=options,
        warmup=options.warmup_steps,
        seed=seed,
    )


def _readme(options: Align, texts: int) -> str:
    trust = options.cell in RECURRENT
    return README.format(
        cell=options.cell,
        base=Path(options.base).name,
        texts=texts,
        encoder=options.targets.encoder,
        trust=", trust_remote_code=True" if trust else "",
        needs=NEEDS if trust else "",
    )
