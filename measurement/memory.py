"""What processes take of the machine's memory."""

import psutil

BYTES_PER_MB = 1e6


def memory_mb(pid: int) -> float:
    """Resident memory of a process and its children."""
    process = psutil.Process(pid)
    total = 0
    for one in (process, *process.children(recursive=True)):
        try:
            total += one.memory_info().rss
        except psutil.NoSuchProcess:  # a helper that ended in the meantime
            continue
    return total / BYTES_PER_MB
