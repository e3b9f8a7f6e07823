"""Whether there is memory for a model, and what to say where there is not.

Libraries meet a lack of memory each in its own way: CTranslate2 and sherpa-onnx raise whatever their allocator said,
Kaldi may wait for ever for threads that it did not get. So who lacks memory is told from the message, and where that
comes too late the folder is weighed beforehand.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from voice.contracts.errors import ModelError

_CGROUP: Final = Path("/sys/fs/cgroup")


def is_lack_of_memory(error: BaseException) -> bool:
    """Whether a library failed because it got no memory."""
    return isinstance(error, MemoryError) or "alloc" in str(error).lower()


def lack_of_memory(name: str) -> ModelError:
    """The error for a model that memory does not suffice for; `name` is its engine and folder."""
    return ModelError(
        f"Memory does not suffice for {name}.", fix="Choose a smaller model, or give the machine more memory."
    )


def demand_memory(name: str, folder: Path, *, times: float = 1.0) -> None:
    """Refuse a model that takes more memory than this process can still get.

    Args:
        name: engine and folder.
        folder: all of the model's files.
        times: what an engine takes, as a multiple of what the files weigh.

    Raises:
        ModelError: there is too little; what cannot be found out is taken for enough.
    """
    needed = round(times * sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()))
    free = free_memory()
    if free is not None and free < needed:
        error = lack_of_memory(name)
        raise ModelError(
            f"{error.args[0]} It takes about {needed >> 20} MiB; {max(0, free) >> 20} MiB are free.", fix=error.fix
        )


def free_memory() -> int | None:
    """Bytes that this process can still get: of the machine, its control group (version 2) and its own limit.

    None where nothing of that can be found out, as on other systems than Linux.
    """
    if sys.platform != "linux":
        return None
    import resource  # noqa: PLC0415  other systems lack it

    known = []
    fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text("ascii").splitlines())
    if "MemAvailable" in fields:
        known.append(1024 * sum(int(fields[key].split()[0]) for key in ("MemAvailable", "SwapFree") if key in fields))
    try:
        most = (_CGROUP / "memory.max").read_text("ascii").strip()
        if most != "max":
            known.append(int(most) - int((_CGROUP / "memory.current").read_text("ascii")))
    except (OSError, ValueError):
        pass  # no such group: the machine's memory counts
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
        known.append(limit - pages * os.sysconf("SC_PAGE_SIZE"))
    return min(known, default=None)
