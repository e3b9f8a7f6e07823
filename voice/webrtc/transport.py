"""The way of RTP through aiortc: its ICE, DTLS and SRTP, and nothing of its media.

aiortc's own receiver waits at a missing packet until it overflows and decodes on a thread of its own; its sender
measures loudness sample by sample. So neither is ever started: what aiortc would hand them is taken here, as the bytes
that SRTP lets through, and what we send goes to SRTP as bytes.

Nor does media go through aiortc's queue and task: it is taken where aioice hands over a datagram, which spares two
turns of the event loop per packet. Anybody who can reach the port could end that task with a datagram that is empty or
longer than SRTP's buffer; here it is counted.

This is the only file that knows how. It replaces `send` and `receive` of the two objects that the connection starts
(their signatures are public) and `data_received` of aioice's connection, and uses `_rx_srtp` and `_send_rtp` of
aiortc's DTLS transport. Both libraries are pinned for it, and `tests/voice/webrtc/test_transport.py` fails when one of
these changes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import anyio
import pylibsrtp
from aiortc.rtcrtpparameters import RTCRtpReceiveParameters, RTCRtpSendParameters
from aiortc.rtcrtptransceiver import RTCRtpTransceiver

from voice.contracts.errors import MediaError
from voice.contracts.ports import Clock
from voice.rtp.outgoing import SpeechPacket
from voice.rtp.packet import is_rtcp
from voice.rtp.session import Negotiated, RtpSession

FIRST_MEDIA_BYTE: Final = range(128, 192)
"""With what RTP and RTCP begin on a port that they share with STUN, DTLS and TURN (RFC 7983, 7)."""

MAX_DATAGRAM: Final = 4_096
"""Longer ones are cut, and then refused. asyncio makes room for 256 KiB before each of them."""

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
            protocol.datagram_received = partial(self._take_raw, protocol)
            if (socket := getattr(protocol, "transport", None)) is not None:
                socket.max_size = MAX_DATAGRAM

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
            await self._dtls._send_rtp(datagram)
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

    def _take_raw(self, protocol: Any, data: bytes, address: Any) -> None:
        """What a socket calls for each datagram, in place of aioice's protocol."""
        if data and data[0] in FIRST_MEDIA_BYTE:
            self._take_media(data)
        else:
            type(protocol).datagram_received(protocol, data, address)

    def _take_datagram(self, data: bytes, component: int) -> None:
        """What aioice calls for each datagram that is not STUN, in place of `Connection.data_received`."""
        if not data:
            self.session.refused += 1
        elif data[0] in FIRST_MEDIA_BYTE:
            self._take_media(data)
        else:
            self._pass_on(data, component)

    def _take_media(self, protected: bytes) -> None:
        srtp: Any = self._dtls._rx_srtp  # None before the handshake, whatever its annotation says
        if srtp is None:
            return  # before DTLS has agreed on keys nobody can have sent it
        is_report = is_rtcp(protected)
        try:
            data = srtp.unprotect_rtcp(protected) if is_report else srtp.unprotect(protected)
        except (pylibsrtp.Error, ValueError):
            # Of another sender, replayed, cut off; or longer than SRTP's buffer.
            self.session.refused += 1
            return
        now_s = self._clock.now_s()
        if is_report:
            if self.session.receive_rtcp(data, now_s):
                self._on_goodbye()
        elif self.session.receive_rtp(data, now_s):
            self._on_packet()
