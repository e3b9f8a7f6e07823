"""The HTTP Range header, for one range of bytes (RFC 9110, section 14)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Final

from voice.contracts.errors import WarmlineError

_ONE_RANGE: Final = re.compile(r"bytes=[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*", re.IGNORECASE | re.ASCII)


class RangeError(WarmlineError):
    """A range that lies outside the recording; `size` is the recording's size in bytes."""

    code: ClassVar[str] = "recording.range"

    def __init__(self, message: str, *, size: int) -> None:
        super().__init__(message, fix="Ask for bytes that exist.")
        self.size = size


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes `start` to `end`, half open."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """Bytes in the range."""
        return self.end - self.start


def parse_range(header: str | None, size: int) -> ByteRange | None:
    """What of `size` bytes is asked for; None means all of it.

    A header that is malformed, of another unit, or that names several ranges is ignored, as RFC 9110 allows.

    Raises:
        RangeError: nothing of what is asked for exists.
    """
    found = _ONE_RANGE.fullmatch(header) if header else None
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        suffix = min(int(found[2]), size)
        if suffix == 0:
            raise RangeError(f"The last {found[2]} bytes of {size} were asked for.", size=size)
        return ByteRange(size - suffix, size)
    start = int(found[1])
    last = int(found[2]) if found[2] else size - 1
    if found[2] and last < start:
        return None
    if start >= size:
        raise RangeError(f"Bytes from {start} on were asked for; there are {size}.", size=size)
    return ByteRange(start, min(last + 1, size))
