"""How much memory a process has."""

from __future__ import annotations

import os
from pathlib import Path


def resident_mb(process: int | None = None) -> float:
    """Resident memory of a process, by default this one, 10^6 bytes.

    Raises:
        OSError: not on Linux, or there is no such process.
    """
    statm = Path(f"/proc/{process or os.getpid()}/statm").read_text(encoding="ascii")
    return int(statm.split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
