"""The loop of all our trainers: transformers' `Trainer`, taken up where it was killed."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from effbench import ABOUT, EffbenchError, tell_steps
from effbench_training import LoopTrainer
from effbench_training.checkpoints import kept_in_time, newest, seal
from effbench_training.orders import ByLength, InOrder

log = logging.getLogger(__name__)

MOST_WARMUP = 0.5
"""Of all steps. A rate that rises to the end and never decays trains next to nothing."""

LAST = "modules.json"
"""The file that makes a folder a model for Sentence Transformers: it is put there last."""


def fit(
    who: str,
    network: nn.Module,
    dataset: torch.utils.data.Dataset[Any],
    collate: Callable[[list[Any]], dict[str, Any]],
    save: Callable[[Path], Mapping[str, Any]],
    output_dir: Path,
    *,
    options: LoopTrainer,
    warmup: float,
    seed: int,
    rates: Sequence[tuple[nn.Module, float]] = (),
) -> None:
    """Train from the newest checkpoint in ``output_dir``, if any; let ``save`` write the model.

    ``save`` returns what about.json shall say beside the steps, ``remarks`` perhaps.
    ``network`` returns a mapping with its ``loss``. A ``dataset`` with ``lengths`` is read in
    batches of like length, one with ``order(epoch)`` in that order, one with an ``epoch`` is
    told which one it is. ``warmup`` is a number of steps, or below 1 a share of them;
    ``rates`` are learning rates of modules. The loss curve is kept in ``loss.json``.

    Raises:
        EffbenchError: the loss is not a finite number.

    """
    checkpoints = output_dir / "checkpoints"
    arguments = _arguments(checkpoints, seed, options, warmup)
    trainer = _Loop(
        model=network,
        args=arguments,
        train_dataset=dataset,
        data_collator=collate,
        callbacks=[_Tells(dataset)],
        optimizers=(_optimizer(network, rates, arguments), None),
    )
    trainer.who = who
    _train(trainer, checkpoints)
    if trainer.is_world_process_zero():
        _finish(trainer, save, output_dir)
    trainer.accelerator.wait_for_everyone()


class _Loop(Trainer):  # type: ignore[misc]
    """transformers' loop, which stops when the loss is no number."""

    who = "train"
    steps: Mapping[str, int] = {}
    """How many there are, and how many of them warm up."""

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """Take a tenth of all steps where more than half of them would be warm-up."""
        asked = self.args.get_warmup_steps(num_training_steps)
        self.steps = {"steps": num_training_steps, "warmup_steps": asked}
        if asked > MOST_WARMUP * num_training_steps and self.args.warmup_steps >= 1:
            taken = self.args.warmup_steps = num_training_steps // 10
            self.steps = {**self.steps, "warmup_steps": taken, "warmup_steps_asked": asked}
            log.warning(
                "%s: a warm-up of %d steps is more than half of all %d: it takes %d",
                self.who, asked, num_training_steps, taken,
            )  # fmt: skip
        return super().create_scheduler(num_training_steps, optimizer)

    def _get_train_sampler(self, *arguments: Any) -> Any:
        lengths = getattr(self.train_dataset, "lengths", None)
        if hasattr(self.train_dataset, "order"):
            return InOrder(self.train_dataset)
        if lengths is None:
            return super()._get_train_sampler(*arguments)
        return ByLength(self.args.train_batch_size, lengths, self.args.data_seed)

    def _save_checkpoint(self, *arguments: Any, **options: Any) -> None:
        """Write a checkpoint, its checksums last; only then can older ones go."""
        super()._save_checkpoint(*arguments, **options)
        self.accelerator.wait_for_everyone()  # each process writes the state of its own draws
        if self.is_world_process_zero():
            checkpoints = Path(self.args.output_dir)
            latest = checkpoints / f"checkpoint-{self.state.global_step}"
            seal(latest, self._tr_loss.item(), self._globalstep_last_logged)
            for checkpoint in checkpoints.glob("checkpoint-*"):
                if checkpoint != latest:
                    shutil.rmtree(checkpoint)

    def take_up(self, loss: float, since: int) -> None:
        """Go on with an entry of the loss curve: the sum of its losses, and where it began."""
        self._tr_loss += loss
        self._globalstep_last_logged = since

    def training_step(self, *arguments: Any, **options: Any) -> Tensor:
        """Do one step and return its loss."""
        loss: Tensor = super().training_step(*arguments, **options)
        if not torch.isfinite(loss):
            raise EffbenchError(
                f"{self.who}: the loss is {loss.item()} at step {self.state.global_step + 1} "
                "(lower learning_rate, or raise the warm-up)"
            )
        return loss

    def log(self, logs: dict[str, float], *arguments: Any, **options: Any) -> None:
        """Keep the loss curve, and log it."""
        super().log(logs, *arguments, **options)
        step, steps = self.state.global_step, self.state.max_steps
        log.info("%s: step %d of %d: %s", self.who, step, steps, logs)


class _Tells(TrainerCallback):  # type: ignore[misc]
    """Tells whoever watches of steps, and a dataset of epochs, also of one that goes on."""

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset

    def on_train_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Tell where it stands, at first perhaps at a checkpoint."""
        tell_steps(state.global_step, state.max_steps)

    on_step_end = on_train_begin

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Set the dataset's ``epoch``."""
        if hasattr(self._dataset, "epoch"):
            self._dataset.epoch = state.global_step * args.num_train_epochs // state.max_steps


def _optimizer(
    network: nn.Module, rates: Sequence[tuple[nn.Module, float]], arguments: TrainingArguments
) -> torch.optim.Optimizer | None:
    """Return AdamW with a group for each module of its own rate; None for the loop's own."""
    if not rates:
        return None
    groups: list[dict[str, Any]] = []
    taken: set[int] = set()
    for module, rate in (*rates, (network, arguments.learning_rate)):
        own = [p for p in module.parameters() if p.requires_grad and id(p) not in taken]
        taken.update(id(parameter) for parameter in own)
        groups.append({"params": own, "lr": rate})
    groups = [group for group in groups if group["params"]]
    return torch.optim.AdamW(groups, lr=arguments.learning_rate, weight_decay=0.0)


def _arguments(
    checkpoints: Path, seed: int, options: LoopTrainer, warmup: float
) -> TrainingArguments:
    cuda = torch.cuda.is_available()
    arguments = TrainingArguments(
        output_dir=str(checkpoints),
        num_train_epochs=options.epochs,
        learning_rate=options.learning_rate,
        warmup_steps=warmup,
        per_device_train_batch_size=options.batch_size,
        bf16=options.bf16,
        save_steps=options.checkpoint_steps,
        lr_scheduler_type="linear",
        seed=seed,
        data_seed=seed,
        use_cpu=not (cuda or torch.backends.mps.is_available()),  # it must be told, for bf16
        full_determinism=cuda,  # kernels on CPUs are deterministic as they are
        save_total_limit=None,  # we remove older ones ourselves
        logging_steps=0.01,  # of all steps
        logging_nan_inf_filter=False,
        dataloader_pin_memory=cuda,
        remove_unused_columns=False,
        disable_tqdm=True,
        report_to="none",
    )
    if arguments.n_gpu > 1:  # without torchrun: DataParallel would cut our batches up
        arguments._n_gpu = 1
    return arguments


def _train(trainer: _Loop, checkpoints: Path) -> None:
    trainer.remove_callback(PrinterCallback)
    checkpoint = newest(checkpoints)
    with kept_in_time(trainer, checkpoint):
        trainer.train(resume_from_checkpoint=checkpoint)
    trainer.accelerator.wait_for_everyone()  # others may still write to a checkpoint


def _finish(
    trainer: _Loop, save: Callable[[Path], Mapping[str, Any]], output_dir: Path
) -> None:
    """Put the model, its facts and its loss curve into place; drop the checkpoints."""
    curve = [entry for entry in trainer.state.log_history if "loss" in entry]
    checkpoints = Path(trainer.args.output_dir)
    model = checkpoints / "model"
    shutil.rmtree(model, ignore_errors=True)
    about = {**trainer.steps, **_ends(curve), **save(model)}
    about["remarks"] = [*about.get("remarks", ()), *_remarks(curve)]
    (model / ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")
    (model / "loss.json").write_text(json.dumps(curve), encoding="utf-8")
    _move(model, output_dir)
    shutil.rmtree(checkpoints)


def _ends(curve: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean loss of the first tenth of a curve, and of the last."""
    few = -(-len(curve) // 10)
    ends = {"first_loss": curve[:few], "last_loss": curve[-few:]}
    return {name: sum(entry["loss"] for entry in part) / few for name, part in ends.items()}


def _remarks(curve: Sequence[Mapping[str, float]]) -> list[str]:
    """Say that a loss did not fall."""
    first, last = _ends(curve).values()
    if last < first:
        return []
    return [f"its loss did not fall ({first:.4g} when training began, {last:.4g} at the end)"]


def _move(model: Path, output_dir: Path) -> None:
    """Put the files of a whole model into place, what makes it one last."""
    for path in sorted(model.iterdir(), key=lambda path: path.name == LAST):
        target = output_dir / path.name
        if target.is_dir():
            shutil.rmtree(target)
        path.replace(target)
