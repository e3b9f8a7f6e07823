"""What a session description has to be before a peer is made for it.

A description comes from strangers. Size and number of lines are bounded before it is parsed, because the parser's work
grows with the product of codecs and feedback lines; whatever the parser trips over becomes an `SdpError`.
"""

from __future__ import annotations

import re
from typing import Final

from aiortc.codecs import get_capabilities
from aiortc.rtcdtlstransport import X509_DIGEST_ALGORITHMS
from aiortc.rtcrtpparameters import RTCRtpCodecCapability
from aiortc.sdp import MediaDescription, SessionDescription

from voice.contracts.errors import SdpError

MAX_SDP_BYTES: Final = 64 * 1024
"""A browser's audio offer has 2 to 6 KiB."""

MAX_SDP_LINES: Final = 512
"""A browser's audio offer has 60 to 120 lines."""

MAX_CANDIDATES: Final = 64
"""Each candidate is paired with each of ours, and each `.local` name costs a multicast query."""

PARSER_ERRORS: Final = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)
"""What aiortc raises on a bad description, besides the StopIteration that `_parse` names itself."""

_ICE_UFRAG: Final = re.compile(r"[A-Za-z0-9+/]{4,256}")
_ICE_PWD: Final = re.compile(r"[A-Za-z0-9+/]{22,256}")
_FIX: Final = "Offer one audio section with Opus over DTLS-SRTP, as RTCPeerConnection.createOffer makes it."


def opus_only() -> list[RTCRtpCodecCapability]:
    """Codec preferences with which aiortc negotiates Opus and nothing else."""
    return [codec for codec in get_capabilities("audio").codecs if codec.mimeType.lower() == "audio/opus"]


SPEECH_PARAMETERS: Final = (
    "minptime=20;useinbandfec=1;maxplaybackrate=16000;maxaveragebitrate=32000;stereo=0;sprop-stereo=0"
)
"""What we ask of whoever sends us Opus (RFC 7587, 6.1): copies of packets in the packets behind them, and no sound
above 8 kHz or in a second channel, which nobody here would hear. Up to 32 kbit/s are asked for, because Chromium sends
20 where nothing above 8 kHz is wanted, and what it sends an agent hears after another encoding. Silence suppression is
not asked for: background sound that comes and goes is harder on the ear and on recognition than bytes are on the
network."""

_OPUS_MAP: Final = re.compile(r"a=rtpmap:(\d+) opus/48000/2\r?\n", re.IGNORECASE)


def with_speech_parameters(text: str) -> str:
    """Our own description, with what we ask of the other side's encoder; aiortc states no parameters for Opus."""

    def stated(found: re.Match[str]) -> str:
        return f"{found[0]}a=fmtp:{found[1]} {SPEECH_PARAMETERS}\r\n"

    return _OPUS_MAP.sub(stated, text)


def checked(text: str) -> str:
    """A description with exactly one usable two-way audio section, ready for aiortc.

    Returns:
        The same description; where it states no direction, with `a=sendrecv`, which is what that means (RFC 8866, 6.7).

    Raises:
        SdpError: it is too large, cannot be parsed, or has no usable audio; the message says which.
    """
    _check_size(text)
    media = _parse(text).media
    if len(media) != 1 or media[0].kind != "audio":
        kinds = ", ".join(section.kind for section in media) or "none"
        raise SdpError(f"A session description with exactly one audio section was expected; got {kinds}.", fix=_FIX)
    audio = media[0]
    if audio.port == 0:
        raise SdpError("The audio section is switched off (port 0).", fix=_FIX)
    if not any(codec.mimeType.lower() == "audio/opus" and codec.clockRate == 48_000 for codec in audio.rtp.codecs):
        raise SdpError("Opus at 48 kHz was expected among the codecs.", fix=_FIX)
    if audio.direction not in (None, "sendrecv"):
        raise SdpError(f"Audio in both directions (sendrecv) was expected; got {audio.direction}.", fix=_FIX)
    _check_transport(audio)
    if audio.direction is None:
        return f"{text.rstrip()}\r\na=sendrecv\r\n"
    return text


def _check_size(text: str) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise SdpError("A session description in UTF-8 was expected.", fix=_FIX) from error
    if not text.strip():
        raise SdpError("A session description was expected; got an empty text.", fix=_FIX)
    if size > MAX_SDP_BYTES:
        raise SdpError(f"A session description may have {MAX_SDP_BYTES} bytes; got {size}.", fix=_FIX)
    lines = len(text.splitlines())
    if lines > MAX_SDP_LINES:
        raise SdpError(f"A session description may have {MAX_SDP_LINES} lines; got {lines}.", fix=_FIX)
    if not text.startswith("v=0"):
        raise SdpError("A session description begins with v=0; this one does not.", fix=_FIX)


def _parse(text: str) -> SessionDescription:
    try:
        return SessionDescription.parse(text)
    except (*PARSER_ERRORS, StopIteration) as error:
        raise SdpError(f"The session description cannot be parsed ({type(error).__name__}).", fix=_FIX) from error


def _check_transport(audio: MediaDescription) -> None:
    """Everything that ICE and DTLS need, so that a connection can at least be tried."""
    ice = audio.ice
    if (
        ice is None
        or not _ICE_UFRAG.fullmatch(ice.usernameFragment or "")
        or not _ICE_PWD.fullmatch(ice.password or "")
    ):
        raise SdpError("ice-ufrag (4 to 256 characters) and ice-pwd (22 to 256) were expected.", fix=_FIX)
    if audio.dtls is None:
        raise SdpError("a=setup was expected (DTLS-SRTP).", fix=_FIX)
    if not any(print_.algorithm.lower() in X509_DIGEST_ALGORITHMS for print_ in audio.dtls.fingerprints):
        raise SdpError(f"A fingerprint ({', '.join(X509_DIGEST_ALGORITHMS)}) was expected.", fix=_FIX)
    if not audio.rtcp_mux:
        raise SdpError("a=rtcp-mux was expected.", fix=_FIX)
    if len(audio.ice_candidates) > MAX_CANDIDATES:
        raise SdpError(f"At most {MAX_CANDIDATES} candidates were expected; got {len(audio.ice_candidates)}.", fix=_FIX)
    for candidate in audio.ice_candidates:
        if not 1 <= candidate.port <= 65_535 or not 0 <= candidate.priority < 2**32 or candidate.component < 1:
            raise SdpError("A candidate has a port, priority or component out of range.", fix=_FIX)
