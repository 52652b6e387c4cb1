"""Failures of steps: why a step could not be made, as text that outlives its objects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from effbench.api.errors import EffbenchError, NoDataError
from effbench.guard.blame import failure
from effbench.store.disk import on_disk
from effbench.text.raised import message_of
from effbench.work.step import Step


class Reason(NamedTuple):
    """Why a step could not be made, as text.

    An exception would hold its frames, and they might hold a model of some gigabytes.
    """

    label: str
    """The label of the step."""

    message: str
    trace: str | None
    no_data: bool


class StepFailed(EffbenchError):
    """A step could not be made; ``trace`` is the traceback if the cause is a bug."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.message)
        self.reason, self.trace, self.no_data = reason, reason.trace, reason.no_data


@contextmanager
def reasons(step: Step, folder: Path) -> Iterator[None]:
    """Raise `StepFailed` for any error in the block, which makes a step in its folder."""
    try:
        with on_disk(folder):
            yield
        return
    except (StepFailed, KeyboardInterrupt):
        raise
    except EffbenchError as error:
        trace, no_data = getattr(error, "trace", None), isinstance(error, NoDataError)
        reason = Reason(step.label, message_of(error), trace, no_data)
    except BaseException as error:  # a bug of the harness: errors of plugins are named
        bug = failure(step.label, error)
        reason = Reason(step.label, str(bug), bug.trace, no_data=False)
    raise StepFailed(reason)
