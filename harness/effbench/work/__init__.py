"""Steps and what makes them: rows with their options, datasets, keys, the workbench.

It may import `offers` and the rooms before it.
"""

from __future__ import annotations
