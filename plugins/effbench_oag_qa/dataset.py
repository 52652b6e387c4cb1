"""The dataset ``oag-qa``: the questions and papers of a topic, a discipline or all topics."""

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
    """The questions and papers of a topic, of a discipline, or (neither given) of all topics.

    The folder ``path``, or its folder ``oagqa-topic-v2``, has the files
    ``TOPIC-papers-10k.tsv`` and ``TOPIC-questions.tsv``. A plan does not need them yet.

    ``match`` says which papers are relevant to a question. ``equal``: the title is one of the
    answers. ``tokens``, the less strict rule of the authors: the title contains the tokens of
    an answer in a row. A question without a relevant paper is left out.

    ``split`` takes 80 (train), 10 (dev) or 10 (test) percent of the questions by a hash of
    their texts, so equal questions are in the same split.

    Raises:
        EffbenchError: the topic or discipline is unknown; or, while reading, a file is
            missing, or, with ``path:line``, malformed.

    """

    drop_self_hits = False  # questions are not papers

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
        files = [file for each in self._topics for file in (each.papers, each.questions)]
        self._missing = [file for file in files if not file.is_file()]
        self._single = topic is not None
        self._match: Match = match
        self._split: str = split
        self._of = topic or discipline or "all"
        self._name = name

    @property
    def dataset_id(self) -> str:
        """A name such as ``oag-qa/geometry``, ``oag-qa/NLP/test`` or ``oag-qa/all-tokens``."""
        rule = "" if self._match == "equal" else f"-{self._match}"
        split = "" if self._split == "all" else f"/{self._split}"
        return self._name or f"oag-qa/{self._of}{rule}{split}"

    @property
    def corpus_key(self) -> str:
        """The digest of the files with the papers."""
        if self._single:
            return self._topics[0].corpus_key
        return f"oag-qa:{self._digest([topic.corpus_key for topic in self._topics])}"

    @property
    def key(self) -> str:
        """The digest of all files, the rule and the split."""
        digest = self._digest([topic.key(self._split) for topic in self._topics])
        return f"oag-qa:{digest}:{self._match}:{self._split}"

    @property
    def parts(self) -> Sequence[tuple[str, str]]:
        """A part for each split of each topic, whichever rule judges it."""
        splits = SPLITS if self._split == "all" else (self._split,)
        return tuple(
            (topic.corpus_key, topic.key(split)) for topic in self._topics for split in splits
        )

    @property
    def splits(self) -> Sequence[str]:
        """``train``, ``dev`` and ``test``; together they have all questions."""
        return SPLITS

    def split(self, name: str) -> OagQa:
        """Return the same papers with the questions of a split.

        Raises:
            EffbenchError: there is no such split.

        """
        if name not in SPLITS:
            has = ", ".join(SPLITS)
            raise effbench.EffbenchError(
                f"{self.dataset_id}: no split {name!r} (it has: {has})"
            )
        if name == self._split:
            return self
        dataset = copy.copy(self)  # with the judgments, if they have been read already
        dataset._split = name
        dataset._name = self._name and f"{self._name}/{name}"
        return dataset

    def docs_count(self) -> None:
        """Return None: counting the docs takes a pass over the files."""

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
        """Yield relevance 1 for each paper that answers a question of its topic."""
        for topic, (question, paper_ids) in self._of_split():
            for paper_id in paper_ids:
                query_id = self._id(topic, question.query_id)
                yield effbench.Qrel(query_id, self._id(topic, paper_id), 1)

    @cached_property
    def _judged(self) -> list[tuple[Topic, Judged]]:
        self._check_files()
        questions = [
            (topic, judged)
            for topic in self._topics
            for judged in judged_questions(topic, self._match)
        ]
        if not questions:
            raise effbench.EffbenchError(
                f"{self.dataset_id}: no answer is a paper's title (are the columns of "
                f"{self._topics[0].papers} id TAB abstract TAB title?)"
            )
        return questions

    def _of_split(self) -> Iterator[tuple[Topic, Judged]]:
        for topic, judged in self._judged:
            if self._split in ("all", _split_of(judged.question.text)):
                yield topic, judged

    def _id(self, topic: Topic, name: str) -> str:
        """Return an id of a topic as an id that is unique in the dataset."""
        return name if self._single else f"{topic.name}:{name}"

    def _digest(self, keys: Sequence[str]) -> str:
        """Return the digest of the topics' keys, and of their names if ids contain them."""
        named = [self._id(topic, key) for topic, key in zip(self._topics, keys, strict=True)]
        return hashlib.sha256("\n".join(named).encode()).hexdigest()

    def _check_files(self) -> None:
        """Raise `NoDataError` if a file was missing when this dataset was made."""
        # Even if the file is there by now: the keys say that there is no data.
        if self._missing:
            more = len(self._missing) - 1
            as_are = f", as {'is' if more == 1 else 'are'} {more} more" if more else ""
            raise effbench.NoDataError(
                f"{self.dataset_id}: no data: {self._missing[0]} is missing{as_are} (download "
                f"OAG-QA from the authors' shared drive, linked from {SOURCE}, and put its "
                f"TOPIC-papers-10k.tsv and TOPIC-questions.tsv into {self._path} "
                f"or its folder {INSIDE})"
            )


def _topics(path: Path, topic: str | None, discipline: str | None) -> list[Topic]:
    if topic is None:
        names = TOPICS if discipline is None else DISCIPLINES[discipline]
        return [topic_in(path, name) for name in names]
    files = topic_in(path, topic)
    is_new = re.fullmatch(r"[\w-]+", topic) and files.papers.is_file()
    if topic not in TOPICS and not is_new:
        raise unknown_topic(topic)
    return [files]


def _split_of(question: str) -> str:
    bucket = int(hashlib.sha256(question.strip().encode()).hexdigest(), 16) % 10
    return "train" if bucket < 8 else "dev" if bucket == 8 else "test"
