"""What is wrong with the vectors that an encoder returned."""

from __future__ import annotations


class Unfit(Exception):
    """Vectors break the contract of encoders."""

    def __init__(self, what: str, wanted: str, item: int | None = None) -> None:
        """Say what was returned, what is wanted, and for which item if it is one."""
        super().__init__(what, wanted)
        self.what, self.wanted, self.item = what, wanted, item
