"""The receive path's shell: waits until frames are due and yields them. What they are is decided in `voice/rtp`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Final, Protocol

from voice.contracts.audio import AudioFrame, Party
from voice.contracts.errors import MediaError
from voice.contracts.ports import Clock
from voice.rtp.incoming import IncomingSpeech
from voice.webrtc.pace import COMMON_S, on_common_turn

EARLY_S: Final = COMMON_S / 2
"""How much earlier than it is due a frame is handed on that is there already: on average the grid delays nothing."""

APART_S: Final = COMMON_S / 10
"""One turn is so far behind another at least, however late that was."""


class Connection(Protocol):
    """Where packets come from, besides by themselves."""

    def poll(self, now_s: float) -> None:
        """Take what has arrived; `now_s` is the moment."""
        ...

    def rest(self) -> None:
        """Nobody polls any more: packets come by themselves."""
        ...


class Receiver:
    """An `AudioSource` over one peer's packets. Media time 0 is its first packet; a long loss is a jump of `start`.

    Frames are yielded when they are due: in step with the clock, later than the packets by as much as these arrive
    unevenly. Right before, the connections are asked for what has arrived, so nothing passes for lost because this
    process was busy. What is not read waits in the jitter buffer, which is bounded.

    Args:
        party: whose voice it is.
        speech: where the packets go.
        clock: says when frames are due.
    """

    def __init__(self, party: Party, speech: IncomingSpeech, clock: Clock) -> None:
        self._party = party
        self._speech = speech
        self._clock = clock
        self._connections: list[Connection] = []
        self._is_iterated = False
        self._is_read = False
        self._stopped = False
        self._is_behind = False
        self._waiter: asyncio.Future[Sequence[AudioFrame]] | None = None
        self._call_off: Callable[[], None] | None = None

    @property
    def parties(self) -> frozenset[Party]:
        """The one party whose frames these are."""
        return frozenset({self._party})

    def join(self, connection: Connection) -> None:
        """Packets come from there too; while frames are due, they are asked for."""
        self._connections.append(connection)

    def part(self, connection: Connection) -> None:
        """No more packets come from there."""
        connection.rest()
        self._connections = [each for each in self._connections if each is not connection]

    def note_arrival(self) -> None:
        """A packet has come; from a callback."""
        if self._is_read and self._call_off is None:
            self._plan(self._clock.now_s())

    def stop(self) -> None:
        """End the audio; what has arrived already is still yielded. May be called again, and from a callback."""
        self._stopped = True
        self._hand_on(())

    async def frames(self) -> AsyncGenerator[AudioFrame]:
        """The frames until `stop` is called.

        Raises:
            MediaError: iterated for the second time.
        """
        if self._is_iterated:
            raise MediaError("A WebRTC source is read once.")
        self._is_iterated = self._is_read = True
        try:
            self._plan(self._clock.now_s())
            while not self._stopped:
                for frame in await self._next():
                    yield frame
        finally:
            self._is_read = False
            self._rest()
        for frame in self._speech.drain():
            yield frame

    async def _next(self) -> Sequence[AudioFrame]:
        """What the next turn that has something takes; what a turn had for nobody comes at once."""
        if self._is_behind:
            self._is_behind = False
            return self._speech.take(self._clock.now_s())
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            return await self._waiter
        finally:
            self._waiter = None

    def _hand_on(self, frames: Sequence[AudioFrame]) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(frames)

    def _turn(self) -> None:
        """What is done when a frame is due, whether anybody waits for it or not: sockets have to be read."""
        now_s = self._clock.now_s()
        for connection in self._connections:
            connection.poll(now_s)
        # Not before: what is polled is planned for below.
        self._call_off = None
        if self._waiter is None:
            self._is_behind = True
        elif frames := self._speech.take(now_s, EARLY_S):
            self._hand_on(frames)
        self._plan(now_s)

    def _plan(self, now_s: float) -> None:
        """Choose the next turn. There is none while only a packet can bring a frame; it then comes by itself."""
        due_s = self._speech.due_s()
        if due_s is None or self._stopped:
            self._rest()
            return
        # What could have been taken early and was not there waits for another turn.
        self._call_off = self._clock.call_at(on_common_turn(max(due_s - EARLY_S, now_s + APART_S)), self._turn)

    def _rest(self) -> None:
        if self._call_off is not None:
            self._call_off()
            self._call_off = None
        for connection in self._connections:
            connection.rest()
