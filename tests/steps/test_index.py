"""What indexes are given, and what they say of themselves."""

from __future__ import annotations

import pytest

from altered import altered
from made_suites import MANY_DOCS


def test_an_index_that_changes_what_it_is_given_scores_right_and_ends_nothing(ran) -> None:
    found, records = ran(
        altered(MANY_DOCS, "indexes: {", "indexes: {writing: {use: writing}, ")
    )
    assert found.exit_code == 0
    writing, plain = (records[f"toy--words--{name}"] for name in ("writing", "plain"))
    assert writing["scores"] == pytest.approx(plain["scores"], abs=0.02), "sums of other bits"


def test_an_index_of_less_than_no_bytes_is_refused(ran) -> None:
    found, records = ran(altered(MANY_DOCS, "{use: plain}", "{use: odd-index, wrong: bytes}"))
    assert found.exit_code == 1
    assert records["toy--words--plain"]["error"] == (
        "index 'plain' (plugin hostile): nbytes is -1 (give 0 or more bytes, below 2**100)"
    )
