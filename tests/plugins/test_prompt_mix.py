"""Mixing prompts: similarities, weights, and what they are the weights of."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import tiny_bert
from effbench import Domain, DomainModels, EffbenchError, TrainedModel

pytest.importorskip(
    "accelerate", reason="the plugin's trainers need accelerate: effbench[train]"
)


def domain(name: str, seed: int, folder: Path | None = None):
    draw = np.random.default_rng(seed)
    vectors = (draw.normal(size=(n, 8)).astype(np.float32) for n in (5, 7))
    return Domain(name, *vectors, folder and TrainedModel("domain", folder))


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory):
    import torch

    from effbench_soft_prompt.prompts import Prompt, Reading, open_backbone, save_prompt

    root = tmp_path_factory.mktemp("prompts")
    backbone = str(tiny_bert.save(tmp_path_factory.mktemp("backbone")))
    belongs = open_backbone(backbone, None).backbone
    reading = Reading("mean", False, 10, 12)
    for i in range(6):
        queries = torch.randn(3, 32, generator=torch.Generator().manual_seed(i))
        save_prompt(Prompt(queries, queries + 1, belongs, reading), root / str(i))
    return [domain(f"d{i}", i, root / str(i)) for i in range(6)]


def mixed(folder: Path, target, sources, **options):
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
    changed = tmp_path / "changed"
    shutil.copytree(sources[0].model.folder, changed)
    facts = json.loads((changed / "prompt.json").read_text())
    facts["backbone"]["weights"] = "0" * 64
    (changed / "prompt.json").write_text(json.dumps(facts))
    other = sources[1]._replace(model=TrainedModel("domain", changed))
    with pytest.raises(EffbenchError, match="d0 and d1 have other backbones"):
        mixed(tmp_path / "a", domain("t", 99), [sources[0], other])
