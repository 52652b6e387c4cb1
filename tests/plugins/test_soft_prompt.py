"""Soft prompts: reading after one, training one, and what it belongs to."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

import tiny_bert
from effbench import Doc, EffbenchError, ModelId
from tiny_prompts import encoder, prompt_of, words_of

pytest.importorskip("accelerate", reason="training needs accelerate: effbench[train]")

TEXTS = ["a b", "c", "d e f g h i j", "k k k k", "zz top"]


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> ModelId:
    return ModelId(str(tiny_bert.save(tmp_path_factory.mktemp("backbone"))))


def test_a_prompt_is_written_in_the_form_of_the_page(backbone, tmp_path: Path) -> None:
    """docs/formats.md; a third party computes the digest of the backbone like this."""
    from safetensors.numpy import load_file

    folder = prompt_of(tmp_path, backbone, np.ones((3, 32)))
    facts = json.loads((folder / "prompt.json").read_text())
    (array,) = load_file(folder / "prompt.safetensors").items()
    assert (array[0], array[1].shape, array[1].dtype) == ("queries", (3, 32), np.float32)
    assert facts["format"] == 1
    assert set(facts["reading"]) == {"pooling", "normalize", "query_max_length", "max_length"}
    assert (facts["backbone"]["model"], facts["backbone"]["revision"]) == (backbone, None)
    digest = hashlib.sha256()
    for name, weight in sorted(load_file(Path(backbone) / "model.safetensors").items()):
        if "pooler." not in name:
            digest.update(f"{name} {list(weight.shape)}\n".encode() + weight.tobytes())
    assert facts["backbone"]["weights"] == digest.hexdigest()


@pytest.mark.parametrize("pooling", ["mean", "cls"])
@pytest.mark.parametrize("onednn", [True, False])
def test_a_prompt_of_no_vectors_is_the_plain_backbone(
    backbone, tmp_path: Path, pooling: str, onednn: bool
) -> None:
    from effbench_transformer import TransformerEncoder

    empty = prompt_of(tmp_path, backbone, np.zeros((0, 32)), pooling)
    ours = encoder(empty, onednn=onednn)
    plain = TransformerEncoder(
        backbone,
        pooling=pooling,
        max_length=20,
        query_max_length=16,
        device="cpu",
        onednn=onednn,
    )
    docs = [Doc(str(i), text, f"title {i}") for i, text in enumerate(TEXTS)]
    np.testing.assert_array_equal(ours.encode_queries(TEXTS), plain.encode_queries(TEXTS))
    np.testing.assert_array_equal(ours.encode_corpus(docs), plain.encode_corpus(docs))


def test_a_prompt_of_words_is_those_words_before_the_text(backbone, tmp_path: Path) -> None:
    """The prompt stands before [CLS]; its own vectors are in no mean."""
    import torch

    from effbench_soft_prompt.prompts import open_backbone

    words = ["x", "y", "##z"]
    ours = encoder(prompt_of(tmp_path, backbone, words_of(backbone, words)))
    opened = open_backbone(backbone, None)
    before = opened.tokenizer.convert_tokens_to_ids(words)
    found = ours.encode_queries(TEXTS)  # of different lengths: read padded, in one batch
    for text, vector in zip(TEXTS, found, strict=True):
        ids = torch.tensor([before + opened.tokenizer(text)["input_ids"]])
        with torch.no_grad():
            hidden = opened.network(input_ids=ids).last_hidden_state[0, len(words) :]
        np.testing.assert_allclose(vector, hidden.mean(0).numpy(), atol=2e-6)


def test_without_special_tokens_it_is_the_longer_text(tmp_path: Path) -> None:
    from effbench_transformer import TransformerEncoder

    bare = ModelId(str(tiny_bert.save(tmp_path / "bare", special_tokens=False)))
    every = encoder(prompt_of(tmp_path / "q", bare, words_of(bare, ["x"]), "mean"))
    mean = TransformerEncoder(bare, pooling="mean", device="cpu").encode_queries(["x a"])
    first = TransformerEncoder(bare, pooling="cls", device="cpu").encode_queries(["x a"])
    # the mean over "x a" is half the vector of x, half the mean over what is not the prompt
    np.testing.assert_allclose(every.encode_queries(["a"]), 2 * mean - first, atol=2e-6)


@pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.*:FutureWarning")  # peft's
def test_peft_reads_a_prompt_the_same_way(backbone, tmp_path: Path) -> None:
    peft = pytest.importorskip("peft", reason="held against peft: pip install peft")
    import torch

    from effbench_soft_prompt.prompts import open_backbone
    from effbench_soft_prompt.reading import read

    opened = open_backbone(backbone, None)
    config = peft.PromptTuningConfig(
        task_type=peft.TaskType.FEATURE_EXTRACTION, num_virtual_tokens=3
    )
    theirs = peft.get_peft_model(opened.network, config).eval()
    batch = opened.tokenizer(TEXTS, padding=True, return_tensors="pt")
    ids, mask = batch["input_ids"], batch["attention_mask"]
    with torch.no_grad():
        wanted = theirs(input_ids=ids, attention_mask=mask).last_hidden_state[:, 3:]
        found = read(theirs.base_model, theirs.get_prompt(1)[0], ids, mask)
    assert (wanted - found)[mask.bool()].abs().max() < 1e-6


def test_batches_move_no_vector(backbone, tmp_path: Path) -> None:
    folder = prompt_of(tmp_path, backbone, words_of(backbone, ["x", "y"]), normalize=True)
    one, all_ = (encoder(folder, batch_tokens=n).encode_queries(TEXTS) for n in (1, 1000))
    np.testing.assert_allclose(one, all_, atol=2e-6)
    np.testing.assert_allclose(np.linalg.norm(one, axis=1), 1, atol=1e-5)


def test_a_prompt_refuses_another_backbone(backbone, tmp_path: Path) -> None:
    folder = prompt_of(tmp_path / "prompt", backbone, words_of(backbone, ["x"]))
    other = str(tiny_bert.save(tmp_path / "other", num_hidden_layers=1))
    with pytest.raises(EffbenchError, match=r"trained for .* has other weights"):
        encoder(folder, backbone=other)
    same = str(tiny_bert.save(tmp_path / "moved"))
    moved, here = encoder(folder, backbone=same), encoder(folder)
    np.testing.assert_array_equal(moved.encode_queries(["a"]), here.encode_queries(["a"]))


@pytest.mark.parametrize(
    ("part", "fact", "value", "said"),
    [
        ("reading", "pooling", "foo", "pooling is 'foo'"),
        ("reading", "normalize", "no", "Expected `bool`, got `str`"),
        ("reading", "query_max_length", 7.5, "Expected `int`, got `float`"),
        ("backbone", "model", 7, "Expected `str`, got `int`"),
        ("backbone", "widht", 7, "KeyError: 'widht'"),
    ],
)
def test_a_wrong_fact_of_a_prompt_is_one_line(
    backbone, tmp_path: Path, part: str, fact: str, value: object, said: str
) -> None:
    prompt_of(tmp_path, backbone, words_of(backbone, ["x"]))
    facts = json.loads((tmp_path / "prompt.json").read_text())
    facts[part][fact] = value
    (tmp_path / "prompt.json").write_text(json.dumps(facts))
    with pytest.raises(EffbenchError, match=f"no prompt .*{said}"):
        encoder(tmp_path)


def test_a_prompt_of_another_width_is_refused(backbone, tmp_path: Path) -> None:
    folder = prompt_of(tmp_path, backbone, words_of(backbone, ["x"])[:, :16])
    with pytest.raises(EffbenchError, match=r"vectors are 16 wide, .* 32 \(train a prompt"):
        encoder(folder)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("prompt.json", None),
        ("prompt.json", "{"),
        ("prompt.json", "{}"),
        ("prompt.json", '{"format": 99}'),
        ("prompt.json", '{"format": "1"}'),
        ("prompt.json", "[" * 100_000),
        ("prompt.safetensors", None),
        ("prompt.safetensors", "no tensors"),
    ],
)
def test_a_broken_prompt_is_one_line(backbone, tmp_path: Path, name: str, text) -> None:
    prompt_of(tmp_path, backbone, words_of(backbone, ["x"]))
    (tmp_path / name).unlink() if text is None else (tmp_path / name).write_text(text)
    with pytest.raises(EffbenchError, match=r"no prompt|newer effbench"):
        encoder(tmp_path)


def test_a_text_has_the_positions_that_the_prompt_leaves(backbone, tmp_path: Path) -> None:
    vectors = np.zeros((tiny_bert.POSITIONS - 20, 32))
    folder = prompt_of(tmp_path, backbone, vectors)
    encoder(folder).encode_queries(["a " * 100])
    with pytest.raises(EffbenchError, match=r"max_length: 21 .* prompt of 20 \(say 3 to 20\)"):
        encoder(folder, max_length=21)
