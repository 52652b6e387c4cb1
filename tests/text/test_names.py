"""Names that files, XML and other systems can hold."""

from __future__ import annotations

from effbench.text.names import same_file, unfit


def test_no_name_that_xml_lacks_is_fit() -> None:
    """Characters that XML has none of abort what draws figures."""
    for code in (
        *range(0x20),
        0x7F,
        0x85,
        0x2028,
        0x2029,
        0x202A,
        0x202E,
        0x2066,
        0xFFFE,
        0xFFFF,
    ):
        assert unfit(f"a{chr(code)}b"), hex(code)


def test_names_that_are_one_file_elsewhere() -> None:
    assert same_file("Straße") == same_file("STRASSE")
    assert same_file("É") == same_file("e\u0301")
    assert same_file("a") != same_file("b")
