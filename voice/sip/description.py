"""Session descriptions (RFC 8866) and what two of them agree on (RFC 3264). Pure; the grammar is aiosipua's."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from aiosipua import SdpMessage, parse_sdp
from aiosipua.sdp import MediaDescription

from voice.contracts.sip_errors import SipMediaError
from voice.sip.codecs import CODECS, PCMA, PCMU, Codec
from voice.sip.latch import Address
from voice.sip.srtp import SUITES, Crypto, MediaKeys, new_key, read_crypto

MAX_SDP_BYTES: Final = 8_192
MAX_FORMATS: Final = 64
MAX_MEDIA: Final = 8

EVENT_TYPES: Final = {8_000: 101, 48_000: 102}
"""The payload types that we propose for keys, by the rate of the codec beside which they are sent (RFC 4733, 2.1)."""

NOISE_TYPE: Final = 13
"""Comfort noise at 8 kHz (RFC 3389; RFC 3551, table 4)."""

_ANSWERED: Final = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}
_ANSWERED_HOLDING: Final = {
    "sendrecv": "sendonly",
    "sendonly": "inactive",
    "recvonly": "sendonly",
    "inactive": "inactive",
}
_EVENTS: Final = "0-15"
_PLAIN: Final = ("RTP/AVP", "RTP/AVPF")
_SECURE: Final = ("RTP/SAVP", "RTP/SAVPF")


@dataclass(frozen=True, slots=True)
class Offered:
    """One codec that the other side names: ours, under its payload type."""

    codec: Codec
    payload_type: int


@dataclass(frozen=True, slots=True)
class Described:
    """What a session description says of its audio.

    Attributes:
        remote: where the other side wants to be sent to.
        codecs: those that we speak, in its order.
        events: payload types for keys, by the rate of their stamps.
        noise_type: comfort noise's; None where it is not spoken.
        direction: sendrecv, sendonly, recvonly or inactive, as the other side sees it.
        is_on_hold: whether it wants to hear nothing now.
        lines: all media lines, for the answer: kind, protocol, formats; `at` is the one that is meant.
        at: which of them.
        crypto: what it would encrypt with; nothing where its audio is plain.
        reports: where it wants RTCP to be sent to (RFC 3605; else the port behind the audio's); None for nowhere.
        is_muxed: whether RTCP shares the audio's port (RFC 5761).
    """

    remote: Address
    codecs: tuple[Offered, ...]
    events: tuple[tuple[int, int], ...]
    noise_type: int | None
    direction: str
    is_on_hold: bool
    lines: tuple[tuple[str, str, str], ...]
    at: int
    crypto: tuple[Crypto, ...] = ()
    reports: Address | None = None
    is_muxed: bool = False


@dataclass(frozen=True, slots=True)
class Agreement:
    """What both sides agreed on.

    Attributes:
        codec: both ways.
        payload_type: what is sent and received under.
        remote: where audio goes.
        events: rate and payload type of keys, or nothing: none are sent in RTP.
        noise_type: comfort noise's.
        sends: whether the other side wants to hear.
        is_on_hold: whether it has put us on hold; what comes then is music or nothing.
        keys: what audio is encrypted with; None where it is plain.
        reports: where RTCP goes where it has a port of its own; None for nowhere.
        is_muxed: whether it shares the audio's port.
    """

    codec: Codec
    payload_type: int
    remote: Address
    events: tuple[tuple[int, int], ...]
    noise_type: int | None
    sends: bool
    is_on_hold: bool
    keys: MediaKeys | None = None
    reports: Address | None = None
    is_muxed: bool = False

    @property
    def event_type(self) -> int | None:
        """The payload type of keys."""
        return self.events[0][1] if self.events else None


@dataclass(slots=True)
class Origin:
    """Our side of a session: every description of it has the next version (RFC 3264, 8).

    Attributes:
        address: that we want to be sent to.
        port: for audio.
        session: its number.
        version: of the last description.
        is_secure: whether audio that we offer is encrypted.
        key: our key, the same in all descriptions of a call, so that none of them interrupts it.
    """

    address: str
    port: int
    session: int
    version: int = 0
    is_secure: bool = False
    key: bytes = field(default_factory=new_key, repr=False)


def parse_description(text: str, ours: Sequence[Codec] = (PCMA, PCMU)) -> Described:
    """Read an offer or an answer.

    Args:
        text: of the body.
        ours: the codecs that we speak.

    Raises:
        SipMediaError: no description, no audio in it, or an address that is none.
    """
    if len(text) > MAX_SDP_BYTES:
        raise SipMediaError(f"A session description of at most {MAX_SDP_BYTES} bytes was expected; got {len(text)}.")
    try:
        sdp = parse_sdp(text)
    except (ValueError, IndexError, KeyError, TypeError, OverflowError) as error:
        raise SipMediaError("A session description was expected; this one cannot be read.") from error
    if not text.startswith("v=0") or len(sdp.media) > MAX_MEDIA:
        raise SipMediaError(f"A session description with v=0 and at most {MAX_MEDIA} media was expected.")
    at = next((index for index, media in enumerate(sdp.media) if _is_usable(media)), None)
    if at is None:
        raise SipMediaError(
            "A line `m=audio PORT RTP/AVP …`, or RTP/SAVP with a key in `a=crypto`, was expected; there is none.",
            fix=f"Offer plain RTP, or SRTP with SDES and {' or '.join(SUITES)}; DTLS-SRTP is not spoken here.",
        )
    media = sdp.media[at]
    if len(media.formats) > MAX_FORMATS:
        raise SipMediaError(f"At most {MAX_FORMATS} formats were expected; got {len(media.formats)}.")
    host = _host(sdp, media)
    direction = _direction(sdp, media)
    spoken = {codec.name.lower(): codec for codec in ours}
    codecs = tuple(
        Offered(spoken[one.encoding_name.lower()], one.payload_type)
        for one in media.codecs
        if one.encoding_name.lower() in spoken
        and one.clock_rate == spoken[one.encoding_name.lower()].rate
        and 0 <= one.payload_type < 128
    )
    events = tuple(
        (one.clock_rate, one.payload_type)
        for one in media.codecs
        if one.encoding_name.lower() == "telephone-event" and 0 <= one.payload_type < 128
    )
    noise = NOISE_TYPE if str(NOISE_TYPE) in media.formats else None
    held = direction in ("sendonly", "inactive") or ipaddress.ip_address(host).is_unspecified
    lines = tuple((one.media, one.proto, " ".join(one.formats)) for one in sdp.media)
    crypto = _crypto(media) if media.proto in _SECURE else ()
    return Described(
        remote=(host, media.port),
        codecs=codecs,
        events=events,
        noise_type=noise,
        direction=direction,
        is_on_hold=held,
        lines=lines,
        at=at,
        crypto=crypto,
        reports=_reports(media, host),
        is_muxed=_is_muxed(media),
    )


def agree(described: Described, *, key: bytes, only: Codec | None = None) -> Agreement:
    """The codec that both speak: the first of the other side's that is ours.

    Args:
        described: the other side's offer or answer.
        key: that we encrypt with, where the other side does.
        only: no other than this.

    Raises:
        SipMediaError: there is none.
    """
    for offered in described.codecs:
        if only is None or offered.codec is only:
            break
    else:
        raise SipMediaError(
            f"No codec in common; spoken here: {', '.join(sorted(codec.name for codec in CODECS.values()))}.",
            fix="Allow PCMA or PCMU on the trunk.",
        )
    fitting = [event for event in described.events if event[0] == offered.codec.rate] or list(described.events)
    return Agreement(
        codec=offered.codec,
        payload_type=offered.payload_type,
        remote=described.remote,
        events=tuple(fitting[:1]),
        noise_type=described.noise_type,
        sends=not described.is_on_hold,
        is_on_hold=described.is_on_hold,
        keys=MediaKeys(described.crypto[0], key) if described.crypto else None,
        reports=described.reports,
        is_muxed=described.is_muxed,
    )


def write_answer(origin: Origin, described: Described, agreement: Agreement, *, listens: bool = True) -> str:
    """Our answer to an offer; media that we don't speak are refused line by line (RFC 3264, 6).

    Args:
        origin: our side; its version rises.
        described: the offer.
        agreement: what comes of it.
        listens: whether we want to hear: not while we have put the other side on hold.
    """
    lines = _head(origin)
    for index, (kind, protocol, formats) in enumerate(described.lines):
        if index == described.at:
            direction = (_ANSWERED if listens else _ANSWERED_HOLDING)[described.direction]
            ours = [(agreement.codec, agreement.payload_type)]
            lines += _audio(origin, ours, agreement.events, agreement.noise_type, protocol)
            lines += [f"a=crypto:{agreement.keys.answer}"] if agreement.keys is not None else []
            lines += ["a=rtcp-mux"] if agreement.is_muxed else []
            lines.append(f"a={direction}")
        else:
            lines.append(f"m={kind} 0 {protocol} {formats}")
    return "\r\n".join(lines) + "\r\n"


def write_offer(origin: Origin, codecs: Sequence[Codec], *, direction: str = "sendrecv") -> str:
    """An offer of ours.

    Args:
        origin: our side; its version rises.
        codecs: in order of preference.
        direction: sendrecv, or sendonly or inactive to put the other side on hold.
    """
    lines = _head(origin)
    rates = {codec.rate for codec in codecs}
    events = [(rate, kind) for rate, kind in EVENT_TYPES.items() if rate in rates]
    protocol = "RTP/SAVP" if origin.is_secure else "RTP/AVP"
    lines += _audio(origin, [(codec, codec.payload_type) for codec in codecs], events, NOISE_TYPE, protocol)
    if origin.is_secure:
        lines += [f"a=crypto:{Crypto(str(tag), suite, origin.key)}" for tag, suite in enumerate(SUITES, 1)]
    lines += ["a=rtcp-mux", f"a={direction}"]
    return "\r\n".join(lines) + "\r\n"


def _head(origin: Origin) -> list[str]:
    origin.version += 1
    kind = "IP6" if ":" in origin.address else "IP4"
    return [
        "v=0",
        f"o=warmline {origin.session} {origin.version} IN {kind} {origin.address}",
        "s=-",
        f"c=IN {kind} {origin.address}",
        "t=0 0",
    ]


def _audio(
    origin: Origin,
    codecs: Sequence[tuple[Codec, int]],
    events: Sequence[tuple[int, int]],
    noise_type: int | None,
    protocol: str,
) -> list[str]:
    formats = [kind for _, kind in codecs]
    maps = [f"a=rtpmap:{kind} {codec.name}/{codec.map}" for codec, kind in codecs]
    if noise_type is not None and any(codec.rate == 8000 for codec, _ in codecs):
        formats.append(noise_type)
        maps.append(f"a=rtpmap:{noise_type} CN/8000")
    for rate, kind in events:
        formats.append(kind)
        maps += [f"a=rtpmap:{kind} telephone-event/{rate}", f"a=fmtp:{kind} {_EVENTS}"]
    return [f"m=audio {origin.port} {protocol} {' '.join(map(str, formats))}", *maps, "a=ptime:20"]


def _is_usable(media: MediaDescription) -> bool:
    if media.media != "audio" or not 0 < media.port < 65536:
        return False
    return media.proto in _PLAIN or (media.proto in _SECURE and bool(_crypto(media)))


def _crypto(media: MediaDescription) -> tuple[Crypto, ...]:
    values = media.attributes.get("crypto") or ()
    return read_crypto([values] if isinstance(values, str) else list(values))


def _is_muxed(media: MediaDescription) -> bool:
    """Whether RTCP shares the port; not where a payload type looks like RTCP's (RFC 5761, 4)."""
    ambiguous = any(one.isdigit() and 64 <= int(one) < 96 for one in media.formats)
    return "rtcp-mux" in media.attributes and not ambiguous


def _reports(media: MediaDescription, host: str) -> Address | None:
    """Where RTCP goes: `a=rtcp:PORT [IN IP4 ADDRESS]`, or the port behind the audio's where that is unusable."""
    named = media.attributes.get("rtcp") or ()
    words = (named if isinstance(named, str) else named[0] if named else "").split()
    port = media.port + 1
    if words and words[0].isdecimal() and len(words[0]) <= 5:
        port = int(words[0])
        try:
            host = str(ipaddress.ip_address(words[3])) if len(words) == 4 else host
        except ValueError:
            port = media.port + 1
    return (host, port) if 0 < port < 65_536 else None


def _host(sdp: SdpMessage, media: MediaDescription) -> str:
    connection = media.connection or sdp.connection
    try:
        return str(ipaddress.ip_address(connection.address.partition("/")[0] if connection else ""))
    except ValueError:
        raise SipMediaError("A line `c=IN IP4 ADDRESS` with an address was expected.") from None


def _direction(sdp: SdpMessage, media: MediaDescription) -> str:
    """The media's direction, else the session's (RFC 8866, 6.7)."""
    for attributes in (media.attributes, sdp.attributes):
        for direction in _ANSWERED:
            if direction in attributes:
                return direction
    return "sendrecv"
