"""Memory that is given back and taken again for every array costs more than the arithmetic on it."""

import ctypes
import sys

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # M_… of glibc's malloc.h
LARGEST_KEPT, LARGEST_ON_HEAP = 2**24, 2**22  # bytes


def keep_freed_memory() -> None:
    """Let this process, and those forked from it, use again the memory of arrays that are gone.

    By default glibc hands blocks of more than 128 KiB back to the system, and the next array of that size meets a page
    fault for every 4 KiB: drawing normal numbers then takes three times as long. Elsewhere than on glibc nothing is
    done.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(TRIM_THRESHOLD, LARGEST_KEPT)
            mallopt(MMAP_THRESHOLD, LARGEST_ON_HEAP)
