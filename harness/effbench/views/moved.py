"""The results of ``effbench diff`` as a line, and as a comment in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from effbench.board.changes import Changes
from effbench.board.moves import Change, Uncompared, grouped, named, suspected
from effbench.text.words import counted
from effbench.views.render import markdown_text, value_text

LISTED = 50
"""The most figures in the table of a comment."""

LONGEST = 60_000
"""The most characters of a comment; GitHub takes 65,536."""

WIDEST = 100
"""The most characters of a name in the table."""

HEAD = """\
| | suite | where | figure | old | new | change |
| --- | --- | --- | --- | ---: | ---: | --- |
"""


def summary(moves: Changes) -> str:
    """Return a line with the number of figures of each kind; no figure is counted twice."""
    figures = counted(moves.compared, "figures")
    parts = [f"{figures} compared, {len(moves.moved) - moves.gone} moved beyond noise"]
    if moves.uncompared:
        parts.append(f"{len(moves.uncompared):,} could not be compared")
    if moves.gone:
        parts.append(
            f"{counted(moves.gone, 'cells')} {'is' if moves.gone == 1 else 'are'} gone"
        )
    return "; ".join(parts)


def markdown(moves: Changes, missed: Sequence[Uncompared]) -> str:
    """Return a comment: what is worse, what is better, and what could not be compared.

    ``missed`` are the times that had to be compared and could not be.
    """
    parts = [f"### effbench: {_verdict(moves, missed)}\n"]
    if moves.moved:
        parts.append(HEAD + "".join(_rows(moves.moved)))
    parts.append(f"{summary(moves)}.\n")
    if missed:
        parts.append(f"Required, and not compared: {markdown_text(named(missed))}.\n")
    parts += map(_listed, (list(suspected(moves.uncompared)), list(moves.unreadable)))
    if notes := [*grouped(moves.uncompared), *moves.remarks]:
        parts.append(f"<details><summary>Notes</summary>\n\n{_listed(notes)}\n</details>\n")
    return _fitting([part for part in parts if part])


def _fitting(parts: Sequence[str]) -> str:
    """Return the first parts that a comment can hold, in one text."""
    text = ""
    for part in parts:
        if len(text) + len(part) > LONGEST:
            return f"{text}\nThe rest is too long for a comment: see `effbench diff`.\n"
        text += f"\n{part}" if text else part
    return text


def _verdict(moves: Changes, missed: Sequence[Uncompared]) -> str:
    worse = sum(change.worse for change in moves.moved)
    if worse:
        return f"{counted(worse, 'figures')} {'is' if worse == 1 else 'are'} worse"
    if moves.unreadable:
        return "files could not be read"
    if missed:
        return f"{counted(len(missed), 'times')} could not be compared"
    return "nothing is worse"


def _rows(moved: Sequence[Change]) -> Iterator[str]:
    """Yield the lines of the table; what is worse comes first."""
    ordered = sorted(moved, key=lambda change: not change.worse)
    for change in ordered[:LISTED]:
        cells = [text[:WIDEST] for text in (change.suite, change.where, change.figure)]
        numbers = (change.numbers.old, change.numbers.new)
        values = [value_text(change.figure, value) for value in numbers]
        texts = map(markdown_text, (*cells, *values, change.message))
        yield f"| {'**worse**' if change.worse else 'better'} | {' | '.join(texts)} |\n"
    if more := ordered[LISTED:]:
        worse = sum(change.worse for change in more)
        yield f"| | and {len(more):,} more, {worse:,} of them worse | | | | | |\n"


def _listed(texts: Sequence[str]) -> str:
    return "".join(f"- {markdown_text(text)}\n" for text in texts)
