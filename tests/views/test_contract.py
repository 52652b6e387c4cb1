"""`effbench plugins KIND`: all that an author needs, from the docstrings of the contract."""

from __future__ import annotations

import re

import pytest

import effbench as face
from effbench.api.kinds import KINDS
from folders import ROOT

NOT_OF_A_KIND = {"hookimpl", "Factory", "Attributes"}


def members(contract: type) -> set[str]:
    return {name for base in contract.__mro__ for name in vars(base) if name[0] != "_"}


@pytest.mark.parametrize("kind", KINDS)
def test_it_has_every_member_and_what_is_optional(kind: str, effbench) -> None:
    text = effbench("plugins", kind).stdout
    needed, *others = KINDS[kind].contract
    assert f"## `{needed}`: must have\n" in text
    for name in (needed, *others, *KINDS[kind].besides):
        for member in members(getattr(face, name)):
            assert re.search(rf"^- `{member}[(:]", text, re.MULTILINE), (name, member)
    for name in KINDS[kind].besides:
        assert f"## `{name}`: may have\n" in text


@pytest.mark.parametrize("kind", KINDS)
def test_everything_in_it_is_explained(kind: str, effbench) -> None:
    text = effbench("plugins", kind).stdout.partition("\n## Example")[0]
    assert not re.findall(r"^##.*`\n\n(?=#)", text, re.MULTILINE)  # a heading without a text
    methods = re.findall(r"^- `\w+\(.*?\) -> .*?`(.*)", text, re.MULTILINE)
    assert methods
    assert all(method.removeprefix(" (optional)").startswith(": ") for method in methods)


def test_every_public_name_belongs_to_a_kind() -> None:
    page = (ROOT / "docs" / "contract.md").read_text()
    missing = {name for name in face.__all__ if not re.search(rf"^#+ `{name}\b", page, re.M)}
    assert missing == NOT_OF_A_KIND


def test_links_inside_the_page_lead_to_headings() -> None:
    page = (ROOT / "docs" / "contract.md").read_text()
    headings = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    anchors = {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings
    }
    links = set(re.findall(r"\]\(#(.*?)\)", page))
    assert links
    assert links <= anchors


def test_help_of_a_protocol_is_whole() -> None:
    for kind in KINDS.values():
        for name in (*kind.contract, *kind.besides):
            contract = getattr(face, name)
            assert contract.__doc__
            assert all(getattr(contract, member).__doc__ for member in members(contract)), name


def test_a_kind_that_is_misspelt_is_suggested(effbench) -> None:
    result = effbench("plugins", "indexes")
    assert result.exit_code == 2
    assert result.stderr == "Error: 'indexes' is no kind of plugin (did you mean 'index'?)\n"


def test_json_has_the_text(effbench) -> None:
    result = effbench("plugins", "index", "--json")
    assert result.exit_code == 0
    assert '"kind": "index"' in result.stdout
