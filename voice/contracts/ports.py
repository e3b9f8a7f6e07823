"""Ports: what the rooms ask of each other and of the outside world.

A Protocol stands here only where two implementations exist, and one conformance suite in `tests/conformance` runs
against all of them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from enum import StrEnum
from typing import Protocol, Self

from voice.contracts.audio import AudioFrame, Party, Pcm, Samples


class Clock(Protocol):
    """Time, injected: the wall in production, a hand-driven clock in tests, media time in unpaced replay."""

    def now_s(self) -> float:
        """Monotonic seconds since an arbitrary origin."""
        ...

    def utc_now(self) -> datetime:
        """Date and time in UTC, for what people and other systems read; never to measure a duration."""
        ...

    async def sleep_until(self, moment_s: float) -> None:
        """Return once `now_s()` has reached `moment_s`; at once (but after a checkpoint) if it has."""
        ...

    def call_at(self, moment_s: float, call: Callable[[], None]) -> Callable[[], None]:
        """Call something about when `now_s()` reaches `moment_s`, from the event loop; it must not block.

        Returns:
            What calls it off. May be called whenever, also again.
        """
        ...


class AudioSource(Protocol):
    """Where frames come from: a WebRTC track, a phone line, a file.

    Iterating yields frames of one or several parties in order of their media time, ends when the audio ends, and raises
    `AudioFormatError` or `MediaError` where it breaks. A source may be iterated once. A source may be left early.
    """

    @property
    def parties(self) -> frozenset[Party]:
        """The parties whose frames this source yields."""
        ...

    def frames(self) -> AsyncGenerator[AudioFrame]:
        """The frames, until the audio ends; close it (`aclosing`) to leave early."""
        ...


class Voice(Protocol):
    """Somebody, or something, that can be heard: what is asked for is what sounds next."""

    def take(self, samples: Samples) -> Pcm:
        """The next samples, shape (samples,), 16 kHz mono float32; zeros where it is silent."""
        ...


class AudioSink(Protocol):
    """Where a party hears what the other side says: what is queued, together with the voices that are mixed in."""

    def play(self, pcm: Pcm) -> None:
        """Queue audio (16 kHz mono float32, any length) to be played after what is queued already.

        Raises:
            CapacityError: more than the sink's bound (stated by the sink in seconds) would be queued.
        """
        ...

    def clear(self) -> Samples:
        """Drop what is queued but not yet played (barge-in); answers how many samples were dropped."""
        ...

    async def wait_played(self) -> None:
        """Return once all that was queued has been played or dropped, or the leg has ended."""
        ...

    def mix_in(self, voice: Voice) -> None:
        """Let the party hear a voice from now on, from silence; it is asked for sound whenever some is sent."""
        ...

    def leave_out(self, voice: Voice) -> None:
        """Let the party hear that voice no longer; it fades. Nothing changes where it was not heard."""
        ...


class LegEnd(StrEnum):
    """Why a leg's audio ended."""

    HUNG_UP = "hung_up"
    """The other side ended the connection."""

    CONNECTION_LOST = "connection_lost"
    """The other side is no longer there: no consent, no packets."""

    NEVER_CONNECTED = "never_connected"
    """No connection came about in time."""

    LEFT = "left"
    """This side left the leg."""


class CallLeg(AbstractAsyncContextManager["CallLeg"], Protocol):
    """One party's connection, whatever its transport. Entering starts it; leaving hangs up and frees everything."""

    @property
    def source(self) -> AudioSource:
        """What the party says."""
        ...

    @property
    def sink(self) -> AudioSink:
        """What the party hears."""
        ...

    @property
    def end_reason(self) -> LegEnd | None:
        """Why the audio ended; None while the connection lasts. Set before `source` ends."""
        ...

    async def __aenter__(self) -> Self: ...


class VoiceActivityDetector(Protocol):
    """Decides frame by frame whether somebody speaks. One instance per party and call: it carries state."""

    def probability(self, pcm: Pcm) -> float:
        """Probability of speech in [0, 1] for one frame of 320 samples, given the frames before it."""
        ...

    def reset(self) -> None:
        """Forget the past, as if newly made."""
        ...


class TextSocket(Protocol):
    """A websocket whose handshake is done."""

    async def receive(self) -> str | None:
        """The next text message; None once the other side is gone. A binary message counts as an empty text."""
        ...

    async def send(self, text: str) -> None:
        """Send a text message; returns quietly where the other side is gone."""
        ...

    async def close(self, code: int, reason: str) -> None:
        """Close; may be called after the other side did."""
        ...
