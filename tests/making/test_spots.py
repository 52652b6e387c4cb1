"""The places of workers in a cluster."""

from __future__ import annotations

import pytest

from effbench.api.errors import EffbenchError
from effbench.making.spots import Node, Spot, spots

CPUS = [Node("a", "a", 16.0, 0), Node("b", "b", 8.0, 0), Node("head", "head", 0.0, 0)]
GPUS = [Node("a", "a", 16.0, 2), Node("b", "b", 8.0, 1), Node("c", "c", 64.0, 0)]


def test_without_devices_each_gpu_has_a_worker_and_else_each_node() -> None:
    assert spots(CPUS, [None]) == [Spot(None, 16, 0, 16, "a"), Spot(None, 8, 0, 8, "b")]
    assert spots(GPUS, [None]) == [
        Spot("cuda", 0, 1, 8, "a"),
        Spot("cuda", 0, 1, 8, "a"),
        Spot("cuda", 0, 1, 8, "b"),
    ]


@pytest.mark.parametrize(
    ("workers", "cores"), [(1, 16), (2, 8), (3, 8), (4, 5), (24, 1), (48, 0.5), (50, 1 / 3)]
)
def test_workers_on_cores_get_the_most_that_fits(workers: int, cores: float) -> None:
    found = spots(CPUS, ["cpu"] * workers)
    assert found == [Spot("cpu", cores, 0, max(1, int(cores)))] * workers
    assert sum(int(node.cpus / cores + 1e-9) for node in CPUS) >= workers


def test_named_gpus_are_any_gpus_of_the_cluster() -> None:
    found = spots(GPUS, ["cuda:0", "cuda:1", "cpu"])
    assert found == [Spot("cuda", 0, 1, 8), Spot("cuda", 0, 1, 8), Spot("cpu", 64, 0, 64)]


@pytest.mark.parametrize(
    ("nodes", "devices", "said"),
    [
        (GPUS, ["cuda"] * 4, "--devices names 4 GPUs, and the cluster of --ray has 3"),
        (CPUS[2:], [None], "lends neither cores nor GPUs"),
        (CPUS[2:], ["cpu"], "lends no cores"),
    ],
)
def test_what_a_cluster_lacks_is_one_line(nodes, devices, said) -> None:
    with pytest.raises(EffbenchError, match=said):
        spots(nodes, devices)
