"""Models of domains: one for each dataset of a suite, and what is made of those of others."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("accelerate", reason="training needs accelerate: effbench[train]")

SUITE = """\
suite: domains
datasets:
  - {use: toy, name: a, docs: 20}
  - {use: toy, name: b, docs: 24}
  - {use: toy, name: c, docs: 28}
measures: [nDCG@10]
models:
  base:
    use: prompt
    backbone: BACKBONE
    length: 3
    epochs: 1
    batch_size: 8
    query_max_length: 16
    max_length: 24
    data: {examples: [{judgments: {use: toy, name: apart, docs: 10}}]}
  domain:
    use: prompt
    start: base
    epochs: 1
    batch_size: 8
    data: {examples: [{training: target}]}
  mix: {use: prompt-mix, prompts: &prompts {models: domain, of: others, features: words}}
  mean: {use: prompt-mix, prompts: *prompts, top: null, weights: even}
  nearest: {use: prompt-mix, prompts: *prompts, top: 1}
  random: {use: prompt-mix, prompts: *prompts, weights: random, seed: 1}
encoders:
  words: {use: words}
  own: {use: soft-prompt, model: domain}
  base: {use: soft-prompt, model: base}
  transfer: {use: soft-prompt, model: mix}
  mean: {use: soft-prompt, model: mean}
  nearest: {use: soft-prompt, model: nearest}
  random: {use: soft-prompt, model: random}
indexes:
  plain: {use: plain}
latency: false
"""


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sys.path.insert(0, str(Path(__file__).parent / "plugins"))
    import tiny_bert

    return tiny_bert.save(tmp_path_factory.mktemp("backbone"))


@pytest.fixture
def run(effbench, suite, tmp_path: Path, backbone: Path):
    def start(text: str = SUITE, command: str = "run"):
        path = suite(text.replace("BACKBONE", str(backbone)))
        results = ("--results", tmp_path / "results") if command == "run" else ()
        return effbench(command, path, *results)

    return start


def record(folder: Path, name: str) -> dict:
    (path,) = folder.glob(f"results/*/*/{name}.json")
    return json.loads(path.read_text())


def test_a_suite_transfers_to_each_dataset_from_the_others(
    run, effbench, tmp_path: Path
) -> None:
    found = run()
    assert found.exit_code == 0, found.output
    for target in "abc":
        others = set("abc") - {target}
        for row, model, count in (
            ("transfer", "mix", 2),
            ("mean", "mean", 2),
            ("nearest", "nearest", 1),
            ("random", "random", 2),
        ):
            about = record(tmp_path, f"{target}--{row}--plain")["models"][model]
            assert set(about["similarities"]) == others, "the target is no source"
            assert set(about["weights"]) <= others
            assert len(about["weights"]) == count
            assert sum(about["weights"].values()) == pytest.approx(1, abs=1e-12)
        transfer = record(tmp_path, f"{target}--transfer--plain")
        assert transfer["trained_on"] == ["corpus", "queries"]
        assert record(tmp_path, f"{target}--own--plain")["trained_on"] == ["judgments"]
        assert record(tmp_path, f"{target}--base--plain")["trained_on"] == []
    even = record(tmp_path, "a--mean--plain")["models"]["mean"]["weights"]
    assert even == {"b": 0.5, "c": 0.5}

    shown = effbench("show", "a--transfer--plain", "--results", tmp_path / "results")
    assert shown.exit_code == 0, shown.output
    about = transfer_of(tmp_path, "a")
    heaviest = max(about["weights"], key=about["weights"].get)
    weights = [line.split() for line in shown.stdout.splitlines() if ".mix.weights." in line]
    assert weights[0] == [
        f"models.mix.weights.{heaviest}",
        f"{about['weights'][heaviest]:.4f}",
    ], "the largest first"

    rows = [
        line.split(",")[2]
        for line in effbench(
            "leaderboard", tmp_path / "results", "--format", "csv"
        ).stdout.splitlines()[1:]
    ]
    assert rows[-1] == "own", "trained on what it is measured on: after all others"
    assert "own: last and not ranked: it was" in found.stdout + found.stderr

    text = SUITE.splitlines()
    text[2], text[4] = text[4], text[2]
    again = run("\n".join(text))
    assert "0 steps made" in again.stderr, "the order of the datasets decides nothing"
    drawn = tmp_path / "map.svg"
    made = effbench("heat-map", tmp_path / "results", "transfer", "--output", drawn)
    assert made.exit_code == 0, made.output
    assert f"{about['weights'][heaviest]:.2f}" in drawn.read_text()


def transfer_of(folder: Path, target: str) -> dict:
    return record(folder, f"{target}--transfer--plain")["models"]["mix"]


def test_a_prompt_is_read_in_words(run, effbench, tmp_path: Path) -> None:
    still = SUITE.replace("epochs: 1\n", "epochs: 1\n    learning_rate: 1.0e-12\n", 1)
    assert run(still, "run").exit_code == 0
    folder = record(tmp_path, "a--base--plain")["models"]["base"]["folder"]
    found = effbench("prompt", folder, "--words", 2)
    assert found.exit_code == 0, found.output
    lines = [line.split("\t") for line in found.stdout.splitlines()]
    assert [line[:2] for line in lines] == [
        [side, str(number)] for side in ("queries", "passages") for number in range(3)
    ]
    for _, _, words in lines:
        first, cosine, _, second = words.split()
        assert cosine == "1.00", "a prompt begins as words of the vocabulary"
        assert float(second) < 1
        assert not first.startswith("[")
    missing = effbench("prompt", tmp_path)
    assert missing.exit_code == 2
    assert missing.stderr.startswith("Error: ")
    assert "no prompt" in missing.stderr


def test_heat_map_without_a_mix_is_one_line(effbench, tmp_path: Path) -> None:
    found = effbench("heat-map", tmp_path, "mix", "--output", tmp_path / "a.svg")
    assert found.exit_code == 2
    assert "no record of a row 'mix'" in found.stderr


def domain(name: str, seed: int, folder: Path | None = None):
    from effbench import Domain, TrainedModel

    draw = np.random.default_rng(seed)
    vectors = (draw.normal(size=(n, 8)).astype(np.float32) for n in (5, 7))
    return Domain(name, *vectors, folder and TrainedModel("domain", folder))


@pytest.fixture(scope="module")
def sources(backbone: Path, tmp_path_factory: pytest.TempPathFactory):
    import torch

    from effbench_soft_prompt.prompts import Prompt, Reading, open_backbone, save_prompt

    root = tmp_path_factory.mktemp("prompts")
    belongs = open_backbone(str(backbone), None).backbone
    reading = Reading("mean", False, 10, 12)
    for i in range(6):
        queries = torch.randn(3, 32, generator=torch.Generator().manual_seed(i))
        save_prompt(Prompt(queries, queries + 1, belongs, reading), root / str(i))
    return [domain(f"d{i}", i, root / str(i)) for i in range(6)]


def mixed(folder: Path, target, sources, **options):
    from effbench import DomainModels
    from effbench_soft_prompt import PromptMix

    folder.mkdir()
    PromptMix(DomainModels(target, sources), **options).train(folder, seed=0)
    return (folder / "prompt.safetensors").read_bytes(), json.loads(
        (folder / "about.json").read_text()
    )


@pytest.mark.parametrize("weights", ["softmax", "even", "random"])
def test_the_order_of_the_sources_changes_nothing(sources, tmp_path: Path, weights) -> None:
    target = domain("t", 99)
    found = [
        mixed(tmp_path / str(i), target, order, weights=weights, top=4)
        for i, order in enumerate((sources, sources[::-1], sources[3:] + sources[:3]))
    ]
    assert found[0] == found[1] == found[2]


def test_weights_follow_similarity_and_temperature(sources, tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    target = domain("t", 99)
    _, about = mixed(tmp_path / "a", target, sources, top=3, temperature=0.1)
    alike = about["similarities"]
    kept = sorted(alike, key=alike.get, reverse=True)[:3]
    scaled = np.exp(np.array([alike[name] for name in kept]) / 0.1)
    wanted = dict(zip(kept, scaled / scaled.sum(), strict=True))
    assert about["weights"] == pytest.approx(wanted)
    vectors = load_file(tmp_path / "a" / "prompt.safetensors")
    prompts = {s.name: load_file(s.model.folder / "prompt.safetensors") for s in sources}
    for side in ("queries", "passages"):
        mean = sum(weight * prompts[name][side] for name, weight in wanted.items())
        np.testing.assert_allclose(vectors[side], mean, atol=1e-6)
    _, flat = mixed(tmp_path / "b", target, sources, top=3, temperature=1e6)
    assert list(flat["weights"].values()) == pytest.approx([1 / 3] * 3, abs=1e-4)


@pytest.mark.parametrize("kind", ["average", "pairwise"])
def test_similarity_is_what_it_says(kind: str) -> None:
    from effbench_soft_prompt.mixing import similarity

    one, other = domain("a", 1), domain("b", 2)
    a, b = (np.concatenate([each.passages, each.queries]) for each in (one, other))

    def cosine(x, y):
        return x @ y / np.linalg.norm(x) / np.linalg.norm(y)

    wanted = {
        "average": cosine(a.mean(0), b.mean(0)),
        "pairwise": np.mean([cosine(x, y) for x in a for y in b]),
    }
    assert similarity(one, other, kind) == pytest.approx(wanted[kind], abs=1e-6)
    assert similarity(one, other, kind) == pytest.approx(similarity(other, one, kind))


def test_prompts_of_other_backbones_are_not_mixed(sources, tmp_path: Path) -> None:
    import shutil

    from effbench import EffbenchError, TrainedModel

    changed = tmp_path / "changed"
    shutil.copytree(sources[0].model.folder, changed)
    facts = json.loads((changed / "prompt.json").read_text())
    facts["backbone"]["weights"] = "0" * 64
    (changed / "prompt.json").write_text(json.dumps(facts))
    other = sources[1]._replace(model=TrainedModel("domain", changed))
    with pytest.raises(EffbenchError, match="d0 and d1 have other backbones"):
        mixed(tmp_path / "a", domain("t", 99), [sources[0], other])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("of: others", "of: [{use: toy, name: x, docs: 20}]", "of the target's own collection"),
        ("features: words", "features: word", "no row 'word' in encoders"),
        ("features: words", "features: words, first: 0", "first: 0 is not a number of texts"),
        ("models: domain", "models: domian", "no row 'domian' in models"),
        ("models: domain, ", "", "is not {models: ROW, of: DATASETS, features: ROW"),
        ("models: domain", "models: mix", "depends on itself: mix -> mix"),
        ("{training: target}", "{training: target, first: no}", "is not a number of judgments"),
        ("{training: target}", "{trainin: target}", "is not {judgments: DATASET"),
        ("top: 1", "top: 0", "top: 0"),
        ("length: 3", "length: 0", "length is too small"),
        ("weights: even", "weights: evn", "'evn' is not"),
    ],
)
def test_mistakes_are_found_when_planning(run, old: str, new: str, message: str) -> None:
    found = run(SUITE.replace(old, new), "plan")
    assert found.exit_code == 2
    assert message in found.stderr


def test_one_dataset_has_no_others(run) -> None:
    lines = SUITE.splitlines()
    found = run("\n".join(lines[:3] + lines[5:]), "plan")
    assert found.exit_code == 2
    assert "no dataset of another collection to transfer from" in found.stderr


def collection(folder: Path, splits: tuple[str, ...]) -> Path:
    """Write a collection in BEIR's layout: a query a split, and one that no split judges."""
    (folder / "qrels").mkdir(parents=True)
    docs = [{"_id": f"d{i}", "text": f"a doc {i}"} for i in range(30)]
    (folder / "corpus.jsonl").write_text("\n".join(json.dumps(doc) for doc in docs))
    queries = [
        {"_id": f"{split}{i}", "text": f"{split} {i}"} for split in splits for i in range(9)
    ]
    (folder / "queries.jsonl").write_text("\n".join(json.dumps(query) for query in queries))
    for split in splits:
        rows = "".join(f"{split}{i}\td{i}\t1\n" for i in range(9))
        (folder / "qrels" / f"{split}.tsv").write_text("query-id\tcorpus-id\tscore\n" + rows)
    return folder


SPLIT = """\
suite: split
datasets: [{use: DATASET}]
measures: [nDCG@10]
models:
  own: {use: centroids, data: {examples: [{training: target FIRST}], passages: words}}
encoders:
  words: {use: words}
  own: {use: table, model: own, passages: words}
indexes: {plain: {use: plain}}
latency: false
"""


@pytest.mark.parametrize(
    ("splits", "use", "first", "queries", "saw"),
    [
        (("train", "dev", "test"), "folder, path: c", "", 9, "other judgments"),
        (("train", "test"), "folder, path: c", ", first: 4", 4, "other judgments"),
        (("dev", "test"), "folder, path: c", "", 18, "judgments, other judgments"),
        (("test",), "folder, path: c", "", 9, "judgments"),
        (("train", "test"), "cut, docs: 12, dataset: {use: folder, path: c}", "", 9,
         "other judgments"),
        (("test",), "cut, docs: 12, dataset: {use: folder, path: c}", "", 9, "judgments"),
    ],
)  # fmt: skip
def test_what_one_may_train_on(
    run, tmp_path: Path, monkeypatch, splits, use, first, queries, saw
) -> None:
    """The train split; where there is none, the dev and test splits, and the record says so."""
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "log"))
    collection(tmp_path / "c", splits)
    found = run(SPLIT.replace("use: DATASET", f"use: {use}").replace(" FIRST", first))
    assert found.exit_code == 0, found.output
    assert f"trained on {queries} queries" in (tmp_path / "log").read_text()
    (path,) = tmp_path.glob("results/*/split/*--own--plain.json")
    assert ", ".join(json.loads(path.read_text())["trained_on"]) == saw


def test_a_cut_keeps_what_is_judged_and_says_so(tmp_path: Path) -> None:
    from effbench_beir import Folder
    from effbench_cut import Cut

    whole = Folder(collection(tmp_path / "c", ("train", "test")))
    cut = Cut(whole, docs=12)
    kept = [doc.doc_id for doc in cut.docs()]
    assert cut.dataset_id == "c/test-cut-12"
    assert len(kept) == 12
    assert {f"d{i}" for i in range(9)} <= set(kept)
    assert kept == [doc.doc_id for doc in whole.docs() if doc.doc_id in kept]
    assert list(cut.queries()) == list(whole.queries())
    assert kept == [doc.doc_id for doc in Cut(whole, docs=12).docs()]
    others = [[doc.doc_id for doc in Cut(whole, docs=12, seed=s).docs()] for s in (1, 2, 3)]
    assert any(other != kept for other in others)
    keys = {Cut(whole, docs=n, seed=s).corpus_key for n, s in ((12, 42), (13, 42), (12, 1))}
    assert len(keys | {whole.corpus_key}) == 4
    assert len(list(Cut(whole, docs=100).docs())) == 30
    assert len(list(Cut(whole, docs=1).docs())) == 9, "what is judged stays"
