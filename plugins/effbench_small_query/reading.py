"""Query encoding with static students, and the opening of all students."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from effbench import Description, Doc, EffbenchError, Encoder, ModelId, QueryEncoder
from effbench_small_query.kinds import Options, kind_of
from effbench_small_query.light import Static, bytes_of_a_row, words_of
from effbench_small_query.vocabulary import refuse_words_without_vectors

if TYPE_CHECKING:
    from effbench import Vectors

NOT_INT8 = {
    "static": "a static student multiplies nothing",
    "other": "only recurrent and transformer students of align take it",
}


def open_student(folder: Path, options: Options) -> QueryEncoder:
    """Return the encoder of the student in ``folder``.

    If the folder holds a passage encoder too, the result also encodes passages.

    Raises:
        EffbenchError: the folder holds no student, its files are damaged, or the student does
            not take an option.

    """
    student: Any = _open(folder, options)
    if (folder / "passages").is_dir():
        passages = PassageSide(folder / "passages", options.device)
        student.encode_corpus = passages.encode_corpus
    return student  # type: ignore[no-any-return]


def _open(folder: Path, options: Options) -> QueryEncoder:
    try:
        kind = kind_of(folder)
        _refuse(kind.cell, options)
        if kind.cell == "static":
            return StaticReader(folder, kind.normalize, options.table)
        if kind.cell == "transformer":
            from effbench_small_query.projected import open_transformer

            return open_transformer(folder, kind, options)
        if kind.cell == "other":
            from effbench_small_query.library import LibraryReader

            return LibraryReader(folder, options.device)
        from effbench_small_query.typing_reader import RecurrentReader

        return RecurrentReader(folder, kind.normalize, options)
    except EffbenchError:
        raise
    except ModuleNotFoundError as error:
        mend = "pip install 'effbench[sentence-transformers]'"
        raise EffbenchError(
            f"small-query: model: its student needs the package {error.name} ({mend})"
        ) from error
    except Exception as error:  # such as tokenizers, which raises just Exception
        name = "KeyError: " if isinstance(error, KeyError) else ""  # its text is only the key
        reason = textwrap.shorten(f"{name}{error}", 160, placeholder=" ...")
        raise EffbenchError(
            f"small-query: model: no whole student in {folder}: {reason} (train it again)"
        ) from error


def _refuse(cell: str, options: Options) -> None:
    """Raise `EffbenchError` for an option that this kind of student does not take."""
    if options.int8 and cell in NOT_INT8:
        raise EffbenchError(f"small-query: int8: {NOT_INT8[cell]} (leave it out)")
    if options.table is not None and cell not in ("static", "gru", "lstm"):
        raise EffbenchError(
            "small-query: table: only static and recurrent students of align take it "
            "(leave it out)"
        )
    if cell == "transformer" and options.int8 and options.precompute:
        raise EffbenchError(
            "small-query: precompute: an int8 transformer would get other vectors "
            "(leave out precompute or int8)"
        )


class StaticReader:
    """A static student: a query's vector is the mean of its tokens' rows in one table."""

    def __init__(
        self, folder: Path, normalize: bool, table: Literal["int8", "int4"] | None
    ) -> None:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        weight = load_file(folder / "model.safetensors")["embedding.weight"]
        self._table = words_of(np.asarray(weight, dtype=np.float32), table)
        refuse_words_without_vectors(tokenizer, len(weight))
        self._student = Static(tokenizer, self._table, normalize)
        self._folder, self._kept, self._parameters = folder, table, weight.size

    def encode_queries(self, queries: Sequence[str]) -> Vectors:
        """Return float32 [len(queries), d]; zeros for a query without a token."""
        return self._student.encode(queries)

    def describe(self) -> Description:
        """Tell the stages tokenise and pool; a token reads its row of the table."""
        student, row = self._student, bytes_of_a_row(self._table)
        return Description(
            stages={"tokenise": student.tokenise, "pool": student.pool},
            count_tokens=lambda queries: [len(ids) for ids in student.tokenise(queries)],
            bytes_read=lambda tokens: tokens * row,
            query_parameters=self._parameters,
        )

    def export(self, folder: Path, passages: Path | None) -> None:
        """Write the student, the passage encoder and the light reader into one folder."""
        from effbench_small_query.exporting import export

        export(self._folder, folder, passages, table=self._kept)


class PassageSide:
    """The passage encoder that a student was trained with; it is loaded when first used."""

    def __init__(self, folder: Path, device: str) -> None:
        self._folder, self._device = folder, device

    def encode_corpus(self, docs: Sequence[Doc]) -> Vectors:
        """Return float32 [len(docs), d]; row i belongs to doc i."""
        return self._encoder.encode_corpus(docs)

    @cached_property
    def _encoder(self) -> Encoder:
        from effbench_sentence_transformers import SentenceTransformersEncoder

        return SentenceTransformersEncoder(ModelId(str(self._folder)), device=self._device)
