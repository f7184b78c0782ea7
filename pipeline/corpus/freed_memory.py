"""Give memory that was freed back to the system.

glibc keeps what was freed between blocks that are still used, for later blocks of the same sizes. Arrays of a value for each document are freed
between small blocks that stay, and what comes next, rows in Arrow's memory, comes on top of them.
"""

from __future__ import annotations

import ctypes


def give_back_freed_memory() -> None:
    """Ask glibc for it; another C library is left alone."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
