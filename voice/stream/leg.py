"""A caller's call over a media stream, as a `CallLeg`. It knows no socket: messages go in and texts come out."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from math import ceil
from types import TracebackType
from typing import Final, Self

import anyio

from voice.audio.framing import Framer
from voice.audio.g711 import decode_ulaw, encode_ulaw
from voice.audio.line import LineDownsampler, LineUpsampler
from voice.audio.resampling import to_float, to_int16
from voice.contracts.audio import FRAME_SAMPLES, AudioFrame, Party, Pcm, Samples, from_ms, from_s, to_ms, to_s
from voice.contracts.errors import MediaError, StreamProtocolError
from voice.contracts.ports import Clock, LegEnd, Voice
from voice.contracts.statistics import StreamStatistics
from voice.playout import Playout
from voice.stream.arrivals import Arrivals
from voice.stream.messages import (
    Connected,
    Dtmf,
    Mark,
    Media,
    Message,
    Start,
    Stop,
    Track,
    write_clear,
    write_mark,
    write_media,
)

WAITING_FRAMES: Final = 100
"""Frames between the socket and the call: 2 s of one track. The call takes them at once; where it does not, reading
from the socket waits, and the provider drops what is too old."""

WAITING_KEYS: Final = 32
"""Keys that were pressed and not yet taken; more are dropped, because nobody presses that fast."""

WAITING_TEXTS: Final = 512
"""Messages that wait to be sent: about 10 s of audio. A provider that does not read for so long is gone."""

LEAD_S: Final = 0.1
"""How far audio is sent ahead of being due, against jitter on the way to the provider."""

MARK_WITHIN_S: Final = 2.0
"""How long after audio was sent a provider may take to say that it was played."""

AHEAD_S: Final = 5.0
"""How far time stamps may run ahead of the clock; a jump beyond it counts as following, more audio is not taken."""

BEHIND: Final[Samples] = from_s(1)
"""A time stamp further back than this begins a new count; a smaller step back is audio that comes twice."""

SILENCE_S: Final = 20.0
"""Providers stream silence too; one that sends nothing for so long is gone."""

_FRAME_S: Final = to_s(FRAME_SAMPLES)
_PARTIES: Final = {Track.INBOUND: Party.CALLER, Track.OUTBOUND: Party.AGENT}


class _Voice:
    """One track on its way to frames: mu-law at 8 kHz in, frames at their media time out."""

    def __init__(self, party: Party) -> None:
        self._upsampler = LineUpsampler()
        self._framer = Framer(party)
        self._offset: Samples = 0
        self.arrivals = Arrivals()

    def hear(self, at: Samples, payload: bytes, latest: Samples, now: Samples) -> list[AudioFrame]:
        """The frames that are complete now; none of audio that runs ahead of `latest`.

        Args:
            at: media time by the stream's own stamps; may be wrong.
            payload: mu-law.
            latest: media time that the clock allows.
            now: how long the stream lasts by the clock.
        """
        pcm = self._upsampler.feed(to_float(decode_ulaw(payload)))
        expected = self._framer.position
        if expected + pcm.size > latest:
            return []
        at += self._offset
        if at > latest or at < expected - BEHIND:
            self._offset += expected - at
            at = expected
        self.arrivals.note(to_ms(at), to_ms(now), pcm.size, max(0, at - expected))
        return self._framer.feed(pcm, at)

    def flush(self) -> list[AudioFrame]:
        """The frame under way."""
        return self._framer.flush()


class StreamSource:
    """An `AudioSource` over what the provider sends. Tracks go side by side, in the order in which they come."""

    def __init__(self, tracks: frozenset[Track], clock: Clock) -> None:
        self._clock = clock
        self._voices = {track: _Voice(_PARTIES[track]) for track in sorted(tracks)}
        self._first_ms: int | None = None
        self._began_s = 0.0
        self._send, self._receive = anyio.create_memory_object_stream[AudioFrame](WAITING_FRAMES)
        self._iterated = False

    @property
    def parties(self) -> frozenset[Party]:
        """Whose frames these are."""
        return frozenset(_PARTIES[track] for track in self._voices)

    async def hear(self, media: Media) -> None:
        """Take one message's audio; waits while `WAITING_FRAMES` are not taken.

        Raises:
            StreamProtocolError: of a track that was not announced.
        """
        voice = self._voices.get(media.track)
        if voice is None:
            raise StreamProtocolError(f"The track `{media.track}` was not announced by `start`.")
        if self._first_ms is None:
            self._first_ms, self._began_s = media.at_ms, self._clock.now_s()
        now = from_s(self._clock.now_s() - self._began_s)
        at = max(0, from_ms(media.at_ms - self._first_ms))
        for frame in voice.hear(at, media.payload, now + from_s(AHEAD_S), now):
            try:
                await self._send.send(frame)
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                return  # nobody listens any more

    def statistics(self) -> StreamStatistics:
        """How the caller's track came so far."""
        return self._voices[Track.INBOUND].arrivals.statistics()

    def end(self) -> None:
        """End the audio; what waits is still yielded."""
        for voice in self._voices.values():
            for frame in voice.flush():
                try:
                    self._send.send_nowait(frame)
                except (anyio.WouldBlock, anyio.BrokenResourceError, anyio.ClosedResourceError):
                    break  # the last 20 ms of a call that nobody hears
        self._send.close()

    def close(self) -> None:
        """End the audio; what waits is dropped."""
        self.end()
        self._receive.close()

    async def frames(self) -> AsyncGenerator[AudioFrame]:
        """The frames until the stream ends.

        Raises:
            MediaError: iterated for the second time.
        """
        if self._iterated:
            raise MediaError("A media stream is read once.")
        self._iterated = True
        with self._receive:
            async for frame in self._receive:
                yield frame


class StreamSink:
    """An `AudioSink` that writes `media` messages, paced `LEAD_S` ahead; made by `StreamLeg`.

    Attributes:
        texts: what is to be sent; it ends with the leg. Whoever reads it closes it.
    """

    def __init__(self, stream: str, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock
        self._playout = Playout()
        self._downsampler = LineDownsampler()
        self._texts, self.texts = anyio.create_memory_object_stream[str](WAITING_TEXTS)
        self._sent_until_s = 0.0
        self._marks: dict[str, anyio.Event] = {}
        self._named = 0

    def play(self, pcm: Pcm) -> None:
        """Queue audio behind what is queued already; see `AudioSink`.

        Raises:
            CapacityError: more than two minutes would be queued.
            FrameError: another shape or type than (n,) float32.
        """
        self._playout.play(pcm)

    def clear(self) -> Samples:
        """Drop what is queued here and at the provider; answers how many samples were dropped."""
        waiting_s = max(0.0, self._sent_until_s - self._clock.now_s())
        # In whole frames, too: half of one ahead is as good as none.
        self._sent_until_s -= _FRAME_S * max(0, round(waiting_s / _FRAME_S))
        self._put(write_clear(self._stream))
        return self._playout.clear(fade=False) + from_s(waiting_s)

    async def wait_played(self) -> None:
        """Return once all that was queued has been heard or cleared, or the call has ended.

        What is sent runs ahead of time by `LEAD_S` only, so a provider that never tells is believed to have played it
        after `MARK_WITHIN_S`.
        """
        await self._playout.drain()
        self._named += 1
        name = f"m{self._named}"
        played = self._marks[name] = anyio.Event()
        self._put(write_mark(self._stream, name))
        async with anyio.create_task_group() as tasks:

            async def give_up() -> None:
                await self._clock.sleep_until(self._clock.now_s() + MARK_WITHIN_S)
                tasks.cancel_scope.cancel()

            tasks.start_soon(give_up, name="mark")
            await played.wait()
            tasks.cancel_scope.cancel()
        self._marks.pop(name, None)

    def mix_in(self, voice: Voice) -> None:
        """See `AudioSink`."""
        self._playout.mix_in(voice)

    def leave_out(self, voice: Voice) -> None:
        """See `AudioSink`."""
        self._playout.leave_out(voice)

    @property
    def sounds_at_s(self) -> float:
        """When what is taken next is heard at the soonest, by the clock; see `voice.echo_source.Timed`."""
        return self._sent_until_s

    def tap(self, listener: Callable[[Pcm], None] | None) -> None:
        """See `Playout.tap`."""
        self._playout.tap(listener)

    def take_mark(self, name: str) -> None:
        """The provider says that the mark of that name was reached; unknown ones mean nothing."""
        played = self._marks.pop(name, None)
        if played is not None:
            played.set()

    def send_due(self) -> None:
        """Send what is due within `LEAD_S`; called about every 20 ms."""
        now_s = self._clock.now_s()
        self._catch_up(now_s)
        # Queued sound may run ahead of time; living voices say nothing before they say it.
        while (self._playout.queued and self._sent_until_s < now_s + LEAD_S) or (
            self._playout.is_mixing and self._sent_until_s < now_s + _FRAME_S
        ):
            line = self._downsampler.feed(self._playout.take(FRAME_SAMPLES))
            self._put(write_media(self._stream, encode_ulaw(to_int16(line))))
            self._sent_until_s += _FRAME_S

    def _catch_up(self, now_s: float) -> None:
        """Let the time pass that has passed, in whole frames.

        A provider sends on one frame every 20 ms. Half of one more or less with every prompt would shift what is heard
        against what is known of it, and its echo would have to be learned anew.
        """
        if self._sent_until_s:
            self._sent_until_s += _FRAME_S * max(0, round((now_s - self._sent_until_s) / _FRAME_S))
        else:
            self._sent_until_s = now_s

    def close(self) -> None:
        """Nothing more is sent; whoever waits goes on."""
        self._playout.close()
        self._texts.close()
        for played in self._marks.values():
            played.set()
        self._marks.clear()

    def _put(self, text: str) -> None:
        try:
            self._texts.send_nowait(text)
        except (anyio.WouldBlock, anyio.BrokenResourceError):
            self.close()  # a provider that does not read; what it would play is stale anyway
        except anyio.ClosedResourceError:
            pass


class StreamLeg:
    """A `CallLeg` over one media stream.

    Args:
        start: what the provider announced.
        clock: paces what is sent, and bounds how far time stamps may jump.
    """

    def __init__(self, start: Start, clock: Clock) -> None:
        self._start = start
        self._clock = clock
        self._source = StreamSource(start.tracks | {Track.INBOUND}, clock)
        self._sink = StreamSink(start.stream, clock)
        self._keys, self._pressed = anyio.create_memory_object_stream[str](WAITING_KEYS)
        self._end_reason: LegEnd | None = None
        self._heard_s = clock.now_s()
        self._tasks = anyio.create_task_group()

    @property
    def source(self) -> StreamSource:
        """What caller (and, where streamed, the other side) say."""
        return self._source

    @property
    def sink(self) -> StreamSink:
        """What the caller hears."""
        return self._sink

    @property
    def end_reason(self) -> LegEnd | None:
        """Why the audio ended; None while it lasts."""
        return self._end_reason

    def statistics(self) -> StreamStatistics:
        """How well the caller comes through, as far as a stream tells."""
        return self._source.statistics()

    async def keys(self) -> AsyncGenerator[str]:
        """The keys that the caller presses, until the stream ends."""
        with self._pressed:
            async for digit in self._pressed:
                yield digit

    async def take(self, message: Message) -> None:
        """One message of the provider.

        Raises:
            StreamProtocolError: it does not belong here: of another stream, a second start, a track nobody announced.
        """
        match message:
            case Connected() | Start():
                raise StreamProtocolError(f"`{type(message).__name__.lower()}` comes once, at the beginning.")
            case Media(stream=stream) | Dtmf(stream=stream) | Mark(stream=stream) | Stop(stream=stream):
                if stream != self._start.stream:
                    raise StreamProtocolError("The message is of another stream.")
        self._heard_s = self._clock.now_s()
        match message:
            case Media():
                await self._source.hear(message)
            case Dtmf(digit=digit):
                try:
                    self._keys.send_nowait(digit)
                except (anyio.WouldBlock, anyio.BrokenResourceError, anyio.ClosedResourceError):
                    return
            case Mark(name=name):
                self._sink.take_mark(name)
            case Stop():
                self.end(LegEnd.HUNG_UP)

    def end(self, reason: LegEnd) -> None:
        """The stream is over; what was heard is still yielded. Only the first reason counts."""
        if self._end_reason is None:
            self._end_reason = reason
        self._source.end()
        self._sink.close()
        self._keys.close()

    def close(self) -> None:
        """End it and give everything back but `sink.texts`. May be called again."""
        self.end(LegEnd.LEFT)
        self._source.close()
        self._pressed.close()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._tasks.start_soon(self._tick, name="media stream pace")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        self.close()
        self._tasks.cancel_scope.cancel()
        return await self._tasks.__aexit__(kind, error, traceback)

    async def _tick(self) -> None:
        moment_s = self._clock.now_s()
        while self._end_reason is None:
            self._sink.send_due()
            moment_s += _FRAME_S * max(1, ceil((self._clock.now_s() - moment_s) / _FRAME_S))
            await self._clock.sleep_until(moment_s)
            if self._clock.now_s() - self._heard_s > SILENCE_S:
                self.end(LegEnd.CONNECTION_LOST)
