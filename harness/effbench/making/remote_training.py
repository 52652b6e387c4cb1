"""A training of several workers: what runs in the processes of Ray Train on the nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from effbench.making.messages import Order, Source
from effbench.making.remote import Settings


class Training(NamedTuple):
    """A training of several workers."""

    source: Source
    order: Order
    device: str | None
    workers: int
    cpus: float
    gpus: int
    settings: Settings
    news: Any
    """The queue for events, and for the `Made` of the first worker or of one that fails."""

    folder: str
    """A shared folder for Ray Train's own files."""


def fit(training: Training) -> None:
    """Let Ray Train start the workers, and wait for them.

    Raises:
        Exception: a worker has failed or died.

    """
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    resources = {"GPU": training.gpus} if training.gpus else {"CPU": training.cpus}
    TorchTrainer(
        train,
        train_loop_config={"training": training},
        scaling_config=ScalingConfig(
            num_workers=training.workers,
            use_gpu=training.gpus > 0,
            resources_per_worker=resources,
        ),
        run_config=RunConfig(
            name="ray", storage_path=training.folder, failure_config=FailureConfig(0)
        ),
    ).fit()


def train(config: Mapping[str, Training]) -> None:
    """Train with the other workers; Ray Train has set torchrun's variables and the group."""
    training = config["training"]
    training.settings.take()
    from effbench.guard import processes
    from effbench.making.maker import Maker

    first = processes.rank() == 0
    tell = training.news.put if first else lambda _event: None
    made = Maker(training.source, training.device, tell).make(training.order)
    if first or made.failed:
        training.news.put(made)
    if made.failed:  # the others would wait for this worker
        raise RuntimeError(made.failed.message)
