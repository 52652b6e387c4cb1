"""Commands of plugins: imported when they are called, and each mistake is a line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from made_plugins import offering

HEAD = """\
import click
@click.command()
@click.argument("what")
def call(what):
    "Say a word."
    {body}
"""


@pytest.fixture
def command(installed, tmp_path: Path, monkeypatch):
    """Install a plugin 'theirs' with commands."""

    def install(
        body: str = "print(what)", points: str = "say-it = theirs_commands:call"
    ) -> None:
        source = "import effbench\nopen('imported', 'w')\nclass Enc:\n"
        source += "    def encode_queries(self, q): pass\n" + offering("encoders", "Enc")
        installed("theirs", source, commands=points)
        (tmp_path / "site" / "theirs_commands.py").write_text(HEAD.format(body=body))
        monkeypatch.delitem(sys.modules, "theirs_commands", raising=False)
        monkeypatch.chdir(tmp_path)

    return install


def test_help_shows_a_command_and_imports_no_plugin(command, effbench, tmp_path: Path) -> None:
    command()
    found = effbench("--help")
    assert found.exit_code == 0
    (line,) = [line for line in found.stdout.splitlines() if "say-it" in line]
    assert line.split(maxsplit=1) == ["say-it", "(from theirs 1.0)"]
    assert not (tmp_path / "imported").exists()
    assert not {"theirs", "theirs_commands"} & sys.modules.keys()
    assert effbench("nothing-like-it").exit_code == 2
    assert not (tmp_path / "imported").exists()
    assert effbench("plugins").exit_code == 0
    assert (tmp_path / "imported").exists()


def test_a_place_of_a_command_is_a_path(command, effbench) -> None:
    command("print(repr(Place(exists=True, path_type=Path).convert(what, None, None)))")
    module = Path("site/theirs_commands.py")
    head = "from pathlib import Path\nfrom effbench.commands import Place\n"
    module.write_text(head + module.read_text())
    assert effbench("say-it", "site").stdout == "PosixPath('site')\n"


def test_a_command_is_called_with_its_own_help_and_arguments(command, effbench) -> None:
    command()
    assert "Say a word." in effbench("say-it", "--help").stdout
    assert effbench("say-it", "hello").stdout == "hello\n"
    found = effbench("say-it")
    assert found.exit_code == 2
    assert "Missing argument 'WHAT'" in found.stderr
    assert "  command: say-it\n" in effbench("plugins").stdout.partition("\ntheirs (")[2]


@pytest.mark.parametrize(
    ("point", "said"),
    [
        ("say-it = lost:call", "ModuleNotFoundError: No module named 'lost'"),
        ("say-it = theirs_commands:lost", "AttributeError: module 'theirs_commands' has no"),
        ("say-it = theirs_commands:HEAD", "AttributeError: module 'theirs_commands' has no"),
        ("say-it = json:dumps", "json:dumps is <function dumps at"),
        ("say-it = this is no place", "AttributeError: "),
    ],
)
def test_a_broken_command_is_a_line_and_the_rest_works(
    command, effbench, planned, point: str, said: str
) -> None:
    command(points=point)
    listed = effbench("plugins")
    assert listed.exit_code == 1
    assert f"  BROKEN: command 'say-it' (theirs 1.0): {said}" in listed.stdout
    assert effbench("--help").exit_code == 0
    found = effbench("say-it", "hello")
    assert found.exit_code == 2
    (line,) = found.stderr.splitlines()
    assert line.startswith(f"Error: command 'say-it' (theirs 1.0): {said}")
    assert planned().exit_code == 0


def test_a_command_of_effbench_goes_before_one_of_the_same_name(command, effbench) -> None:
    command(points="plan = theirs_commands:call\nsay it = theirs_commands:call")
    assert "SUITE" in effbench("plan", "--help").stdout
    listed = effbench("plugins")
    assert listed.exit_code == 1
    said = "command 'plan' (theirs 1.0): effbench has a command of this name (rename it)"
    assert f"  BROKEN: {said}\n" in listed.stdout
    assert "BROKEN: command 'say it' (theirs 1.0): its name has white space" in listed.stdout


def test_help_leaves_out_a_name_that_nobody_can_call_or_read(command, effbench) -> None:
    """A name of 100 letters left no room for what effbench's commands do."""
    names = ["l" * 41, "--help", "-x", "say it", "con"]
    command(points="\n".join(f"{name} = theirs_commands:call" for name in names))
    found = effbench("--help").stdout
    assert "theirs" not in found
    assert "List the plugins, their offers" in found
    listed = effbench("plugins").stdout
    assert f"command {names[0]!r} (theirs 1.0): its name has 41 letters (40 at m" in listed
    assert listed.count("(theirs 1.0): its name ") == len(names)


def test_of_two_commands_with_one_name_none_is_called(command, effbench, tmp_path) -> None:
    command()
    about = tmp_path / "site" / "others-2.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 2.0\n")
    (about / "entry_points.txt").write_text("[effbench.commands]\nsay-it = others:call\n")
    found = effbench("say-it", "hello")
    assert found.exit_code == 2
    assert found.stderr == (
        "Error: command 'say-it' (others 2.0): theirs 1.0 has a command of this name too "
        "(rename it, or uninstall one)\n"
    )
    facts = json.loads(effbench("plugins", "--json").stdout)
    (alone,) = [plugin for plugin in facts if plugin["distribution"] == "others 2.0"]
    assert (alone["plugin"], alone["offers"]) == ("others", [])
    broken = [c["command"] for plugin in facts for c in plugin["commands"] if c["error"]]
    assert broken == ["say-it", "say-it"]


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        (
            "{}[what]",
            1,
            "Error: command 'say-it' (theirs 1.0): KeyError: 'hello' (effbench -v ",
        ),
        ("open(what)", 1, "Error: command 'say-it' (theirs 1.0): FileNotFoundError: "),
        ("import effbench; raise effbench.EffbenchError('no (mend)')", 2, "Error: no (mend)"),
        ("raise click.ClickException('not so')", 1, "Error: not so"),
        ("raise BaseException(what)", 1, "Error: command 'say-it' (theirs 1.0): BaseExc"),
        ("raise GeneratorExit", 1, "Error: command 'say-it' (theirs 1.0): GeneratorExit"),
        ("raise SystemExit(7)", 7, ""),
        ("click.get_current_context().exit(5)", 5, ""),
    ],
)
def test_what_a_command_raises_is_a_line(command, effbench, body: str, code: int, said) -> None:
    command(body)
    found = effbench("say-it", "hello")
    assert found.exit_code == code
    assert found.stderr.startswith(said)
    assert found.stderr.count("\n") == bool(said)
    assert ("Traceback" in effbench("-v", "say-it", "hello").stderr) == ("command" in said)
