"""The rules that say which papers answer a question, by their titles and its answers."""

from __future__ import annotations

import functools
import logging
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, Protocol, TypeAlias

from effbench_oag_qa.files import Question, Topic, read_papers, read_questions

Match: TypeAlias = Literal["equal", "tokens"]

log = logging.getLogger(__name__)


class Judged(NamedTuple):
    """A question and the ids of the papers that answer it."""

    question: Question
    paper_ids: tuple[str, ...]


class Titles(Protocol):
    """An index of titles, which finds titles by an answer."""

    def find(self, answer: str) -> Sequence[int]:
        """Return the positions of the titles that match."""


class EqualTitles:
    """An answer and a title match when they are equal, without the white space around them."""

    def __init__(self, titles: Iterable[str]) -> None:
        self._positions: dict[str, list[int]] = defaultdict(list)
        for position, title in enumerate(titles):
            self._positions[title.strip()].append(position)

    def find(self, answer: str) -> Sequence[int]:
        """Return the positions of the titles that equal the answer."""
        return self._positions.get(answer.strip(), ())


class TitleTokens:
    """An answer and a title match when the title contains the answer's tokens in a row.

    This is the rule of OAG-QA's authors, who took it from DPR; `tokens` says what a token is.
    """

    def __init__(self, titles: Iterable[str]) -> None:
        self._titles: list[str] = []
        self._positions: dict[str, list[int]] = defaultdict(list)
        for position, title in enumerate(titles):
            words = tokens(title)
            self._titles.append(_joined(words))
            for word in set(words):
                self._positions[word].append(position)

    def find(self, answer: str) -> Sequence[int]:
        """Return the positions of the titles that contain the answer.

        No title contains an answer without tokens. (In DPR, every text contains it.)
        """
        words = tokens(answer)
        wanted = _joined(words)
        rarest = min((self._positions.get(word, ()) for word in words), key=len, default=())
        return [position for position in rarest if wanted in self._titles[position]]


RULES: dict[Match, type[EqualTitles] | type[TitleTokens]] = {
    "equal": EqualTitles,
    "tokens": TitleTokens,
}


def judged_questions(topic: Topic, match: Match) -> list[Judged]:
    """Return the questions that a paper of the topic answers; log how many are left out."""
    papers = [(paper.paper_id, paper.title) for paper in read_papers(topic.papers)]
    titles: Titles = RULES[match](title for _, title in papers)
    judged, questions, answers, lost = [], 0, 0, 0
    for question in read_questions(topic.questions):
        matches = [titles.find(answer) for answer in question.answers]
        questions += 1
        answers += len(matches)
        lost += sum(not positions for positions in matches)
        if matched := sorted(set().union(*matches)):
            judged.append(Judged(question, tuple(papers[position][0] for position in matched)))
    log.info(
        "%s: %d of %d answers match no paper's title; %d of %d questions have no paper and "
        "are left out",
        *(topic.questions, lost, answers, questions - len(judged), questions),
    )
    return judged


def tokens(text: str) -> list[str]:
    """Return DPR's tokens: runs of letters, numbers and marks; any other sign is a token."""
    spaced = "".join(map(_spaced, unicodedata.normalize("NFD", text)))
    return [word.lower() for word in spaced.split()]


@functools.cache
def _spaced(character: str) -> str:
    kind = unicodedata.category(character)[0]
    if kind in "LNM":
        return character
    return " " if kind in "ZC" else f" {character} "


def _joined(words: Sequence[str]) -> str:
    return f" {' '.join(words)} "
