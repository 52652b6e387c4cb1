"""The steps (data, encoding, index, search, training), and the measures of their hits.

It may import `vectors` and the rooms before it.
"""

from __future__ import annotations
