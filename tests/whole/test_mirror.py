"""Tests mirror the rooms: the test of a module is found by its name, or here."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from folders import ROOT, TESTS

SMALL = 12
"""Statements; what has fewer needs no test of its own."""

HARNESS, PLUGINS = ROOT / "harness" / "effbench", ROOT / "plugins"
WHOLE = {"benchmarks", "fuzz", "plugins", "third_party", "toy", "whole"}
"""The folders of tests/ that are no room."""

ELSEWHERE = {
    # what plugins see and implement: every plugin is a test of it
    "whole/test_docs.py": "api/hookspecs",
    "whole/test_public.py": "api/data api/encoders api/errors api/training commands files",
    "views/test_contract.py": "api/factory api/kinds api/searching views/definitions",
    # parts of a page, a plan or a session that are seen as a whole
    "board/test_changes.py": "board/moves cli/diff",
    "board/test_choice.py": "board/candidates",
    "board/test_collected.py": "board/chosen",
    "board/test_ir_metadata.py": "cli/ir_metadata",
    "board/test_latencies.py": "statistics/row_latency statistics/sessions",
    "board/test_comparison.py": "board/compared views/comparisons",
    "board/test_together.py": "views/machines",
    "board/test_leaderboard.py": "board/lines board/standings",
    "cli/test_commands.py": "cli/group cli/plugins",
    "export/test_card.py": "export/figures",
    "export/test_folder.py": "cli/export",
    "guard/test_containment.py": "guard/keeper",
    "latency/test_agreement.py": "steps/answers",
    "latency/test_crew.py": "latency/worker",
    "latency/test_workers.py": "making/environment making/leftovers",
    "making/test_hand.py": "making/memory making/process making/worker cli/making",
    "making/test_ray_team.py": "making/ray_hand making/ray_training making/remote_training",
    "making/test_team.py": "making/ahead making/maker making/messages making/watched",
    "latency/test_session.py": "latency/calibration latency/header latency/terms cli/latency",
    "offers/test_hooks.py": "guard/attributes",
    "offers/test_annotations.py": "offers/checking offers/schema",
    "offers/test_contracts.py": "offers/importing",
    "offers/test_plugins.py": "offers/installed",
    "plan/test_bill.py": "work/effort",
    "plan/test_live.py": "api/live plan/forms",
    "plan/test_located.py": "plan/reader plan/scalars",
    "plan/test_planner.py": "plan/cells plan/ready cli/plan work/step",
    "plan/test_suite.py": "plan/checks plan/references plan/scope plan/sections work/options",
    "plan/test_variants.py": "plan/entries plan/fitting plan/lookup",
    "plugins/test_table.py": "store/tabular",
    "run/test_evaluation.py": "store/trec",
    "run/test_runner.py": "work/failures work/workbench steps/opened cli/options cli/run",
    "run/test_results.py": "cli/records",
    "board/test_pruning.py": "cli/results",
    "sharing/test_packing.py": (
        "sharing/manifest sharing/opening plan/learned cli/pack latency/memory_rates"
    ),
    "sharing/test_verification.py": (
        "sharing/plausibility sharing/record_checks sharing/report cli/verify"
    ),
    "steps/test_data.py": "board/counts",
    "store/test_mirror.py": "store/remote",
    "steps/test_examples.py": "store/examples",
    "steps/test_writing.py": "steps/shards",
    "steps/test_index.py": "steps/built",
    "steps/test_hits.py": "steps/search",
    "steps/test_texts.py": "plan/text_sources steps/sources",
    "views/test_layout.py": "views/terminal_columns",
    "views/test_page.py": "views/page/facts",
    "views/page/test_specification.py": "views/page/vega",
    "vectors/test_kinds.py": (
        "api/arrays plan/vectors vectors/dense vectors/sparse vectors/tokens"
    ),
    "views/test_tables.py": "views/sweeps",
    "whole/test_places.py": "store/paths",
    "whole/test_sixty.py": "guard/ordinary",
    "work/test_datasets.py": "work/declared",
    "whole/test_training_runs.py": "work/joining",
}
"""Which test file tests the modules that have none of their name."""


def modules() -> dict[str, Path]:
    """Return the modules of the harness, by room and name, that do something."""
    paths = sorted(path for path in HARNESS.rglob("*.py") if path.name != "__init__.py")
    return {
        path.relative_to(HARNESS).with_suffix("").as_posix(): path
        for path in paths
        if sum(isinstance(part, ast.stmt) for part in ast.walk(ast.parse(path.read_text())))
        >= SMALL
    }


def place_of(module: str) -> Path:
    room, _, name = module.rpartition("/")
    return TESTS / room / f"test_{name}.py"


LISTED = {module: file for file, names in ELSEWHERE.items() for module in names.split()}


def test_every_module_has_a_test_of_its_name_or_is_listed() -> None:
    lacking = {name for name in modules() if not place_of(name).exists()}
    assert lacking == set(LISTED), "add a test file of that name, or change ELSEWHERE"
    assert len(lacking) < len(modules()) / 2.5, "most have one of their name"


@pytest.mark.parametrize("file", ELSEWHERE)
def test_what_tests_it_elsewhere_is_there(file: str) -> None:
    assert (TESTS / file).is_file()


def test_every_test_of_a_room_is_named_after_a_module() -> None:
    files = [path.relative_to(TESTS) for path in sorted(TESTS.rglob("test_*.py"))]
    rooms = [path for path in files if path.parts[0] not in WHOLE]
    assert {path.parts[0] for path in rooms} <= {path.name for path in HARNESS.iterdir()}
    for path in rooms:
        name = HARNESS / path.parent / path.stem.removeprefix("test_")
        assert name.with_suffix(".py").is_file() or name.is_dir(), f"{path} is named after none"


def test_every_plugin_has_a_test_of_its_name() -> None:
    names = {path.stem.removeprefix("effbench_") for path in PLUGINS.glob("effbench_*")}
    tests = {path.stem.removeprefix("test_") for path in (TESTS / "plugins").glob("test_*.py")}
    assert names <= tests
