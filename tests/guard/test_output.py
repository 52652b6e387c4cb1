"""What plugins print."""

from __future__ import annotations

import json

import pytest

from made_untidy import WHO, with_row


def test_what_plugins_print_is_named_and_json_stays_json(run_alone, monkeypatch) -> None:
    monkeypatch.setenv("UNTIDY_PRINTS", "1")
    found = run_alone(with_row("mess: prints"), "--json")
    assert found.returncode == 0
    (table,) = json.loads(found.stdout)
    assert {line["row"] for line in table["lines"]} == {"u", "words"}
    lines = found.stderr.splitlines()
    assert "plugin 'untidy': untidy is loaded" in lines
    begin = lines.index(f"{WHO}one")
    assert lines[begin : begin + 3] == [f"{WHO}one", f"{WHO}two", f"{WHO}begun"]


def test_what_is_printed_below_python_stays_off_standard_output(run_alone, monkeypatch) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)  # with it, Python keeps no rest
    found = run_alone(with_row("mess: prints below"), "--json")
    assert found.returncode == 0
    json.loads(found.stdout)
    for line in ("descriptor 1", "a child", "C", "the buffer", "the first stdout"):
        assert f"from {line}\n" in found.stderr


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("printing thread", "from a thread\n"),  # under whichever name is busy just then
        ("printing atexit", "what a plugin left behind: at the end\n"),
    ],
)
def test_what_is_printed_later_stays_off_standard_output(
    run_alone, end: str, said: str
) -> None:
    found = run_alone(with_row(f"end: {end}"), "--json")
    assert found.returncode == 0
    json.loads(found.stdout)
    assert said in found.stderr
