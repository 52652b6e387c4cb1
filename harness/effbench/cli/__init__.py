"""The commands, and the console on which they show progress and print answers.

It may import every room.
"""

from __future__ import annotations
