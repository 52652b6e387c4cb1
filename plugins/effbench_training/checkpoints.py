"""Checkpoints of a training: when they are written, and which of them are complete."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

from transformers import TrainerCallback

from effbench import EffbenchError
from effbench.files import postponed, read_sealed, sha256_of, write_json

SUMS = "effbench_sums.json"
"""The file of a checkpoint with the checksums of its other files."""

PENDING = "effbench_loss.json"
"""The file of a checkpoint with the losses that are not in the loss curve yet."""

SECONDS = 300.0
"""The longest time between two checkpoints: a kill loses at most this and the running step."""


class _Loop(Protocol):
    """transformers' loop, with a loss curve that can be continued."""

    accelerator: Any

    def add_callback(self, callback: TrainerCallback) -> None: ...

    def take_up(self, loss: float, since: int) -> None: ...


class _CheckpointTimer(TrainerCallback):  # type: ignore[misc]
    """Requests a checkpoint when `SECONDS` are over, or when a signal asks to end."""

    def __init__(self, asked_to_end: Callable[[], bool]) -> None:
        self._asked_to_end, self._saved = asked_to_end, monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Look at the clock and at signals."""
        if self._asked_to_end():
            control.should_save = control.should_training_stop = True
        elif monotonic() - self._saved > SECONDS:
            control.should_save = True

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Start the clock again."""
        self._saved = monotonic()


class _CurveContinuation(TrainerCallback):  # type: ignore[misc]
    """Continues the entry of the loss curve that was incomplete at a checkpoint."""

    def __init__(self, loop: _Loop, checkpoint: Path) -> None:
        self._loop, self._checkpoint = loop, checkpoint

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Read the pending losses; checkpoints of older versions have no such file."""
        if (self._checkpoint / PENDING).exists():
            pending = read_sealed(self._checkpoint / PENDING)
            self._loop.take_up(pending["loss"], pending["since"])


@contextmanager
def saving_in_time(loop: _Loop, checkpoint: str | None) -> Iterator[None]:
    """Let ``loop`` save checkpoints in time, and continue the loss curve of ``checkpoint``.

    Several processes that train together save checkpoints only at ``checkpoint_steps``: they
    agree on steps, but not on the time.
    """
    if checkpoint is not None:
        loop.add_callback(_CurveContinuation(loop, Path(checkpoint)))
    if loop.accelerator.num_processes > 1:
        yield
        return
    with postponed() as asked_to_end:
        loop.add_callback(_CheckpointTimer(asked_to_end))
        yield


def seal(checkpoint: Path, loss: float, since: int) -> None:
    """Complete a checkpoint: write the sum of losses since a step, then all checksums."""
    write_json(checkpoint / PENDING, {"loss": loss, "since": since})
    write_json(checkpoint / SUMS, _sums(checkpoint))


def newest(checkpoints: Path) -> str | None:
    """Return the path of the newest checkpoint whose checksums are right; None without any."""
    by_step = sorted(checkpoints.glob("checkpoint-*"), key=lambda path: int(path.name[11:]))
    for checkpoint in reversed(by_step):
        try:
            if read_sealed(checkpoint / SUMS) == _sums(checkpoint):
                return str(checkpoint)
        except EffbenchError:
            continue
    return None


def _sums(checkpoint: Path) -> dict[str, str]:
    """Return the sha256 of each file of a checkpoint, by its relative path."""
    sums = {}
    for path in sorted(path for path in checkpoint.rglob("*") if path.is_file()):
        if path.name != SUMS:
            with path.open("rb") as file:
                sums[path.relative_to(checkpoint).as_posix()] = sha256_of(file).hex()
    return sums
