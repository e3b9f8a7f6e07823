"""CPU time by thread: what recognition costs, and what all the rest does."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Final

_TASKS: Final = Path("/proc/self/task")


@dataclass(frozen=True, slots=True)
class CpuTime:
    """CPU seconds of this process since it began.

    Attributes:
        total: all threads, ended ones too.
        recognition: the threads that recognize: `recognition-*`, and the native ones of the recognition library.
    """

    total: float
    recognition: float

    @property
    def rest(self) -> float:
        """Everything but recognition."""
        return self.total - self.recognition

    def __sub__(self, earlier: CpuTime) -> CpuTime:
        return CpuTime(self.total - earlier.total, self.recognition - earlier.recognition)


def cpu_time() -> CpuTime:
    """CPU time so far.

    Python's own threads come and go, and with them what the kernel tells of their time; those that recognize live as
    long as the process measures. So these are summed, and the rest is what is left of the whole.

    Raises:
        OSError: not on Linux.
    """
    others = {str(thread.native_id) for thread in threading.enumerate() if not thread.name.startswith("recognition")}
    recognition = sum(_thread_time(task) for task in _TASKS.iterdir() if task.name not in others)
    return CpuTime(process_time(), recognition)


def _thread_time(task: Path) -> float:
    try:
        nanoseconds = (task / "schedstat").read_text(encoding="ascii").split()[0]
    except FileNotFoundError:  # it ended meanwhile
        return 0.0
    return int(nanoseconds) / 1e9
