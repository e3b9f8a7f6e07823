"""Signalling: what is lost, crossed, repeated or never comes. Two user agents, and a network that is driven by hand."""

from __future__ import annotations

import re
from ipaddress import ip_network

import pytest

from tests.voice.sip.wire import CALLER, Wire
from voice.sip.call_terms import CallEnd, Referral
from voice.sip.calls import SipCall
from voice.sip.digest import Credentials
from voice.sip.gate import Refusal
from voice.sip.session_timer import SessionInterval
from voice.sip.transactions import Flow
from voice.sip.trunks import Trunk


def end_of(call: SipCall) -> CallEnd | None:
    """Why a call is over: mypy would take what it was before for what it is now."""
    return call.end


def both_over(wire: Wire) -> bool:
    return not wire.ours.calls and not wire.theirs.calls


def test_a_call_begins_and_ends() -> None:
    wire = Wire()
    outgoing, incoming = wire.talk()
    assert outgoing.call.agreement is not None
    assert outgoing.call.agreement.codec.name == "opus"
    assert incoming.call.is_answered
    incoming.call.hang_up(wire.now_s, reason='Q.850;cause=16;text="done"')
    wire.deliver()
    assert (outgoing.call.end, outgoing.call.reason) == (CallEnd.HUNG_UP, 'Q.850;cause=16;text="done"')
    assert incoming.call.end is CallEnd.LEFT
    wire.pass_time(70, 1.0)
    assert both_over(wire)
    assert len(wire.ours.transactions) == len(wire.theirs.transactions) == 0


def test_a_lost_answer_and_a_lost_ack_are_made_good() -> None:
    wire = Wire()
    losses = {"200 OK": 2, "ACK": 1, "INVITE": 1, "BYE": 1}

    def lose(said: str) -> bool:
        losses[said] = losses.get(said, 0) - 1
        return losses[said] >= 0

    wire.lose = lose
    wire.call()
    wire.pass_time(1)
    assert len(wire.invited) == 1
    call = wire.invited[0].call
    call.origin.port = 5000
    call.answer(wire.now_s)
    wire.pass_time(10)
    assert wire.count("us", "200 OK") == 4  # two lost, one whose ACK was lost, one more
    assert wire.count("them", "ACK") == 2
    call.hang_up(wire.now_s)
    wire.pass_time(10)
    assert both_over(wire)


def test_without_an_ack_the_call_is_given_up() -> None:
    wire = Wire(lose=lambda said: said == "ACK")
    _, incoming = wire.talk()
    wire.pass_time(31)
    assert end_of(incoming.call) is None
    assert wire.count("us", "200 OK") == 10  # 0, 0.5, 1.5, 3.5, 7.5 s, every 4 s from there (RFC 3261, 13.3.1.4)
    wire.pass_time(2)
    assert incoming.call.end is CallEnd.UNACKNOWLEDGED
    assert wire.count("us", "BYE") == 1
    wire.pass_time(70, 1.0)
    assert both_over(wire)


def test_who_gives_up_before_anything_was_answered_cancels_when_it_is() -> None:
    wire = Wire(lose=lambda said: said == "100 Trying")
    outgoing = wire.call()
    outgoing.give_up(wire.now_s)
    wire.deliver()
    assert wire.count("them", "CANCEL") == 0  # RFC 3261, 9.1
    wire.lose = lambda _: False
    wire.invited[0].call.ring(wire.now_s)
    wire.pass_time(1)
    assert wire.count("them", "CANCEL") == 1
    assert wire.invited[0].call.end is CallEnd.CANCELLED
    assert wire.count("us", "487 Request Terminated") == 1
    wire.pass_time(70, 1.0)
    assert both_over(wire)


def test_a_cancel_that_crosses_the_answer_ends_in_a_bye() -> None:
    wire = Wire()
    outgoing = wire.call()
    call = wire.invited[0].call
    call.ring(wire.now_s)
    wire.deliver()
    call.answer(wire.now_s)  # on its way
    outgoing.give_up(wire.now_s)  # and so is this
    wire.deliver()
    assert wire.count("them", "ACK") == 1
    assert wire.count("them", "BYE") == 1
    assert call.end is CallEnd.HUNG_UP
    wire.pass_time(70, 1.0)
    assert both_over(wire)


def test_offers_that_cross_are_made_again() -> None:
    wire = Wire()
    outgoing, incoming = wire.talk()
    outgoing.call.hold(wire.now_s, held=True)
    incoming.call.hold(wire.now_s, held=True)
    wire.deliver()
    assert wire.count("us", "491 Request Pending") == wire.count("them", "491 Request Pending") == 1
    wire.pass_time(5)
    assert incoming.call.agreement is not None
    assert incoming.call.agreement.is_on_hold
    assert outgoing.call.agreement is not None
    assert outgoing.call.agreement.is_on_hold
    assert incoming.call.end is outgoing.call.end is None


def test_hold_and_resume() -> None:
    wire = Wire()
    outgoing, incoming = wire.talk()
    outgoing.call.hold(wire.now_s, held=True)
    wire.deliver()
    assert incoming.call.agreement is not None
    assert (incoming.call.agreement.is_on_hold, incoming.call.agreement.sends) == (True, False)
    outgoing.call.hold(wire.now_s, held=False)
    wire.deliver()
    assert not incoming.call.agreement.is_on_hold


def test_a_bye_before_the_answer_ends_the_call() -> None:
    wire = Wire()
    outgoing = wire.call()
    call = wire.invited[0].call
    call.ring(wire.now_s)
    wire.deliver()
    record, our_tag = outgoing.call.dialog.record, call.dialog.record.local_tag
    answer = wire.say(
        "BYE sip:warmline@127.0.0.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKearly\r\n"
        f"From: <{record.local_uri}>;tag={record.local_tag}\r\nTo: <sip:4001@127.0.0.1>;tag={our_tag}"
        f"\r\nCall-ID: {record.call_id}\r\nCSeq: 2 BYE\r\nContent-Length: 0\r\n\r\n"
    )
    assert b"SIP/2.0 200 OK" in answer
    assert b"SIP/2.0 487 Request Terminated" in answer
    assert call.end is CallEnd.HUNG_UP


def test_a_session_is_refreshed_and_ends_where_nobody_does() -> None:
    wire = Wire()
    outgoing, incoming = wire.talk()
    for call in (outgoing.call, incoming.call):
        call.interval = SessionInterval(90, "uas")
        call.begin_session(wire.now_s)
    wire.pass_time(200)
    assert wire.count("us", "UPDATE") == 4
    assert end_of(incoming.call) is end_of(outgoing.call) is None
    wire.lose = lambda _: True
    wire.pass_time(120)
    assert outgoing.call.end is CallEnd.SESSION_EXPIRED
    assert incoming.call.end is CallEnd.SESSION_EXPIRED
    wire.pass_time(70, 1.0)
    assert both_over(wire)


def test_an_invite_that_nobody_answers_is_given_up() -> None:
    wire = Wire(lose=lambda _: True)
    outgoing = wire.call()
    wire.pass_time(33)
    assert outgoing.call.end is CallEnd.UNANSWERED
    assert wire.count("them", "INVITE") == 7  # 0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 s (RFC 3261, 17.1.1.2)


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_users_prove_a_password(algorithm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voice.sip.digest.ALGORITHMS", (algorithm,))
    users = Trunk("phones", users={"ann": "correct horse"})
    wire = Wire(trunks=(users,))
    wire.call(Credentials("ann", "correct horse"))
    assert [incoming.admitted.user for incoming in wire.invited] == ["ann"]
    assert wire.count("us", "401 Unauthorized") == 1
    assert not wire.ours.gate.refusals


def test_a_wrong_password_and_an_unknown_user_look_alike() -> None:
    wire = Wire(trunks=(Trunk("phones", users={"ann": "correct horse"}),))
    ends = []
    for credentials in (Credentials("ann", "wrong horse!"), Credentials("bob", "correct horse"), None):
        outgoing = wire.call(credentials)
        ends.append((outgoing.call.end, outgoing.call.status))
    assert ends == [(CallEnd.REFUSED, 401)] * 3
    assert not wire.invited
    assert wire.ours.gate.refusals == {Refusal.CREDENTIALS: 2}


def test_a_proof_is_good_for_one_request() -> None:
    wire = Wire(trunks=(Trunk("phones", users={"ann": "correct horse"}),))
    outgoing = wire.call(Credentials("ann", "correct horse"))
    proven = outgoing.call.dialog.sent
    assert proven is not None
    replayed = bytes(proven).replace(b"branch=z9hG4bK", b"branch=z9hG4bKagain").replace(b"Call-ID: ", b"Call-ID: x")
    assert b"401 Unauthorized" in wire.say(replayed.decode())
    assert len(wire.invited) == 1


def test_a_flood_from_one_source_harms_nobody_else() -> None:
    wire = Wire()
    outgoing, incoming = wire.talk()
    template = bytes(outgoing.call.dialog.sent or b"").decode()
    for number in range(2_000):
        text = template.replace("z9hG4bK", f"z9hG4bK{number}x").replace("Call-ID: ", f"Call-ID: {number}")
        wire.ours.receive(text.encode(), Flow("udp", ("198.51.100.9", 5070)), wire.now_s)
        wire.ours.receive(text.encode(), Flow("udp", CALLER), wire.now_s)
    assert wire.ours.gate.refusals[Refusal.RATE] > 3_800
    assert len(wire.invited) <= 41
    assert incoming.call.end is None
    incoming.call.hang_up(wire.now_s)
    wire.deliver()
    assert outgoing.call.end is CallEnd.HUNG_UP


def test_numbers_that_a_trunk_has_not_are_not_found() -> None:
    trunk = Trunk("few", networks=(ip_network("127.0.0.0/8"),), numbers=frozenset({"4002"}))
    wire = Wire(trunks=(trunk,))
    assert wire.call().call.status == 404
    assert wire.ours.gate.refusals == {Refusal.NUMBER: 1}


def test_an_expert_may_be_asked_to_take_the_call() -> None:
    wire = Wire()
    outgoing, incoming = wire.talk()
    told: list[int] = []
    asked: list[str] = []
    incoming.call.hooks.transferred = told.append
    outgoing.call.terms.transfer_to = frozenset({"pbx.example"})

    def refer(referral: Referral) -> bool:
        asked.append(referral.target)
        return True

    outgoing.call.hooks.referred = refer
    incoming.call.transfers.ask("sip:expert@pbx.example", wire.now_s)
    wire.deliver()
    outgoing.call.transfers.notify(180, wire.now_s)
    outgoing.call.transfers.notify(486, wire.now_s)
    wire.deliver()
    assert asked == ["sip:expert@pbx.example"]
    assert told == [100, 180, 486]
    assert incoming.call.end is None  # the transfer failed: the caller is still here


@pytest.mark.parametrize("target", ["sip:900123@evil.example", "tel:+1900123", "sip:a@pbx.example?Replaces=x"])
def test_a_transfer_to_elsewhere_is_refused(target: str) -> None:
    wire = Wire()
    outgoing, incoming = wire.talk()
    told: list[int] = []
    incoming.call.hooks.transferred = told.append
    outgoing.call.terms.transfer_to = frozenset({"pbx.example"})
    outgoing.call.hooks.referred = lambda _: True
    incoming.call.transfers.ask(target, wire.now_s)
    wire.deliver()
    assert told in ([403], [400])
    assert incoming.call.end is outgoing.call.end is None


def test_a_call_without_an_offer_is_offered_one() -> None:
    wire = Wire()
    head = (
        "Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK{branch}\r\nFrom: <sip:a@127.0.0.1>;tag=a\r\n"
        "To: <sip:4001@127.0.0.1>{tag}\r\nCall-ID: late\r\nCSeq: 1 {method}\r\nContact: <sip:a@127.0.0.1:5070>\r\n"
    )
    wire.say("INVITE sip:4001@127.0.0.1 SIP/2.0\r\n" + head.format(branch="1", tag="", method="INVITE") + "\r\n")
    call = wire.invited[0].call
    call.origin.port = 5000
    before = len(wire.raw)
    call.answer(wire.now_s)
    assert re.search(rb"m=audio 5000 RTP/AVP 96 .*8 0 13 101 102\r\n", wire.raw[before])
    tag = f";tag={call.dialog.record.local_tag}"
    body = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 101\r\n"
    body += "a=rtpmap:101 telephone-event/8000\r\n"
    ack = (
        head.format(branch="2", tag=tag, method="ACK") + f"Content-Type: application/sdp\r\nContent-Length: {len(body)}"
    )
    wire.say("ACK sip:4001@127.0.0.1 SIP/2.0\r\n" + ack + "\r\n\r\n" + body)
    assert call.agreement is not None
    assert (call.agreement.codec.name, call.agreement.remote) == ("PCMA", ("127.0.0.1", 4000))
    assert call.agreement.event_type == 101
    wire.pass_time(40, 1.0)
    assert call.end is None
