"""What calls leave behind: nothing, however they end, and whatever is lost. Two user agents, driven by hand."""

from __future__ import annotations

import gc
import weakref

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.voice.sip.wire import Wire
from voice.sip.call_terms import CallEnd
from voice.sip.calls import SipCall
from voice.sip.session_timer import SessionInterval
from voice.sip.timers import MOST_CANCELLED, Timers


def is_clean(wire: Wire) -> bool:
    return all(not agent.calls and not agent.transactions and not agent.timers for agent in (wire.ours, wire.theirs))


def test_calls_with_long_sessions_are_forgotten_when_they_end() -> None:
    wire = Wire()
    calls: list[weakref.ref[SipCall]] = []
    for _ in range(150):
        outgoing, incoming = wire.talk()
        for call in (outgoing.call, incoming.call):
            call.interval = SessionInterval(7_200, "uas")
            call.begin_session(wire.now_s)
            calls.append(weakref.ref(call))
        wire.pass_time(0.1)
        incoming.call.hang_up(wire.now_s)
        wire.invited.clear()
        wire.deliver()
    wire.pass_time(70, 1.0)
    assert is_clean(wire)
    del outgoing, incoming, call
    gc.collect()
    assert not [one for one in calls if one() is not None]


def test_a_ringing_call_whose_cancel_is_lost_is_forgotten() -> None:
    wire = Wire()
    outgoing = wire.call()
    wire.invited[0].call.ring(wire.now_s)
    wire.deliver()
    wire.lose = lambda _: True
    outgoing.give_up(wire.now_s)
    wire.pass_time(700, 5.0)
    assert not wire.theirs.transactions
    assert not wire.theirs.timers


def test_a_bye_before_the_ack_ends_the_call_and_its_answer() -> None:
    wire = Wire(lose=lambda said: said == "ACK")
    outgoing, incoming = wire.talk()
    outgoing.call.hang_up(wire.now_s)
    wire.deliver()
    assert incoming.call.end is CallEnd.HUNG_UP
    answers = wire.count("us", "200 OK")
    wire.pass_time(70, 1.0)
    assert wire.count("us", "200 OK") == answers  # the INVITE's is not repeated any more
    assert is_clean(wire)


def test_a_refresh_waits_for_an_offer_that_is_open() -> None:
    wire = Wire()
    outgoing, incoming = wire.talk()
    ours = incoming.call
    outgoing.call.interval = ours.interval = SessionInterval(90, "uas")
    for call in (outgoing.call, ours):
        call.begin_session(wire.now_s)
    ours._updates = False  # the other side takes no UPDATE: a refresh is an INVITE, too
    wire.pass_time(44)
    wire.lose = lambda said: said == "INVITE"
    ours.hold(wire.now_s, held=True)
    wire.pass_time(2)
    assert wire.count("us", "INVITE") in (2, 3)  # the hold, again and again, and nothing beside it
    wire.lose = lambda _: False
    wire.pass_time(90)
    assert ours.end is outgoing.call.end is None
    assert outgoing.call.agreement is not None
    ours.hang_up(wire.now_s)
    wire.pass_time(70, 1.0)
    assert is_clean(wire)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["ring", "answer", "hang up", "give up", "hold", "wait"]), st.booleans())))
def test_whatever_crosses_and_is_lost_nothing_is_left(steps: list[tuple[str, bool]]) -> None:
    wire = Wire()
    lost = iter([lose for _, lose in steps] * 40)
    wire.lose = lambda _: next(lost, False)
    outgoing = wire.call()
    for step, delivers in steps:
        call = wire.invited[0].call if wire.invited else None
        match step:
            case "ring" if call is not None:
                call.ring(wire.now_s)
            case "answer" if call is not None:
                call.origin.port = 5000
                call.answer(wire.now_s)
            case "hang up" if call is not None:
                call.hang_up(wire.now_s)
            case "give up":
                outgoing.give_up(wire.now_s)
            case "hold":
                outgoing.call.hold(wire.now_s, held=delivers)
            case _:
                wire.pass_time(1, 0.5)
        if delivers:
            wire.deliver()
    outgoing.give_up(wire.now_s)
    wire.pass_time(40, 0.5)
    for call in [outgoing.call, *(incoming.call for incoming in wire.invited)]:
        call.hang_up(wire.now_s)
    wire.pass_time(700, 5.0)
    assert is_clean(wire)


def test_timers_that_were_cancelled_take_no_place() -> None:
    timers, done = Timers(), list[float]()
    kept = [timers.at(1_000.0 + at, done.append) for at in range(10)]
    for at in range(10 * MOST_CANCELLED):
        timers.at(5_000.0 + at, done.append).cancel()
    assert len(timers) == 10
    assert len(timers._heap) <= 10 + MOST_CANCELLED + 1
    kept[3].cancel()
    kept[3].cancel()
    timers.run(1_100.0)
    assert len(done) == 9
    kept[0].cancel()  # too late, and harmless
    assert len(timers) == 0
    timers.run(9_000_000.0)
    assert (len(done), len(timers)) == (9, 0)
