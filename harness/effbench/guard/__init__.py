"""Protection of the process: from what plugins raise, print and change, and from signals.

This room may import `text` and `api`.
"""

from __future__ import annotations
