"""The export of a row: a folder that works without effbench, with a README about the row.

It may import `views` and the rooms before it.
"""

from __future__ import annotations
