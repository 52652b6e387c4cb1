"""The process, guarded: from what plugins raise, print and change, and from signals.

It may import `text` and `api`.
"""

from __future__ import annotations
