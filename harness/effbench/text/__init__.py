"""Text for people: safe output, readable numbers, names, messages of errors.

This room may import `api`.
"""

from __future__ import annotations
