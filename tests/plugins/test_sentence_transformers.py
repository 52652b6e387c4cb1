from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import tiny_bert
from effbench import Doc, EffbenchError, ModelId
from effbench_sentence_transformers import SentenceTransformersEncoder, effbench_encoders

pytest.importorskip("sentence_transformers")
pytestmark = pytest.mark.usefixtures("one_thread")

TEXTS = ["ab", "a longer text of many letters", "c", "", "ab cd"]
DOCS = [Doc(f"d{number}", text, "t") for number, text in enumerate(TEXTS)]
PROMPTS = {"query": "q: ", "passage": "p: ", "other": "o: "}


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert.save(tmp_path_factory.mktemp("st_bert"))


@pytest.fixture
def saved(bert: Path, tmp_path: Path) -> Callable[..., str]:
    """Save the tiny BERT with mean pooling as a Sentence Transformers model."""
    from sentence_transformers import SentenceTransformer

    def save(**options: Any) -> str:
        model = SentenceTransformer(modules=transformer_modules(bert), device="cpu", **options)
        model.max_seq_length = tiny_bert.POSITIONS
        folder = str(tmp_path / "model")
        model.save(folder, create_model_card=False)
        return folder

    return save


def transformer_modules(bert: Path) -> list[Any]:
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    transformer = Transformer(str(bert))
    return [transformer, Pooling(32, "mean")]


def make(model: str, **options: Any) -> SentenceTransformersEncoder:
    return SentenceTransformersEncoder(ModelId(model), device="cpu", **options)


def library(model: str) -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(model, device="cpu")


def test_vectors_are_those_of_the_library(saved: Callable[..., str]) -> None:
    model = saved()
    encoder = make(model)
    passages = encoder.encode_corpus(DOCS)
    wanted = library(model).encode([f"t {text}".strip() for text in TEXTS])
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    assert_allclose(passages, wanted, atol=1e-6)
    assert passages.dtype == np.float32
    assert passages.flags.c_contiguous
    assert encoder.encode_queries(TEXTS).shape == (len(TEXTS), 32)
    assert encoder.encode_queries([]).shape == (0, 32)


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
def test_it_normalizes_when_the_similarity_is_cosine(
    saved: Callable[..., str], similarity: str
) -> None:
    model = saved(similarity_fn_name=similarity)
    raw = library(model).encode(TEXTS)
    unit = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    by_default = unit if similarity == "cosine" else raw
    assert_allclose(make(model).encode_queries(TEXTS), by_default, atol=1e-6)
    assert_allclose(make(model, normalize=True).encode_queries(TEXTS), unit, atol=1e-6)
    assert_allclose(make(model, normalize=False).encode_queries(TEXTS), raw, atol=1e-6)


@pytest.mark.parametrize("similarity", ["euclidean", "manhattan"])
def test_distances_are_refused_unless_normalize_is_given(
    saved: Callable[..., str], similarity: str
) -> None:
    model = saved(similarity_fn_name=similarity)
    assert f"similarity is {similarity}" in refused(model)
    assert make(model, normalize=True).encode_queries(["ab"]).shape == (1, 32)


def test_stored_prompts_are_used(saved: Callable[..., str]) -> None:
    model = saved(prompts=PROMPTS, similarity_fn_name="dot")
    queries, passages = (
        library(model).encode([f"{prompt}{text}"], prompt="")
        for prompt, text in (("q: ", "ab"), ("p: ", "t ab"))
    )
    encoder = make(model)
    assert_allclose(encoder.encode_queries(["ab"]), queries, atol=1e-6)
    assert_allclose(encoder.encode_corpus([Doc("d", "ab", "t")]), passages, atol=1e-6)


def test_prompts_can_be_chosen_by_text_and_by_name(saved: Callable[..., str]) -> None:
    model = saved(prompts=PROMPTS, similarity_fn_name="dot")
    bare, named, written = library(model).encode(["ab", "o: ab", "w ab"], prompt="")
    doc = Doc("d", "ab")
    for options, wanted in (
        ({"query_prompt": "", "passage_prompt": ""}, bare),
        ({"query_prompt_name": "other", "passage_prompt_name": "other"}, named),
        ({"query_prompt": "w ", "passage_prompt": "w "}, written),
    ):
        encoder = make(model, **options)
        assert_allclose(encoder.encode_queries(["ab"])[0], wanted, atol=1e-6)
        assert_allclose(encoder.encode_corpus([doc])[0], wanted, atol=1e-6)


def test_a_prompt_that_is_not_stored_is_refused(saved: Callable[..., str]) -> None:
    line = refused(saved(prompts=PROMPTS), passage_prompt_name="no")
    assert "passage_prompt_name: the model has no 'no'" in line
    assert "'passage'" in line


def test_max_length_cuts(saved: Callable[..., str]) -> None:
    model = saved(similarity_fn_name="dot")
    cut = make(model, max_length=4).encode_queries(["abcdef"])
    assert_allclose(cut, make(model).encode_queries(["ab"]), atol=1e-6)


def test_a_router_takes_its_two_routes(bert: Path, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Router

    router = Router.for_query_document(static_modules(bert), transformer_modules(bert))
    SentenceTransformer(modules=[router], device="cpu", similarity_fn_name="dot").save(
        str(tmp_path / "model"), create_model_card=False
    )
    encoder = make(str(tmp_path / "model"))
    model = library(str(tmp_path / "model"))
    queries, passages = model.encode_query(["ab cd"]), model.encode_document(["ab cd"])
    assert np.abs(queries - passages).max() > 0.01
    assert_allclose(encoder.encode_queries(["ab cd"]), queries, atol=1e-6)
    assert_allclose(encoder.encode_corpus([Doc("d", "ab cd")]), passages, atol=1e-6)


def test_a_static_model_loads_and_has_no_length(bert: Path, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(modules=static_modules(bert), device="cpu")
    model.save(str(tmp_path), create_model_card=False)
    vectors = make(str(tmp_path)).encode_queries(["ab cd", ""])
    assert np.linalg.norm(vectors[0]) == pytest.approx(1)
    assert not vectors[1].any()
    assert "reads texts of any length" in refused(str(tmp_path), max_length=5)


def static_modules(bert: Path) -> list[Any]:
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(bert / "tokenizer.json"))
    return [StaticEmbedding(tokenizer, embedding_dim=32)]


def test_bfloat16_is_close(saved: Callable[..., str]) -> None:
    model = saved()
    near, exact = (make(model, dtype=d).encode_corpus(DOCS) for d in ("bfloat16", "float32"))
    assert near.dtype == np.float32
    assert 1e-6 < np.abs(near - exact).max() < 0.1


def refused(model: str, **options: Any) -> str:
    with pytest.raises(EffbenchError) as error:
        make(model, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_model_that_is_not_here_is_one_line() -> None:
    line = refused("some/model", revision="abc")
    assert "'some/model'" in line
    assert "hf download some/model --revision abc" in line


def test_pickled_weights_are_refused(saved: Callable[..., str]) -> None:
    import torch
    from safetensors.torch import load_file

    model = saved()
    weights = Path(model, "model.safetensors")
    torch.save(load_file(weights), weights.with_name("pytorch_model.bin"))
    weights.unlink()
    assert "pickled ones are not loaded" in refused(model)


def test_half_precision_on_a_cpu_is_refused(saved: Callable[..., str]) -> None:
    assert "float16 is about a hundred times slower" in refused(saved(), dtype="float16")


def test_a_device_that_is_not_there_is_refused(saved: Callable[..., str]) -> None:
    with pytest.raises(EffbenchError, match="device: 'cuda:99'"):
        SentenceTransformersEncoder(ModelId(saved()), device="cuda:99")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"query_prompt": "", "query_prompt_name": "query"}, "query_prompt_name both say"),
        ({"passage_prompt": "", "passage_prompt_name": "x"}, "passage_prompt_name both say"),
        ({"dtype": "float16", "device": "cpu"}, "float16"),
    ],
)
def test_senseless_options_are_found_when_planning(options: dict[str, Any], said: str) -> None:
    prompts = ("query_prompt", "query_prompt_name", "passage_prompt", "passage_prompt_name")
    usual = {**dict.fromkeys(prompts), "dtype": "float32", "device": "auto"}
    with pytest.raises(EffbenchError, match=said):
        SentenceTransformersEncoder.check(**{**usual, **options})


def test_nothing_is_drawn(saved: Callable[..., str], capfd: pytest.CaptureFixture[str]) -> None:
    from transformers.utils import logging

    model = saved()
    logging.enable_progress_bar()
    capfd.readouterr()
    make(model).encode_corpus(DOCS)
    assert capfd.readouterr() == ("", "")
    assert logging.is_progress_bar_enabled()


def test_it_is_offered_and_says_what_it_needs() -> None:
    factory = effbench_encoders()["sentence-transformers"]
    assert factory is SentenceTransformersEncoder
    assert factory.requires == {"sentence_transformers": "effbench[sentence-transformers]"}


def test_importing_it_is_light() -> None:
    heavy = ["torch", "numpy", "transformers", "sentence_transformers"]
    code = (
        f"import sys, effbench_sentence_transformers; print(sys.modules.keys() & set({heavy}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize("routed", [False, True])
def test_an_export_has_the_passages_of_the_row_that_reads_them(
    routed: bool, bert: Path, saved: Callable[..., str], tmp_path: Path
) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Router

    from effbench_transformer import TransformerEncoder

    modules = transformer_modules(bert)
    if routed:
        modules = [Router.for_query_document(static_modules(bert), modules)]
    model = SentenceTransformer(modules=modules, prompts=PROMPTS, device="cpu")
    model.save(str(tmp_path / "other"), create_model_card=False)
    passages = make(str(tmp_path / "other"))
    passages.export(tmp_path / "passages", None)
    plain = ModelId(str(bert))
    for number, encoder in enumerate(
        (
            make(saved(), query_prompt="x "),
            passages,
            TransformerEncoder(plain, pooling="cls", query_prefix="y ", device="cpu"),
            TransformerEncoder(plain, passage_template="{text}", device="cpu"),
        )
    ):
        out = tmp_path / f"out{number}"
        encoder.export(out, tmp_path / "passages")
        deployed = library(str(out))
        queries = deployed.encode_query(TEXTS)
        assert_allclose(queries, encoder.encode_queries(TEXTS), atol=1e-5)
        docs = deployed.encode_document([doc.default_text() for doc in DOCS])
        assert_allclose(docs, passages.encode_corpus(DOCS), atol=1e-5)
        assert "encoder of another row" in (out / "README.md").read_text()
