"""The training loop of all trainers: transformers' `Trainer`, which continues after a kill.

A dataset may have attributes that the loop uses: ``lengths``, a number for each item, makes
batches of similar lengths; ``order(epoch)`` returns the items' order in an epoch; ``epoch`` is
set to the number of the epoch when it begins.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from effbench import EffbenchError, tell_steps
from effbench_training import LoopTrainer
from effbench_training.checkpoints import newest, saving_in_time, seal
from effbench_training.finishing import finish
from effbench_training.orders import ByLength, InOrder

log = logging.getLogger(__name__)

MOST_WARMUP = 0.5
"""The largest warm-up, as a share of all steps. If the learning rate rises until the end and
never falls, the network learns almost nothing."""


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
    """Train ``network`` from a checkpoint in ``output_dir``, if any, and write the model there.

    The result of ``network`` is a mapping with the ``loss``; ``who`` names the trainer in
    messages. ``save`` writes the model into a folder, and returns facts for about.json; its
    ``remarks`` are shown on the leaderboard. ``warmup`` is a number of steps, or below 1 a
    share of all steps. ``rates`` gives learning rates to modules; the other weights take that
    of ``options``. The top of this file says how a ``dataset`` decides its order.

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
        callbacks=[_Progress(dataset)],
        optimizers=(_optimizer(network, rates, arguments), None),
    )
    trainer.who = who
    _train(trainer, checkpoints)
    if trainer.is_world_process_zero():
        finish(checkpoints, output_dir, save, trainer.steps, trainer.state.log_history)
    trainer.accelerator.wait_for_everyone()


class _Loop(Trainer):  # type: ignore[misc]
    """transformers' loop, which stops if the loss is not a finite number."""

    who = "train"
    steps: Mapping[str, int] = {}
    """Facts for about.json: the number of all steps, and of the steps of the warm-up."""

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """Shorten a warm-up of more than half of all steps to a tenth of them."""
        asked = self.args.get_warmup_steps(num_training_steps)
        self.steps = {"steps": num_training_steps, "warmup_steps": asked}
        if asked > MOST_WARMUP * num_training_steps and self.args.warmup_steps >= 1:
            shorter = self.args.warmup_steps = num_training_steps // 10
            self.steps = {**self.steps, "warmup_steps": shorter, "warmup_steps_asked": asked}
            log.warning(
                "%s: a warm-up of %d steps is more than half of all %d: it takes %d",
                self.who, asked, num_training_steps, shorter,
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
        """Write a checkpoint, then its checksums; only then remove the older checkpoints."""
        super()._save_checkpoint(*arguments, **options)
        self.accelerator.wait_for_everyone()  # each process writes its random state
        if self.is_world_process_zero():
            checkpoints = Path(self.args.output_dir)
            latest = checkpoints / f"checkpoint-{self.state.global_step}"
            seal(latest, self._tr_loss.item(), self._globalstep_last_logged)
            for checkpoint in checkpoints.glob("checkpoint-*"):
                if checkpoint != latest:
                    shutil.rmtree(checkpoint)

    def take_up(self, loss: float, since: int) -> None:
        """Continue an entry of the loss curve: ``loss`` is its sum since the step ``since``."""
        self._tr_loss += loss
        self._globalstep_last_logged = since

    def training_step(self, *arguments: Any, **options: Any) -> Tensor:
        """Do one step and return its loss.

        Raises:
            EffbenchError: the loss is not a finite number.

        """
        loss: Tensor = super().training_step(*arguments, **options)
        if not torch.isfinite(loss):
            raise EffbenchError(
                f"{self.who}: the loss is {loss.item()} at step {self.state.global_step + 1} "
                "(lower learning_rate, or raise the warm-up)"
            )
        return loss

    def log(self, logs: dict[str, float], *arguments: Any, **options: Any) -> None:
        """Add an entry to the loss curve, and log it."""
        super().log(logs, *arguments, **options)
        step, steps = self.state.global_step, self.state.max_steps
        log.info("%s: step %d of %d: %s", self.who, step, steps, logs)


class _Progress(TrainerCallback):  # type: ignore[misc]
    """Reports the steps as progress, and tells the dataset the epoch, also after a kill."""

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Report the number of steps done; at the beginning, those of the checkpoint."""
        tell_steps(state.global_step, state.max_steps)

    on_step_end = on_train_begin

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Set the dataset's ``epoch``."""
        if hasattr(self._dataset, "epoch"):
            self._dataset.epoch = state.global_step * args.num_train_epochs // state.max_steps


def _optimizer(
    network: nn.Module, rates: Sequence[tuple[nn.Module, float]], arguments: TrainingArguments
) -> torch.optim.Optimizer | None:
    """Return AdamW with a learning rate for each module in ``rates``; None if there are none.

    None makes transformers create its usual optimizer.
    """
    if not rates:
        return None
    groups: list[dict[str, Any]] = []
    seen: set[int] = set()
    for module, rate in (*rates, (network, arguments.learning_rate)):
        weights = [p for p in module.parameters() if p.requires_grad and id(p) not in seen]
        seen.update(id(weight) for weight in weights)
        groups.append({"params": weights, "lr": rate})
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
        use_cpu=not (cuda or torch.backends.mps.is_available()),  # bf16 on a CPU needs it
        full_determinism=cuda,  # kernels on CPUs are always deterministic
        save_total_limit=None,  # _save_checkpoint removes the older checkpoints
        logging_steps=0.01,  # a share of all steps
        logging_nan_inf_filter=False,
        dataloader_pin_memory=cuda,
        remove_unused_columns=False,
        disable_tqdm=True,
        report_to="none",
    )
    if arguments.n_gpu > 1:  # without torchrun, DataParallel would cut the batches up
        arguments._n_gpu = 1
    return arguments


def _train(trainer: _Loop, checkpoints: Path) -> None:
    """Train to the end, from the newest checkpoint if there is one."""
    trainer.remove_callback(PrinterCallback)
    checkpoint = newest(checkpoints)
    with saving_in_time(trainer, checkpoint):
        trainer.train(resume_from_checkpoint=checkpoint)
    trainer.accelerator.wait_for_everyone()  # a process may still write to a checkpoint
