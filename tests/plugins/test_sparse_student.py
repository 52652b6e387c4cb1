"""``align-sparse`` and ``sparse-query``: a weight for each word, from a sparse teacher."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from altered import altered
from effbench import EffbenchError, EncodedTexts, ModelId, TrainedModel
from effbench_small_query import AlignSparse, SparseQuery, small_query
from tiny_students import ODD, PIECES, WORDS, save_base

pytest.importorskip("sentence_transformers")

COUNT = len(PIECES)
SPECIAL = 4
TEXTS = ["the cat", "cat cat", "a dog [SEP] cat", "", "zzz", "running dogs"] * 5


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> ModelId:
    return save_base(tmp_path_factory.mktemp("base"), layers=1)


def targets(texts: list[str] = TEXTS, words: int = COUNT, share: float = 0.5) -> EncodedTexts:
    draw = np.random.default_rng(0)
    weights = draw.random((len(texts), words)) * (draw.random((len(texts), words)) < share)
    return EncodedTexts(texts, csr_array(weights.astype(np.float32)), "big")  # type: ignore[arg-type]


def train(base: ModelId, given: EncodedTexts, folder: Path) -> SparseQuery:
    AlignSparse(given, base).train(folder, seed=0)
    return SparseQuery(TrainedModel("student", folder))


@pytest.fixture(scope="module")
def student(base: ModelId, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("student")
    train(base, targets(), folder)
    return folder


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_a_weight_is_the_mean_over_the_texts_with_the_word(
    base: ModelId, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    from effbench_small_query import sparse_training

    monkeypatch.setattr(sparse_training, "CHUNK", chunk)
    given = targets()
    found = train(base, given, tmp_path).encode_queries(PIECES[SPECIAL:])
    read = {"the": [0], "cat": [0, 1, 2], "a": [2], "dog": [2, 5], "running": [5], "##s": [5]}
    vectors = given.vectors.toarray().astype(np.float64)  # type: ignore[attr-defined]
    means = {
        word: vectors[[row for row in range(30) if row % 6 in rows], PIECES.index(word)].mean()
        for word, rows in read.items()
    }
    wanted = np.full(COUNT, np.mean(list(means.values())))
    for word, mean in means.items():
        wanted[PIECES.index(word)] = mean
    for row, word in enumerate(PIECES[SPECIAL:]):
        if not word.startswith("##"):
            assert found[[row]].indices.tolist() == [PIECES.index(word)]
            np.testing.assert_allclose(found[[row]].data, wanted[PIECES.index(word)], rtol=1e-6)
    about = json.loads((tmp_path / "about.json").read_text())
    assert (about["texts"], about["words"], about["remarks"]) == (30, 6, [])


def test_no_other_weights_are_nearer_to_the_teacher(base: ModelId, tmp_path: Path) -> None:
    given = targets()
    student = train(base, given, tmp_path)

    def distance(weights: np.ndarray) -> float:
        found = student.encode_queries(TEXTS)
        found.data = weights[found.indices]
        return float((found - given.vectors).power(2).sum())

    weights = student.encode_queries([" ".join(WORDS) + " dogs"]).toarray()[0]
    best = distance(weights)
    for word in ("the", "cat", "dog"):
        for step in (-0.01, 0.01):
            moved = weights.copy()
            moved[PIECES.index(word)] += step
            assert distance(moved) > best


def test_queries_are_read_as_sentence_transformers_reads_them(student: Path) -> None:
    from sentence_transformers import SparseEncoder

    model = SparseEncoder(str(student), device="cpu")
    queries = [*ODD, "cat " * 600]
    found = SparseQuery(student).encode_queries(queries)
    wanted = model.encode(queries, convert_to_sparse_tensor=False, convert_to_tensor=True)
    np.testing.assert_array_equal(found.toarray(), wanted.numpy())
    assert found.has_canonical_format
    assert found.data.min() > 0
    assert found.dtype == np.float32
    assert found.shape == (len(queries), COUNT)
    assert SparseQuery(student).words(found[[2]].indices) == ["a"]
    assert SparseQuery(student).encode_queries([]).shape == (0, COUNT)


def test_its_stages_give_its_vectors(student: Path) -> None:
    encoder = SparseQuery(student)
    description = encoder.describe()
    vectors: Any = ODD
    for stage in description.stages.values():
        vectors = stage(vectors)
    np.testing.assert_array_equal(vectors.toarray(), encoder.encode_queries(ODD).toarray())
    assert description.query_parameters == COUNT
    assert description.count_tokens(["the cat", ""]) == [2, 0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (targets([]), "align-sparse: targets: no texts"),
        (targets()._replace(texts=TEXTS[:3]), "3 texts, but 30 vectors"),
        (targets(words=7), f"have 7 words, the tokenizer of base .* has {COUNT}"),
        (targets(share=0), "no word of the texts has a weight in the vectors of 'big'"),
        (targets(["", "zzz"]), "no word of the texts has a weight"),
        (targets()._replace(weights=np.ones(30, np.float32)), "takes no weight of sources"),
    ],
)
def test_bad_targets_are_one_line(
    base: ModelId, tmp_path: Path, given: EncodedTexts, message: str
) -> None:
    with pytest.raises(EffbenchError, match=message) as error:
        train(base, given, tmp_path)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_a_teacher_of_other_words_is_a_remark(base: ModelId, tmp_path: Path) -> None:
    train(base, targets(share=0.05), tmp_path)
    (remark,) = json.loads((tmp_path / "about.json").read_text())["remarks"]
    assert "is base the teacher's own model?" in remark


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model.safetensors", b"", "no whole student"),
        ("tokenizer.json", b"{}", "no whole student"),
        (
            "modules.json",
            b'[{"type": "sentence_transformers.X", "path": ""}]',
            "holds X, no weights of words",
        ),
    ],
)
def test_a_damaged_student_is_one_line(
    base: ModelId, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    train(base, targets(), tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(EffbenchError, match=message) as error:
        SparseQuery(tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "more", [{"max_active_dims": 2}, {"prompts": {"query": "the ", "document": ""}}]
)
def test_a_table_that_wants_more_than_its_weights_is_refused(
    student: Path, tmp_path: Path, more: dict[str, Any]
) -> None:
    from sentence_transformers import SparseEncoder

    model = SparseEncoder(str(student), device="cpu", **more)
    model.save(str(tmp_path), create_model_card=False)
    with pytest.raises(EffbenchError, match=r"prompt or max_active_dims.* sparse reads"):
        SparseQuery(tmp_path)


def test_a_foreign_table_cuts_no_query_where_it_is_deployed(
    student: Path, tmp_path: Path
) -> None:
    from sentence_transformers import SparseEncoder

    model = SparseEncoder(str(student), device="cpu")
    model[0].tokenizer.model_max_length = 2
    model.save(str(tmp_path / "foreign"), create_model_card=False)
    encoder = SparseQuery(tmp_path / "foreign")
    encoder.export(tmp_path / "out", student)
    deployed = SparseEncoder(str(tmp_path / "out"), device="cpu")
    queries = ["the cat a dog running", "the cat"]
    np.testing.assert_allclose(
        deployed.encode_query(queries).to_dense().numpy(),
        encoder.encode_queries(queries).toarray(),
        atol=1e-6,
    )


def test_it_is_no_student_with_dense_vectors(student: Path) -> None:
    with pytest.raises(EffbenchError, match=r"are sparse, .* sparse-query") as error:
        small_query(student)
    assert "\n" not in str(error.value)


DEPLOYED = """\
import json, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("effbench") or name in absent:
            raise ImportError(name)

absent = ["torch", "transformers", "sentence_transformers", "scipy"]
sys.meta_path.insert(0, Absent())
sys.path.insert(0, sys.argv[1])
from reader import Encoder
texts = json.loads(sys.argv[2])
light = Encoder().encode(texts)
absent.clear()
from sentence_transformers import SparseEncoder
model = SparseEncoder(sys.argv[1], device="cpu")
queries, docs = model.encode_query(texts), model.encode_document(texts)
arrays = [queries, docs, queries @ docs.T]
print(json.dumps([light, *[array.to_dense().tolist() for array in arrays]]))
"""


def test_an_export_works_without_effbench(student: Path, tmp_path: Path) -> None:
    from sentence_transformers import SparseEncoder
    from sentence_transformers.sentence_transformer.modules import Transformer
    from sentence_transformers.sparse_encoder.modules import SpladePooling
    from transformers import AutoTokenizer, BertConfig, BertForMaskedLM

    encoder, bert, out = SparseQuery(student), tmp_path / "bert", tmp_path / "out"
    with pytest.raises(EffbenchError, match="nothing encodes its passages"):
        encoder.export(out, None)
    shape = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4}
    BertForMaskedLM(BertConfig(vocab_size=COUNT, **shape)).save_pretrained(bert)
    AutoTokenizer.from_pretrained(student).save_pretrained(bert)
    network = Transformer(str(bert), transformer_task="fill-mask", max_seq_length=64)
    docs = SparseEncoder(modules=[network, SpladePooling()], device="cpu")
    docs.save(str(tmp_path / "docs"), create_model_card=False)
    encoder.export(out, tmp_path / "docs")
    command = [sys.executable, "-c", DEPLOYED, str(out), json.dumps(ODD)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    light, queries, passages, scores = json.loads(printed.splitlines()[-1])
    wanted = encoder.encode_queries(ODD).toarray()
    np.testing.assert_allclose(queries, wanted, atol=1e-6)
    np.testing.assert_allclose(passages, docs.encode(ODD).to_dense().numpy(), atol=1e-5)
    np.testing.assert_allclose(scores, wanted @ np.transpose(passages), atol=1e-5)
    for row, words in enumerate(light):
        assert {int(word): weight for word, weight in words.items()} == {
            word: wanted[row, word] for word in np.flatnonzero(wanted[row])
        }


TEACHER = """
import numpy as np
from scipy import sparse
from tokenizers import Tokenizer

class Expander:
    makes = "sparse"
    def __init__(self, *, folder: str):
        self._folder = folder
        self._tokenizer = Tokenizer.from_file(folder + "/tokenizer.json")
    def encode_queries(self, queries):
        rows = np.zeros((len(queries), self._tokenizer.get_vocab_size()))
        for row, query in enumerate(queries):
            ids = self._tokenizer.encode(query, add_special_tokens=False).ids
            rows[row, ids] = 1 / (2 + np.array(ids) % 5)
            rows[row, np.array(ids, int) // 2] += 0.01
        return sparse.csr_array(rows)
    def encode_corpus(self, docs):
        return self.encode_queries([doc.default_text() for doc in docs])
    def export(self, folder, passages):
        from sentence_transformers import SparseEncoder
        from sentence_transformers.sparse_encoder.modules import SparseStaticEmbedding
        from transformers import AutoTokenizer
        table = SparseStaticEmbedding(AutoTokenizer.from_pretrained(self._folder))
        SparseEncoder(modules=[table], device="cpu").save(str(folder), create_model_card=False)

class Products(PlainIndex):
    takes = ("dense", "sparse")
    def build(self, vectors): self.vectors = self._dense(vectors[:])
    def search(self, queries, k): return super().search(self._dense(queries), k)
    def _dense(self, vectors): return vectors.toarray() if sparse.issparse(vectors) else vectors

@effbench.hookimpl
def effbench_encoders(): return {"expander": Expander}

@effbench.hookimpl
def effbench_indexes(): return {"products": Products}
"""

SUITE = """\
suite: student
datasets: [{use: toy}]
measures: [nDCG@10]
models:
  words:
    use: align-sparse
    base: BASE
    targets: {encoder: teacher, texts: [{titles: target}, {sentences: target}]}
encoders:
  dense: {use: words}
  teacher: {use: expander, folder: BASE}
  student: {use: sparse-query, model: words, passages: teacher}
indexes:
  products: {use: products}
latency: false
"""


@pytest.fixture
def with_teacher(mine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Install a sparse teacher that knows the words of the toy dataset; return the suite."""
    from effbench_toy import THINGS
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = {word: number for number, word in enumerate(["?", *THINGS])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="?", pad_token="?"
    ).save_pretrained(tmp_path / "things")
    mine(TEACHER)
    monkeypatch.setenv("EFFBENCH_PLUGINS", "toy,mine,small_query,training")
    return SUITE.replace("BASE", str(tmp_path / "things"))


def test_a_suite_trains_and_measures_it(with_teacher: str, run, records) -> None:
    result = run(with_teacher)
    assert result.exit_code == 0, result.output
    teacher, student = (records()[f"toy--{row}--products"] for row in ("teacher", "student"))
    assert student["scores"]["nDCG@10"] > 0.8 * teacher["scores"]["nDCG@10"] > 0
    assert '"words": 15' in json.dumps(student)


def test_the_command_line_exports_it(
    with_teacher: str, effbench, suite, tmp_path: Path
) -> None:
    result = effbench("export", suite(with_teacher), "student", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "from sentence_transformers import SparseEncoder\n" in result.output
    assert "from reader import Encoder" in result.output
    readme = (tmp_path / "out" / "README.md").read_text()
    assert "- sparse-retrieval\n" in readme
    assert "`align-sparse`" in readme


STATIC = "use: align\n    cell: static"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("encoder: teacher", "encoder: dense", "'dense' makes dense vectors, and"),
        ("use: align-sparse", STATIC, "'teacher' makes sparse vectors, and"),
        ("passages: teacher", "passages: dense", "'dense' makes dense vectors, and the"),
    ],
)  # fmt: skip
def test_dense_rows_do_not_fit(
    with_teacher: str, effbench, suite, old: str, new: str, said: str
) -> None:
    planned = effbench("plan", suite(altered(with_teacher, old, new)))
    assert planned.exit_code == 2
    assert said in planned.stderr
    assert "Traceback" not in planned.stderr
