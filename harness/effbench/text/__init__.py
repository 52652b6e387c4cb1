"""How effbench speaks: what it prints is made harmless, and numbers read as people say them.

It may import `api`.
"""

from __future__ import annotations
