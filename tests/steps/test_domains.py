"""Models of domains: one for each dataset of a suite, and what is made of the others'."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import tiny_bert
from altered import altered, first_altered

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


OF_DOMAIN = "    use: prompt\n    start: base\n"
OF_DOMAIN_APART = "    use: prompt-domain\n"


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert.save(tmp_path_factory.mktemp("backbone"))


@pytest.fixture
def run(effbench, suite, tmp_path: Path, backbone: Path):
    def start(text: str = SUITE, command: str = "run", only: str | None = None):
        path = suite(altered(text, "BACKBONE", str(backbone)))
        results = ("--results", tmp_path / "results") if command == "run" else ()
        return effbench(command, path, *results, *(("--only", only) if only else ()))

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


def test_what_a_run_left_is_shown(run, effbench, tmp_path: Path) -> None:
    found = run()
    shown = effbench("show", "a--transfer--plain", "--results", tmp_path / "results")
    assert shown.exit_code == 0, shown.output
    about = transfer_of(tmp_path, "a")
    heaviest = max(about["weights"], key=about["weights"].get)
    weights = [line.split() for line in shown.stdout.splitlines() if ".mix.weights." in line]
    assert weights[0] == [
        f"models.mix.weights.{heaviest}",
        f"{about['weights'][heaviest]:.4f}",
    ], "the largest first"

    board = effbench("leaderboard", tmp_path / "results", "--format", "json").stdout
    lines = json.loads(board)[0]["lines"]
    assert lines[-1]["row"] == "own", "trained on what it is measured on: after all others"
    assert lines[-1]["rank"] is None
    assert "own: last and not ranked: it was" in found.stdout + found.stderr

    text = SUITE.splitlines()
    text[2], text[4] = text[4], text[2]
    again = run("\n".join(text))
    assert "0 steps made" in again.stderr, "the order of the datasets decides nothing"
    drawn = tmp_path / "map.svg"
    (folder,) = (tmp_path / "results").glob("*/domains")
    made = effbench("heat-map", folder, "transfer", "--output", drawn)
    assert made.exit_code == 0, made.output
    wrong = effbench("heat-map", folder, "transfer", "--output", tmp_path / "map.txt")
    assert wrong.exit_code == 2
    assert "map.txt: cannot be drawn" in wrong.stderr
    assert f"{about['weights'][heaviest]:.2f}" in drawn.read_text()


def transfer_of(folder: Path, target: str) -> dict:
    return record(folder, f"{target}--transfer--plain")["models"]["mix"]


def test_a_prompt_is_read_in_words(run, effbench, tmp_path: Path) -> None:
    still = first_altered(SUITE, "epochs: 1\n", "epochs: 1\n    learning_rate: 1.0e-12\n")
    assert run(still, only="base").exit_code == 0
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


def test_a_prompt_is_named_by_its_folder(run, tmp_path: Path) -> None:
    """A prompt that somebody hands over is a row's model as it is."""
    assert run(only="base").exit_code == 0
    kept = tmp_path / "cache" / record(tmp_path, "a--base--plain")["models"]["base"]["folder"]
    shutil.copytree(kept, tmp_path / "given")
    text = altered(
        SUITE,
        "base: {use: soft-prompt, model: base}",
        "base: {use: soft-prompt, model: ./given}",
    )
    assert run(altered(text, "suite: domains", "suite: given"), only="base").exit_code == 0
    (path,) = tmp_path.glob("results/*/given/a--base--plain.json")
    assert json.loads(path.read_text())["per_query"] == record_of(tmp_path, "domains")


def record_of(folder: Path, suite: str) -> dict:
    (path,) = folder.glob(f"results/*/{suite}/a--base--plain.json")
    return json.loads(path.read_text())["per_query"]


def test_features_of_a_query_encoder_are_with_its_passages(run, tmp_path: Path) -> None:
    text = altered(
        SUITE,
        "words: {use: words}",
        "words: {use: words}\n  light: {use: words-queries, passages: words}",
    )
    assert (
        run(altered(text, "features: words", "features: light"), only="transfer").exit_code == 0
    )
    with_words = run(altered(SUITE, "suite: domains", "suite: words"), only="transfer")
    assert with_words.exit_code == 0
    found = [
        json.loads(path.read_text())["models"]["mix"]["similarities"]
        for path in sorted(tmp_path.glob("results/*/*/a--transfer--plain.json"))
    ]
    assert found[0] == found[1]


CAREFUL = """\
  held:
    use: prompt-domain
    start: base
    epochs: 1
    batch_size: 8
    data: {examples: [{training: target}]}
  parts:
    use: prompt-domain
    start: base
    epochs: 1
    batch_size: 8
    clusters: 2
    data: {examples: [{training: target}], passages: words}
  gain:
    use: prompt-mix
    prompts: &held {models: held, of: others, features: words}
    weights: gain
    temperature: held-out
  pieces:
    use: prompt-mix
    prompts: {models: parts, of: others, features: words}
    weights: gain
encoders:
  words: {use: words}
  gain: {use: soft-prompt, model: gain}
  pieces: {use: soft-prompt, model: pieces}
  held: {use: soft-prompt, model: held}
"""


def test_gains_and_held_out_queries_come_from_the_sources(run, tmp_path: Path) -> None:
    found = run(SUITE[: SUITE.index("  mix:")] + CAREFUL + SUITE[SUITE.index("indexes:") :])
    assert found.exit_code == 0, found.output
    for target in "abc":
        others = sorted(set("abc") - {target})
        about = record(tmp_path, f"{target}--gain--plain")["models"]["gain"]
        gains = {
            other: record(tmp_path, f"{other}--held--plain")["models"]["held"]["gain"]
            for other in others
        }
        assert about["gains"] == gains
        assert set(about["held_out"]) == {"1.0", "0.3", "0.1", "0.03"}
        assert sum(about["weights"].values()) == pytest.approx(1)
        pieces = record(tmp_path, f"{target}--pieces--plain")
        assert {name[0] for name in pieces["models"]["pieces"]["gains"]} == set(others)
        assert pieces["trained_on"] == ["corpus", "queries"], "no judgments of the target"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("of: others", "of: [{use: toy, name: x, docs: 20}]", "of the target's own collection"),
        ("features: words", "features: word", "no row 'word' in encoders"),
        ("features: words", "features: words, first: 0", "first: 0 is not a number of texts"),
        ("models: domain", "models: domian", "no row 'domian' in models"),
        ("models: domain, ", "", "is not {models: ROW, of: DATASETS, features: ROW"),
        ("models: domain", "models: mix", "depends on itself: mix -> mix"),
        ("features: words", "features: [words]", "no row ['words'] in encoders"),
        ("model: mix", "model: [mix]", "no row ['mix'] in models"),
        ("    start: base\n", "    start: base\n    length: 3\n", "length is what start says"),
        ("    start: base\n", "", "which backbone"),
        (
            "{training: target}",
            "{training: target, first: false}",
            "is not a number of judgments",
        ),
        ("{training: target}", "{trainin: target}", "is not {judgments: DATASET"),
        ("top: 1", "top: 0", "top: 0 is out of range (take 1 or more)"),
        ("length: 3", "length: 0", "length: 0 is out of range (take 1 or more)"),
        ("weights: even", "weights: even, temperature: held-out", "even weights have no temp"),
        ("weights: even", "temperature: heldout", "'heldout' is not float | 'held-out'"),
        (
            OF_DOMAIN,
            f"{OF_DOMAIN_APART}    clusters: 2\n    start: base\n",
            "clusters need passages",
        ),
        (OF_DOMAIN, f"{OF_DOMAIN_APART}    backbone: x\n", "from which prompt? (give start"),
        ("weights: even", "weights: evn", "'evn' is not"),
    ],
)
def test_mistakes_are_found_when_planning(run, old: str, new: str, message: str) -> None:
    found = run(altered(SUITE, old, new), "plan")
    assert found.exit_code == 2
    assert message in found.stderr


def test_one_dataset_has_no_others(run) -> None:
    lines = SUITE.splitlines()
    found = run("\n".join(lines[:3] + lines[5:]), "plan")
    assert found.exit_code == 2
    assert "no dataset of another collection to transfer from" in found.stderr
