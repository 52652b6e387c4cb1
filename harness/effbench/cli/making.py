"""The options of commands that make steps: devices, limits of worker processes, debugging."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from effbench.api.errors import EffbenchError
from effbench.text.amounts import bytes_of, seconds_of

if TYPE_CHECKING:
    from effbench.making.hand import Hand
    from effbench.making.messages import Source
    from effbench.making.ray_team import RayTeam
    from effbench.making.spots import Spot
    from effbench.plan.cells import Plan
    from effbench.store.artifacts import Store
    from effbench.work.progress import Progress
    from effbench.work.step import Step
    from effbench.work.workbench import Workbench


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

    ray: str | None = None
    """The address of the cluster of Ray; "auto" for one on this machine; None for no Ray."""

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
        ray: str | None,
        **options: Any,
    ) -> Any:
        making = Making(devices, patience, memory, in_process, ray)
        return command(*arguments, making=making, **options)

    return functools.reduce(lambda whole, option: option(whole), _OPTIONS, with_making)


@contextmanager
def making_bench(
    making: Making, plan: Plan, store: Store, progress: Progress, *, soon: bool = False
) -> Iterator[Workbench]:
    """Yield a workbench; with ``soon``, the first worker starts at once."""
    from effbench.guard import processes
    from effbench.plan.costs import Facts, learner, shards_of
    from effbench.work.workbench import Workbench

    bench = Workbench(store, progress, making.device, learn=learner(store, making.device))
    if making.in_process or processes.several():
        yield bench
        return
    shards = partial(shards_of, Facts(store, making.device))
    source = _source(making, plan, store)
    team: Team | RayTeam
    if making.ray is not None:
        team = _ray_team(making, source, shards, progress)
    else:
        from effbench.making.team import Team

        hands = _hands(making, source, progress)
        team = Team(hands, shards)
        if soon:
            hands[0].start(frozenset())
    bench.maker = team
    try:
        yield bench
    except KeyboardInterrupt:
        team.stop()
        raise
    finally:
        team.close()


def _hands(making: Making, source: Source, progress: Progress) -> list[Hand]:
    from concurrent.futures import ThreadPoolExecutor

    from effbench.making.environment import cores
    from effbench.making.hand import Hand
    from effbench.making.process import Limits

    on_cpu = sum(device in (None, "cpu") for device in making.devices)
    threads = max(1, cores() // on_cpu) if on_cpu > 1 else None
    starter = ThreadPoolExecutor(1, "starter")
    limits = Limits.of(making.patience, making.memory)
    return [
        Hand(source, device, threads, limits, progress, starter) for device in making.devices
    ]


def _source(making: Making, plan: Plan, store: Store) -> Source:
    from effbench.making.messages import Source

    return Source(
        path=str(plan.suite.path.absolute()),
        text=plan.suite.text,
        data=str(plan.data.absolute()),
        cache=str(store.root.absolute()),
        verbose=making.verbose,
    )


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


def _ray_team(
    making: Making,
    source: Source,
    shards: Callable[[Step], int | None],
    progress: Progress,
) -> RayTeam:
    try:
        from effbench.making.ray_team import RayTeam
    except ModuleNotFoundError as error:
        raise EffbenchError(f'--ray: {error} (pip install "effbench[ray]")') from error
    from effbench.making.ray_cluster import Cluster
    from effbench.making.ray_hand import RayHand

    cluster = Cluster(making.ray or "auto")

    def hand(spot: Spot) -> RayHand:
        return RayHand(cluster, spot, source, making.patience, making.memory, progress)

    return RayTeam(cluster, making.devices, hand, shards)


def _address(text: str | None) -> str | None:
    """Return the address of a cluster; refuse the name of a suite, and a client's address."""
    if text is None or text == "auto":
        return text
    host, _, port = text.rpartition(":")
    if "://" in text or not host or not port.isdigit():
        raise EffbenchError(
            f"--ray: {text!r} is no address (write HOST:PORT of `ray start --head`, or write "
            "SUITE before --ray)"
        )
    return text


_OPTIONS: tuple[Callable[[Any], Any], ...] = (
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
        "--ray",
        is_flag=False,
        flag_value="auto",
        metavar="[ADDRESS]",
        callback=lambda _c, _o, address: _address(address),
        help="Make the steps in the cluster of Ray at HOST:PORT, or without ADDRESS in "
        "that of this machine, or a new one. It has a worker for each GPU, or each node; "
        "--devices cpu,cpu makes two.",
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
)
