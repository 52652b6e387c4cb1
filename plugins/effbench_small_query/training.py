"""Training of a student: the loss against the targets, and what is written at the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import set_seed

from effbench_small_query import Align, Realign
from effbench_small_query.losses import Loss, loss_of
from effbench_small_query.nearness import nearness
from effbench_small_query.recurrent import Recurrent
from effbench_small_query.students import build, reopen, save
from effbench_small_query.targets import Targets, collate, norms_of
from effbench_training.loop import fit

README = """\
# A small query encoder trained by effbench

{what}, trained on {texts} texts to give the query vectors of the row
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

    def __init__(self, student: nn.Module, loss: Loss) -> None:
        super().__init__()
        self.student = student
        self._loss = loss

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, targets: Tensor
    ) -> dict[str, Tensor]:
        """Return the ``loss``, a mean over the batch.

        ``input_ids`` and ``attention_mask`` are [b, t], ``targets`` [b, d].
        """
        features = {"input_ids": input_ids, "attention_mask": attention_mask}
        vectors = self.student(features)["sentence_embedding"].float()
        with torch.autocast(vectors.device.type, enabled=False):  # no rounding to bf16
            return {"loss": self._loss(vectors, targets)}


def train(options: Align | Realign, output_dir: Path, seed: int) -> None:
    """Train a student and write it into ``output_dir``; continue from a checkpoint there.

    Raises:
        EffbenchError: options, base or student, and targets do not fit together, or the loss
            is NaN.

    """
    targets = options.targets
    norms, width = norms_of(targets), targets.vectors.shape[1]
    set_seed(seed)
    if isinstance(options, Align):
        who, student = "align", build(options, width, norms.normalized)
        what = f"A {options.cell} student of `{Path(options.base).name}`"
    else:
        who, student = "realign", reopen(options, width)
        what = f"The student `{options.student.name}`"
    texts = Targets(
        targets, norms, student.tokenizer, student.special_tokens, options.max_length, seed
    )

    def write(folder: Path) -> dict[str, Any]:
        near = nearness(student.network, texts, options.batch_size)
        save(student, norms.normalized, folder)
        is_own = isinstance(student.network[0], Recurrent)
        readme = README.format(
            what=what,
            texts=len(texts),
            encoder=targets.encoder,
            trust=", trust_remote_code=True" if is_own else "",
            needs=NEEDS if is_own else "",
        )
        (folder / "README.md").write_text(readme, encoding="utf-8")
        return {"texts": len(texts), **near._asdict(), "remarks": near.remarks()}

    fit(
        who,
        Alignment(student.network, loss_of(options.loss)),
        texts,
        collate,
        write,
        output_dir,
        options=options,
        warmup=options.warmup_steps,
        seed=seed,
    )
