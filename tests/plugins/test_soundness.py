"""Models that would give wrong vectors without a word: refused or mended by all loaders."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import tiny_bert
from effbench import Doc, EffbenchError, EncodedTexts, Examples, ModelId
from effbench_sentence_transformers import SentenceTransformersEncoder
from effbench_transformer import TransformerEncoder

pytest.importorskip("sentence_transformers")

TEXTS = ["ab", "a longer text of many letters", "c", "ab cd", "x y z 1 2 3"]
TOKENIZER = ("tokenizer.json", "tokenizer_config.json")
Change = Callable[[Path], None]
Opener = Callable[..., Any]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert.save(tmp_path_factory.mktemp("sound"))


@pytest.fixture
def copied(tiny: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model, to be spoilt."""
    return Path(shutil.copytree(tiny, tmp_path / "copied"))


def own(folder: Path, **options: Any) -> TransformerEncoder:
    return TransformerEncoder(ModelId(str(folder)), device="cpu", **options)


def library(folder: Path, **options: Any) -> SentenceTransformersEncoder:
    return SentenceTransformersEncoder(ModelId(str(folder)), device="cpu", **options)


def as_library(folder: Path, pooling: str = "mean") -> Path:
    """Say to Sentence Transformers how the model is pooled, by the files that it reads."""
    modules = "sentence_transformers.sentence_transformer.modules"
    kinds = [("", "Transformer"), ("1_Pooling", "Pooling")]
    listed = [
        {"idx": number, "name": str(number), "path": path, "type": f"{modules}.{kind}"}
        for number, (path, kind) in enumerate(kinds)
    ]
    (folder / "modules.json").write_text(json.dumps(listed))
    (folder / "1_Pooling").mkdir()
    said = {"embedding_dimension": 32, "pooling_mode": pooling}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(said))
    return folder


def configure(folder: Path, **changed: Any) -> None:
    path = folder / "tokenizer_config.json"
    said = {**json.loads(path.read_text()), **changed}
    path.write_text(json.dumps({name: one for name, one in said.items() if one is not None}))


def put(folder: Path, kind: str, **config: Any) -> None:
    """Replace the network by a random one of another kind."""
    import torch
    from transformers import AutoConfig, AutoModel, AutoTokenizer
    from transformers.utils import logging

    words = len(AutoTokenizer.from_pretrained(folder))
    torch.manual_seed(0)
    logging.disable_progress_bar()
    whole = {"vocab_size": words, "bos_token_id": 2, "eos_token_id": 3, **config}
    AutoModel.from_config(AutoConfig.for_model(kind, **whole)).save_pretrained(folder)


def without_tokenizer(folder: Path) -> None:
    for name in TOKENIZER:
        (folder / name).unlink()


def without_words(folder: Path) -> None:
    """What is left when special tokens are listed elsewhere, and the vocabulary was lost."""
    path = folder / "tokenizer.json"
    said = json.loads(path.read_text())
    said["model"]["vocab"] = {token: i for i, token in enumerate(tiny_bert.SPECIAL)}
    path.write_text(json.dumps(said))


def without_merges(folder: Path) -> None:
    """A byte-pair tokenizer that has its words, and no way from letters to them."""
    letters = {letter: number for number, letter in enumerate("abcdefgh")}
    words = {"ab": 8, "abc": 9, "cd": 10}
    model = {"type": "BPE", "vocab": {**letters, **words}, "merges": []}
    whole = {"version": "1.0", "added_tokens": [], "model": model}
    (folder / "tokenizer.json").write_text(json.dumps(whole))


def other_words(folder: Path) -> None:
    put(
        folder, "bert", vocab_size=20, hidden_size=32, num_hidden_layers=1,
        num_attention_heads=4, intermediate_size=64, max_position_embeddings=40,
    )  # fmt: skip


def without_weights(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    kept = {n: x for n, x in load_file(path).items() if "layer.1.attention.output" not in n}
    save_file(kept, path, metadata={"format": "pt"})


def by_mine(folder: Path) -> None:
    from effbench_training import Contrastive

    docs = [Doc("d1", "ab"), Doc("d2", "cd")]
    data = Examples(["ab", "cd"], [[0], [1]], [[1], [0]], docs, None, None, [0, 0])
    Contrastive(data, base=ModelId(str(folder))).train(folder / "trained", seed=0)


def by_align(folder: Path) -> None:
    from effbench_small_query import Align

    given = EncodedTexts(["ab", "cd"], np.eye(2, 32, dtype=np.float32), "big")
    Align(given, ModelId(str(folder)), cell="static").train(folder / "trained", seed=0)


def by_prompt(folder: Path) -> None:
    from effbench_soft_prompt.prompts import open_backbone

    open_backbone(str(folder), None)


OPENERS = {
    "transformer": own,
    "sentence-transformers": library,
    "contrastive": by_mine,
    "align": by_align,
    "prompt": by_prompt,
}


def refused(opened: Opener, *arguments: Any, **options: Any) -> str:
    with pytest.raises(EffbenchError) as error:
        opened(*arguments, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("who", OPENERS)
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (without_tokenizer, "tokenizer.json or vocab.txt is missing"),
        (without_words, "does not know its own words"),
        (without_merges, "does not know its own words"),
        (other_words, "it is another model's"),
        (without_weights, "4 of its weights, such as encoder.layer.1.attention.output"),
    ],
)
def test_what_cannot_be_right_is_refused_by_all(
    copied: Path, who: str, spoil: Change, said: str
) -> None:
    spoil(as_library(copied))
    line = refused(OPENERS[who], copied)
    assert str(copied) in line
    assert said in line


BERT = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
    "intermediate_size": 64,
}  # fmt: skip
GPT = {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 40}
ROTARY = {**BERT, "num_key_value_heads": 4}
T5 = {"d_model": 32, "d_ff": 64, "num_layers": 1, "d_kv": 8, "num_heads": 4}
KINDS = {
    "roberta": BERT, "mpnet": BERT, "modernbert": {**BERT, "pad_token_id": 0},
    "qwen2": ROTARY, "gpt2": GPT, "t5": T5,
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_of_model_is_read_without_its_tokenizer(copied: Path, kind: str) -> None:
    put(as_library(copied), kind, **KINDS[kind])
    without_tokenizer(copied)
    assert "tokenizer" in refused(library, copied)
    if kind != "t5":  # its decoder is refused before
        assert "tokenizer" in refused(own, copied)


def test_a_model_that_says_nothing_of_its_pooling_is_refused(copied: Path) -> None:
    assert "it has no modules.json" in refused(library, copied)
    (as_library(copied, "cls") / "1_Pooling" / "config.json").unlink()
    assert str(copied) in refused(library, copied)


def test_a_static_table_is_read_by_its_own_words(tiny: Path, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(tiny / "tokenizer.json"))
    static = StaticEmbedding(tokenizer, embedding_weights=np.ones((20, 8), np.float32))
    SentenceTransformer(modules=[static], device="cpu").save(str(tmp_path))
    assert "it is another model's" in refused(library, tmp_path)


def alone_and_together(encoder: Any, texts: Sequence[str] = TEXTS) -> None:
    together = encoder.encode_queries(texts)
    alone = np.concatenate([encoder.encode_queries([text]) for text in texts])
    assert np.abs(alone[0] - alone[1]).max() > 1e-3
    assert_allclose(together, alone, atol=1e-5)
    docs = [Doc(str(number), text) for number, text in enumerate(texts)]
    assert_allclose(encoder.encode_corpus(docs), alone, atol=1e-5)


@pytest.mark.parametrize("pad", ["[PAD]", None])
@pytest.mark.parametrize(
    ("kind", "pooling"),
    [("bert", "cls"), *itertools.product(["bert", "gpt2", "qwen2"], ["mean", "lasttoken"])],
)
def test_padding_on_the_left_moves_no_vector(
    copied: Path, kind: str, pad: str | None, pooling: str
) -> None:
    if kind != "bert":
        put(copied, kind, **KINDS[kind])
    configure(as_library(copied, pooling), padding_side="left", pad_token=pad)
    alone_and_together(library(copied))
    if pooling != "lasttoken":
        alone_and_together(own(copied, pooling=pooling, normalize=True))


def test_what_is_exported_pads_as_it_was_read(copied: Path, tmp_path: Path) -> None:
    configure(as_library(copied, "cls"), padding_side="left")
    library(copied).export(tmp_path / "out", None)
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(tmp_path / "out"), device="cpu")
    assert_allclose(model.encode(TEXTS), library(copied).encode_queries(TEXTS), atol=1e-5)


def test_padding_on_the_left_stays_where_it_does_no_harm(copied: Path) -> None:
    put(copied, "qwen2", **ROTARY)
    configure(as_library(copied, "lasttoken"), padding_side="left")
    encoder = library(copied)
    encoder.encode_queries(TEXTS)
    assert encoder._model.tokenizer.padding_side == "left"


def test_a_network_that_reads_padding_as_text_is_refused(copied: Path) -> None:
    small = {"hidden_size": 32, "num_hidden_layers": 2, "intermediate_size": 64}
    put(copied, "fnet", max_position_embeddings=40, **small)  # it mixes masked tokens in
    for encoder in (own(copied), library(as_library(copied))):
        assert encoder.encode_queries(["ab"]).any(), "alone it has no padding"
        line = refused(encoder.encode_queries, TEXTS)
        assert "padding is read as text" in line
        assert str(copied) in line


def test_the_first_token_of_a_decoder_is_no_pooling(copied: Path) -> None:
    put(copied, "gpt2", **GPT)
    encoder = own(copied, pooling="cls")
    assert "all texts have one vector" in refused(encoder.encode_queries, TEXTS)


def test_weights_that_are_no_numbers_are_refused(copied: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(copied / "model.safetensors")
    weights["encoder.layer.1.output.dense.weight"][0, 0] = float("nan")
    save_file(weights, copied / "model.safetensors", metadata={"format": "pt"})
    for encoder in (own(copied), library(as_library(copied))):
        assert "not finite numbers" in refused(encoder.encode_queries, TEXTS)


@pytest.mark.parametrize("length", [1, 2, 41, 10_000])
def test_both_refuse_a_length_by_one_rule(copied: Path, length: int) -> None:
    as_library(copied)
    lines = {refused(one, copied, max_length=length) for one in (own, library)}
    assert lines == {f"max_length: {length} is outside what the model takes (say 3 to 40)"}


def test_a_prefix_leaves_room_for_a_word(copied: Path) -> None:
    as_library(copied)
    for open_, options in (
        (own, {"query_prefix": "query: "}),
        (own, {"passage_prefix": "query: "}),
        (library, {"query_prompt": "query: "}),
        (library, {"passage_prompt": "query: "}),
    ):
        line = refused(open_, copied, max_length=8, **options)
        assert "with 'query: ' before each text (say 9 to 40)" in line
        alone_and_together(open_(copied, max_length=12))


def test_a_text_ends_where_positions_do_though_the_model_says_more(copied: Path) -> None:
    put(copied, "roberta", **BERT, max_position_embeddings=20)
    configure(as_library(copied), model_max_length=20)  # one is the padding's
    long = "ab " * 50
    vectors = library(copied, normalize=False).encode_queries([long])
    assert_allclose(vectors, own(copied).encode_queries([long]), atol=1e-5)
