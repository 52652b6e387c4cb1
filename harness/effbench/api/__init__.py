"""The contracts: what a plugin sees, what it implements, and the errors that it raises.

It imports nothing else of effbench, and nothing that takes long to import.
"""

from __future__ import annotations
