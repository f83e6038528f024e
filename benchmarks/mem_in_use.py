"""How many bytes this process has in use, whatever the kernel has lent it: what is free between them is not counted.

Resident memory goes up by megabytes at a time, for good, when much is held for a moment: it cannot tell a leak of a few bytes.
"""

import ctypes
import os
import re
import sys
import tempfile
from typing import Final

_LIBC: Final = ctypes.CDLL(None)
_IN_ARENAS, _MAPPED = 7, 4
"""Of glibc's ``struct mallinfo2``: ``uordblks`` and ``hblkhd``."""
_OF_PYTHON: Final = re.compile(r"bytes in allocated blocks += +([\d,]+)")
_STDERR = 2


class _Mallinfo2(ctypes.Structure):
    _fields_ = (("all", ctypes.c_size_t * 10),)


_LIBC.mallinfo2.restype = _Mallinfo2


def in_use_kb() -> int:
    """By C's allocator, SQLite's pages too, and by Python's own for small objects."""
    of_c = _LIBC.mallinfo2().all
    return (int(of_c[_IN_ARENAS] + of_c[_MAPPED]) + _of_python()) // 1024


def give_back() -> None:
    """What the C library keeps for later."""
    _LIBC.malloc_trim(0)


def _of_python() -> int:
    """Said on the file descriptor of stderr, and nowhere else."""
    with tempfile.TemporaryFile() as said:
        usual = os.dup(_STDERR)
        os.dup2(said.fileno(), _STDERR)
        try:
            sys._debugmallocstats()  # noqa: SLF001 - documented, and the only one to say it
        finally:
            os.dup2(usual, _STDERR)
            os.close(usual)
        said.seek(0)
        found = _OF_PYTHON.search(said.read().decode())
    return int(found[1].replace(",", "")) if found else 0
