"""The index ``faiss``: any index that faiss's index_factory makes, with inner products."""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeAlias

from msgspec import Meta

from effbench import EffbenchError, VectorSource, hookimpl

if TYPE_CHECKING:
    from effbench import Positions, Vectors

_FILE = "index.faiss"
_ROWS = 65_536  # vectors added at a time: bounds memory; a change makes other HNSW graphs
# Factories that would end the process in C++.
_FATAL = re.compile(r"[A-Za-z_]0+(?![\d.])|HNSW0*1(?!\d)|NSG0*[12](?!\d)")

Count: TypeAlias = Annotated[int, Meta(ge=1)]


class FaissIndex:
    """Search an index that ``faiss.index_factory`` makes from ``factory``.

    The index is trained with ``train_sample`` vectors (by default, as many as fit into
    1 GiB), drawn without replacement. ``seed`` is the seed of this draw, and of the k-means
    of IVF and PQ. ``build_threads`` threads build the index; several threads build another
    index each time. ``gpu`` needs a faiss with GPU support.

    Raises:
        EffbenchError: ``factory`` does not suit the vectors.

    """

    requires: ClassVar[Mapping[str, str]] = {"faiss": "effbench[faiss-cpu]"}

    def __init__(
        self,
        factory: str,
        *,
        train_sample: Count | None = None,
        seed: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0,
        build_threads: Count = 1,
        gpu: bool = False,
    ) -> None:
        self._factory = factory
        self._train_sample = train_sample
        self._seed = seed
        self._build_threads = build_threads
        self._gpu = gpu
        self._nbytes: int | None = None

    @staticmethod
    def check(factory: str, *, gpu: bool, **_: object) -> None:
        """Raise `EffbenchError` for a factory that suits vectors of no width."""
        divisors = (int(number) or 1 for number in re.findall(r"P(?:Q|RQ|LSQ)(\d+)", factory))
        multiple = math.lcm(*divisors)  # product quantizers divide the width
        _make(factory, multiple * math.ceil(768 / multiple) if multiple <= 4096 else 768)
        if gpu:
            _gpu_resources()

    @staticmethod
    def exact(factory: str, **_: object) -> bool:
        """Tell whether ``factory`` compares each query with each vector, as it was given."""
        return factory == "Flat"

    @property
    def nbytes(self) -> int:
        """The size of the index in bytes, as it is written to disk."""
        if self._nbytes is None:
            # Written to disk, since writing to memory would take the memory of a second index.
            with tempfile.TemporaryDirectory() as folder:
                self.save(Path(folder))
        return self._nbytes or 0

    def build(self, vectors: VectorSource) -> None:
        """Train the index if it needs that, and add the vectors block by block.

        Raises:
            EffbenchError: ``factory`` does not suit the number or the width of the vectors.

        """
        from effbench_faiss.training import sample, seed_k_means

        n, d = vectors.shape
        index = self._on_device(_make(self._factory, d))
        task = f"factory {self._factory!r} for {n:,} vectors of width {d}"
        with _one_line(task), _threads(self._build_threads):
            if not index.is_trained:
                seed_k_means(index, self._seed)
                index.train(sample(vectors, self._train_sample, self._seed))
            for start in range(0, n, _ROWS):
                index.add(_contiguous(vectors[start : start + _ROWS]))
        self._use(index, None)

    def search(
        self,
        queries: Vectors,
        k: int,
        *,
        nprobe: Count | None = None,
        efSearch: Count | None = None,
        search_L: Count | None = None,
        k_factor_rf: Annotated[float, Meta(ge=1)] | None = None,
        quantizer_efSearch: Count | None = None,
    ) -> tuple[Vectors, Positions]:
        """Return scores float32 and positions int64, both [q, min(k, n)], best first.

        Equal scores are in faiss's order. The options have the names that they have in
        ``faiss.ParameterSpace``, and are set for this search only.

        Raises:
            EffbenchError: the index does not have the option, or refuses its value.

        """
        options = {
            "nprobe": nprobe,
            "efSearch": efSearch,
            "search_L": search_L,
            "k_factor_rf": k_factor_rf,
            "quantizer_efSearch": quantizer_efSearch,
        }
        given = {name: value for name, value in options.items() if value is not None}
        hits: tuple[Vectors, Positions]
        with self._set(given), _one_line(f"search of {self._factory!r} with {given}"):
            hits = self._index.search(_contiguous(queries), min(k, self._index.ntotal))
        return hits

    def save(self, folder: Path) -> None:
        """Write the index in faiss's own format."""
        import faiss

        faiss.write_index(self._on_cpu(), str(folder / _FILE))
        self._nbytes = (folder / _FILE).stat().st_size

    def load(self, folder: Path, vectors: VectorSource | None) -> None:
        """Read the index that `save` wrote."""
        import faiss

        path = folder / _FILE
        self._use(self._on_device(faiss.read_index(str(path))), path.stat().st_size)

    def _use(self, index: Any, nbytes: int | None) -> None:
        from effbench_faiss.parts import search_options

        self._index, self._nbytes = index, nbytes
        self._options = search_options(index)

    def _on_device(self, index: Any) -> Any:
        if not self._gpu:
            return index
        import faiss

        self._resources = _gpu_resources()  # must live as long as the index
        with _one_line(f"factory {self._factory!r} on a GPU"):
            return faiss.index_cpu_to_gpu(self._resources, 0, index)

    def _on_cpu(self) -> Any:
        import faiss

        return faiss.index_gpu_to_cpu(self._index) if self._gpu else self._index

    @contextmanager
    def _set(self, given: Mapping[str, float]) -> Iterator[None]:
        """Set search options of the index in the block, and restore their values after it.

        Raises:
            EffbenchError: the index does not have the option, or the value is below 1.

        """
        for name, value in given.items():
            if value < 1:  # faiss would end the process
                raise EffbenchError(f"faiss: {name} is {value} (take 1 or more)")
            if name not in self._options:
                has = ", ".join(self._options) or "none"
                raise EffbenchError(
                    f"faiss: {self._factory!r} has no search option {name} (it has: {has})"
                )
        before = {name: getattr(*self._options[name]) for name in given}
        try:
            for name, value in given.items():
                setattr(*self._options[name], value)
            yield
        finally:
            for name, value in before.items():
                setattr(*self._options[name], value)


def _make(factory: str, width: int) -> Any:
    import faiss

    if _FATAL.search(factory):
        raise EffbenchError(f"faiss: factory {factory!r} has too small a number (raise it)")
    with _one_line(f"factory {factory!r}"):
        index = faiss.index_factory(width, factory, faiss.METRIC_INNER_PRODUCT)
    if index.metric_type != faiss.METRIC_INNER_PRODUCT:
        raise EffbenchError(f"faiss: factory {factory!r} has no inner product (take another)")
    return index


def _gpu_resources() -> Any:
    import faiss

    if not hasattr(faiss, "StandardGpuResources"):
        raise EffbenchError("faiss: it has no GPU support (install faiss-gpu in its place)")
    if not faiss.get_num_gpus():
        raise EffbenchError("faiss: it sees no GPU (say gpu: false)")
    return faiss.StandardGpuResources()


def _contiguous(vectors: Vectors) -> Vectors:
    import numpy as np

    return np.ascontiguousarray(vectors, dtype=np.float32)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


@contextmanager
def _one_line(task: str) -> Iterator[None]:
    """Turn an error of faiss into an `EffbenchError` of one line, without its C++ location."""
    try:
        yield
    except RuntimeError as error:
        reason = re.sub(r"^Error in .* at \S+:\d+: (Error: )?", "", str(error), flags=re.S)
        raise EffbenchError(f"faiss: {task}: {' '.join(reason.split())}") from error


@hookimpl
def effbench_indexes() -> Mapping[str, type[FaissIndex]]:
    """Offer ``faiss``."""
    return {"faiss": FaissIndex}
