from __future__ import annotations

import pytest

from effbench.api.errors import EffbenchError
from effbench.text.amounts import amount, bytes_of, seconds_of


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("5", (5.0, "")),
        (" 97.5 % ", (97.5, "%")),
        (".5ms", (0.5, "ms")),
        ("-1d", (-1.0, "")),
        ("1e3B", (-1.0, "")),
        ("٣d", (-1.0, "")),
    ],
)
def test_an_amount_is_a_plain_number_and_a_unit(text: str, wanted: tuple[float, str]) -> None:
    assert amount(text) == wanted


def test_sizes_and_ages_have_units() -> None:
    assert (bytes_of("20GB"), bytes_of("1 kib"), bytes_of("0B")) == (20 * 10**9, 1024, 0)
    assert (seconds_of("1.5h"), seconds_of("2w")) == (5400, 14 * 86400)
    for text, read in (
        ("20", bytes_of),
        ("20d", bytes_of),
        ("30", seconds_of),
        ("1D", seconds_of),
    ):
        with pytest.raises(EffbenchError, match="write a number and"):
            read(text)
