"""Keys in RTP (RFC 4733) and in SIP INFO: each press is told once, however often the network says it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from voice.contracts.errors import RtpError
from voice.contracts.sip_errors import SipMessageError
from voice.rtp.arrival import stamp_distance

DIGITS: Final = "0123456789*#ABCD"

GOES_ON: Final = 800
"""Time stamps may step by so much within one press, at 8 kHz: some senders begin a new event with every packet."""

_INFO_KINDS: Final = ("application/dtmf-relay", "application/dtmf")


@dataclass(frozen=True, slots=True)
class TelephoneEvent:
    """What one packet says of a key.

    Attributes:
        digit: which key.
        is_end: whether it was let go.
        duration: for how long it has been held, time stamps.
    """

    digit: str
    is_end: bool
    duration: int


def parse_event(payload: bytes) -> TelephoneEvent | None:
    """Read a payload; None for an event that is no key (a flash, a fax tone).

    Raises:
        RtpError: shorter than 4 bytes.
    """
    if len(payload) < 4:
        raise RtpError(f"A telephone event of 4 bytes was expected; got {len(payload)}.")
    if payload[0] >= len(DIGITS):
        return None
    return TelephoneEvent(DIGITS[payload[0]], bool(payload[1] & 0x80), int.from_bytes(payload[2:4]))


def write_event(digit: str, *, is_end: bool, duration: int, volume: int = 10) -> bytes:
    """A payload.

    Args:
        digit: one of `DIGITS`.
        is_end: whether the key was let go.
        duration: for how long it has been held, time stamps, 0 to 65535.
        volume: -dBm0, 0 to 63.
    """
    return bytes((DIGITS.index(digit), is_end << 7 | volume)) + duration.to_bytes(2)


def parse_info(kind: str, body: str) -> str:
    """The key that an INFO carries.

    Args:
        kind: its content type, lower case.
        body: its text.

    Raises:
        SipMessageError: another content type, or no key in it.
    """
    if kind not in _INFO_KINDS:
        raise SipMessageError(f"An INFO of {' or '.join(_INFO_KINDS)} was expected.")
    said = body.strip()
    if kind == _INFO_KINDS[0]:
        lines = (line.partition("=") for line in said.splitlines())
        said = next((value.strip() for name, _, value in lines if name.strip().lower() == "signal"), "")
    said = {"10": "*", "11": "#"}.get(said, said).upper()
    if len(said) != 1 or said not in DIGITS:
        raise SipMessageError("An INFO with one key of 0-9, *, # or A-D was expected.")
    return said


class Way(Enum):
    """How keys come."""

    RTP = "rtp"
    INFO = "info"


class Keypad:
    """One party's keys. Where they come both in RTP and in INFO, the way of the first one counts."""

    def __init__(self) -> None:
        self._way: Way | None = None
        self._stamp: int | None = None
        self._last: TelephoneEvent | None = None

    def press_by_info(self, digit: str) -> str | None:
        """A key that an INFO carries; None where keys come in RTP."""
        return digit if self._by(Way.INFO) else None

    def press(self, event: TelephoneEvent, stamp: int, *, marker: bool) -> str | None:
        """A packet's event; answers the key where it is newly pressed.

        Args:
            event: what the packet says.
            stamp: its time stamp: when the key was pressed.
            marker: whether the packet says that it is an event's first.
        """
        before, at = self._last, self._stamp
        step = None if at is None else stamp_distance(stamp, at)
        if step is not None and step < 0:
            return None  # overtaken by a later key
        is_same = before is not None and before.digit == event.digit
        self._last, self._stamp = event, stamp
        if step == 0 and before is not None:
            # The end comes three times, and packets overtake each other: what has ended stays so.
            if before.is_end and is_same:
                self._last = before
            return None
        is_open = is_same and before is not None and not before.is_end and not marker
        # A press of more than 8 s goes on under a new stamp (RFC 4733, 2.5.1.3).
        if is_open and before is not None and step is not None and step <= before.duration + GOES_ON:
            return None
        return event.digit if self._by(Way.RTP) else None

    def _by(self, way: Way) -> bool:
        if self._way is None:
            self._way = way
        return self._way is way
