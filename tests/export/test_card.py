"""The README of an export: what is known of the row, and plainly what is not."""

from __future__ import annotations

import json
from pathlib import Path

import effbench_toy
import pytest

from altered import altered
from made_sessions import SUITE, Board

TRAINED = """\
suite: toys
datasets: [{use: toy}]
models:
  table: {use: table, targets: {texts: [{titles: {use: toy}}], encoder: words}, about: ABOUT}
encoders:
  words: {use: words}
  student: {use: table, model: table, passages: words}
indexes: {plain: {use: plain}}
latency: false
"""


@pytest.fixture
def readme(effbench, suite, tmp_path: Path):
    """Export a row, with the figures under tmp_path/results; return its README's text."""

    def export(row: str = "words", text: str = SUITE, *, said: str = "") -> str:
        out = tmp_path / f"out-{len(list(tmp_path.glob('out-*')))}"
        found = effbench("export", suite(text), row, out, "--results", tmp_path / "results")
        assert found.exit_code == 0, found.output
        assert said in found.stderr
        return (out / "README.md").read_text()

    return export


def test_scores_and_times_with_where_and_when(readme, board: Board) -> None:
    board.both()
    text = readme()
    record = json.loads((board.folder / "toy--words--plain.json").read_text())
    scores = next(line for line in text.splitlines() if line.startswith("| toy | plain |"))
    assert f"| {record['scores']['nDCG@10']:.4g} [" in scores
    assert f"| {len(record['per_query']['nDCG@10'])} | {record['created'][:10]}, " in scores
    assert "| more | plain |" in text
    assert "of the suite `toys`" in text
    assert "made-up (`" in text, "the processor"
    assert "2026-11-25; protocol 3" in text
    assert "| encode | 10 [10, 10] |" in text
    assert "unstable" not in text
    assert "Not recorded" not in text


def test_times_of_a_machine_that_was_not_steady_are_marked(readme, board: Board) -> None:
    board.both(unsteady=["toy--words--plain", "more--words--plain"])
    text = readme()
    assert "- **latency unstable**: in 100% of its blocks" in text
    assert "do not rank these times" in text


def test_times_of_other_options_of_speed_are_not_shown(readme, board: Board) -> None:
    board.both()
    text = readme(text=altered(SUITE, "{use: words}", "{use: words, pause_ms: 0.5}"))
    assert "| toy | plain | 0." in text, "the scores are those of the row"
    assert "(with other options of speed)" in text
    assert "| encode |" not in text


def test_names_are_shown_and_obeyed_by_nobody(readme, effbench, suite, tmp_path: Path) -> None:
    row, dataset = "w`o_r[d]s!&lt;~~", "<img src=x>|x `y` [a](b) *c*"
    text = altered(altered(SUITE, "  words:", f"  '{row}':"), "es: words", f"es: '{row}'")
    text = altered(text, "{use: toy}", f"{{use: toy, name: '{dataset}'}}")
    found = effbench("run", suite(text), "--results", tmp_path / "results")
    assert found.exit_code == 0, found.output
    (folder,) = (tmp_path / "results").iterdir()
    folder.rename(folder.with_name("m`<b>\n---\nx: 1\n---\n# H"))
    shown = readme(row, text)
    assert shown.count("\n---\n") == 1, "the head ends where it ends"
    assert f"`` {row} `` of the suite" in shown
    assert "measured on `` m`<b> --- x: 1 --- # H ``." in shown
    escaped = r"\<img src=x\>\|x \`y\` \[a\](b) \*c\*"
    assert f"\n| {escaped} | plain | " in shown
    assert f"(no session of: {escaped}, more)" in shown
    assert r"- w\`o\_r\[d\]s!\&lt;\~\~ through plain: The baseline." in shown


def test_a_row_that_was_not_timed(readme, board: Board) -> None:
    assert ": **not measured** on `" in readme()


def test_what_has_no_record_is_said_to_have_none(readme, board: Board) -> None:
    text = readme(text=altered(SUITE, "{use: words}", "{use: words, width: 32}"))
    assert text.count("**Not recorded.**") == 2, "that of another width is another row's"
    assert "| toy |" not in text
    assert readme(text=altered(SUITE, "suite: toys", "suite: new")).count("Not recorded") == 2


def test_a_dataset_that_lacks_a_record_is_named(readme, board: Board) -> None:
    (board.folder / "more--words--plain.json").unlink()
    text = readme()
    assert "Not measured: more--words--plain." in text
    assert "| toy | plain |" in text


def test_a_damaged_record_is_said(readme, board: Board) -> None:
    (board.folder / "more--words--plain.json").write_text("{")
    assert "| toy | plain |" in readme(said="not in the README: ")


def test_how_it_was_trained(readme) -> None:
    text = readme("student", altered(TRAINED, "ABOUT", '\'{"steps": 7, "last_loss": 0.25}\''))
    assert "`table`, by the trainer `table` of the plugin toy, seed 0" in text
    for fact in ("      encoder: words", "    steps: 7", "    last_loss: 0.25"):
        assert f"\n{fact}\n" in text
    assert "of the dataset toy, training took: corpus" in text
    assert "only fit the passage vectors of the row `words`" in text


def test_a_trainer_that_says_nothing_and_a_row_that_is_not_trained(readme) -> None:
    assert "The trainer gives no facts about it" in readme(
        "student", altered(TRAINED, "ABOUT", "''")
    )
    text = readme("words", altered(TRAINED, "ABOUT", "''"))
    assert "The suite does not train it" in text
    assert "It encodes passages itself" in text


def test_what_the_plugin_says_stands_first(readme, monkeypatch) -> None:
    def write(self, folder: Path, passages: Path | None) -> None:
        (folder / "README.md").write_text(said)

    def write_latin(self, folder: Path, passages: Path | None) -> None:
        (folder / "README.md").write_bytes(b"# Min\xe9\n")

    monkeypatch.setattr(effbench_toy.WordsEncoder, "export", write)
    said = "# Mine\n"
    head, _, rest = readme().removeprefix("---\n").partition("\n---\n\n")
    assert head == "tags:\n- effbench\n- dense-retrieval", (
        "no library is said that loads it not"
    )
    assert rest.startswith("# Mine\n\n## The row\n")
    monkeypatch.setattr(effbench_toy.WordsEncoder, "export", write_latin)
    assert "# Min\ufffd\n" in readme()
    monkeypatch.setattr(effbench_toy.WordsEncoder, "export", write)
    said = "---\nlicense: mit\n---\n# Mine\n"
    assert readme().startswith("---\nlicense: mit\n---\n# Mine\n\n## The row\n")
