"""What ``effbench plugins`` lists."""

from __future__ import annotations

import json


def test_plugins_lists_offers_with_options_types_and_defaults(effbench) -> None:
    found = effbench("plugins")
    assert found.exit_code == 0
    assert "encoders: words - Hashed words." in found.stdout
    assert "width: int = 64" in found.stdout
    assert "lower: bool = False [query-only]" in found.stdout
    assert "wrong: 'raises' | 'nan'" in found.stdout
    assert "search: depth: int | none = None" in found.stdout


def test_plugins_can_be_narrowed(effbench, monkeypatch) -> None:
    monkeypatch.setenv("EFFBENCH_PLUGINS", "toy")
    facts = json.loads(effbench("plugins", "--json").stdout)
    assert [plugin["plugin"] for plugin in facts if plugin["offers"]] == ["toy"]
    (prompts,) = (plugin for plugin in facts if plugin["plugin"] == "effbench_soft_prompt")
    assert {command["command"] for command in prompts["commands"]} == {"heat-map", "prompt"}
    monkeypatch.setenv("EFFBENCH_PLUGINS", "toys")
    assert "did you mean 'toy'?" in effbench("plugins").stderr


def test_plugins_lists_the_ready_rows(effbench) -> None:
    found = effbench("plugins")
    assert "\n  ready row of encoders: ready-words (use: words)\n" in found.stdout
    listed = json.loads(effbench("plugins", "--json").stdout)
    (toy,) = (plugin for plugin in listed if plugin["plugin"] == "toy")
    assert toy["ready_rows"]["encoders"]["ready-words"] == {"use": "words", "width": 32}


def test_plugins_lists_the_kinds_of_vectors(effbench, mine) -> None:
    mine("""
class Pooled(Enc):
    makes, takes = "sparse", ("tokens",)

class Any(PlainIndex):
    takes = ("dense", "sparse", "tokens")

@effbench.hookimpl
def effbench_encoders(): return {"pooled": Pooled}

@effbench.hookimpl
def effbench_indexes(): return {"any": Any}
""")
    lines = effbench("plugins").stdout
    assert "pooled - \n    makes sparse vectors\n    takes token vectors\n    width" in lines
    assert "any - \n    takes dense, sparse or token vectors\n" in lines
    assert "indexes: plain - All products, sorted.\n    takes dense vectors\n" in lines
    listed = json.loads(effbench("plugins", "--json").stdout)
    (offers,) = (plugin["offers"] for plugin in listed if plugin["plugin"] == "toy")
    kinds = {(offer["section"], offer["name"]): offer for offer in offers}
    assert kinds["encoders", "words"]["makes"] == "dense"
    assert kinds["indexes", "plain"]["takes"] == ["dense"]
    assert kinds["datasets", "toy"]["takes"] == []
    assert kinds["datasets", "toy"]["makes"] is None
