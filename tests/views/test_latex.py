"""Tables for papers: a strict parser reads them, and LaTeX compiles them where it is there."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pylatexenc.latexwalker import (
    LatexEnvironmentNode,
    LatexMacroNode,
    LatexSpecialsNode,
    LatexWalker,
)

from made_changes import edit
from made_records import NASTY, write_results

PAPER = """\
\\documentclass{article}
\\usepackage{booktabs}
\\begin{document}
\\input{board}
\\end{document}
"""


def environments(nodes: list, name: str) -> Iterator[LatexEnvironmentNode]:
    for node in nodes:
        if isinstance(node, LatexEnvironmentNode):
            if node.environmentname == name:
                yield node
            yield from environments(node.nodelist, name)


def grid(text: str) -> list[list[str]]:
    """Return the cells of the only table in LaTeX, as strictly read; its heading is first."""
    nodes, *_ = LatexWalker(text, tolerant_parsing=False).get_latex_nodes()
    (table,) = environments(nodes, "tabular")
    rows = [[""]]
    for node in table.nodelist:
        if isinstance(node, LatexMacroNode) and node.macroname == "\\":
            rows.append([""])
        elif isinstance(node, LatexSpecialsNode) and node.specials_chars == "&":
            rows[-1].append("")
        elif not (isinstance(node, LatexMacroNode) and node.macroname.endswith("rule")):
            rows[-1][-1] += node.latex_verbatim()
    return [[cell.strip() for cell in row] for row in rows if any(map(str.strip, row))]


@pytest.fixture
def latex(effbench, tmp_path: Path):
    """Write the board of three rows; `near` cannot be told apart from `big`, `far` can."""
    folder = write_results(tmp_path / "results", rows=["big", "near", "far_off"], datasets=1)
    base = json.loads((folder / "data-0--0.json").read_text())["per_query"]["nDCG@10"]
    for number, shift in ((1, 0.0), (2, -0.3)):
        edit(
            folder / f"data-0--{number}.json",
            lambda record, shift=shift: record["per_query"].update(
                {"nDCG@10": {q: max(0.0, value + shift) for q, value in base.items()}}
            ),
        )

    def write(*options: object) -> str:
        words = ["leaderboard", tmp_path / "results", "--format", "latex", *options]
        found = effbench(*words)
        assert found.exit_code == 0, found.output
        return found.stdout

    return write


def test_the_best_is_bold_and_differences_are_marked(latex) -> None:
    head, *rows = grid(latex("--columns", "nDCG@10,kept,end to end p50 ms"))
    assert head[:4] == ["row", "index", "nDCG@10", "kept"]
    big, near, far = sorted(rows, key=lambda row: ["big", "near", r"far\_off"].index(row[0]))
    assert big[2].startswith(r"\textbf{0.")
    assert near[2].startswith(r"\textbf{0."), "a tie as written"
    assert r"\dagger" not in big[2] + near[2]
    assert far[2].startswith("0.")
    assert r"$^{\dagger}$ {\scriptsize [" in far[2]
    assert [row[4] for row in (big, near, far)] == ["10.5", "5.5", r"\textbf{3.83}"]


def test_a_row_without_a_rank_is_never_the_best(latex, tmp_path: Path) -> None:
    for path in (tmp_path / "results").glob("*/made/data-0--0.json"):
        edit(path, lambda record: record.update(trained_on=["judgments"]))
    big = next(row for row in grid(latex("--columns", "nDCG@10")) if row[0] == "big")
    assert "textbf" not in big[2]


def test_caption_and_label_say_what_the_table_is(latex) -> None:
    text = latex()
    assert r"\label{tab:made}" in text
    for said in (
        r"\caption{made on a-machine. Bold: the best figure of a column.",
        r"Brackets: 95\,\% intervals. Baseline: big through exact. $^{\dagger}$: differs from",
        "with $p < 0.05$ (paired randomisation test, Holm's correction for the rows).}",
    ):
        assert said in text
    assert "& p &" not in text, "the mark says it"
    ours = latex("--caption", r"Ours, $k=10$.", "--label", "tab:main")
    assert "\\caption{Ours, $k=10$.}\n\\label{tab:main}\n" in ours


def test_mistakes_are_one_line(effbench, tmp_path: Path) -> None:
    for suite in ("one", "two"):
        write_results(tmp_path, rows=["big"], datasets=1, suite=suite)
    for options, said in (
        (
            ["--format", "latex", "--label", "x"],
            "--label is for one table, and there are 2",
        ),
        (
            ["--format", "latex", "--suite", "one", "--label", "a}b"],
            "--label a}b: no label",
        ),
        (["--label", "x"], "--caption and --label are for latex (and this is table)"),
    ):
        found = effbench("leaderboard", tmp_path, *options)
        assert found.exit_code == 2
        assert said in found.stderr


@pytest.mark.parametrize("rows", [["big", "small"], NASTY[:5] + NASTY[7:]])
def test_latex_compiles_it(effbench, tmp_path: Path, rows: list[str]) -> None:
    write_results(tmp_path / "results", rows=rows, datasets=2)
    write_results(tmp_path / "results", rows=rows, datasets=2, machine="b_machine")
    output = tmp_path / "board.tex"
    found = effbench("leaderboard", tmp_path / "results", "--output", output)
    assert found.exit_code == 0, found.output
    LatexWalker(output.read_text(), tolerant_parsing=False).get_latex_nodes()
    if not shutil.which("pdflatex"):
        pytest.skip("no LaTeX here: apt install texlive-latex-recommended")
    (tmp_path / "paper.tex").write_text(PAPER)
    words = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    compiled = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert compiled.returncode == 0, compiled.stdout[-2000:]
    assert (tmp_path / "paper.pdf").read_bytes().startswith(b"%PDF")


def test_the_chart_is_a_pdf_too(effbench, tmp_path: Path) -> None:
    pytest.importorskip("vl_convert")
    write_results(tmp_path / "results", rows=["big", "small"], datasets=1)
    output = tmp_path / "chart.pdf"
    found = effbench("leaderboard", tmp_path / "results", "--output", output)
    assert found.exit_code == 0, found.output
    assert output.read_bytes().startswith(b"%PDF")
    piped = effbench("leaderboard", tmp_path / "results", "--format", "pdf")
    assert "--format pdf is not for a terminal (give --output too)" in piped.stderr


def test_the_usual_columns_and_long_names_fit_a_page(effbench, tmp_path: Path) -> None:
    rows = ["big", "a-student-" * 20 + "end", "all-MiniLM-L6-v2"]
    write_results(tmp_path / "results", rows=rows, datasets=2)
    found = effbench("leaderboard", tmp_path / "results", "--format", "latex")
    head = grid(found.stdout)[0]
    assert not any("encode" in name for name in head)
    assert r"\begin{tabular}{rp{45mm}lrrrr}" in found.stdout
    assert r"{\raggedright a-\allowbreak student-\allowbreak a-" in found.stdout
    if not shutil.which("pdflatex"):
        pytest.skip("no LaTeX here: apt install texlive-latex-recommended")
    (tmp_path / "board.tex").write_text(found.stdout)
    wide = PAPER.replace("\\begin{doc", "\\setlength{\\textwidth}{455pt}\\begin{doc")
    (tmp_path / "paper.tex").write_text(wide)
    words = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    compiled = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert compiled.returncode == 0, compiled.stdout[-2000:]
    assert "Overfull" not in compiled.stdout
