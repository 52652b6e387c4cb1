"""Whatever a plugin does while it is loaded, listed and planned is one line that names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from made_plugins import answering, offering
from made_suites import PLAIN


def test_a_module_that_says_nothing_of_itself_is_not_missing(mine, effbench, planned) -> None:
    source = "import types\nsys.modules['odd_one'] = types.ModuleType('odd_one')\n"
    source += "class Mine(Enc):\n    requires = {'odd_one': 'odd', 'mine.lost': 'lost'}\n"
    mine(source + offering("encoders", "Mine"))
    listed = effbench("plugins")
    assert listed.exit_code == 0
    assert "needs: pip install lost\n" in listed.stdout
    found = planned("{use: words}", "{use: mine}")
    assert "words.use: 'mine' needs more packages (pip install lost)" in found.stderr


@pytest.mark.parametrize(
    ("point", "said"),
    [
        ("not_there", "ModuleNotFoundError: No module named 'not_there'"),
        ("mine:Lost", "AttributeError: module 'mine' has no attribute 'Lost'"),
        ("mine:Enc", "it has no hook (docs/plugins.md says what a plugin is)"),
        ("1 2", "AttributeError: "),
    ],
)
def test_an_entry_point_that_leads_nowhere_breaks_that_plugin_alone(
    mine, effbench, planned, point: str, said: str
) -> None:
    mine(offering("encoders", "Enc"), point=point)
    listed = effbench("plugins")
    assert listed.exit_code == 1
    assert f"mine (mine 1.0)\n  BROKEN: {said}" in listed.stdout
    assert planned().exit_code == 0


def test_a_plugin_of_a_name_that_is_taken_is_the_broken_one(
    mine, effbench, planned, tmp_path: Path
) -> None:
    mine(offering("encoders", "Enc"))
    about = tmp_path / "site" / "zz_twin-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: zz_twin\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[effbench]\nmine = lost\n")
    listed = effbench("plugins")
    assert listed.exit_code == 1
    assert "BROKEN: another plugin of this name is installed (uninstall one)" in listed.stdout
    assert "encoders: mine" in listed.stdout
    assert planned("{use: words}", "{use: mine}").exit_code == 0


def test_a_plugin_without_its_metadata_is_taken(mine, effbench, tmp_path: Path) -> None:
    mine(offering("encoders", "Enc"))
    (tmp_path / "site" / "mine-1.0.dist-info" / "METADATA").unlink()
    listed = effbench("plugins")
    assert listed.exit_code == 0, listed.stderr
    assert "mine (unknown distribution)\n  encoders: mine" in listed.stdout


def test_a_plugin_that_goes_elsewhere_takes_nobody_along(
    mine, effbench, suite, tmp_path: Path, monkeypatch
) -> None:
    mine("os.chdir('/')\n" + answering("os.chdir('/tmp') or {'mine': Enc}"))
    suite(PLAIN)
    monkeypatch.chdir(tmp_path)
    found = effbench("plan", "suite.yaml")
    assert found.exit_code == 0, found.stderr
    assert Path.cwd() == tmp_path
