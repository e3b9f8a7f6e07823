"""Where an error arose, without what it says: messages may hold what a caller said."""

from __future__ import annotations

import traceback


def frames_of(error: BaseException) -> str:
    """The error's type and the lines it passed through, newest last; of a group, those of every member."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(frames_of(member) for member in error.exceptions)
    frames = [f"{frame.name} ({frame.filename}:{frame.lineno})" for frame in traceback.extract_tb(error.__traceback__)]
    return f"{type(error).__name__} in {' > '.join(frames[-8:])}"
