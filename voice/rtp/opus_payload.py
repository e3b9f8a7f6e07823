"""What an Opus payload says about itself: how long it is, and whether it carries the packet before once more.

Read from the first bytes (RFC 6716, 3.1, 3.2 and 4.2), so that a packet can be placed on the time axis without decoding
it.
"""

from __future__ import annotations

from typing import Final

from voice.contracts.errors import RtpError

RTP_RATE: Final = 48_000
"""Opus in RTP counts 48 000 samples a second whatever it carries (RFC 7587, 4.1)."""

MAX_SAMPLES: Final = 5_760
"""The longest packet: 120 ms (RFC 6716, 3.2.5, R5)."""

MAX_BYTES: Final = 1_500
"""The longest payload that is looked at. One frame has at most 1275 bytes (RFC 6716, 3.2.1), a datagram about 1200."""

DTX_BYTES: Final = 2
"""A payload of at most so many bytes holds no sound: the sender is silent (RFC 6716, 3.4; libopus `opus_encode`)."""

_SILK_SAMPLES: Final = (480, 960, 1920, 2880)
_HYBRID_SAMPLES: Final = (480, 960)
_CELT_SAMPLES: Final = (120, 240, 480, 960)


def frame_samples(toc: int) -> int:
    """How long each frame of a packet with this first byte is, 48 kHz (RFC 6716, table 2)."""
    configuration = toc >> 3
    if configuration < 12:
        return _SILK_SAMPLES[configuration & 3]
    if configuration < 16:
        return _HYBRID_SAMPLES[configuration & 1]
    return _CELT_SAMPLES[configuration & 3]


def payload_samples(payload: bytes) -> int:
    """How much time a payload covers: samples at 48 kHz, 120 to 5760.

    Raises:
        RtpError: it is empty, longer than a datagram, or breaks RFC 6716, 3.2 (R1, R2, R5).
    """
    size = len(payload)
    if not 1 <= size <= MAX_BYTES:
        raise RtpError(f"An Opus payload of 1 to {MAX_BYTES} bytes was expected; got {size}.")
    toc = payload[0]
    each = frame_samples(toc)
    code = toc & 3
    if code == 0:
        return each
    if code != 3:
        if code == 1 and not size & 1:
            raise RtpError("Two Opus frames of one size were expected; the payload cannot be halved.")
        return 2 * each
    if size < 2:
        raise RtpError("A count of Opus frames was expected; the payload ends before it.")
    count = payload[1] & 0x3F
    if not count or count * each > MAX_SAMPLES:
        raise RtpError(f"Opus frames of together 2.5 to 120 ms were expected; got {count} of {each / 48:g} ms.")
    return count * each


def is_dtx(payload: bytes) -> bool:
    """Whether the sender says with this payload that it is silent."""
    return len(payload) <= DTX_BYTES


def has_redundancy(payload: bytes) -> bool:
    """Whether the packet before can be had from this one (in-band FEC, RFC 6716, 4.2.4).

    Answered for payloads of one or two frames, which is all that speech encoders send; False for others and for those
    that are malformed. The flags stand at the front of the first SILK frame: one bit of voice activity per 20 ms and
    channel, then the bit that is asked for.
    """
    if len(payload) <= DTX_BYTES or payload[0] >= 0x80:  # configurations 16 to 31 are CELT, which has none
        return False
    toc = payload[0]
    code = toc & 3
    if code == 3:
        return False
    # Two frames of two sizes: the size of the first comes first, in one or two bytes.
    at = 1 if code != 2 else 2 if payload[1] < 252 else 3
    if at >= len(payload):
        return False
    first = payload[at]
    frames = max(1, frame_samples(toc) // 960)
    flag = first >> (7 - frames) & 1
    if toc & 4:
        flag |= first >> (6 - 2 * frames) & 1
    return bool(flag)
