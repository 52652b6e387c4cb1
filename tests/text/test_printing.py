"""What is printed moves no cursor, and letters of all scripts pass."""

from __future__ import annotations

import json

from effbench import commands
from effbench.text.printing import escaped_json, harmless
from folders import ROOT
from made_records import EVIL, HARMFUL


def test_letters_of_all_scripts_pass_and_nothing_that_is_obeyed(effbench) -> None:
    for text in ("naïve", "日本語", "אבג", "नमस्ते", "🚀", "می‌خواهم", "a\tb", "C:\\new"):
        assert harmless(text) == text
    assert harmless("a\x1b[1mb\n\udcff") == r"a\x1b[1mb\n\udcff"
    value = [EVIL, "\n", "\U000e0041"]
    assert json.loads(escaped_json(json.dumps(value, ensure_ascii=False, indent=1))) == value
    assert not HARMFUL.search(escaped_json(json.dumps(value, ensure_ascii=False)))


def test_a_plugin_prints_a_record_as_json(capsys) -> None:
    (board, *_) = commands.collect([ROOT / "results" / "published"])
    commands.put_json(board.done[0])
    assert json.loads(capsys.readouterr().out)["cell"] == board.done[0].cell
