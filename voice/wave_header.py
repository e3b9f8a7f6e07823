"""The head of the WAV files that recordings are: 16-bit stereo at 16 kHz."""

from __future__ import annotations

import errno
import os
import struct
from typing import Final

from voice.contracts.audio import SAMPLE_RATE, Samples

FRAME_BYTES: Final = 4
"""One sample of both channels."""

_HEADER: Final = struct.Struct("<4sI4s4sIHHIIHH4sI")

HEADER_BYTES: Final = _HEADER.size
MOST_SAMPLES: Final[Samples] = (0xFFFF_FFFF - HEADER_BYTES) // FRAME_BYTES
"""What a WAV file can say of its length: 4 GB, 18.6 hours."""


def write_header(file: int, samples: Samples) -> None:
    """Write the 44 bytes of a WAV header (RIFF, "fmt ", "data"; Microsoft, 1991).

    Args:
        file: a descriptor, open for writing.
        samples: how many lie in each channel.

    Raises:
        OSError: the disk refuses.
    """
    data_bytes = samples * FRAME_BYTES
    header = _HEADER.pack(
        b"RIFF",
        _HEADER.size - 8 + data_bytes,
        b"WAVE",
        b"fmt ",
        16,
        1,  # PCM
        2,
        SAMPLE_RATE,
        SAMPLE_RATE * FRAME_BYTES,
        FRAME_BYTES,
        16,
        b"data",
        data_bytes,
    )
    if os.pwrite(file, header, 0) != len(header):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
