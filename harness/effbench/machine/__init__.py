"""The computer: its facts, its fingerprint, its state from minute to minute, its energy.

It may import `store` and the rooms before it.
"""

from __future__ import annotations
