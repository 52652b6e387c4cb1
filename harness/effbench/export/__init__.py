"""A row as a folder that is deployed without effbench, with a README of what is known of it.

It may import `views` and the rooms before it.
"""

from __future__ import annotations
