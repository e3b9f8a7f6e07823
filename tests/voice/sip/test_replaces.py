"""A call in the place of another (RFC 3891): taken over by another telephone, or by ourselves where we are told to.

Everybody speaks at a pitch, which tells who is heard.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import anyio
import anyio.lowlevel
import numpy as np
import pytest

from tests.voice.sip.line import COLLEAGUES, LOOPBACK, SETTINGS, Ear, Heard, line, phone
from tests.voice.sip.test_sipp import sipp
from tests.voice.sip.wire import Wire
from voice.audio.g711 import encode_ulaw
from voice.clock import WallClock
from voice.contracts.audio import SAMPLE_RATE, Party
from voice.contracts.sip_errors import SipMessageError
from voice.sip.call_terms import CallEnd, CallTerms, Referral
from voice.sip.codecs import PCMA, PCMU, Codec
from voice.sip.endpoint import SipEndpoint
from voice.sip.gate import Refusal
from voice.sip.leg import SipLeg
from voice.sip.line import Line
from voice.sip.messages import read_address
from voice.sip.outgoing import OutgoingCall
from voice.sip.replaces import Replaces, parse_replaces, replaces_of, unescape

pytestmark = pytest.mark.anyio
PITCHES = {"alice": 420.0, "bob": 900.0}
TRUNK = replace(LOOPBACK, transfer_to=frozenset({"127.0.0.1"}), numbers=frozenset({"4001"}))
OFFICE = replace(SETTINGS, trunks=(TRUNK,))
BOB = replace(SETTINGS, ports=COLLEAGUES)


def speak(leg: SipLeg, who: str) -> None:
    time = np.arange(30 * SAMPLE_RATE) / SAMPLE_RATE
    leg.sink.play((0.2 * np.sin(2 * np.pi * PITCHES[who] * time)).astype(np.float32))


def hears(heard: Heard) -> set[str]:
    """Whose pitches sound in the newest fifth of a second."""
    pcm = heard.pcm[-SAMPLE_RATE // 5 :]
    if pcm.size < SAMPLE_RATE // 5:
        return set()
    time, window = np.arange(pcm.size) / SAMPLE_RATE, np.hanning(pcm.size)
    return {
        name
        for name, pitch in PITCHES.items()
        if abs(np.sum(pcm * window * np.exp(-2j * np.pi * pitch * time))) / window.sum() > 0.02
    }


async def until(holds: Callable[[], bool]) -> None:
    clock = WallClock()
    with anyio.fail_after(30):
        while not holds():
            await clock.sleep_until(clock.now_s() + 0.02)


async def take_place(endpoint: SipEndpoint, target: str, replaces: str, codecs: tuple[Codec, ...] = (PCMA,)) -> SipLeg:
    """Call with Replaces, as a telephone does that was told to; returns once that has ended, one way or the other."""
    uri = read_address(target).uri
    audio = await endpoint._ports.open()
    outgoing = OutgoingCall(
        endpoint.agent,
        uri,
        await endpoint.reach(uri),
        CallTerms(codecs),
        port=audio.port,
        replaces=replaces,
    )
    leg = endpoint._leg(outgoing.call, Party.CALLER, audio)
    outgoing.begin(WallClock().now_s())
    endpoint._wake.set()
    with anyio.fail_after(30):
        await leg.answered.wait()
    return leg


def name_of(leg: SipLeg) -> Replaces:
    """How the telephone at the other end of our leg has somebody name this call to us."""
    record = leg.call.dialog.record
    return Replaces(record.call_id, record.local_tag, record.remote_tag)


@pytest.mark.parametrize("codec", [PCMA, PCMU])
async def test_another_telephone_takes_the_place_and_the_leg_goes_on(codec: Codec) -> None:
    async with line(OFFICE) as (here, ear), phone() as desk_phone:
        alice = await desk_phone.call(f"sip:4001@127.0.0.1:{here.port}", codecs=(PCMA,))
        speak(alice, "alice")
        heard = ear.calls[0]
        await until(lambda: hears(heard) == {"alice"})
        before = len(heard.frames)
        # The telephone calls who answered at their Contact, which is no number of the trunk.
        bob = await take_place(
            desk_phone, f"sip:warmline@127.0.0.1:{here.port}", name_of(heard.leg).write(), codecs=(codec,)
        )
        speak(bob, "bob")
        await until(lambda: hears(heard) == {"bob"})
        assert alice.end is CallEnd.HUNG_UP
        assert "Replaced" in alice.call.reason
        assert len(ear.calls) == 1
        starts = [frame.start for frame in heard.frames]
        assert starts == sorted(starts)
        assert len(heard.frames) > before
        successors = heard.leg.successors()
        assert (await anext(successors)).startswith("sip:warmline@127.0.0.1")
        await successors.aclose()
        alice.close()
        bob.close()
        await ear.wait_ended()
        assert heard.leg.end is CallEnd.HUNG_UP


async def test_a_telephone_of_others_making_takes_the_place(tmp_path: Path) -> None:
    """Played by sipp, which speaks for four seconds and hangs up."""
    time = np.arange(8_000) / 8_000
    tone = np.round(6_000 * np.sin(2 * np.pi * PITCHES["bob"] * time)).astype(np.int16)
    (tmp_path / "speech.ul").write_bytes(encode_ulaw(tone))
    async with line(OFFICE) as (here, ear), phone() as desk_phone:
        alice = await desk_phone.call(f"sip:4001@127.0.0.1:{here.port}", codecs=(PCMA,))
        speak(alice, "alice")
        heard = ear.calls[0]
        await until(lambda: hears(heard) == {"alice"})
        async with anyio.create_task_group() as tasks:
            wanted = ("-key", "replaces", name_of(heard.leg).write(), "-d", "4000")
            tasks.start_soon(sipp, "replaces", here.port, tmp_path, *wanted)
            await until(lambda: hears(heard) == {"bob"})
            assert alice.end is CallEnd.HUNG_UP
        await ear.wait_ended()
        alice.close()
    assert heard.leg.end is CallEnd.HUNG_UP
    assert len(ear.calls) == 1


async def test_nobody_takes_a_place_that_is_not_theirs_to_take() -> None:
    other = replace(LOOPBACK, name="other", networks=(ip_network("127.0.0.2/32"),))
    settings = replace(OFFICE, trunks=(other, *OFFICE.trunks))
    async with line(settings) as (here, ear), phone() as desk_phone:
        alice = await desk_phone.call(f"sip:4001@127.0.0.1:{here.port}", codecs=(PCMA,))
        known = name_of(ear.calls[0].leg)
        for wanted, status in (
            (replace(known, call_id="nobody@example").write(), 481),
            (replace(known, from_tag="guessed").write(), 481),
            (replace(known, to_tag="guessed").write(), 481),
            (replace(known, early_only=True).write(), 486),
            ("no dialog", 400),
            (f"{known.call_id};to-tag={known.to_tag}", 400),
        ):
            leg = await take_place(desk_phone, f"sip:4001@127.0.0.1:{here.port}", wanted)
            assert (leg.end, leg.call.status) == (CallEnd.REFUSED, status), wanted
            leg.close()
        ear.calls[0].leg.call.terms.trunk = "other"
        leg = await take_place(desk_phone, f"sip:4001@127.0.0.1:{here.port}", known.write())
        assert leg.call.status == 481
        leg.close()
        assert here.agent.gate.refusals[Refusal.REPLACES] == 7
        assert ear.calls[0].leg.end is None  # the good call is unharmed
        alice.close()
        await ear.wait_ended()


async def refer(alice: SipLeg, target: str) -> list[int]:
    """Alice's telephone asks us to call somebody else; the statuses that it was told."""
    told: list[int] = []
    alice.call.hooks.transferred = told.append
    alice.call.transfers.ask(target, WallClock().now_s())
    await until(lambda: bool(told) and told[-1] >= 200)
    return told


async def test_we_are_told_to_call_the_one_they_have_spoken_with() -> None:
    """Alice has us and bob on two lines, and connects us: REFER with Replaces."""
    async with line(OFFICE) as (here, ear), phone() as desk_phone, anyio.create_task_group() as tasks:
        bobs = Ear(tasks)
        async with SipEndpoint.open(BOB, WallClock()) as bob_phone:
            with bob_phone.accept(bobs.take):
                alice = await desk_phone.call(f"sip:4001@127.0.0.1:{here.port}", codecs=(PCMA,))
                with_bob = await desk_phone.call(f"sip:bob@127.0.0.1:{bob_phone.port}", codecs=(PCMA,))
                bob = bobs.calls[0].leg
                speak(bob, "bob")
                target = replaces_of(with_bob.call).write_into(f"sip:bob@127.0.0.1:{bob_phone.port}")
                assert await refer(alice, target) == [100, 200]
                await until(lambda: hears(ear.calls[0]) == {"bob"})
                await until(lambda: with_bob.end is not None and alice.end is not None)
                assert len(ear.calls) == len(bobs.calls) == 1
                alice.close()
                with_bob.close()
                bob.close()
                await ear.wait_ended()
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize(("target", "status"), [("sip:bob@127.0.0.1:{port}", 603), ("sip:x@evil.example", 403)])
async def test_a_referral_that_fails_leaves_everybody_where_they_were(target: str, status: int) -> None:
    async def decline(leg: SipLeg, _: Line) -> None:
        await anyio.lowlevel.checkpoint()
        leg.call.refuse(603, WallClock().now_s())
        leg.close()

    async with line(OFFICE) as (here, ear), phone() as desk_phone, SipEndpoint.open(BOB, WallClock()) as busy:
        with busy.accept(decline):
            alice = await desk_phone.call(f"sip:4001@127.0.0.1:{here.port}", codecs=(PCMA,))
            speak(alice, "alice")
            told = await refer(alice, target.format(port=busy.port))
            assert told[-1] == status
            await until(lambda: hears(ear.calls[0]) == {"alice"})
            alice.close()
            await ear.wait_ended()


@pytest.mark.parametrize(
    "value",
    [
        "",
        "a",
        "a;to-tag=1",
        "a;from-tag=1;to-tag=",
        "a b;to-tag=1;from-tag=2",
        "a;to-tag=1;to-tag=2;from-tag=3",
        "a" * 600,
    ],
)
def test_what_names_no_call_is_refused(value: str) -> None:
    with pytest.raises(SipMessageError):
        parse_replaces(value)


def test_a_name_survives_the_way_through_a_target() -> None:
    wanted = Replaces("98asjd8@127.0.0.1", "to.1", "from-2", early_only=True)
    target = wanted.write_into("sip:bob@127.0.0.1:5070")
    found = read_address(f"<{target}>").uri
    assert unescape(found.headers["Replaces"]) == wanted
    assert parse_replaces(wanted.write()) == wanted


def test_a_refer_brings_nothing_else_with_it() -> None:
    wire = Wire()
    outgoing, incoming = wire.talk()
    asked: list[Referral] = []
    outgoing.call.terms.transfer_to = frozenset({"pbx.example"})
    told: list[int] = []
    incoming.call.hooks.transferred = told.append

    def take(referral: Referral) -> bool:
        asked.append(referral)
        return True

    outgoing.call.hooks.referred = take
    for target in ("sip:b@pbx.example?Subject=x", "sip:b@pbx.example?Replaces=x", "sip:b@pbx.example;method=BYE"):
        incoming.call.transfers.ask(target, wire.now_s)
        wire.deliver()
    assert told == [400, 400, 400]
    incoming.call.transfers.ask("sip:b@pbx.example?Replaces=c%3Bto-tag%3D1%3Bfrom-tag%3D2", wire.now_s)
    wire.deliver()
    assert asked == [Referral("sip:b@pbx.example", "c;to-tag=1;from-tag=2")]
