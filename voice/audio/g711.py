"""G.711: the companding of the telephone, by tables.

Source: ITU-T Recommendation G.711 (11/1988), tables 1a/1b (A-law) and 2a/2b (mu-law). Samples are scaled to 16 bits
(A-law 13 bits << 3, mu-law 14 bits << 2), as every implementation does.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Pcm16: TypeAlias = NDArray[np.int16]
"""Mono audio, shape (n,), at full scale of 16 bits."""


def _ulaw_levels() -> Pcm16:
    code = ~np.arange(256, dtype=np.uint8)
    exponent, mantissa = (code >> 4) & 7, code & 15
    magnitude = ((mantissa.astype(np.int32) * 2 + 33) << exponent) - 33
    return (np.where(code & 0x80, -magnitude, magnitude) * 4).astype(np.int16)


def _alaw_levels() -> Pcm16:
    # A-law inverts the even bits on the line (G.711, note 2 to table 1a); bit 7 set means positive.
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    exponent, mantissa = ((code >> 4) & 7).astype(np.int32), (code & 15).astype(np.int32)
    magnitude = np.where(exponent == 0, mantissa * 2 + 1, (mantissa * 2 + 33) << np.maximum(exponent - 1, 0))
    return (np.where(code & 0x80, magnitude, -magnitude) * 8).astype(np.int16)


def _nearest_codes(levels: Pcm16) -> NDArray[np.uint8]:
    """The code of the nearest level for each of the 65 536 values, indexed by value + 32768."""
    order = np.argsort(levels, kind="stable")
    ordered = levels[order].astype(np.int32)
    # Decision values lie half-way between neighbouring levels; a value on one goes away from zero, as in the tables.
    middles = (ordered[1:] + ordered[:-1]) / 2
    values = np.arange(-32768, 32768)
    up, down = np.searchsorted(middles, values, side="right"), np.searchsorted(middles, values, side="left")
    return order[np.where(values >= 0, up, down)].astype(np.uint8)


_ULAW_LEVELS: Final = _ulaw_levels()
_ALAW_LEVELS: Final = _alaw_levels()
_ULAW_CODES: Final = _nearest_codes(_ULAW_LEVELS)
_ALAW_CODES: Final = _nearest_codes(_ALAW_LEVELS)


def decode_ulaw(data: bytes) -> Pcm16:
    """Mu-law bytes as 16-bit samples, shape (len(data),)."""
    return _ULAW_LEVELS[np.frombuffer(data, np.uint8)]


def decode_alaw(data: bytes) -> Pcm16:
    """A-law bytes as 16-bit samples, shape (len(data),)."""
    return _ALAW_LEVELS[np.frombuffer(data, np.uint8)]


def encode_ulaw(pcm: Pcm16) -> bytes:
    """16-bit samples, shape (n,), as n bytes of mu-law; each becomes the nearest level."""
    return _ULAW_CODES[pcm.astype(np.int32) + 32768].tobytes()


def encode_alaw(pcm: Pcm16) -> bytes:
    """16-bit samples, shape (n,), as n bytes of A-law; each becomes the nearest level."""
    return _ALAW_CODES[pcm.astype(np.int32) + 32768].tobytes()
