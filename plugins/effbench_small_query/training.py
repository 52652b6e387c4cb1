"""Align a student with its teacher: the loop is transformers' `Trainer`."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PrinterCallback, Trainer, TrainingArguments, set_seed

from effbench import EffbenchError
from effbench.api import EncodedTexts
from effbench_small_query import Schedule, Shape
from effbench_small_query.students import build, save
from effbench_small_query.targets import Targets, collate, norms_of

log = logging.getLogger(__name__)

README = """\
# A small query encoder trained by effbench

A {cell} student of `{base}`, trained on {texts} texts to give the query vectors of the row
`{encoder}`. It encodes queries only; passages are encoded by that row.

```python
SentenceTransformer("this folder"{trust}).encode_query("a query")
```
{needs}"""
NEEDS = """
Its first module is effbench's own: `pip install effbench` first. Sentence Transformers from
version 6 on asks for `trust_remote_code=True`, by which it means that installed package; the
folder itself holds no code.
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


class AlignmentTrainer(Trainer):  # type: ignore[misc]
    """transformers' loop, which stops when the loss is no number."""

    def training_step(self, *arguments: Any, **options: Any) -> Tensor:
        """Do one step and return its loss."""
        loss: Tensor = super().training_step(*arguments, **options)
        if not torch.isfinite(loss):
            raise EffbenchError(
                f"align: the loss is {loss.item()} at step {self.state.global_step + 1} "
                "(lower learning_rate, or raise warmup_steps)"
            )
        return loss

    def log(self, logs: dict[str, float], *arguments: Any, **options: Any) -> None:
        """Keep the loss curve, and log it."""
        super().log(logs, *arguments, **options)
        log.info("align: step %d of %d: %s", self.state.global_step, self.state.max_steps, logs)


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
    student = build(base, revision, shape, targets.vectors.shape[1], norms.normalized)
    texts = Targets(
        targets, norms, student.tokenizer, student.special_tokens, schedule.max_length
    )
    checkpoints = output_dir / "checkpoints"
    trainer = AlignmentTrainer(
        model=Alignment(student.network, schedule.loss),
        args=_arguments(schedule, checkpoints, seed),
        train_dataset=texts,
        data_collator=collate,
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=_newest(checkpoints))
    trainer.accelerator.wait_for_everyone()  # others may still write to a checkpoint
    if trainer.is_world_process_zero():
        trust = shape.cell in ("gru", "lstm")
        readme = README.format(
            cell=shape.cell,
            base=Path(base).name,
            texts=len(texts),
            encoder=targets.encoder,
            trust=", trust_remote_code=True" if trust else "",
            needs=NEEDS if trust else "",
        )
        curve = [entry for entry in trainer.state.log_history if "loss" in entry]
        model = checkpoints / "model"
        shutil.rmtree(model, ignore_errors=True)
        save(student, shape, norms.normalized, model)
        (model / "README.md").write_text(readme, encoding="utf-8")
        (model / "loss.json").write_text(json.dumps(curve), encoding="utf-8")
        _move(model, output_dir)
        shutil.rmtree(checkpoints)


def _arguments(schedule: Schedule, checkpoints: Path, seed: int) -> TrainingArguments:
    cuda = torch.cuda.is_available()
    return TrainingArguments(
        output_dir=str(checkpoints),
        num_train_epochs=schedule.epochs,
        learning_rate=schedule.learning_rate,
        warmup_steps=schedule.warmup_steps,
        lr_scheduler_type="linear",
        per_device_train_batch_size=schedule.batch_size,
        bf16=schedule.bf16,
        seed=seed,
        data_seed=seed,
        full_determinism=cuda,  # kernels on CPUs are deterministic as they are
        save_steps=schedule.checkpoint_steps,
        save_total_limit=1,
        logging_steps=0.01,  # of all steps
        logging_nan_inf_filter=False,
        dataloader_pin_memory=cuda,
        remove_unused_columns=False,
        disable_tqdm=True,
        report_to="none",
    )


def _newest(checkpoints: Path) -> str | None:
    """Return the newest whole checkpoint: its state file is what is written last."""
    steps = sorted(checkpoints.glob("checkpoint-*"), key=lambda path: int(path.name[11:]))
    for checkpoint in reversed(steps):
        try:
            json.loads((checkpoint / "trainer_state.json").read_text())
        except (OSError, ValueError):
            continue
        return str(checkpoint)
    return None


def _move(model: Path, output_dir: Path) -> None:
    """Put the files of a whole model into place, what makes it one last."""
    for path in sorted(model.iterdir(), key=lambda path: path.name == "modules.json"):
        target = output_dir / path.name
        if target.is_dir():
            shutil.rmtree(target)
        path.replace(target)
