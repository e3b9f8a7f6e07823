"""Answers callers: an SDP offer in, a leg and its SDP answer out."""

from __future__ import annotations

from voice.contracts.audio import Party
from voice.contracts.ports import Clock
from voice.webrtc.ice import IceSettings
from voice.webrtc.leg import LegLimits, WebRtcLeg
from voice.webrtc.sdp import checked


class WebRtcAnswerer:
    """Answers offers. It holds nothing between two of them.

    Args:
        ice: where callers can reach this process.
        limits: how patient the legs are.
    """

    def __init__(self, ice: IceSettings | None = None, limits: LegLimits | None = None) -> None:
        self._ice = ice or IceSettings()
        self._limits = limits or LegLimits()

    async def answer(self, offer_sdp: str, clock: Clock, *, party: Party = Party.CALLER) -> WebRtcLeg:
        """Answer a complete offer (no trickle).

        Args:
            offer_sdp: as the peer's `RTCPeerConnection.localDescription` has it once gathering is complete.
            clock: paces what is sent and bounds how long the leg waits.
            party: who offers.

        Returns:
            A leg with its `answer_sdp`. It connects as soon as the peer has the answer. Enter it, or `close` it.

        Raises:
            SdpError: the offer is malformed, too large, or has no usable audio.
            MediaError: this machine's addresses cannot be offered.
        """
        offer = checked(offer_sdp)
        leg = WebRtcLeg(self._ice, clock, party, self._limits)
        try:
            await leg.take_offer(offer)
        except BaseException:
            await leg.close()
            raise
        return leg
