"""The options of commands that make steps: devices, limits of worker processes, debugging."""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from effbench.api.errors import EffbenchError
from effbench.text.amounts import bytes_of, seconds_of

if TYPE_CHECKING:
    from effbench.making.hand import Hand
    from effbench.plan.cells import Plan
    from effbench.store.artifacts import Store
    from effbench.work.progress import Progress
    from effbench.work.step import Step
    from effbench.work.workbench import Workbench

OF_MEMORY = 0.95
"""The share of the machine's memory that a worker may take if the user names no limit."""


class Making(NamedTuple):
    """How steps are made: the values of the options."""

    devices: tuple[str | None, ...]
    """One worker for each; None leaves the device to the plugins."""

    patience: float
    """The seconds without progress after which a worker is ended."""

    memory: int | None
    """The bytes of memory that a worker may take; None for a share of the machine's."""

    in_process: bool
    """Whether the steps are made in this process."""

    verbose: bool = False
    """Whether what plugins log is shown."""

    @property
    def device(self) -> str | None:
        """The first device: that of the latency sessions."""
        return self.devices[0]


def making_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of making steps to a command, which gets them as ``making``."""

    @functools.wraps(command)
    def with_making(
        *arguments: Any,
        devices: tuple[str | None, ...],
        patience: float,
        memory: int | None,
        in_process: bool,
        **options: Any,
    ) -> Any:
        making = Making(devices, patience, memory, in_process)
        return command(*arguments, making=making, **options)

    for option in (
        click.option(
            "--in-process",
            is_flag=True,
            envvar="EFFBENCH_IN_PROCESS",
            help="Make the steps in this process, as a debugger needs it.",
        ),
        click.option(
            "--memory",
            callback=lambda _c, _o, text: None if text is None else bytes_of(text),
            help="End a worker process that takes more memory, such as 20GB "
            "[default: 95% of the machine's].",
        ),
        click.option(
            "--patience",
            default="12h",
            show_default=True,
            callback=lambda _c, _o, text: seconds_of(text),
            help="End a worker process that shows no progress for so long.",
        ),
        click.option(
            "--device",
            "--devices",
            "devices",
            metavar="DEVICE,DEVICE",
            callback=lambda _c, _o, text: _devices(text),
            help="The devices for rows that do not name one: cpu, cuda, cuda:0,cuda:1, or all "
            "for all GPUs. Each has a worker process; cpu,cpu makes two.",
        ),
    ):
        with_making = option(with_making)
    return with_making


@contextmanager
def making_bench(
    making: Making, plan: Plan, store: Store, progress: Progress, *, soon: bool = False
) -> Iterator[Workbench]:
    """Yield a workbench; with ``soon``, the first worker starts at once."""
    from effbench.guard import processes
    from effbench.plan.costs import Facts, learner
    from effbench.work.workbench import Workbench

    bench = Workbench(store, progress, making.device, learn=learner(store, making.device))
    if making.in_process or processes.several():
        yield bench
        return
    from effbench.making.team import Team

    hands = _hands(making, plan, store, progress)
    facts = Facts(store, making.device)

    def shards(step: Step) -> int | None:
        work = step.work(facts)
        return math.ceil(work.amount / work.shard) if work.amount and work.shard else None

    bench.maker = team = Team(hands, shards)
    if soon:
        hands[0].start(frozenset())
    try:
        yield bench
    except KeyboardInterrupt:
        team.stop()
        raise
    finally:
        team.close()


def _hands(making: Making, plan: Plan, store: Store, progress: Progress) -> list[Hand]:
    from concurrent.futures import ThreadPoolExecutor

    from effbench.machine.linux import total_bytes
    from effbench.making.hand import Hand
    from effbench.making.messages import Source
    from effbench.making.process import Limits

    memory = making.memory or round(OF_MEMORY * total_bytes())
    source = Source(
        path=str(plan.suite.path.absolute()),
        text=plan.suite.text,
        data=str(plan.data.absolute()),
        cache=str(store.root),
        verbose=making.verbose,
    )
    on_cpu = sum(device in (None, "cpu") for device in making.devices)
    threads = max(1, _cores() // on_cpu) if on_cpu > 1 else None
    starter = ThreadPoolExecutor(1, "starter")
    return [
        Hand(source, device, threads, Limits(making.patience, memory), progress, starter)
        for device in making.devices
    ]


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _devices(text: str | None) -> tuple[str | None, ...]:
    """Return the devices in a text; None stands for the choice of each plugin."""
    if text is None:
        return (None,)
    if text.strip() == "all":
        import torch

        if not (count := torch.cuda.device_count()):
            raise EffbenchError("--devices all: this machine has no GPU (leave the option out)")
        return tuple(f"cuda:{number}" for number in range(count))
    devices = tuple(device.strip() for device in text.split(","))
    if not all(devices):
        raise EffbenchError(f"--devices: {text!r} has an empty name (write cuda:0,cuda:1)")
    return devices
