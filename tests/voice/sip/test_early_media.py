"""What is heard before an answer: our announcement by who calls us, theirs and their tones by who calls them."""

from __future__ import annotations

from dataclasses import replace

import anyio
import numpy as np
import pytest

from tests.voice.sip.line import LOOPBACK, SETTINGS, Ear, phone
from tests.voice.sip.wire import Wire
from voice.clock import WallClock
from voice.contracts.audio import SAMPLE_RATE, Pcm
from voice.contracts.sip_errors import SipCallError
from voice.sip.call_terms import CallEnd
from voice.sip.endpoint import SipEndpoint
from voice.sip.leg import SipLeg
from voice.sip.line import Line

EARLY = replace(SETTINGS, trunks=(replace(LOOPBACK, early_media=True),))


def tone(hz: float, seconds: float = 1.0) -> Pcm:
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(int(SAMPLE_RATE * seconds)) / SAMPLE_RATE)).astype(np.float32)


def strength(pcm: Pcm, hz: float) -> float:
    """How much of a tone is in there: seconds of it at the strength that `tone` has."""
    turn = np.exp(-2j * np.pi * hz * np.arange(pcm.size) / SAMPLE_RATE)
    blocks = pcm.size // 1600 * 1600
    return float(np.abs((pcm * turn)[:blocks].reshape(-1, 1600).mean(axis=1)).sum() * 2 / 0.3 * 0.1)


@pytest.mark.anyio
async def test_an_announcement_is_heard_before_the_answer_and_is_nobodys_words() -> None:
    early: list[Pcm] = []
    heard: list[Pcm] = []
    answered: list[int] = []
    async with (
        anyio.create_task_group() as tasks,
        SipEndpoint.open(EARLY, WallClock()) as endpoint,
        phone() as caller,
    ):
        ear = Ear(tasks)

        async def take(leg: SipLeg, line: Line) -> None:
            await ear.take(leg, line)
            leg.call.hooks.answered = lambda: answered.append(leg.sink.queued)
            leg.sink.play(tone(440))  # said first
            await leg.sink.wait_played()

        with endpoint.accept(take), anyio.fail_after(60):
            leg = await caller.call(f"sip:4001@127.0.0.1:{endpoint.port}", hear_early=early.append)
            async with leg:
                ear.calls[0].leg.sink.play(tone(1000, 10))
                async for frame in leg.source.frames():
                    heard.append(frame.pcm)
                    if len(heard) == 1:
                        assert frame.start == 0, "media time begins with the answer"
                    if strength(np.concatenate(heard), 1000) > 0.7:
                        break
            await ear.wait_ended()
        tasks.cancel_scope.cancel()
    assert answered == [0], "the call is answered once, when all of it has been said"
    before, after = np.concatenate(early), np.concatenate(heard)
    assert strength(before, 440) > 0.7
    assert strength(before, 1000) < 0.1
    assert strength(after, 440) < 0.3, "at most what was still on its way"


@pytest.mark.anyio
async def test_who_hangs_up_during_the_announcement_has_called_and_was_not_answered() -> None:
    async with (
        anyio.create_task_group() as tasks,
        SipEndpoint.open(EARLY, WallClock()) as endpoint,
        phone() as caller,
    ):
        ear = Ear(tasks)

        async def take(leg: SipLeg, line: Line) -> None:
            await ear.take(leg, line)
            leg.sink.play(tone(440, 20))
            await leg.sink.wait_played()

        early = anyio.Event()
        with endpoint.accept(take), anyio.fail_after(60):
            async with anyio.create_task_group() as calling:

                async def call() -> None:
                    uri = f"sip:4001@127.0.0.1:{endpoint.port}"
                    await caller.call(uri, hear_early=lambda _: early.set())

                calling.start_soon(call)
                await early.wait()
                calling.cancel_scope.cancel()
            await ear.wait_ended()
        tasks.cancel_scope.cancel()
    assert ear.calls[0].leg.end is CallEnd.CANCELLED
    assert not ear.calls[0].leg.call.is_answered
    assert not endpoint.legs


@pytest.mark.anyio
async def test_what_is_played_before_a_refusal_is_heard_and_the_reason_kept() -> None:
    """An announcement says why, then the network says it in a status: busy."""
    early: list[Pcm] = []
    async with SipEndpoint.open(EARLY, WallClock()) as endpoint, phone() as caller:

        async def take(leg: SipLeg, _: Line) -> None:
            leg.sink.play(tone(440))
            await leg.sink.drain(SAMPLE_RATE // 2)
            leg.call.refuse(486, endpoint._clock.now_s())
            await leg.over.wait()
            leg.close()

        with endpoint.accept(take), anyio.fail_after(60), pytest.raises(SipCallError) as caught:
            await caller.call(f"sip:4001@127.0.0.1:{endpoint.port}", hear_early=early.append)
    assert caught.value.status == 486
    assert strength(np.concatenate(early), 440) > 0.2


@pytest.mark.anyio
async def test_where_they_ring_and_nothing_is_played_our_own_tone_is_heard_until_the_answer() -> None:
    early: list[Pcm] = []
    enough = anyio.Event()

    def hear(pcm: Pcm) -> None:
        early.append(pcm)
        if sum(bool(one.any()) for one in early) >= 10:
            enough.set()

    async with (
        anyio.create_task_group() as tasks,
        SipEndpoint.open(SETTINGS, WallClock()) as endpoint,
        phone() as caller,
    ):
        ear = Ear(tasks)

        async def take(leg: SipLeg, line: Line) -> None:
            await enough.wait()
            await ear.take(leg, line)

        with endpoint.accept(take), anyio.fail_after(30):
            leg = await caller.call(f"sip:4001@127.0.0.1:{endpoint.port}", hear_early=hear)
            rung = len(early)
            async with leg:
                async for frame in leg.source.frames():
                    assert np.abs(frame.pcm).max() < 0.01, "the tone is nobody's words"
                    if frame.start > SAMPLE_RATE // 10:
                        break
            assert len(early) == rung, "it ends with the answer"
            await ear.wait_ended()
        tasks.cancel_scope.cancel()
    sounding = np.concatenate([pcm for pcm in early if pcm.any()])
    spectrum = np.abs(np.fft.rfft(sounding * np.hanning(sounding.size)))
    assert abs(int(spectrum.argmax()) * SAMPLE_RATE / sounding.size - 450) < 20


def test_the_answer_says_what_was_said_before() -> None:
    wire = Wire()
    outgoing = wire.call()
    incoming = wire.invited[-1]
    incoming.call.origin.port = 5000
    assert incoming.call.begin_early(wire.now_s)
    wire.deliver()
    assert outgoing.call.agreement is not None
    states = [outgoing.call.is_early]
    assert outgoing.call.agreement.remote == ("127.0.0.1", 5000)
    incoming.call.answer(wire.now_s)
    wire.deliver()
    said = [message.partition(b"\r\n\r\n")[2] for message in wire.raw if b"application/sdp" in message]
    assert len(said) == 2
    assert said[0] == said[1], "one offer has one answer (RFC 3261, 13.2.1)"
    assert outgoing.call.is_answered
    assert [*states, outgoing.call.is_early, incoming.call.is_early] == [True, False, False]


def test_an_early_description_that_cannot_be_read_harms_nothing() -> None:
    wire = Wire()
    outgoing = wire.call()
    incoming = wire.invited[-1]
    incoming.call.origin.port = 5000
    incoming.call.begin_early(wire.now_s)
    early = wire.raw[-1].replace(b"RTP/AVP 96", b"RTP/XYZ 96").replace(b"m=audio", b"m=nothing")
    wire._way.clear()
    head, _, body = early.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length")]
    wire.theirs.receive(
        b"\r\n".join([*lines, b"Content-Length: %d" % len(body)]) + b"\r\n\r\n" + body,
        outgoing.call.dialog.flow,
        wire.now_s,
    )
    assert outgoing.call.status == 183
    assert not outgoing.call.is_early
    incoming.call.answer(wire.now_s)
    wire.deliver()
    assert outgoing.call.is_answered
    assert outgoing.call.end is None


def test_without_an_offer_nothing_is_heard_early() -> None:
    wire = Wire()
    wire.call()
    call = wire.invited[-1].call
    call.described = call.agreement = None
    assert not call.begin_early(wire.now_s)
    assert not call.is_early
