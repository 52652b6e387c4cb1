"""What a hook offers under a name: a class or function, and the attributes that it may have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Factory(Protocol):
    """A class that a plugin offers, a function that makes an instance, or a partial of these.

    It is called with the options of a row in every process that uses the row, and returns an
    object with the methods of the contract. It may load what it needs; only a dataset is made
    for a plan already, and reads nothing then.

    The signature and its annotations are the schema of the options. An option is a ``str``,
    ``int``, ``float``, ``bool``, ``Literal``, ``list``, ``tuple``, ``dict``, ``Path`` (it must
    exist, and its content is in the keys) or one of the types below, or ``X | None`` of these;
    any other type is refused. An option without an annotation takes any value.
    ``Annotated[int, msgspec.Meta(ge=1)]`` gives bounds. Without a default, a suite must give
    it. Its name is the name in suites, so it is not ``use`` or ``sweep``, nor ``passages`` or
    ``store`` of an encoder, ``search`` of an index, ``seed`` of a trainer or ``group`` of a
    dataset; ``device`` gets the command line's ``--device``.
    """

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Return a new object for a row with these options."""


class Attributes(Protocol):
    """What a class that is offered may have besides: class attributes, all of them optional.

    effbench reads them once, when it loads the plugin. `effbench plugins` refuses a value of
    another type.
    """

    @property
    def version(self) -> int:
        """A number that is part of the keys; 1 when absent.

        Raise it when the same options begin to give different results: what the cache holds is
        then made again.
        """

    @property
    def requires(self) -> Mapping[str, str]:
        """The modules that the class imports -> what pip installs for each.

        ``{"faiss": "effbench[faiss-cpu]"}``, for example. A plan checks it, so that a missing
        package is a line of the plan and not a failure in the run.
        """

    @staticmethod
    def check(**options: Any) -> None:
        """Raise an `EffbenchError` when options that fit one by one do not fit together.

        It gets all options by name, also those with their defaults; options that name rows or
        data come as the suite says them. A plan calls it, so it is quick.
        """

    @property
    def makes(self) -> str:
        """The kind of vectors that an encoder returns: "dense", "sparse" or "tokens".

        It is "dense" when absent. A "sparse" vector has a weight for each word of a vocabulary:
        ``encode_queries`` and ``encode_corpus`` return an array of scipy.sparse, floats
        [n, words], no weight below 0. For "tokens" they return a list with an array of floats
        [tokens, d] for each text, one token or more. Queries and docs have the same kind.
        """

    @property
    def takes(self) -> tuple[str, ...]:
        """The kinds of vectors that an index searches; only ("dense",) when absent.

        ``search`` and the slices of the corpus then give `SparseVectors` or `TokenVectors`. The
        score of sparse vectors is the inner product, and a doc that shares no word with the
        query is no hit. The score of token vectors is MaxSim: for each vector of the query the
        largest inner product with a vector of the doc, summed.

        In other classes it says which kinds the rows may make that options name for their
        vectors, such as the teacher of a trainer.
        """

    @property
    def latency(self) -> bool:
        """False for a class that looks up answers which another program computed.

        No latency session measures it. It is True when absent.
        """

    @staticmethod
    def exact(**options: Any) -> bool:
        """Tell whether an index with these options finds exactly the largest inner products.

        It gets all options, as ``check`` does. The recall of the remaining indexes of a suite
        is their share of its hits. An index without this method is not exact.
        """

    @property
    def together(self) -> bool:
        """True for a trainer that shares out its batches among processes.

        All processes of torchrun then call ``train`` at the same time, with the same folder,
        and the first one writes. It is False when absent: one process trains.
        """

    @property
    def by_id(self) -> bool:
        """True for an encoder that finds a doc's vector by its id, and not by its text.

        Docs with equal texts are then encoded one by one. It is False when absent: a text that
        occurs twice in a shard is encoded once, so that equal texts have equal vectors.
        """

    @staticmethod
    def passages_only(**options: Any) -> bool:
        """Tell whether a row of encoders with these options encodes docs, but no queries.

        It gets the options that `check` gets. Such a row has no cells: other rows name it as
        their ``passages``. Without the method, each row encodes queries.
        """
