"""A unit of work and who makes it: rows, options, steps with their keys, the workbench.

It may import `offers` and the rooms before it.
"""

from __future__ import annotations
