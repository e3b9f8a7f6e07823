"""A leg's audio without the echo of what the leg is given to hear."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final, Protocol, runtime_checkable

from voice.contracts.audio import AudioFrame, Party, Pcm, Samples, from_ms, from_s
from voice.contracts.ports import AudioSource, CallLeg, Clock
from voice.echo import EchoSuppressor

STRAY: Final[Samples] = from_ms(200)
"""How far the count of what was played may stray from the clock before it counts anew. What is sent is paced, some
of it 100 ms ahead; but a process that stood still goes on from now."""


STRAY_TIMED: Final[Samples] = from_ms(1)
"""The same where the sink knows: what follows on is counted, so that no rounding tears it apart."""


@runtime_checkable
class Tappable(Protocol):
    """A sink that tells what is heard from it."""

    def tap(self, listener: Callable[[Pcm], None] | None) -> None:
        """Tell `listener` of all that is played, as it is played; None ends that."""
        ...


@runtime_checkable
class Timed(Protocol):
    """A sink that sends nothing while nothing sounds, and some of what sounds ahead: it knows when that is heard."""

    @property
    def sounds_at_s(self) -> float:
        """When what is taken next is heard, by the clock that paces the leg."""
        ...


class EchoReduced:
    """An `AudioSource`: the caller of a leg, without what is played to them. Other parties' frames pass untouched.

    Where the leg's sink cannot tell what is heard from it, nothing is taken away.

    Args:
        leg: whose audio.
        clock: what paces the leg.
    """

    def __init__(self, leg: CallLeg, clock: Clock) -> None:
        self._source: AudioSource = leg.source
        self._sink = leg.sink
        self._clock = clock
        self._suppressor = EchoSuppressor()
        self._began_s: float | None = None
        self._played: Samples = 0

    @property
    def parties(self) -> frozenset[Party]:
        """Whose frames these are."""
        return self._source.parties

    async def frames(self) -> AsyncGenerator[AudioFrame]:
        """The frames, as the leg's own source yields them."""
        sink = self._sink
        async with aclosing(self._source.frames()) as frames:
            if not isinstance(sink, Tappable):
                async for frame in frames:
                    yield frame
                return
            sink.tap(self._hear_played)
            try:
                async for frame in frames:
                    if self._began_s is None:
                        self._began_s = self._clock.now_s()
                    yield self._suppressor.hear(frame) if frame.party is Party.CALLER else frame
            finally:
                sink.tap(None)

    def _hear_played(self, pcm: Pcm) -> None:
        if self._began_s is None:
            return  # nobody has been heard yet
        if isinstance(self._sink, Timed):
            sounds_at_s, stray = self._sink.sounds_at_s, STRAY_TIMED
        else:
            sounds_at_s, stray = self._clock.now_s(), STRAY
        at = from_s(max(0.0, sounds_at_s - self._began_s))
        if abs(at - self._played) > stray:
            self._played = at
        self._suppressor.played(pcm, self._played)
        self._played += pcm.size
