"""Amounts that a user writes as a number and a unit: 20GB, 30d, 5ms, 97%."""

from __future__ import annotations

import re

from effbench.api.errors import EffbenchError

_BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
          "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}  # fmt: skip
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_AMOUNT = re.compile(r"(\d{1,12}(?:\.\d{0,9})?|\.\d{1,9})\s*([A-Za-z]*|%)", re.ASCII)


def amount(text: str) -> tuple[float, str]:
    """Return the number and the unit of a text; the unit may be "".

    A text that is no amount gives -1 and "".
    """
    match = _AMOUNT.fullmatch(text.strip())
    return (float(match[1]), match[2]) if match else (-1.0, "")


def bytes_of(text: str) -> int:
    """Return the number of bytes of ``20GB``; KB means 1000 bytes, and KiB means 1024 bytes.

    Raises:
        EffbenchError: the text is no size.

    """
    number, unit = amount(text)
    if unit.upper() not in _BYTES:
        raise EffbenchError(f"{text!r} is no size (write a number and a unit, such as 20GB)")
    return round(number * _BYTES[unit.upper()])


def seconds_of(text: str) -> float:
    """Return the number of seconds of ``30d``; the units are s, m, h, d and w.

    Raises:
        EffbenchError: the text is no duration.

    """
    number, unit = amount(text)
    if unit not in _SECONDS:
        raise EffbenchError(
            f"{text!r} is no duration (write a number and s, m, h, d or w, such as 30d)"
        )
    return number * _SECONDS[unit]
