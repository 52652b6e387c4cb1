"""Small query encoders: the options of their trainers and encoders.

A small query encoder (the student) gives vectors in the vector space of a large encoder (the
teacher), which encodes the passages. The method: Cohen, Fairstein and Kushilevitz, Extremely
efficient online query encoding for dense retrieval, Findings of NAACL 2024. ``align`` trains
the student on the teacher's query vectors, and ``realign`` trains it further. ``small-query``
encodes queries with the student; a suite's row names the passage encoder with
``passages: TEACHER``.

``align-sparse`` and ``sparse-query`` are the same for a sparse teacher: the student is a weight
for each word, as in the method Li-LSR (Nardini and others, Effective inference-free retrieval
for learned sparse representations, SIGIR 2025).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from effbench import (
    Description,
    EncodedTexts,
    ModelId,
    QueryEncoder,
    SpeedOnly,
    TrainedModel,
    Trainer,
    hookimpl,
)
from effbench_small_query.aligning import RECURRENT as RECURRENT
from effbench_small_query.aligning import Align as Align
from effbench_small_query.aligning import Realign as Realign

if TYPE_CHECKING:
    from collections.abc import Callable

    from effbench import SparseVectors


@dataclass(frozen=True, eq=False)
class AlignSparse:
    """Learn a weight for each word, so that queries need no network (inference-free).

    ``targets`` are texts with the query vectors of a sparse encoder, the teacher. ``base`` is
    the teacher's model, a Hugging Face model, a folder or a hub id: only its tokenizer is used.
    The student's vector of a query has the weight of each of its words, whatever the query says
    besides, and no further word.

    A score for each token is the idea of Li-LSR (Nardini and others, Effective inference-free
    retrieval for learned sparse representations, SIGIR 2025), which trains it together with the
    encoder of docs. Here that encoder is given, and the weights follow from it at once: the
    weight of a word is the mean of its weights in the teacher's vectors of the texts that
    contain it. Of all weights from 0 on, these have the least squared distance to the
    teacher's on the words of the texts. A word that no text contains gets the mean weight of
    the others, and a special token gets 0.

    Raises:
        EffbenchError: base and targets do not fit together, or there are no texts.

    """

    takes: ClassVar[tuple[str, ...]] = ("sparse",)
    requires: ClassVar[Mapping[str, str]] = {
        "sentence_transformers": "effbench[sentence-transformers]"
    }

    targets: EncodedTexts
    base: ModelId
    _: KW_ONLY
    revision: str | None = None

    def train(self, output_dir: Path, *, seed: int) -> None:
        """Write the student as a folder of Sentence Transformers' `SparseEncoder`."""
        from effbench_small_query.sparse_training import train

        train(self, output_dir)


class SparseQuery:
    """Encode queries with the weights of words that ``align-sparse`` learnt; no network runs.

    ``model`` is the trained student, or a folder of Sentence Transformers' `SparseEncoder` with
    a `SparseStaticEmbedding`.

    Raises:
        EffbenchError: the folder holds no such student.

    """

    makes = "sparse"

    def __init__(self, model: TrainedModel | Path) -> None:
        from effbench_small_query.sparse_reader import WordsReader

        self._reader = WordsReader(model.folder if isinstance(model, TrainedModel) else model)

    def encode_queries(self, queries: Sequence[str]) -> SparseVectors:
        """Return a csr_array, float32 [len(queries), words]; a query may have no word."""
        return self._reader.encode_queries(queries)

    def words(self, numbers: Sequence[int]) -> list[str]:
        """Return the words with these numbers."""
        return self._reader.spell(numbers)

    def describe(self) -> Description:
        """Tell the stages tokenise and look up."""
        return self._reader.describe()

    def export(self, folder: Path, passages: Path | None) -> None:
        """Write the student, the passage encoder and the light reader into one folder."""
        from effbench_small_query.sparse_exporting import export

        export(self._reader.folder, folder, passages)


def small_query(
    model: TrainedModel | Path,
    *,
    device: SpeedOnly[str] = "auto",
    int8: bool = False,
    precompute: SpeedOnly[bool] = False,
    table: Literal["int8", "int4"] | None = None,
) -> QueryEncoder:
    """Encode queries with a small query encoder that ``align`` or another trainer trained.

    ``model`` is the trained student, a folder of Sentence Transformers. A recurrent student
    (``gru``, ``lstm``) can also read a query while the user types it. ``int8`` quantises the
    weights of the matrix products to int8, on a CPU only. ``precompute`` multiplies the word
    embeddings of a recurrent or transformer student by its first weights once, when the student
    is loaded: each query is faster, and the memory holds vocabulary x 3 (LSTM: 4) x hidden
    floats more. Of transformers, only a float32 BERT on a CPU takes it, for queries one by one;
    one with ``int8`` is refused, and others read as without it. ``table`` keeps the word table
    of a static or recurrent student as numbers of 8 or 4 bits with a scale for each word, a
    quarter or an eighth of its bytes.

    Raises:
        EffbenchError: the folder holds no student, or the student does not take an option.

    """
    from effbench_small_query.kinds import Options
    from effbench_small_query.reading import open_student

    folder = model.folder if isinstance(model, TrainedModel) else model
    return open_student(folder, Options(device, int8, precompute, table))


@hookimpl
def effbench_trainers() -> Mapping[str, type[Trainer]]:
    """Offer ``align``, ``realign``, and ``align-sparse`` for sparse teachers."""
    return {"align": Align, "realign": Realign, "align-sparse": AlignSparse}


@hookimpl
def effbench_encoders() -> Mapping[str, Callable[..., QueryEncoder]]:
    """Offer ``small-query``, and ``sparse-query`` for students of sparse teachers."""
    return {"small-query": small_query, "sparse-query": SparseQuery}


@hookimpl
def effbench_ready_rows() -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    """Offer three students of all-MiniLM-L6-v2, and their training."""
    from effbench_small_query.ready import ready_rows

    return ready_rows()
