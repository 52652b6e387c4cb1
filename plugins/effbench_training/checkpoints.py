"""Checkpoints of a training: when they are written, and which of them is whole."""

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
"""The file of a checkpoint with the checksums of the others."""

PENDING = "effbench_loss.json"
"""The file of a checkpoint with what the loss curve has not told yet."""

SECONDS = 300.0
"""Between two checkpoints: a kill loses no more, and the step that is under way."""


class _Loop(Protocol):
    """transformers' loop, with a loss curve that can be taken up."""

    accelerator: Any

    def add_callback(self, callback: TrainerCallback) -> None: ...

    def take_up(self, loss: float, since: int) -> None: ...


class _Keeper(TrainerCallback):  # type: ignore[misc]
    """Asks for a checkpoint when it is time for one, or when a signal asks to end."""

    def __init__(self, asked: Callable[[], bool]) -> None:
        self._asked, self._saved = asked, monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Look at the clock and at signals."""
        if self._asked():
            control.should_save = control.should_training_stop = True
        elif monotonic() - self._saved > SECONDS:
            control.should_save = True

    def on_save(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Wait anew."""
        self._saved = monotonic()


class _Curve(TrainerCallback):  # type: ignore[misc]
    """Goes on with the entry of the loss curve that a checkpoint has cut."""

    def __init__(self, loop: _Loop, checkpoint: Path) -> None:
        self._loop, self._checkpoint = loop, checkpoint

    def on_train_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Take it up; checkpoints of older versions have none."""
        if (self._checkpoint / PENDING).exists():
            pending = read_sealed(self._checkpoint / PENDING)
            self._loop.take_up(pending["loss"], pending["since"])


@contextmanager
def kept_in_time(loop: _Loop, checkpoint: str | None) -> Iterator[None]:
    """Let a loop that begins with a checkpoint, if any, save others in time.

    Processes that train together save them at steps alone, which they agree on.
    """
    if checkpoint is not None:
        loop.add_callback(_Curve(loop, Path(checkpoint)))
    if loop.accelerator.num_processes > 1:
        yield
        return
    with postponed() as asked:
        loop.add_callback(_Keeper(asked))
        yield


def seal(checkpoint: Path, loss: float, since: int) -> None:
    """Finish a checkpoint: keep the sum of losses since a step, and all checksums, last."""
    write_json(checkpoint / PENDING, {"loss": loss, "since": since})
    write_json(checkpoint / SUMS, _sums(checkpoint))


def newest(checkpoints: Path) -> str | None:
    """Return the newest whole checkpoint: its files are those that were saved."""
    steps = sorted(checkpoints.glob("checkpoint-*"), key=lambda path: int(path.name[11:]))
    for checkpoint in reversed(steps):
        try:
            if read_sealed(checkpoint / SUMS) == _sums(checkpoint):
                return str(checkpoint)
        except EffbenchError:
            continue
    return None


def _sums(checkpoint: Path) -> dict[str, str]:
    sums = {}
    for path in sorted(path for path in checkpoint.rglob("*") if path.is_file()):
        if path.name != SUMS:
            with path.open("rb") as file:
                sums[path.relative_to(checkpoint).as_posix()] = sha256_of(file).hex()
    return sums
