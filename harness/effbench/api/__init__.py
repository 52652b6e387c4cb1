"""The contracts: what a plugin gets, what it implements, and the errors that it raises.

This room imports nothing else of effbench, and nothing that takes long to import.
"""

from __future__ import annotations
