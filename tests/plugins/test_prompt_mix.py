"""Mixing prompts: similarities, weights, and what they are the weights of."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import tiny_bert
from effbench import Doc, Domain, DomainModels, EffbenchError, TrainedModel

pytest.importorskip(
    "accelerate", reason="the plugin's trainers need accelerate: effbench[train]"
)
pytestmark = pytest.mark.usefixtures("one_thread")


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
    from effbench_soft_prompt.weights import similarity

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


def measured(folder: Path, sources, gains: list[float]):
    """The same sources; their folders say what their prompts gained."""
    return [
        copied(folder / source.name, source, gain=gain)
        for source, gain in zip(sources, gains, strict=True)
    ]


def copied(folder: Path, source, **about):
    shutil.copytree(source.model.folder, folder)
    (folder / "about.json").write_text(json.dumps(about))
    return source._replace(model=TrainedModel("domain", folder))


def test_a_gain_multiplies_a_weight(sources, tmp_path: Path) -> None:
    target, gains = domain("t", 99), [0.04, -0.02, 0.01, 0.0, 0.03, 0.02]
    given = measured(tmp_path, sources, gains)
    _, about = mixed(tmp_path / "mix", target, given, weights="gain", top=3)
    alike = about["similarities"]
    assert about["gains"] == dict(zip(alike, gains, strict=True))
    gaining = [name for name, gain in about["gains"].items() if gain > 0]
    kept = sorted(gaining, key=alike.get, reverse=True)[:3]
    worth = np.array([about["gains"][name] * np.exp(alike[name] / 0.1) for name in kept])
    assert about["weights"] == pytest.approx(dict(zip(kept, worth / worth.sum(), strict=True)))
    assert about["remarks"] == []


def test_without_any_gain_likeness_alone_weighs(sources, tmp_path: Path) -> None:
    target, given = domain("t", 99), measured(tmp_path, sources, [0, -1, 0, -0.5, 0, 0])
    prompt, about = mixed(tmp_path / "gain", target, given, weights="gain")
    plain, _ = mixed(tmp_path / "plain", target, given)
    assert prompt == plain
    assert "no prompt of its sources gained" in about["remarks"][0]


def test_a_gain_that_nobody_measured_is_one_line(sources, tmp_path: Path) -> None:
    with pytest.raises(EffbenchError, match="nobody measured what the prompt of d0 gained"):
        mixed(tmp_path / "mix", domain("t", 99), sources, weights="gain")


def test_parts_of_a_domain_are_sources(sources, tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    whole, folder = sources[0], tmp_path / "parts"
    for number in (1, 2, 3):
        shutil.copytree(sources[number].model.folder, folder / str(number))
    far = np.full((1, 8), 50, dtype=np.float32)
    centroids = np.concatenate([[-np.ones(8)], [np.ones(8)], far]).astype(np.float32)
    save_file({"centroids": centroids}, folder / "centroids.safetensors")
    cut = whole._replace(model=TrainedModel("parts", folder))
    _, about = mixed(tmp_path / "mix", domain("t", 99), [cut, sources[5]], top=None)
    names = [f"d0 part {number} of 3" for number in (1, 2, 3)]
    assert list(about["weights"]) == [*names, "d5"]
    target = domain("t", 99)
    mean = np.concatenate([target.passages, target.queries]).mean(0)
    low, high = (
        np.concatenate(
            [side[(side.sum(1) > 0) == up] for side in (whole.passages, whole.queries)]
        )
        for up in (False, True)
    )
    for name, vectors in zip(names, (low, high, far), strict=True):
        other = vectors.mean(0)
        cosine = mean @ other / np.linalg.norm(mean) / np.linalg.norm(other)
        assert about["similarities"][name] == pytest.approx(cosine, abs=1e-6)
    narrow = cut._replace(passages=cut.passages[:, :4], queries=cut.queries[:, :4])
    with pytest.raises(EffbenchError, match="d0 was cut by vectors of another width"):
        mixed(tmp_path / "wrong", domain("t", 99), [narrow, sources[5]])


TEXTS = [f"{letter} {letter.upper()}" for letter in "abcdefghijkl"]


def held_out(folder: Path) -> None:
    """Each query wants the doc of the same text."""
    docs = [Doc(str(row), text) for row, text in enumerate(TEXTS)]
    good = [[row] for row in range(len(TEXTS))]
    (folder / "held_out.json").write_text(
        json.dumps({"queries": TEXTS, "docs": docs, "good": good})
    )


def two_kinds(folder: Path, sources):
    """Domains a and b are alike, and have a good prompt; c and d are alike, and have a bad one.

    Behind a good prompt, a query and the doc of its text have one vector.
    """
    import torch

    from effbench_soft_prompt.prompts import load_prompt, save_prompt

    found = []
    for number, name in enumerate("abcd"):
        prompt = load_prompt(sources[0].model.folder)
        noise = torch.randn(2, 3, 32, generator=torch.Generator().manual_seed(number)) * 20
        good = prompt._replace(passages=prompt.queries)
        bad = prompt._replace(queries=noise[0], passages=noise[1])
        save_prompt(good if name in "ab" else bad, folder / name)
        held_out(folder / name)
        axis = np.eye(8, dtype=np.float32)[[0 if name in "ab" else 1]]
        found.append(Domain(name, axis, axis, TrainedModel("domain", folder / name)))
    return found


def test_the_temperature_is_the_best_for_the_sources(sources, tmp_path: Path) -> None:
    target, given = domain("t", 99), two_kinds(tmp_path, sources)
    prompt, about = mixed(tmp_path / "mix", target, given, temperature="held-out", top=None)
    tried = about["held_out"]
    assert list(tried) == ["1.0", "0.3", "0.1", "0.03"]
    assert tried["0.1"] > tried["1.0"], "a and b do not want the prompts of c and d"
    assert tried[str(about["temperature"])] == max(tried.values())
    said, _ = mixed(
        tmp_path / "said", target, given, temperature=about["temperature"], top=None
    )
    assert prompt == said
    elsewhere = domain("u", 98)
    _, again = mixed(tmp_path / "again", elsewhere, given, temperature="held-out", top=None)
    assert again["held_out"] == tried, "nothing of the target counts"


def test_a_temperature_needs_sources_with_held_out_queries(sources, tmp_path: Path) -> None:
    with pytest.raises(EffbenchError, match="no held-out queries beside the prompt of d0"):
        mixed(tmp_path / "none", domain("t", 99), sources, temperature="held-out")
    given = two_kinds(tmp_path, sources)
    with pytest.raises(EffbenchError, match="needs sources of two datasets"):
        mixed(tmp_path / "one", domain("t", 99), given[:1], temperature="held-out")
    broken = {"queries": ["a"], "docs": [["0", "a", ""]], "good": [[7]]}
    (tmp_path / "a" / "held_out.json").write_text(json.dumps(broken))
    with pytest.raises(EffbenchError, match="its good docs do not fit"):
        mixed(tmp_path / "broken", domain("t", 99), given, temperature="held-out")
