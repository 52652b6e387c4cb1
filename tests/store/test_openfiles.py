"""Files of a corpus that stay open: few, if a process may open few."""

from __future__ import annotations

import resource

import pytest

from effbench.store.openfiles import OpenFiles, most_open


@pytest.fixture
def limits():
    """The soft and the hard limit, which come back after the test."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_last_used_stay_open(monkeypatch) -> None:
    monkeypatch.setattr("effbench.store.openfiles.most_open", lambda _count: 2)
    opened: list[int] = []

    def open_file(number: int) -> str:
        opened.append(number)
        return f"file {number}"

    files = OpenFiles(5, open_file)
    assert [files[number] for number in (1, 2, 1, 3, 1, 2)] == [
        f"file {number}" for number in (1, 2, 1, 3, 1, 2)
    ]
    assert opened == [1, 2, 3, 2]


def test_a_low_limit_is_raised_as_far_as_the_system_allows(limits) -> None:
    _, hard = limits
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    assert most_open(10) == 32  # 10 files need no more
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (256, hard)
    aim = 10_000 if hard == resource.RLIM_INFINITY else hard // 8
    assert most_open(aim) == aim
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (aim * 8, hard)
