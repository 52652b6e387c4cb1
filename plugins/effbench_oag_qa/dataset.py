"""The dataset of one topic, of a discipline or of all, judged by titles."""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal

import effbench
from effbench_oag_qa.files import INSIDE, Topic, read_papers, topic_in
from effbench_oag_qa.matching import Judged, Match, judged_questions
from effbench_oag_qa.topics import DISCIPLINES, TOPICS, checked_discipline, unknown_topic

SPLITS = ("train", "dev", "test")
SOURCE = "https://github.com/THUDM/P-tuning-v2/tree/main/PT-Retrieval"


class OagQa:
    """Questions of a topic, of a discipline or (neither given) of all, and their papers.

    ``path`` holds ``TOPIC-papers-10k.tsv`` and ``TOPIC-questions.tsv``, itself or in
    ``oagqa-topic-v2``; a plan needs no file of them. ``match`` says which papers are relevant:
    those whose title is one of the answers, or (``tokens``, the authors' laxer rule) holds its
    tokens in a row. A question without a relevant paper is left out. ``split`` takes 80, 10
    or 10 percent of the questions by a hash of their text, so that equal ones stay together.
    Raises `EffbenchError` for an unknown topic or discipline, while reading for files that are
    missing, and with ``path:line`` for malformed ones.
    """

    drop_self_hits = False  # a question is no paper

    def __init__(
        self,
        path: effbench.DataPath,
        *,
        topic: str | None = None,
        discipline: str | None = None,
        match: Match = "equal",
        split: Literal["all", "train", "dev", "test"] = "all",
        name: str | None = None,
    ) -> None:
        if path.is_file():
            raise effbench.EffbenchError(f"{path}: a file (unpack it, name the folder)")
        if topic is not None and discipline is not None:
            raise effbench.EffbenchError(
                "oag-qa: topic and discipline (give one, or none for all)"
            )
        if discipline is not None:
            discipline = checked_discipline(discipline)
        self._topics = _topics(path, topic, discipline)
        self._path = path
        files = [file for one in self._topics for file in (one.papers, one.questions)]
        self._missing = [file for file in files if not file.is_file()]
        self._single = topic is not None
        self._match: Match = match
        self._split: str = split
        self._of = topic or discipline or "all"
        self._name = name

    @property
    def dataset_id(self) -> str:
        """Such as ``oag-qa/geometry``, ``oag-qa/NLP/test`` or ``oag-qa/all-tokens``."""
        rule = "" if self._match == "equal" else f"-{self._match}"
        split = "" if self._split == "all" else f"/{self._split}"
        return self._name or f"oag-qa/{self._of}{rule}{split}"

    @property
    def corpus_key(self) -> str:
        """Digests of the papers' files."""
        if self._single:
            return self._topics[0].corpus_key
        return f"oag-qa:{self._digest([topic.corpus_key for topic in self._topics])}"

    @property
    def key(self) -> str:
        """Digests of all files, the rule and the split."""
        digest = self._digest([topic.key(self._split) for topic in self._topics])
        return f"oag-qa:{digest}:{self._match}:{self._split}"

    @property
    def parts(self) -> Sequence[tuple[str, str]]:
        """Each topic's each split, whichever rule judges it."""
        splits = SPLITS if self._split == "all" else (self._split,)
        return tuple(
            (topic.corpus_key, topic.key(split)) for topic in self._topics for split in splits
        )

    @property
    def splits(self) -> Sequence[str]:
        """``train``, ``dev`` and ``test``, which together are all questions."""
        return SPLITS

    def split(self, name: str) -> OagQa:
        """Return the same papers with a split's questions; raise `EffbenchError` for others."""
        if name not in SPLITS:
            has = ", ".join(SPLITS)
            raise effbench.EffbenchError(
                f"{self.dataset_id}: no split {name!r} (it has: {has})"
            )
        if name == self._split:
            return self
        other = copy.copy(self)  # with the judgments, if they are known already
        other._split = name
        other._name = self._name and f"{self._name}/{name}"
        return other

    def docs_count(self) -> None:
        """Return None: counting takes a pass."""

    def docs(self) -> Iterator[effbench.Doc]:
        """Yield the papers, topic by topic, in the order of their files."""
        self._check_files()
        for topic in self._topics:
            for paper in read_papers(topic.papers):
                doc_id = self._id(topic, paper.paper_id)
                yield effbench.Doc(doc_id, paper.abstract, paper.title)

    def queries(self) -> Iterator[effbench.Query]:
        """Yield the questions of the split that have a relevant paper."""
        for topic, (question, _) in self._of_split():
            yield effbench.Query(self._id(topic, question.query_id), question.text)

    def qrels(self) -> Iterator[effbench.Qrel]:
        """Yield relevance 1 for each paper of the question's topic that answers it."""
        for topic, (question, paper_ids) in self._of_split():
            for paper_id in paper_ids:
                query_id = self._id(topic, question.query_id)
                yield effbench.Qrel(query_id, self._id(topic, paper_id), 1)

    @cached_property
    def _judged(self) -> list[tuple[Topic, Judged]]:
        self._check_files()
        found = [
            (topic, judged)
            for topic in self._topics
            for judged in judged_questions(topic, self._match)
        ]
        if not found:
            raise effbench.EffbenchError(
                f"{self.dataset_id}: no answer is a paper's title (are the columns of "
                f"{self._topics[0].papers} id TAB abstract TAB title?)"
            )
        return found

    def _of_split(self) -> Iterator[tuple[Topic, Judged]]:
        for topic, judged in self._judged:
            if self._split in ("all", _split_of(judged.question.text)):
                yield topic, judged

    def _id(self, topic: Topic, one: str) -> str:
        return one if self._single else f"{topic.name}:{one}"

    def _digest(self, keys: Sequence[str]) -> str:
        """Return one digest of the topics' keys, and of their names where ids hold them."""
        named = [self._id(topic, key) for topic, key in zip(self._topics, keys, strict=True)]
        return hashlib.sha256("\n".join(named).encode()).hexdigest()

    def _check_files(self) -> None:
        """Raise one line that says what is missing, and where to get and put it."""
        if self._missing:  # also if they have come since: the keys stand for no data
            more = len(self._missing) - 1
            others = f", as {'is' if more == 1 else 'are'} {more} more" if more else ""
            raise effbench.NoDataError(
                f"{self.dataset_id}: no data: {self._missing[0]} is missing{others} (download "
                f"OAG-QA from the authors' shared drive, linked from {SOURCE}, and put its "
                f"TOPIC-papers-10k.tsv and TOPIC-questions.tsv into {self._path} "
                f"or its folder {INSIDE})"
            )


def _topics(path: Path, topic: str | None, discipline: str | None) -> list[Topic]:
    if topic is None:
        names = TOPICS if discipline is None else DISCIPLINES[discipline]
        return [topic_in(path, name) for name in names]
    found = topic_in(path, topic)
    own = re.fullmatch(r"[\w-]+", topic) and found.papers.is_file()
    if topic not in TOPICS and not own:
        raise unknown_topic(topic)
    return [found]


def _split_of(question: str) -> str:
    bucket = int(hashlib.sha256(question.strip().encode()).hexdigest(), 16) % 10
    return "train" if bucket < 8 else "dev" if bucket == 8 else "test"
