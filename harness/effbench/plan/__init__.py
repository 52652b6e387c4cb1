"""From a suite file to a plan: every mistake is found, and the cost told, before any work.

It may import `steps` and the rooms before it.
"""

from __future__ import annotations
