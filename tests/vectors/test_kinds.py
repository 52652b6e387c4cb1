"""Encoders of sparse vectors and of token vectors: the same contract as dense ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from altered import altered
from effbench.steps import writing

SOURCE = """
import numpy as np
from scipy import sparse

class Sparse(WordsEncoder):
    makes = "sparse"
    def encode_queries(self, queries): return sparse.csr_matrix(super().encode_queries(queries))
    def encode_corpus(self, docs): return sparse.coo_array(super().encode_corpus(docs))
    def describe(self): return effbench.Description(stages={"look up": self._staged})
    def _staged(self, queries): return self.encode_queries(queries)

class Tokens(WordsEncoder):
    makes = "tokens"
    def encode_queries(self, queries): return [self._words(text) for text in queries]
    def encode_corpus(self, docs): return [self._words(doc.default_text()) for doc in docs]
    def describe(self): return effbench.Description(stages={"look up": self._staged})
    def _staged(self, queries): return self.encode_queries(queries)
    def _words(self, text): return WordsEncoder.encode_queries(self, text.split())

class Products(PlainIndex):
    takes = ("dense", "sparse")
    def build(self, vectors): self.vectors = self._dense(vectors[:])
    def search(self, queries, k): return super().search(self._dense(queries), k)
    def _dense(self, vectors): return vectors.toarray() if sparse.issparse(vectors) else vectors

class MaxSim:
    takes = ("tokens",)
    def __init__(self): pass
    def build(self, vectors): self.docs = list(vectors[:])
    def search(self, queries, k):
        scores = [[sum((doc @ vector).max() for vector in query) for doc in self.docs]
                  for query in queries]
        scores = np.array(scores)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(scores, order, axis=1), order

class Learner:
    def __init__(self, *, targets: effbench.EncodedTexts): self.targets = targets
    def train(self, folder): (folder / "x").write_text("x")

@effbench.hookimpl
def effbench_encoders():
    kinds = {"sparse": Sparse, "tokens": Tokens}
    return {name: globals().get("Bad" + kind.__name__, kind) for name, kind in kinds.items()}

@effbench.hookimpl
def effbench_indexes(): return {"products": Products, "maxsim": MaxSim}

@effbench.hookimpl
def effbench_trainers(): return {"learner": Learner}
"""

SUITE = """\
suite: kinds
datasets: [{use: toy}]
measures: [nDCG@10]
encoders:
  dense: {use: words}
  sparse: {use: sparse}
  tokens: {use: tokens}
indexes:
  products: {use: products}
  maxsim: {use: maxsim}
latency: false
"""


@pytest.fixture
def kinds(mine, run, records):
    """Run the suite with the plugin, both altered; return the result and the records."""
    mine(SOURCE)

    def start(old: str = "", new: str = "", *options: object):
        return run(altered(SUITE, old, new) if old else SUITE, *options), records()

    return start


def run_of(folder: Path, row: str) -> bytes:
    import gzip

    (path,) = folder.glob(f"results/*/kinds/runs/toy--{row}--*.trec.gz")
    lines = gzip.decompress(path.read_bytes()).splitlines()
    return b"\n".join(line.rpartition(b" ")[0] for line in lines)


@pytest.mark.parametrize("shard", [16, 16_384])
def test_each_kind_is_kept_and_searched(kinds, tmp_path, monkeypatch, shard: int) -> None:
    monkeypatch.setattr(writing, "SHARD", shard)
    result, found = kinds()
    assert result.exit_code == 0, result.output
    assert set(found) == {
        "toy--dense--products", "toy--sparse--products", "toy--tokens--maxsim"
    }  # fmt: skip
    assert all(record["scores"]["nDCG@10"] > 0.5 for record in found.values())
    assert run_of(tmp_path, "sparse") == run_of(tmp_path, "dense")
    assert "'maxsim' takes token vectors, so it has no cell of dense, sparse" in result.output


def test_each_kind_has_a_latency(kinds) -> None:
    short = "latency: {queries: 5, processes: 2}\n"
    result, found = kinds("latency: false\n", short)
    assert result.exit_code == 0, result.output
    assert len(found) == 3
    assert "differ" not in result.output


def test_exact_finds_in_each_kind_what_a_plain_search_finds(
    kinds, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("EFFBENCH_PLUGINS", "toy,mine,exact")
    result, found = kinds("indexes:\n", "indexes:\n  exact: {use: exact}\n")
    assert result.exit_code == 0, result.output
    assert len(found) == 6
    for row, plain in (("dense", "products"), ("sparse", "products"), ("tokens", "maxsim")):
        best = found[f"toy--{row}--exact"]["scores"]
        assert best == found[f"toy--{row}--{plain}"]["scores"]


def test_the_vectors_of_stages_are_compared_with_those_of_the_encoder() -> None:
    from effbench.api.arrays import TokenVectors
    from effbench.latency.agreement import differing_vectors
    from effbench.vectors.kinds import KINDS

    true, near, far = np.array([[[0, 3, 4]], [[0, 3.1, 4]], [[1, 0, 4]]], dtype=np.float32)
    starts = np.array([0, 1])
    made = {
        "dense": lambda vectors: vectors,
        "sparse": sparse.csr_array,
        "tokens": lambda vectors: TokenVectors(vectors, starts),
    }
    for name, make in made.items():
        answers = [make(vectors) for vectors in (true, near, far)]
        assert differing_vectors(KINDS[name], answers, [make(true)] * 3) == [2]
    longer = TokenVectors(np.concatenate([true, true]), np.array([0, 2]))
    assert differing_vectors(KINDS["tokens"], [longer], [made["tokens"](true)]) == [0]


def test_an_encoder_without_an_index_is_a_mistake(mine, effbench, suite) -> None:
    mine(SOURCE)
    text = altered(SUITE, "  maxsim: {use: maxsim}\n", "")
    (line,) = effbench("plan", suite(text)).stderr.splitlines()
    assert "encoders.tokens: makes token vectors, which no index of this suite takes" in line
    assert ":7: " in line


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "{use: sparse}",
            "{use: sparse, passages: dense}",
            "'dense' makes dense vectors, and the queries are sparse vectors",
        ),
        ("{use: sparse}", "{use: sparse, store: float16}", "kept as float32"),
        (
            "encoders:\n",
            "models: {m: {use: learner, targets: "
            "{texts: [{titles: target}], encoder: sparse}}}\nencoders:\n",
            "'sparse' makes sparse vectors, and 'learner' takes dense vectors",
        ),
        (
            "indexes:\n",
            "retrievers: {f: {use: fuse, searchers: [{row: tokens, index: products}]}}\n"
            "indexes:\n",
            "'tokens' makes token vectors, and index 'products' takes dense or sparse vectors",
        ),
    ],
)
def test_kinds_that_do_not_fit_are_mistakes(
    mine, effbench, suite, monkeypatch, old: str, new: str, said: str
) -> None:
    mine(SOURCE)
    monkeypatch.setenv("EFFBENCH_PLUGINS", "toy,mine,combine")
    planned = effbench("plan", suite(altered(SUITE, old, new)))
    assert planned.exit_code == 2
    assert said in planned.stderr
    assert len(planned.stderr.splitlines()) == 1, planned.stderr


@pytest.mark.parametrize(
    ("kind", "returned", "said"),
    [
        ("sparse", "super().encode_corpus(docs).toarray()", "a ndarray (an array of scipy"),
        ("sparse", "-super().encode_corpus(docs)", "a negative weight for 'd0'"),
        ("sparse", "super().encode_corpus(docs) * np.nan", "NaN or infinity for 'd0'"),
        ("sparse", "super().encode_corpus(docs).tocsr()[:3]", "3 rows for 60 docs"),
        (
            "sparse",
            "sparse.csr_array((np.ones(1), [64], [0] + [1] * len(docs)), (len(docs), 64))",
            "a broken csr_array",
        ),
        ("sparse", "sparse.csr_array((len(docs), 2**31))", "a vocabulary of 2,147,483,648"),
        ("tokens", "np.zeros((3, 4))", "a ndarray (a list of float vectors"),
        (
            "tokens",
            "[np.ma.array(np.ones((1, 64)), mask=True) for _ in docs]",
            "a masked array",
        ),
        (
            "tokens",
            "effbench.TokenVectors(np.ones((9, 64)), np.arange(1 + len(docs)))",
            "TokenVectors whose starts do not rise from 0 to the number of vectors",
        ),
        ("tokens", "super().encode_corpus(docs)[:3]", "3 arrays for 60 docs"),
        ("tokens", "[np.zeros((0, 64)) for _ in docs]", "no vector for 'd0' (one or more"),
        ("tokens", "[np.full((1, 64), np.inf) for _ in docs]", "NaN or infinity for 'd0'"),
        ("tokens", "[np.zeros((1, 3 + i % 2)) for i, _ in enumerate(docs)]", "width 3 and 4"),
    ],
)
def test_what_breaks_the_contract_is_one_line(
    mine, run, records, kind: str, returned: str, said: str
) -> None:
    name = kind.title()
    bad = f"\nclass Bad{name}({name}):\n    def encode_corpus(self, docs): return {returned}\n"
    mine(SOURCE + bad)
    result = run(SUITE)
    assert result.exit_code == 1
    index = {"sparse": "products", "tokens": "maxsim"}[kind]
    error = records()[f"toy--{kind}--{index}"]["error"]
    assert f"encoder '{kind}' (plugin mine): encode_corpus returned" in error
    assert said in error


def test_token_vectors_are_read_by_item_slice_and_array() -> None:
    from effbench import TokenVectors

    numbers = np.arange(12, dtype=np.float32).reshape(6, 2)
    vectors = TokenVectors(numbers, np.array([0, 1, 3, 6]))
    assert (len(vectors), vectors.shape) == (3, (3, 2))
    assert [len(one) for one in vectors] == [1, 2, 3]
    assert (vectors[1] == numbers[1:3]).all()
    assert (vectors[1:].vectors == numbers[1:]).all()
    assert vectors[1:].starts.tolist() == [0, 2, 5]
    assert len(vectors[3:9]) == len(vectors[2:1]) == 0
    assert (vectors[-1] == numbers[3:]).all()
    assert (vectors[np.int64(1)] == numbers[1:3]).all()
    for first_and_last in (slice(None, None, 2), np.array([0, -1]), np.array([1, 0, 1]) > 0):
        assert vectors[first_and_last].starts.tolist() == [0, 1, 4]
    assert vectors[::-1].starts.tolist() == [0, 3, 5, 6]
    chosen = vectors[np.array([2, 0])]
    assert (chosen[0] == numbers[3:]).all()
    assert (chosen[1] == numbers[:1]).all()


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("dense", np.ones((1, 3), np.float32)),
        ("sparse", sparse.csr_array(np.ones((1, 3), np.float32))),
        ("tokens", [np.ones((2, 3), np.float32)]),
    ],
)
def test_an_array_that_an_encoder_fills_again_changes_no_vector(name: str, answer) -> None:
    from effbench.vectors.kinds import KINDS

    kind = KINDS[name]
    vectors = kind.checked(kind.taken(answer), "1 docs", 1)
    (answer.data if name == "sparse" else answer[0])[:] = 9
    assert (kind.numbers(vectors) == 1).all()


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("sparse", sparse.coo_array(np.ones(3))),
        ("sparse", sparse.coo_array(np.ones((1, 3, 3)))),
        ("sparse", sparse.csr_array(np.ones(3, np.float32))),
        ("sparse", sparse.csr_array(np.ones((1, 4), np.float32))),
        ("tokens", [np.ones((0, 3))]),
        ("tokens", [np.ones((2, 4))]),
        ("tokens", [np.ones(3)]),
        ("tokens", [np.float64(3)]),
        ("tokens", []),
    ],
)
def test_a_timed_answer_of_a_wrong_shape_is_refused(name: str, answer) -> None:
    from effbench.vectors.kinds import KINDS
    from effbench.vectors.unfit import Unfit

    with pytest.raises(Unfit):
        KINDS[name].hosted(answer, (1, 3))


def test_a_timed_answer_has_one_width_for_all_tokens() -> None:
    from effbench.vectors.kinds import KINDS
    from effbench.vectors.unfit import Unfit

    with pytest.raises(Unfit):
        KINDS["tokens"].hosted([np.ones((1, 3)), np.ones((1, 4))], (2, None))


def test_a_timed_sparse_query_has_the_form_that_it_had_in_the_run() -> None:
    from effbench.vectors.kinds import KINDS

    arrays = np.ones(3, np.float32), np.array([5, 2, 2]), np.array([0, 3])
    answer = sparse.csr_array(arrays, shape=(1, 8))
    query = KINDS["sparse"].hosted(answer, (1, 8))
    assert (query.indices.tolist(), query.data.tolist()) == ([2, 5], [2, 1])
    assert answer.indices.tolist() == [5, 2, 2]


@pytest.mark.parametrize(
    ("kind", "encode", "said"),
    [
        (
            "sparse",
            "sparse.csr_matrix(WordsEncoder.encode_queries(self, texts))",
            "a csr_matrix",
        ),
        ("tokens", "[np.ones((3, 64)) for _ in texts]", "float64 [30, 3, 64]"),
        ("tokens", "[np.ones((1 + i % 2, 64)) for i, _ in enumerate(texts)]", "a list"),
    ],
)
def test_a_class_that_does_not_say_what_it_makes_is_told_so(
    mine, run, records, kind: str, encode: str, said: str
) -> None:
    name = kind.title()
    method = f"    def encode_queries(self, texts): return {encode}"
    mine(f"{SOURCE}\nclass Bad{name}({name}):\n    makes = 'dense'\n{method}\n")
    result = run(SUITE)
    assert result.exit_code == 1
    error = records()[f"toy--{kind}--products"]["error"]
    assert f"returned {said} (float vectors [n, d] are wanted, or a class that says" in error


@pytest.mark.parametrize("takes", ['"dense"', "()", '("dense", "dense")', '("dnse",)', "None"])
def test_kinds_that_do_not_exist_or_come_twice_are_refused(mine, effbench, takes: str) -> None:
    mine(SOURCE.replace('takes = ("tokens",)', f"takes = {takes}"))
    found = effbench("plugins")
    assert found.exit_code == 1
    assert "its takes is " in found.output
    assert "(give a tuple of dense, sparse or tokens, each once)" in found.output
