"""Encrypted audio (RFC 3711) with keys from the session description (SDES, RFC 4568). The cipher is libsrtp's.

The keys stand in the description in plain, so they are as secret as the signalling is: over TLS.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from pylibsrtp import Error, Policy, Session

from voice.contracts.errors import RtpError

KEY_BYTES: Final = 30
"""A master key of 16 bytes and a salt of 14 (RFC 4568, 6.2.1)."""

MAX_CRYPTO: Final = 16
"""Lines `a=crypto` that are read of one description."""

SUITES: Final = {
    "AES_CM_128_HMAC_SHA1_80": Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    "AES_CM_128_HMAC_SHA1_32": Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
}
"""What is spoken, in our order; the other side's decides."""

_INLINE: Final = "inline:"


@dataclass(frozen=True, slots=True)
class Crypto:
    """One line `a=crypto`.

    Attributes:
        tag: by which the answer names it.
        suite: of `SUITES`.
        key: the key and salt of whoever wrote it, 30 bytes.
    """

    tag: str
    suite: str
    key: bytes = field(repr=False)

    def __str__(self) -> str:
        return f"{self.tag} {self.suite} {_INLINE}{base64.b64encode(self.key).decode()}"


@dataclass(frozen=True, slots=True)
class MediaKeys:
    """What both sides encrypt with.

    Attributes:
        theirs: their line.
        ours: our key and salt.
    """

    theirs: Crypto
    ours: bytes = field(repr=False)

    @property
    def answer(self) -> Crypto:
        """Our line, where theirs was the offer."""
        return Crypto(self.theirs.tag, self.theirs.suite, self.ours)


def new_key() -> bytes:
    """A key and its salt."""
    return secrets.token_bytes(KEY_BYTES)


def read_crypto(values: Sequence[str]) -> tuple[Crypto, ...]:
    """The lines that can be used, in their order: suites that are spoken, one key, no key identifier (MKI)."""
    found: list[Crypto] = []
    for value in values[:MAX_CRYPTO]:
        words = value.split()
        if len(words) < 3 or words[1] not in SUITES or not words[0].isdigit() or len(words[0]) > 9:
            continue
        # Session parameters (RFC 4568, 6.3) switch encryption or authentication off, or ask for what is not done here.
        if len(words) > 3 or ";" in words[2] or not words[2].startswith(_INLINE):
            continue
        written, *more = words[2].removeprefix(_INLINE).split("|")
        try:
            key = base64.b64decode(written, validate=True)
        except (binascii.Error, ValueError):
            continue
        if len(key) == KEY_BYTES and all(":" not in one for one in more):
            found.append(Crypto(words[0], words[1], key))
    return tuple(found)


class Srtp:
    """One call's encryption, both ways. Both directions remember what was sent: one object per pair of keys."""

    def __init__(self, keys: MediaKeys) -> None:
        profile = SUITES[keys.theirs.suite]
        # Another SSRC of theirs may come with a transfer behind a gateway; replays are found for each.
        self._into = Session(Policy(keys.theirs.key, Policy.SSRC_ANY_INBOUND, srtp_profile=profile))
        self._out_of = Session(Policy(keys.ours, Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile))

    def open(self, datagram: bytes) -> bytes:
        """The packet in a datagram.

        Raises:
            RtpError: it was not written with their key, was changed, or came before.
        """
        try:
            return bytes(self._into.unprotect(datagram))
        except (Error, TypeError, ValueError) as error:  # ValueError: longer than any packet
            raise RtpError("A packet under the agreed key was expected; this one is not, or came before.") from error

    def open_reports(self, datagram: bytes) -> bytes:
        """The RTCP in a datagram.

        Raises:
            RtpError: as `open`.
        """
        try:
            return bytes(self._into.unprotect_rtcp(datagram))
        except (Error, TypeError, ValueError) as error:
            raise RtpError("Reports under the agreed key were expected; these are not, or came before.") from error

    def close(self, packet: bytes) -> bytes:
        """A packet as it is sent.

        Raises:
            RtpError: libsrtp refuses it.
        """
        try:
            return bytes(self._out_of.protect(packet))
        except Error as error:
            raise RtpError("A packet of ours was expected to be encrypted; libsrtp refuses it.") from error

    def close_reports(self, reports: bytes) -> bytes:
        """RTCP as it is sent.

        Raises:
            RtpError: libsrtp refuses it.
        """
        try:
            return bytes(self._out_of.protect_rtcp(reports))
        except Error as error:
            raise RtpError("Reports of ours were expected to be encrypted; libsrtp refuses them.") from error
