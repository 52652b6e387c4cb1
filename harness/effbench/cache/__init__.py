"""What the cache holds, who uses it, and how its space is freed.

It may import `plan` and the rooms before it.
"""

from __future__ import annotations
