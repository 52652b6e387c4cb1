"""The places of workers in a cluster: which device, how many cores, on which node."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

from effbench.api.errors import EffbenchError


class Node(NamedTuple):
    """A machine of a cluster, and what it lends."""

    key: str
    """Ray's id of the node."""

    name: str
    cpus: float
    gpus: int


class Spot(NamedTuple):
    """What a worker asks of the cluster, and what it has there."""

    device: str | None
    cpus: float
    gpus: int
    threads: int
    """The threads of each library."""

    node: str | None = None
    """The id of the wanted node; None for any node."""


def spots(nodes: Sequence[Node], devices: Sequence[str | None]) -> list[Spot]:
    """Return a place for each device; ``[None]`` stands for all that the cluster has.

    All is each GPU. Without GPUs it is one worker for each node, with all its cores: so the
    models are in the memory of a node once, as in a run without a cluster.

    Raises:
        EffbenchError: the cluster has neither cores nor GPUs, or too few GPUs.

    """
    if tuple(devices) == (None,):
        return _all(nodes)
    wanted = sum(_is_gpu(device) for device in devices)
    gpus = sum(node.gpus for node in nodes)
    if wanted > gpus:
        raise EffbenchError(
            f"--devices names {wanted} GPUs, and the cluster of --ray has {gpus} (name fewer)"
        )
    share = _share(nodes, len(devices) - wanted) if wanted < len(devices) else 0.0
    of_gpu = next((spot.threads for spot in _all(nodes) if spot.gpus), 1)
    return [
        Spot("cuda", 0, 1, of_gpu)  # Ray shows a worker no GPU but its own
        if _is_gpu(device)
        else Spot(device, share, 0, max(1, int(share)))
        for device in devices
    ]


def _all(nodes: Sequence[Node]) -> list[Spot]:
    every = [
        Spot("cuda", 0, 1, max(1, int(node.cpus) // node.gpus), node.key)
        for node in nodes
        for _ in range(node.gpus)
    ]
    if not every:
        every = [
            Spot(None, node.cpus, 0, int(node.cpus), node.key)
            for node in nodes
            if node.cpus >= 1
        ]
    if not every:
        raise EffbenchError("the cluster of --ray lends neither cores nor GPUs (start a node)")
    return every


def _share(nodes: Sequence[Node], workers: int) -> float:
    """Return the most cores that each of so many workers can have; a part of one if need be."""
    whole = max((int(node.cpus) for node in nodes), default=0)
    for cores in range(whole, 0, -1):
        if sum(int(node.cpus) // cores for node in nodes) >= workers:
            return float(cores)
    if not whole:
        raise EffbenchError("the cluster of --ray lends no cores (start a node with some)")
    for parts in count(math.ceil(workers / sum(int(node.cpus) for node in nodes))):
        if sum(int(node.cpus) * parts for node in nodes) >= workers:
            break
    return 1 / parts


def _is_gpu(device: str | None) -> bool:
    return device is not None and device.partition(":")[0] == "cuda"
