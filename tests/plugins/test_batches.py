"""Batches of texts: how they are cut, and how threads work on them at the same time."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from effbench_transformer.batches import ahead, batches, in_lanes

SOON = 20
"""Seconds until a thread that waits for another gives up."""


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_batches_hold_as_many_tokens_as_allowed_the_longest_first() -> None:
    assert list(batches([3, 0, 9, 4, 2], 8)) == [[2], [3, 0], [4]]


def test_two_batches_are_worked_on_at_a_time_each_by_one_thread() -> None:
    import torch

    together = threading.Barrier(2)

    def work(number: int) -> tuple[int, int]:
        together.wait(SOON)  # passes only if two threads come here
        return number, torch.get_num_threads()

    before = threading.active_count()
    assert list(in_lanes(work, range(4))) == [(number, 1) for number in range(4)]
    assert torch.get_num_threads() == 2
    assert threading.active_count() == before


def test_a_batch_alone_gets_all_threads() -> None:
    import torch

    assert list(in_lanes(lambda _: torch.get_num_threads(), ["alone"])) == [2]


def test_a_batch_that_fails_ends_the_others_and_leaves_torch_as_it_was() -> None:
    import torch

    done = []

    def work(number: int) -> None:
        if number == 0:
            raise ValueError("bad batch")
        done.append(number)

    with pytest.raises(ValueError, match="bad batch"):
        list(in_lanes(work, range(10_000)))
    assert len(done) < 9_999
    assert torch.get_num_threads() == 2


def test_the_next_part_is_made_while_this_one_is_used() -> None:
    made = [threading.Event() for _ in range(3)]

    def make(number: int) -> int:
        made[number].set()
        return number

    used = []
    for number in ahead(make, range(3)):
        assert made[min(number + 1, 2)].wait(SOON)
        used.append(number)
    assert used == [0, 1, 2]
    assert list(ahead(make, [])) == []
