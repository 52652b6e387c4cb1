"""Model folders of strangers: none runs code or pickles that the suite does not trust."""

from __future__ import annotations

import builtins
import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import tiny_bert
from altered import altered

pytest.importorskip("sentence_transformers")

BUILT_IN = "sentence_transformers.sentence_transformer.modules"
CODE, PICKLED = "it brings code of its own", "pickled ones are not loaded"


class Boom:
    """What leaves a mark where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


class Spoiler:
    """Spoils a copy of a model; whatever runs of it makes the folder ``mark``."""

    def __init__(self, folder: Path, mark: Path) -> None:
        self.folder, self.mark = folder, mark

    def edit(self, name: str, **more: object) -> None:
        path = self.folder / name
        path.write_text(json.dumps({**json.loads(path.read_text()), **more}))

    def code(self, name: str, text: str = "") -> None:
        (self.folder / name).write_text(f"import os\nos.mkdir({str(self.mark)!r})\n{text}")

    def pickle(self, name: str) -> None:
        with (self.folder / name).open("wb") as file:
            pickle.dump(Boom(self.mark), file)

    def modules(self, *kinds: tuple[str, str]) -> None:
        named = [
            {"idx": i, "name": str(i), "path": p, "type": t} for i, (p, t) in enumerate(kinds)
        ]
        (self.folder / "modules.json").write_text(json.dumps(named))

    def own_model(self) -> None:
        self.code(
            "own.py",
            "from transformers import BertConfig, BertModel\n"
            "class Own(BertModel): pass\n"
            "class Config(BertConfig): model_type = 'own'\n",
        )
        names = {"AutoModel": "own.Own", "AutoConfig": "own.Config"}
        self.edit("config.json", auto_map=names, model_type="own", trust_remote_code=True)
        (self.folder / "sentence_bert_config.json").write_text(
            json.dumps({"model_args": {"trust_remote_code": True}})
        )

    def own_tokenizer(self) -> None:
        self.code("own.py", "class Own: pass\n")
        self.edit("tokenizer_config.json", auto_map={"AutoTokenizer": ["own.Own", "own.Own"]})

    def own_module(self) -> None:
        self.code("own.py", "class Own: pass\n")
        self.modules(("", "own.Own"))

    def any_class(self) -> None:
        self.modules(("", "subprocess.Popen"))

    def route(self) -> None:
        self.code("own.py", "class Own: pass\n")
        self.modules(("", f"{BUILT_IN}.Router"))
        said = {"types": {"query_0": "own.Own"}, "structure": {"query": ["query_0"]}}
        (self.folder / "router_config.json").write_text(json.dumps(said))

    def dense(self) -> None:
        (self.folder / "2_Dense").mkdir()
        self.modules(
            ("", f"{BUILT_IN}.Transformer"),
            ("1_Pooling", f"{BUILT_IN}.Pooling"),
            ("2_Dense", f"{BUILT_IN}.Dense"),
        )
        said = {"in_features": 32, "out_features": 32, "activation_function": "own.Own"}
        (self.folder / "2_Dense" / "config.json").write_text(json.dumps(said))
        self.code("own.py", "class Own: pass\n")
        self.pickle("2_Dense/pytorch_model.bin")

    def pickle_beside(self) -> None:
        self.pickle("pytorch_model.bin")

    def pickle_instead(self) -> None:
        (self.folder / "model.safetensors").unlink()
        self.pickle("pytorch_model.bin")

    def pickle_as_shard(self) -> None:
        (self.folder / "model.safetensors").unlink()
        self.pickle("shard.bin")
        said = {
            "metadata": {},
            "weight_map": {"embeddings.word_embeddings.weight": "shard.bin"},
        }
        (self.folder / "model.safetensors.index.json").write_text(json.dumps(said))

    def pickled_adapter(self) -> None:
        said = {"peft_type": "LORA", "base_model_name_or_path": str(self.folder), "r": 2}
        (self.folder / "adapter_config.json").write_text(json.dumps(said))
        self.pickle("adapter_model.bin")


SPOILT: dict[str, tuple[Callable[[Spoiler], None], dict[str, str]]] = {
    "own-model": (
        Spoiler.own_model,
        {"t": CODE, "s": CODE, "late": CODE, "align": CODE, "tune": CODE, "prompt": CODE},
    ),
    "own-tokenizer": (Spoiler.own_tokenizer, {}),
    "own-module": (Spoiler.own_module, {"s": CODE, "late": CODE}),
    "any-class": (Spoiler.any_class, {"s": CODE, "late": CODE}),
    "route": (Spoiler.route, {"s": CODE, "late": CODE}),
    "dense": (Spoiler.dense, {"s": PICKLED, "late": PICKLED}),
    "beside": (Spoiler.pickle_beside, {}),
    "instead": (
        Spoiler.pickle_instead,
        {"t": PICKLED, "s": PICKLED, "late": PICKLED, "align": PICKLED},
    ),
    "shard": (
        Spoiler.pickle_as_shard,
        {"t": PICKLED, "s": PICKLED, "late": PICKLED, "tune": PICKLED},
    ),
    "adapter": (Spoiler.pickled_adapter, {"t": PICKLED, "s": PICKLED, "late": PICKLED}),
}
"""Name -> what is done to a model, and why rows refuse it; other rows do not read that."""

SUITE = """\
suite: strangers
datasets: [{use: toy, docs: 4}]
measures: [nDCG@10]
models:
  align: {use: align, base: MODEL, cell: transformer, epochs: 1, batch_size: 4,
          targets: {texts: [{queries: {use: toy, docs: 4}}], encoder: teacher}}
  tune: {use: contrastive, base: MODEL, epochs: 1, batch_size: 4, negatives: 0,
         data: {examples: [{judgments: {use: toy, name: apart, docs: 4}}]}}
  prompt: {use: prompt, backbone: MODEL, length: 2, epochs: 1, batch_size: 4,
           query_max_length: 16, max_length: 24,
           data: {examples: [{judgments: {use: toy, name: apart, docs: 4}}]}}
encoders:
  teacher: {use: transformer, model: HONEST, device: cpu}
  t: {use: transformer, model: MODEL, device: cpu}
  s: {use: sentence-transformers, model: MODEL, device: cpu}
  late: {use: late-interaction, model: MODEL, device: cpu}
  align: {use: small-query, model: align, passages: teacher}
  tune: {use: sentence-transformers, model: {trained: tune}, device: cpu}
  prompt: {use: soft-prompt, model: prompt, device: cpu}
indexes: {plain: {use: plain}, exact: {use: exact}}
latency: false
"""


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that Sentence Transformers reads, too."""
    folder = tiny_bert.save(tmp_path_factory.mktemp("strangers"))
    Spoiler(folder, folder).modules(
        ("", f"{BUILT_IN}.Transformer"), ("1_Pooling", f"{BUILT_IN}.Pooling")
    )
    (folder / "1_Pooling").mkdir()
    said = {"embedding_dimension": 32, "pooling_mode": "mean"}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(said))
    return folder


@pytest.mark.parametrize("name", SPOILT)
def test_a_strangers_model_runs_nothing(
    effbench, suite, tmp_path: Path, monkeypatch, tiny: Path, name: str
) -> None:
    model, mark = Path(shutil.copytree(tiny, tmp_path / "model")), tmp_path / "it-ran"
    spoil, refused = SPOILT[name]
    spoil(Spoiler(model, mark))
    asked = []
    monkeypatch.setattr(builtins, "input", lambda question="": asked.append(question) or "y")
    text = altered(altered(SUITE, "MODEL", str(model), times=6), "HONEST", str(tiny))
    found = effbench("run", suite(text), "--results", tmp_path / "results")
    assert not mark.exists(), "code of the folder ran"
    assert not asked, "nobody is asked whether it may"
    records = {
        path.stem.split("--")[1]: json.loads(path.read_text())
        for path in tmp_path.glob("results/*/strangers/toy--*.json")
    }
    assert "teacher" in records, found.output
    assert records["teacher"]["status"] == "done", found.output
    for row, said in refused.items():
        assert said in records[row]["error"]
    if not refused:
        assert found.exit_code == 0, found.output
