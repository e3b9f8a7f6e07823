"""The way of RTP through aiortc: its ICE, DTLS and SRTP, and nothing of its media.

aiortc's own receiver waits at a missing packet until it overflows and decodes on a thread of its own; its sender
measures loudness sample by sample. So neither is ever started: what aiortc would hand them is taken here, as the bytes
that SRTP lets through, and what we send goes to SRTP as bytes.

Nor does media go through aiortc's queue and task: it is taken where aioice hands over a datagram, which spares two
turns of the event loop per packet, and while frames are due anyway it is read by who needs it (`poll`), which spares
the third. Anybody who can reach the port could end aiortc's task with a datagram that is empty or longer than SRTP's
buffer; here it is counted.

This is the only file that knows how. It replaces `send` and `receive` of the two objects that the connection starts
(their signatures are public) and `data_received` of aioice's connection, and uses `_rx_srtp`, `_tx_srtp` and
`_send_rtp` of aiortc's DTLS transport, the nominated pair of aioice's connection, and libsrtp through pylibsrtp's
binding. The libraries are pinned for it, and `tests/voice/webrtc/test_transport.py` fails when one of these changes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import anyio
from aioice.ice import StunProtocol
from aiortc.rtcrtpparameters import RTCRtpReceiveParameters, RTCRtpSendParameters
from aiortc.rtcrtptransceiver import RTCRtpTransceiver
from pylibsrtp._binding import ffi, lib

from voice.contracts.errors import MediaError
from voice.contracts.ports import Clock
from voice.rtp.outgoing import SpeechPacket
from voice.rtp.packet import MAX_PACKET_BYTES, is_rtcp
from voice.rtp.session import Negotiated, RtpSession
from voice.webrtc.sockets import MAX_DATAGRAM, MOST_AT_ONCE, MediaSocket

FIRST_MEDIA_BYTE: Final = range(128, 192)
"""With what RTP and RTCP begin on a port that they share with STUN, DTLS and TURN (RFC 7983, 7)."""

CALM: Final = 25
"""After so many packets without anything from strangers a socket is polled; what a flood leaves no room for is lost, so
while one lasts the event loop reads as fast as it can."""

EMPTY_POLLS: Final = 100
"""A socket that had nothing for so many polls, two seconds, is left to the event loop again."""

MID: Final = "urn:ietf:params:rtp-hdrext:sdes:mid"
AUDIO_LEVEL: Final = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"


class MediaTransport:
    """One transceiver's packets, in and out.

    Made before descriptions are exchanged. Nothing flows until `ready`.

    Args:
        transceiver: the connection's only one.
        session: where packets go, and where they come from.
        clock: says when a packet arrived.
        on_packet: called after each packet that was taken.
        on_goodbye: called when the other side says that its stream is over.

    Raises:
        MediaError: this aiortc is not the one that is known here.
    """

    def __init__(
        self,
        transceiver: RTCRtpTransceiver,
        session: RtpSession,
        clock: Clock,
        *,
        on_packet: Callable[[], None],
        on_goodbye: Callable[[], None],
    ) -> None:
        self.session = session
        self.ready = anyio.Event()
        self._dtls = transceiver.receiver.transport
        self._clock = clock
        self._on_packet = on_packet
        self._on_goodbye = on_goodbye
        self._failed = False
        ice: Any = getattr(self._dtls.transport, "_connection", None)
        if not (callable(getattr(ice, "data_received", None)) and callable(getattr(self._dtls, "_send_rtp", None))):
            raise MediaError(
                "aiortc's DTLS transport over an aioice connection was expected; these versions have another shape.",
                fix="Install the locked dependencies (make setup).",
            )
        self._ice = ice
        self._pass_on: Callable[[bytes, int], None] = ice.data_received
        self._polled: MediaSocket | None = None
        self._empty_polls = 0
        self._calm = 0
        self._came_s = 0.0
        self._unprotect = _Unprotection()
        # Setting an attribute of the object hides its class's method.
        for owner, name, ours in (
            (transceiver.sender, "send", self._start_sending),
            (transceiver.receiver, "receive", self._start_receiving),
            (ice, "data_received", self._take_datagram),
        ):
            setattr(owner, name, ours)

    def tap(self) -> None:
        """Take media from the sockets that were just opened, before anybody tries to read it as STUN.

        To be called whenever candidates have been gathered.
        """
        for protocol in self._ice._protocols:
            source = None
            if isinstance(protocol, StunProtocol):
                source = MediaSocket(protocol)
                setattr(protocol.transport, "max_size", MAX_DATAGRAM)  # noqa: B010 - private to asyncio
            protocol.datagram_received = partial(self._take_raw, protocol, source)

    def poll(self, now_s: float) -> None:
        """Take what lies in the socket that media came through last, as of when it came.

        From then on the event loop does not watch that socket, until `rest` is called or nothing comes for a while.

        Args:
            now_s: the moment.
        """
        source = self._polled
        if source is None:
            return
        if source.is_watched:
            source.unwatch()
        self._empty_polls += 1
        try:
            for _ in range(MOST_AT_ONCE):
                if (datagram := source.receive()) is None:
                    break
                size, age_s, address = datagram
                self._empty_polls = 0
                if size and source.buffer[0] in FIRST_MEDIA_BYTE:
                    self._take_media(source.buffer, size, now_s - age_s)
                else:
                    StunProtocol.datagram_received(source.protocol, bytes(source.buffer[:size]), address)
            else:
                self._calm = 0  # a flood
        except OSError as error:
            if not source.is_open:
                self._polled = None
                return
            source.protocol.error_received(error)
        if self._empty_polls >= EMPTY_POLLS or self._calm < CALM:
            self.rest()

    def rest(self) -> None:
        """Nobody polls any more: the event loop reads as media comes."""
        if self._polled is not None:
            self._polled.watch()
            self._polled = None
            self._empty_polls = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._failed or self._dtls.state in {"closed", "failed"}

    async def send(self, packet: SpeechPacket) -> None:
        """Send a packet. Where the connection has just gone, it goes nowhere."""
        await self._send(self.session.send(packet))

    async def send_report(self) -> None:
        """Tell the other side what we sent and received."""
        await self._send(self.session.report(self._clock.now_s()))

    def retire(self) -> None:
        """Send nothing any more, not even a farewell: the stream goes on elsewhere."""
        self._failed = True

    async def say_goodbye(self) -> None:
        """Tell the other side that our stream is over, if there was one."""
        if self.ready.is_set() and not self.is_over:
            await self._send(self.session.goodbye(self._clock.now_s()))

    async def _send(self, datagram: bytes) -> None:
        try:
            pair = self._ice._nominated.get(1)
            if pair is None or type(pair.protocol) is not StunProtocol or self._dtls.state != "connected":
                await self._dtls._send_rtp(datagram)
                return
            # What aiortc would do, without a coroutine for each layer: six of them, 50 times a second and leg.
            srtp = self._dtls._tx_srtp
            protected = srtp.protect_rtcp(datagram) if is_rtcp(datagram) else srtp.protect(datagram)
            pair.protocol.transport.sendto(protected, pair.remote_addr)
        except ConnectionError:
            self._failed = True

    async def _start_sending(self, parameters: RTCRtpSendParameters) -> None:
        """What the connection calls once DTLS stands, in place of `RTCRtpSender.send`."""
        extensions = {extension.uri: extension.id for extension in parameters.headerExtensions}
        self.session.agree(
            Negotiated(
                ssrc=parameters.rtcp.ssrc or 0,
                cname=parameters.rtcp.cname or "",
                payload_type=parameters.codecs[0].payloadType or 0,
                mid=parameters.muxId.encode(),
                mid_extension=extensions.get(MID),
                level_extension=extensions.get(AUDIO_LEVEL),
            )
        )
        self.ready.set()

    async def _start_receiving(self, parameters: RTCRtpReceiveParameters) -> None:
        """What the connection calls in place of `RTCRtpReceiver.receive`: packets come here already."""

    def _take_raw(self, protocol: Any, source: MediaSocket | None, data: bytes, address: Any) -> None:
        """What a socket calls for each datagram, in place of aioice's protocol."""
        if data and data[0] in FIRST_MEDIA_BYTE:
            self._take_media(data, len(data), self._clock.now_s())
            if self._calm >= CALM and source is not self._polled and source is not None and source.is_pollable:
                self.rest()
                self._polled = source
        else:
            type(protocol).datagram_received(protocol, data, address)

    def _take_datagram(self, data: bytes, component: int) -> None:
        """What aioice calls for each datagram that is not STUN, in place of `Connection.data_received`."""
        if not data:
            self.session.refused += 1
        elif data[0] in FIRST_MEDIA_BYTE:
            self._take_media(data, len(data), self._clock.now_s())
        else:
            self._pass_on(data, component)

    def _take_media(self, protected: bytes | bytearray, size: int, came_s: float) -> None:
        """What begins as media does.

        Args:
            protected: the datagram, perhaps with something behind it.
            size: its length, at least 1.
            came_s: when it came.
        """
        srtp: Any = self._dtls._rx_srtp  # None before the handshake, whatever its annotation says
        if srtp is None:
            return  # before DTLS has agreed on keys nobody can have sent it
        is_report = size > 1 and 192 <= protected[1] <= 223  # as `is_rtcp` says
        data = self._unprotect(srtp, protected, size, is_report=is_report)
        # Never before the packet before: the machine's date may be set between a packet's coming and its being read.
        self._came_s = came_s = max(self._came_s, came_s)
        if data is None:
            # Of another sender, replayed, cut off; or longer than SRTP's buffer.
            self.session.refused += 1
            self._calm = 0
        elif is_report:
            if self.session.receive_rtcp(data, came_s):
                self._on_goodbye()
        elif self.session.receive_rtp(data, came_s):
            self._calm += 1
            self._on_packet()


class _Unprotection:
    """SRTP taken off a datagram, in a buffer that is used again and again.

    pylibsrtp's own `unprotect` makes room for each packet anew and looks up what it calls; at 50 packets a second and
    leg that costs as much as the decryption.
    """

    def __init__(self) -> None:
        self._data = ffi.new("char[]", MAX_PACKET_BYTES)
        self._bytes = ffi.buffer(self._data)
        self._length = ffi.new("int *")

    def __call__(self, srtp: Any, protected: bytes | bytearray, size: int, *, is_report: bool) -> bytes | None:
        """What the datagram says; None where it is not authentic, came before, or is too long."""
        if size > MAX_PACKET_BYTES:
            return None
        self._bytes[0:size] = protected[:size]
        length = self._length
        length[0] = size
        take_off = lib.srtp_unprotect_rtcp if is_report else lib.srtp_unprotect
        if take_off(srtp._srtp[0], self._data, length):
            return None
        data: bytes = self._bytes[0 : length[0]]
        return data
