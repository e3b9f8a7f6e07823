"""A media stream as a leg: frames at their media time, audio out at the pace of the clock, keys, marks, ends."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Protocol

import anyio
import numpy as np
import pytest

from voice.audio.g711 import decode_ulaw, encode_ulaw
from voice.audio.line import DELAY, LineDownsampler
from voice.audio.resampling import to_float, to_int16
from voice.clock import ManualClock
from voice.contracts.audio import FRAME_SAMPLES, AudioFrame, Party, Pcm, from_ms, from_s
from voice.contracts.errors import MediaError, StreamProtocolError
from voice.contracts.ports import LegEnd
from voice.stream.leg import AHEAD_S, LEAD_S, MARK_WITHIN_S, SILENCE_S, StreamLeg
from voice.stream.messages import Connected, Dtmf, Mark, Media, Start, Stop, Track

pytestmark = pytest.mark.anyio
INBOUND = frozenset({Track.INBOUND})


class NewLeg(Protocol):
    """Makes a leg that nobody has entered yet, and gives it back when the test is over."""

    def __call__(self, clock: ManualClock, tracks: frozenset[Track] = INBOUND) -> StreamLeg: ...


@pytest.fixture
def new_leg() -> Iterator[NewLeg]:
    with ExitStack() as stack:

        def make(clock: ManualClock, tracks: frozenset[Track] = INBOUND) -> StreamLeg:
            leg = StreamLeg(Start("s", "c", tracks), clock)
            stack.enter_context(leg.sink.texts)
            stack.callback(leg.close)
            return leg

        yield make


def voice(seconds: float) -> Pcm:
    """A swept tone at 16 kHz."""
    time = np.arange(from_s(seconds)) / 16_000
    return (0.3 * np.sin(2 * np.pi * (300 + 400 * time) * time)).astype(np.float32)


def line(pcm: Pcm) -> bytes:
    return encode_ulaw(to_int16(LineDownsampler().feed(pcm)))


async def hear(leg: StreamLeg, clock: ManualClock, stamped: list[tuple[int, bytes]]) -> list[AudioFrame]:
    """Send messages 20 ms apart and collect the frames until the end."""
    frames: list[AudioFrame] = []

    async def collect() -> None:
        frames.extend([frame async for frame in leg.source.frames()])

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(collect)
        for at_ms, payload in stamped:
            await leg.take(Media("s", Track.INBOUND, at_ms, payload))
            clock.advance(0.02)
        await leg.take(Stop("s"))
    return frames


def cut(payload: bytes, first_ms: int = 0) -> list[tuple[int, bytes]]:
    return [(first_ms + at // 8, payload[at : at + 160]) for at in range(0, len(payload), 160)]


def laid(frames: list[AudioFrame]) -> Pcm:
    whole = np.zeros(frames[-1].start + FRAME_SAMPLES, np.float32)
    for frame in frames:
        whole[frame.start : frame.start + FRAME_SAMPLES] = frame.pcm
    return whole


async def test_speech_arrives_as_it_was_sent(new_leg: NewLeg) -> None:
    clock = ManualClock()
    leg, sent = new_leg(clock), voice(1.0)
    frames = await hear(leg, clock, cut(line(sent), first_ms=4321))
    assert [frame.start for frame in frames] == list(range(0, from_s(1), FRAME_SAMPLES))
    assert {frame.party for frame in frames} == {Party.CALLER}
    delay = 2 * DELAY - 1
    heard = laid(frames)[delay:]
    assert np.corrcoef(heard[800:], sent[800 : heard.size])[0, 1] > 0.999
    assert leg.end_reason is LegEnd.HUNG_UP


async def test_what_the_provider_lost_is_a_gap_in_its_place(new_leg: NewLeg) -> None:
    clock = ManualClock()
    sent = voice(1.0)
    pieces = cut(line(sent))
    kept = pieces[:10] + pieces[25:]
    frames = await hear(new_leg(clock), clock, kept)
    starts = [frame.start for frame in frames]
    assert from_ms(300) not in starts
    after = laid(frames)[from_ms(520) :]
    shift = from_ms(520) - (2 * DELAY - 1)
    assert np.corrcoef(after, sent[shift : shift + after.size])[0, 1] > 0.99


@pytest.mark.parametrize("wild_ms", [3_600_000, 86_000_000])
async def test_a_time_stamp_from_the_future_fills_no_hours(new_leg: NewLeg, wild_ms: int) -> None:
    clock = ManualClock()
    pieces = cut(line(voice(0.4)))
    wild = [*pieces[:10], *((at + wild_ms, payload) for at, payload in pieces[10:])]
    frames = await hear(new_leg(clock), clock, wild)
    assert frames[-1].start < from_s(0.5)
    assert len(frames) == 20


async def test_a_count_that_begins_anew_goes_on(new_leg: NewLeg) -> None:
    clock = ManualClock()
    pieces = cut(line(voice(2.0)), first_ms=0)
    again = [*pieces[:80], *((at - 1600, payload) for at, payload in pieces[80:])]
    frames = await hear(new_leg(clock), clock, again)
    assert [frame.start for frame in frames] == list(range(0, from_s(2), FRAME_SAMPLES))


async def test_a_flood_is_not_taken(new_leg: NewLeg) -> None:
    clock = ManualClock()
    leg = new_leg(clock)
    second = b"\xff" * 8000
    frames: list[AudioFrame] = []

    async def collect() -> None:
        frames.extend([frame async for frame in leg.source.frames()])

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(collect)
        for number in range(60):  # a minute of audio in no time
            await leg.take(Media("s", Track.INBOUND, 1000 * number, second))
        await leg.take(Stop("s"))
    assert len(frames) <= AHEAD_S * 50


async def test_both_tracks_are_two_parties(new_leg: NewLeg) -> None:
    clock = ManualClock()
    leg = new_leg(clock, frozenset(Track))
    assert leg.source.parties == {Party.CALLER, Party.AGENT}
    heard: set[Party] = set()

    async def collect() -> None:
        heard.update([frame.party async for frame in leg.source.frames()])

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(collect)
        for at in range(0, 200, 20):
            for track in Track:
                await leg.take(Media("s", track, at, b"\x10" * 160))
            clock.advance(0.02)
        await leg.take(Stop("s"))
    assert heard == {Party.CALLER, Party.AGENT}


@pytest.mark.parametrize(
    "message",
    [Connected(), Start("s", "c", INBOUND), Media("other", Track.INBOUND, 0, b""), Stop("other"), Dtmf("other", "1")],
)
async def test_what_does_not_belong_here(new_leg: NewLeg, message: Any) -> None:
    leg = new_leg(ManualClock())
    with pytest.raises(StreamProtocolError):
        await leg.take(message)
    with pytest.raises(StreamProtocolError):
        await leg.take(Media("s", Track.OUTBOUND, 0, b"\x00"))
    assert leg.end_reason is None


async def test_keys_come_in_order_and_end_with_the_call(new_leg: NewLeg) -> None:
    leg = new_leg(ManualClock())
    for digit in "0#":
        await leg.take(Dtmf("s", digit))
    await leg.take(Stop("s"))
    pressed = leg.keys()
    assert [digit async for digit in pressed] == ["0", "#"]


async def test_a_source_is_read_once(new_leg: NewLeg) -> None:
    leg = new_leg(ManualClock())
    await leg.take(Stop("s"))
    assert [frame async for frame in leg.source.frames()] == []
    with pytest.raises(MediaError):
        await anext(leg.source.frames())


async def told(leg: StreamLeg) -> list[dict[str, Any]]:
    """What was sent since the last look."""
    found = []
    while leg.sink.texts.statistics().current_buffer_used:
        found.append(json.loads(await leg.sink.texts.receive()))
    return found


async def let_pass(clock: ManualClock, seconds: float) -> None:
    """Time goes by in steps of the leg's own."""
    for _ in range(round(seconds / 0.02)):
        await anyio.wait_all_tasks_blocked()
        clock.advance(0.02)
        await anyio.wait_all_tasks_blocked()


async def test_what_is_played_goes_out_at_the_pace_of_the_clock(new_leg: NewLeg) -> None:
    clock = ManualClock()
    async with new_leg(clock) as leg:
        spoken = voice(1.0)
        leg.sink.play(spoken)
        await let_pass(clock, 0.5)
        early = await told(leg)
        assert {message["event"] for message in early} == {"media"}
        assert (0.5 + LEAD_S) * 50 - 2 <= len(early) <= (0.5 + LEAD_S) * 50 + 2
        await let_pass(clock, 1.0)
        rest = await told(leg)
        assert len(early) + len(rest) == 50
        payload = b"".join(base64.b64decode(message["media"]["payload"]) for message in early + rest)
        got = to_float(decode_ulaw(payload))
        want = LineDownsampler().feed(spoken)
        assert np.corrcoef(got, want)[0, 1] > 0.999
        await let_pass(clock, 0.5)
        assert await told(leg) == []


async def test_barge_in_drops_what_waits_here_and_there(new_leg: NewLeg) -> None:
    clock = ManualClock()
    async with new_leg(clock) as leg:
        leg.sink.play(voice(2.0))
        await let_pass(clock, 0.5)
        dropped = leg.sink.clear()
        assert abs(dropped - from_s(1.5)) <= 2 * FRAME_SAMPLES
        assert (await told(leg))[-1] == {"event": "clear", "streamSid": "s"}
        await let_pass(clock, 0.5)
        assert await told(leg) == []


async def test_who_waits_until_all_was_heard_waits_for_the_mark(new_leg: NewLeg) -> None:
    clock = ManualClock()
    async with new_leg(clock) as leg, anyio.create_task_group() as tasks:
        leg.sink.play(voice(0.1))
        heard = anyio.Event()

        async def wait() -> None:
            await leg.sink.wait_played()
            heard.set()

        tasks.start_soon(wait)
        await let_pass(clock, 0.2)
        sent = await told(leg)
        assert sent[-1] == {"event": "mark", "streamSid": "s", "mark": {"name": "m1"}}
        await leg.take(Mark("s", "unknown"))
        await anyio.wait_all_tasks_blocked()
        assert not heard.is_set()
        await leg.take(Mark("s", "m1"))
        await heard.wait()


async def test_a_provider_that_tells_of_no_mark_is_waited_for_no_longer_than_it_plays(new_leg: NewLeg) -> None:
    clock = ManualClock()
    async with new_leg(clock) as leg, anyio.create_task_group() as tasks:
        leg.sink.play(voice(0.1))
        heard = anyio.Event()

        async def wait() -> None:
            await leg.sink.wait_played()
            heard.set()

        tasks.start_soon(wait)
        await let_pass(clock, 0.2)
        await let_pass(clock, MARK_WITHIN_S - 0.3)
        assert not heard.is_set()
        await let_pass(clock, 0.3)
        await heard.wait()
        await leg.take(Mark("s", "m1"))  # comes late, and means nothing any more


async def test_a_provider_that_sends_nothing_is_gone(new_leg: NewLeg) -> None:
    clock = ManualClock()
    async with new_leg(clock) as leg:
        await let_pass(clock, SILENCE_S - 1)
        await leg.take(Dtmf("s", "1"))
        await let_pass(clock, SILENCE_S - 1)
        assert leg.end_reason is None
        await let_pass(clock, 2)
        assert leg.end_reason is LegEnd.CONNECTION_LOST


async def test_a_provider_that_does_not_read_is_not_waited_for(new_leg: NewLeg) -> None:
    clock = ManualClock()
    async with new_leg(clock) as leg:
        leg.sink.play(voice(60))
        await let_pass(clock, 12)
        leg.sink.play(voice(60))  # goes nowhere, and fills nothing
        assert leg.sink.texts.statistics().open_send_streams == 0
