"""Hundreds of kinds of hostile plugins: honest rows beside them come to the same numbers,
bit by bit, and each hostile row is named.

What no single process can contain is not among them:

- what ends or stops the process at once: ``os._exit`` with another code than 0, ``os.abort``,
  a signal that kills, a crash in C, memory that the system takes back; a loop, or a lock, that
  never ends (who waits longer than they like press Ctrl-C);
- an endless iterator of queries or judgments, which nobody has counted (docs are counted);
- what replaces functions that all share, such as ``json.dumps``, ``numpy.argsort`` and those of
  effbench; modules taken out of `sys.modules`;
- what lowers a hard limit (`resource.setrlimit`), becomes another user, raises its niceness, or
  sets what torch lets one set once only (the number of its interop threads);
- closing descriptors of others (``os.closerange``), or cutting a file of the store short that
  another row has mapped: the system ends the process (SIGBUS);
- writing other bytes into other steps of the store, with new manifests and checksums.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result

import sixty_plans
import sixty_runs
from folders import TOY
from made_processes import Ended, Forks, forks
from sixty_kinds import MODULES, Kind, kinds, suite
from sixty_plans import LOADING
from sixty_runs import Run

SIZE = 40
"""So many hostile rows share a run."""

DATASETS = 60


def groups() -> Iterator[list[Kind]]:
    """Yield those that share a run: kinds of one plugin; what deletes files, by itself."""
    for fate in ("FAILS", "STANDS", "EITHER"):
        for plugin in MODULES:
            mine = [kind for kind in kinds(fate) if kind.plugin == plugin]
            size = DATASETS if plugin == "dataset" else SIZE
            for deletes in (False, True):
                some = [kind for kind in mine if ("deletes" in kind.does) is deletes]
                yield from (some[at : at + size] for at in range(0, len(some), size))


def named(group: list[Kind]) -> str:
    return f"{group[0]} and {len(group) - 1} more, {group[0].fate.lower()}"


@pytest.fixture(scope="module")
def forked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    folder = tmp_path_factory.mktemp("forked")
    (folder / "warm.yaml").write_text(json.dumps(suite()))
    places = ["--cache", str(folder / "cache"), "--results", str(folder / "results")]
    warm = ["run", str(folder / "warm.yaml"), *places, "--json"]
    with forks(folder, warm, TOY) as found:
        yield found


@pytest.fixture(scope="module")
def honest(forked: Forks, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The honest rows alone, whose numbers all other runs must come to."""
    found = sixty_runs.run(forked, tmp_path_factory.mktemp("honest"), suite(), "honest")
    assert found.ended.code == 0
    assert len(found.numbers()) == len(found.records) == 16
    return found


def test_there_are_more_than_sixty_kinds_of_each_sort() -> None:
    assert len(kinds("FAILS")) > 60
    assert len(kinds("STANDS")) > 60
    assert len(kinds("PLANS")) > 60
    assert {kind.plugin for kind in kinds("FAILS")} == set(MODULES)


@pytest.mark.parametrize("group", list(groups()), ids=named)
def test_hostile_rows_are_named_and_honest_ones_come_to_the_same(
    forked, honest, tmp_path: Path, group: list[Kind]
) -> None:
    assert sixty_runs.complaints(forked, tmp_path / "run", group, honest) == []


@pytest.fixture
def start(effbench):
    """Start the command line in this process."""

    def started(*arguments: object) -> Ended:
        found: Result = effbench(*arguments)
        unseen = found.exception is not None and not isinstance(found.exception, SystemExit)
        trace = f"Traceback: {found.exception!r}" if unseen else ""
        return Ended(found.exit_code, found.stdout, found.stderr + trace)

    return started


@pytest.mark.parametrize("datasets", [True, False])
def test_what_is_hostile_while_planning_is_a_line_of_the_plan(
    start, tmp_path: Path, datasets: bool
) -> None:
    given = [kind for kind in kinds("PLANS") if (kind.plugin == "dataset") is datasets]
    assert sixty_plans.planned(start, tmp_path, given) == []


@pytest.fixture(params=LOADING)
def how(request, monkeypatch) -> Iterator[str]:
    """Import a plugin anew, hostile in one way."""
    module = "effbench_sixty_loading"
    sys.modules.pop(module, None)
    monkeypatch.setenv("SIXTY", request.param)
    yield request.param
    sys.modules.pop(module, None)


@pytest.mark.usefixtures("how")
def test_a_plugin_that_is_hostile_while_it_is_loaded_is_left_out_or_works(
    start, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert sixty_plans.loaded(start, tmp_path) == []


@pytest.mark.alone
@pytest.mark.parametrize("kind", [*kinds("FAILS"), *kinds("STANDS"), *kinds("EITHER")], ids=str)
def test_each_kind_alone(forked, honest, tmp_path: Path, kind: Kind) -> None:
    assert sixty_runs.complaints(forked, tmp_path / "run", [kind], honest) == []
