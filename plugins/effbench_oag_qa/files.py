"""The reader of a topic's two files: errors name the path and the line of a mistake."""

from __future__ import annotations

import ast
import csv
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import effbench
from effbench.files import checked_id, numbered, opened, shown, text_digest

INSIDE = "oagqa-topic-v2"  # the folder that the authors' archive contains
PAPER = ("id", "abstract", "title")
QUESTION = ("question", "answers")


class Paper(NamedTuple):
    """A paper of a topic."""

    paper_id: str
    abstract: str
    title: str


class Question(NamedTuple):
    """A question, and the titles of the papers that answer it."""

    query_id: str
    text: str
    answers: tuple[str, ...]


@dataclass(frozen=True)
class Topic:
    """The files of a topic, which may be missing; each is digested once."""

    name: str
    papers: Path
    questions: Path

    @cached_property
    def corpus_key(self) -> str:
        """The digest of the papers, or a key that says that their file is missing."""
        return f"oag-qa:{_digest(self.papers)}"

    def key(self, split: str) -> str:
        """Return the key of a split's questions, whichever rule judges them."""
        return f"{self.corpus_key}:{self._questions_digest}:{split}"

    @cached_property
    def _questions_digest(self) -> str:
        return _digest(self.questions)


def topic_in(folder: Path, name: str) -> Topic:
    """Return the files of a topic, which are in ``folder`` or in its folder `INSIDE`."""
    if not _papers(folder, name).is_file() and _papers(folder / INSIDE, name).is_file():
        folder = folder / INSIDE
    return Topic(name, _papers(folder, name), folder / f"{name}-questions.tsv")


def read_papers(path: Path) -> Iterator[Paper]:
    """Yield the papers; equal rows are the same paper.

    Raises:
        EffbenchError: with ``path:line``, for a malformed row; or there is no paper.

    """
    seen: dict[str, tuple[str, Paper]] = {}
    for number, (where, row) in enumerate(_rows(path)):
        if number == 0 and row[0] == "id":
            continue  # a header, which not all files have
        _check_width(where, row, PAPER)
        paper = Paper(*row)
        checked_id(paper.paper_id, f"{where}: id")
        if not paper.title.strip():
            raise effbench.EffbenchError(f"{where}: an empty title (write one, or drop it)")
        first, known = seen.setdefault(paper.paper_id, (where, paper))
        if known != paper:
            raise effbench.EffbenchError(
                f"{where}: id {shown(paper.paper_id)} is another paper at {first} (keep one)"
            )
        if first == where:
            yield paper
    if not seen:
        raise effbench.EffbenchError(f"{path}: no papers (write {_layout(PAPER)})")


def read_questions(path: Path) -> Iterator[Question]:
    """Yield the questions, numbered by their rows.

    Raises:
        EffbenchError: with ``path:line``, for a malformed row; or there is no question.

    """
    number = 0
    for number, (where, row) in enumerate(_rows(path), start=1):
        _check_width(where, row, QUESTION)
        text, answers = row
        if not text.strip():
            raise effbench.EffbenchError(f"{where}: an empty question (write one, or drop it)")
        yield Question(f"q{number}", text, _parsed_answers(where, answers))
    if not number:
        raise effbench.EffbenchError(f"{path}: no questions (write {_layout(QUESTION)})")


def _papers(folder: Path, name: str) -> Path:
    return folder / f"{name}-papers-10k.tsv"


def _parsed_answers(where: str, literal: str) -> tuple[str, ...]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # formulas in titles hold invalid escapes
            titles = ast.literal_eval(literal)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        titles = None
    if not isinstance(titles, list | tuple) or not all(
        isinstance(title, str) for title in titles
    ):
        raise effbench.EffbenchError(
            f"{where}: answers {shown(literal)} are no list of titles "
            "(write a Python literal: ['One title', \"Another's\"])"
        )
    return tuple(titles)


def _rows(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield ``path:line`` and the columns of the rows that are not blank.

    Quotation marks are read without strict rules, as the authors read them. A row of several
    lines is the exception: csv's strict rules hold there, since a quotation mark that is not
    closed would take the following rows into its column.
    """
    taken: list[str] = []
    with opened(path) as stream:
        reader = csv.reader(_noted(numbered(str(path), stream), taken), delimiter="\t")
        while True:
            where = f"{path}:{reader.line_num + 1}"
            try:
                row = next(reader, None)
                if row and len(taken) > 1:
                    next(csv.reader(taken, delimiter="\t", strict=True))
            except csv.Error as error:
                reason = str(error).replace("\t", "TAB")
                if reason.startswith("new-line character"):
                    reason = "a carriage return outside quotes"
                raise effbench.EffbenchError(
                    f"{where}: {reason} (close a quoted cell, write marks in it twice)"
                ) from None
            if row is None:
                return
            if len(row) > 1 or "".join(row).strip():
                yield where, row
            taken.clear()


def _noted(lines: Iterator[tuple[int, str]], taken: list[str]) -> Iterator[str]:
    """Yield the lines; append each to ``taken``, and "" at the end of the file."""
    for _, text in lines:
        taken.append(text)
        yield text
    taken.append("")


def _check_width(where: str, row: list[str], columns: tuple[str, ...]) -> None:
    if len(row) != len(columns):
        raise effbench.EffbenchError(
            f"{where}: {len(row)} columns, not {len(columns)} "
            f"(write {_layout(columns)}; quote a cell that holds a TAB)"
        )


def _layout(columns: tuple[str, ...]) -> str:
    return " TAB ".join(columns)


def _digest(path: Path) -> str:
    """Return the sha256 of a file, or ``absent-NAME`` if the file is missing."""
    if not path.is_file():
        return f"absent-{path.name}"
    return text_digest(path)
