"""One peer connection, from its first address to its last task. The two ends (`leg`, `client`) share it."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Final

import anyio
from aiortc import RTCPeerConnection, RTCSessionDescription
from OpenSSL.SSL import RECEIVED_SHUTDOWN

from voice.contracts.audio import Party
from voice.contracts.errors import SdpError
from voice.contracts.ports import Clock, LegEnd
from voice.rtp.rtcp import NTP_EPOCH_S
from voice.rtp.session import RtpSession
from voice.webrtc.ice import IceSettings, gathering
from voice.webrtc.receiver import Receiver
from voice.webrtc.sdp import PARSER_ERRORS, opus_only, with_speech_parameters
from voice.webrtc.transport import MediaTransport

CLOSE_S: Final = 5.0
"""How long aiortc may take to close; it needs a few milliseconds, or the round trip to a TURN server."""

_log = logging.getLogger(__name__)


class Peer:
    """An aiortc peer connection with one stream of speech out and one in.

    Made inside a running event loop. It holds sockets from `offer` or `answer` on, until `close`.

    Attributes:
        session: both streams' packets and numbers.
        source: what the other side says.
        transport: where what we say goes.

    Args:
        ice: where it can be reached.
        party: who is at the other end.
        clock: says when packets arrive and when they are due.
        on_end: called once, with the reason, when the connection is over; from an event callback, so it must not block.
        successor_of: the peer whose streams go on in this one: the same jitter buffer and time axis, the same numbers.
    """

    def __init__(
        self,
        ice: IceSettings,
        party: Party,
        clock: Clock,
        on_end: Callable[[LegEnd], None],
        *,
        successor_of: Peer | None = None,
    ) -> None:
        self.connected = anyio.Event()
        self.end_reason: LegEnd | None = None
        self._ice = ice
        self._on_end = on_end
        self._closed = False
        self._farewell = True
        self._connection = RTCPeerConnection(ice.configuration())
        self._transceiver = self._connection.addTransceiver("audio", direction="sendrecv")
        self._transceiver.setCodecPreferences(opus_only())
        if successor_of is None:
            self.session = RtpSession(
                party,
                sequence=secrets.randbits(15),
                timestamp=secrets.randbits(32),
                ntp_origin_s=NTP_EPOCH_S + clock.utc_now().timestamp() - clock.now_s(),
            )
            self.source = Receiver(party, self.session.incoming, clock)
        else:
            self.session, self.source = successor_of.session, successor_of.source
        self.transport = MediaTransport(
            self._transceiver,
            self.session,
            clock,
            on_packet=self.source.note_arrival,
            on_goodbye=self._note_goodbye,
        )
        self.source.join(self.transport)
        self._connection.on("connectionstatechange", self._note_connection)
        self._transceiver.receiver.transport.on("statechange", self._note_transport)

    async def offer(self) -> str:
        """A complete offer, candidates included."""
        await self._gather()
        return with_speech_parameters(self._connection.localDescription.sdp)

    async def answer(self, offer: str) -> str:
        """The complete answer to a checked offer.

        Raises:
            SdpError: aiortc cannot agree with it.
        """
        await self._apply(offer, "offer")
        await self._gather()
        return with_speech_parameters(self._connection.localDescription.sdp)

    async def accept(self, answer: str) -> None:
        """Take the other side's checked answer.

        Raises:
            SdpError: aiortc cannot agree with it.
        """
        await self._apply(answer, "answer")

    def end(self, reason: LegEnd) -> None:
        """Declare the connection over; the first reason stays."""
        if self.end_reason is None:
            self.end_reason = reason
            self._on_end(reason)

    async def close(self) -> None:
        """Give everything back: sockets, threads, aiortc's own tasks. Not interrupted by cancellation, but bounded."""
        if self._closed:
            return
        self._closed = True
        self.source.part(self.transport)
        self.end(LegEnd.LEFT)
        await _unbroken(self._close)

    async def _apply(self, sdp: str, kind: str) -> None:
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(sdp=sdp, type=kind))
        except PARSER_ERRORS as error:
            raise SdpError(f"The {kind} cannot be agreed with ({type(error).__name__}).") from error

    async def _gather(self) -> None:
        # aioice loses the sockets that it is just opening when it is cancelled. It is done at once where it asks no
        # server, and gives a server five seconds.
        await _unbroken(self._describe)

    async def _describe(self) -> None:
        with gathering(self._ice):
            await self._connection.setLocalDescription()
        self.transport.tap()

    def _note_goodbye(self) -> None:
        self.end(self._why_closed())

    def _note_connection(self) -> None:
        match self._connection.connectionState:
            case "connected":
                self.connected.set()
            case "failed":
                self.end(LegEnd.CONNECTION_LOST if self.connected.is_set() else LegEnd.NEVER_CONNECTED)
            case "closed":
                self.end(self._why_closed())
            case _:
                pass

    def _note_transport(self) -> None:
        # aiortc closes the whole connection for a farewell and for lost consent alike; DTLS knows whether one was said.
        transport = self._transceiver.receiver.transport
        if transport.state == "closed" and transport._ssl is not None:
            self._farewell = bool(transport._ssl.get_shutdown() & RECEIVED_SHUTDOWN)

    def _why_closed(self) -> LegEnd:
        if not self.connected.is_set():
            return LegEnd.NEVER_CONNECTED
        return LegEnd.HUNG_UP if self._farewell else LegEnd.CONNECTION_LOST

    async def _close(self) -> None:
        with anyio.move_on_after(CLOSE_S) as bound:
            await self.transport.say_goodbye()
            await self._connection.close()
            await self._settle()
        if bound.cancelled_caught:
            _log.warning("a peer connection took more than %s s to close", CLOSE_S)

    async def _settle(self) -> None:
        """Wait until aiortc's tasks for this connection are over; it cancels some without waiting for them."""
        while tasks := self._tasks():
            await asyncio.wait(tasks)
        # A handshake that ended while the connection closed has started what was stopped already.
        await self._transceiver.stop()
        await self._transceiver.receiver.transport.transport._connection.close()

    def _tasks(self) -> list[asyncio.Task[object]]:
        """The running tasks whose coroutine is a method of one of this connection's objects."""
        transport = self._transceiver.receiver.transport
        own = {
            id(part)
            for part in (
                self._connection,
                self._transceiver.sender,
                self._transceiver.receiver,
                transport,
                transport.transport,
            )
        }
        return [
            task
            for task in asyncio.all_tasks()
            if (frame := getattr(task.get_coro(), "cr_frame", None)) and id(frame.f_locals.get("self")) in own
        ]


async def _unbroken(work: Callable[[], Awaitable[None]]) -> None:
    """Do the work to its end even where this task is cancelled meanwhile, by anyio or by asyncio itself."""
    failure: Exception | None = None

    async def shielded() -> None:
        nonlocal failure
        try:
            with anyio.CancelScope(shield=True):
                await work()
        except Exception as error:  # raised below, outside of the task group, which would make a group of it
            failure = error

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(shielded)
    if failure is not None:
        raise failure
