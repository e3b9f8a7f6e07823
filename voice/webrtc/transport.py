"""The way of RTP through aiortc: its ICE, DTLS and SRTP, and nothing of its media.

aiortc's own receiver waits at a missing packet until it overflows and decodes on a thread of its own; its sender
measures loudness sample by sample. So neither is ever started: what aiortc would hand them is taken here, as the bytes
that SRTP lets through, and what we send goes to SRTP as bytes.

This is the only file that knows how. It replaces `send` and `receive` of the two objects that the connection starts
(their signatures are public), and `_handle_rtp_data` and `_handle_rtcp_data` of its DTLS transport, and calls that
transport's `_send_rtp` (private). aiortc is pinned for it, and `tests/voice/webrtc/test_transport.py` fails when one of
these changes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import anyio
from aiortc.rtcrtpparameters import RTCRtpReceiveParameters, RTCRtpSendParameters
from aiortc.rtcrtptransceiver import RTCRtpTransceiver

from voice.contracts.errors import MediaError
from voice.contracts.ports import Clock
from voice.rtp.outgoing import SpeechPacket
from voice.rtp.session import Negotiated, RtpSession

PRIVATE: Final = ("_handle_rtp_data", "_handle_rtcp_data", "_send_rtp")
"""What is used of `RTCDtlsTransport` without being public."""

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
        for name in PRIVATE:
            if not callable(getattr(self._dtls, name, None)):
                raise MediaError(
                    f"aiortc's DTLS transport was expected to have {name}; this version has not.",
                    fix="Install the locked dependencies (make setup).",
                )
        # Setting an attribute of the object hides its class's method: from the connection for the first two, from the
        # transport itself for the others.
        for owner, name, ours in (
            (transceiver.sender, "send", self._start_sending),
            (transceiver.receiver, "receive", self._start_receiving),
            (self._dtls, "_handle_rtp_data", self._take_rtp),
            (self._dtls, "_handle_rtcp_data", self._take_rtcp),
        ):
            setattr(owner, name, ours)

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

    async def _take_rtp(self, data: bytes, arrival_time_ms: int) -> None:  # noqa: ARG002 - aiortc's signature
        if self.session.receive_rtp(data, self._clock.now_s()):
            self._on_packet()

    async def _take_rtcp(self, data: bytes) -> None:
        if self.session.receive_rtcp(data, self._clock.now_s()):
            self._on_goodbye()
