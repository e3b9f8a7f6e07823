"""Responses before the final one that have to be acknowledged (RFC 3262). Messages by hand, time as an argument."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tests.voice.sip.line import LOOPBACK
from tests.voice.sip.wire import CALLER, Wire
from voice.sip.call_terms import CallEnd
from voice.sip.calls import SipCall
from voice.sip.gate import Refusal

EARLY = replace(LOOPBACK, early_media=True)
SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 4000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
)


def request(method: str, seq: int, *more: str, to: str = "", branch: str = "", body: str = "") -> str:
    lines = [
        f"{method} sip:4001@127.0.0.1:5060 SIP/2.0",
        f"Via: SIP/2.0/UDP {CALLER[0]}:{CALLER[1]};branch=z9hG4bK{branch or method}{seq}",
        "From: <sip:us@127.0.0.1:5070>;tag=far",
        f"To: <sip:4001@127.0.0.1:5060>{to}",
        "Call-ID: one",
        f"CSeq: {seq} {method}",
        "Contact: <sip:us@127.0.0.1:5070>",
        "Max-Forwards: 70",
        *more,
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(lines) + "\r\n\r\n" + body


def begin(wire: Wire, *more: str) -> tuple[SipCall, str, str]:
    """A call whose 183 was sent; the call, the tag that we gave it, the number to be acknowledged."""
    offer = request("INVITE", 1, "Require: 100rel", "Content-Type: application/sdp", *more, body=SDP)
    assert b"SIP/2.0 100" in wire.say(offer)
    call = wire.invited[-1].call
    call.origin.port = 5000
    call.ring(wire.now_s)
    assert b" 180 " not in wire.raw[-1], "nothing may be said that is not acknowledged"
    assert call.begin_early(wire.now_s)
    said = wire.raw[-1].decode()
    assert said.startswith("SIP/2.0 183")
    assert "m=audio 5000" in said
    assert re.search(r"^Require: .*100rel", said, re.MULTILINE | re.IGNORECASE)
    tag, number = (
        re.search(r"^To:.*(;tag=\S+)", said, re.MULTILINE),
        re.search(r"^RSeq: (\d+)", said, re.MULTILINE | re.IGNORECASE),
    )
    assert tag is not None
    assert number is not None
    return call, tag[1], number[1]


def test_the_answer_waits_for_the_acknowledgement_and_says_nothing_twice() -> None:
    wire = Wire(trunks=(EARLY,))
    call, tag, number = begin(wire)
    call.answer(wire.now_s)
    states = [call.is_answered]
    assert b"SIP/2.0 481" in wire.say(request("PRACK", 2, "RAck: 7 1 INVITE", to=tag))
    said = wire.say(request("PRACK", 3, f"RAck: {number} 1 INVITE", to=tag))
    accepted, answer = said.split(b"SIP/2.0 200")[1:]
    assert b"3 PRACK" in accepted
    assert b"1 INVITE" in answer
    assert [*states, call.is_answered] == [False, True]
    assert b"m=audio" not in said, "the description was said reliably: it is the only one"
    before = len(wire.raw)
    wire.say(request("ACK", 1, to=tag, branch="ack"))
    wire.pass_time(40)
    assert not any(b"183" in message.split(b"\r\n")[0] for message in wire.raw[before:])
    assert call.end is None


def test_it_is_repeated_until_it_is_acknowledged() -> None:
    wire = Wire(trunks=(EARLY,))
    call, tag, number = begin(wire)
    wire.pass_time(4)
    times = sum(b" 183 " in message.split(b"\r\n")[0] for message in wire.raw)
    assert times == 4  # at 0, 0.5, 1.5 and 3.5 s
    wire.say(request("PRACK", 2, f"RAck:  {number}   1 INVITE", to=tag))
    assert b"SIP/2.0 200" in wire.say(request("PRACK", 3, f"RAck: {number} 1 INVITE", to=tag)), "again: again yes"
    wire.pass_time(10)
    assert sum(b" 183 " in message.split(b"\r\n")[0] for message in wire.raw) == times
    call.answer(wire.now_s)
    assert call.is_answered


def test_where_it_is_never_acknowledged_the_call_is_refused() -> None:
    wire = Wire(trunks=(EARLY,))
    call, *_ = begin(wire)
    call.answer(wire.now_s)
    wire.pass_time(33)
    assert any(message.startswith(b"SIP/2.0 504") for message in wire.raw)
    assert call.end is CallEnd.REFUSED
    assert not wire.ours.calls


def test_a_cancel_meanwhile_ends_it() -> None:
    wire = Wire(trunks=(EARLY,))
    call, *_ = begin(wire)
    said = wire.say(request("CANCEL", 1, branch="INVITE"))
    assert b"SIP/2.0 487" in said
    assert call.end is CallEnd.CANCELLED
    sent = len(wire.raw)
    wire.pass_time(3)
    assert not any(b" 183 " in message.split(b"\r\n")[0] for message in wire.raw[sent:])


@pytest.mark.parametrize("rack", ["", "x", "1", "99999999999999999999 1 INVITE", "1 1 BYE", "RAck: 1"])
def test_a_malformed_acknowledgement_acknowledges_nothing(rack: str) -> None:
    wire = Wire(trunks=(EARLY,))
    call, tag, _ = begin(wire)
    assert b"SIP/2.0 481" in wire.say(request("PRACK", 2, f"RAck: {rack}", to=tag))
    assert call.end is None


def test_who_requires_it_where_nothing_is_early_is_told_what_is_not_spoken() -> None:
    wire = Wire(trunks=(LOOPBACK,))
    said = wire.say(request("INVITE", 1, "Require: 100rel", "Content-Type: application/sdp", body=SDP))
    assert b"SIP/2.0 420" in said
    assert b"Unsupported: 100rel" in said
    assert wire.ours.gate.refusals[Refusal.EXTENSION] == 1


def test_who_only_can_is_not_made_to() -> None:
    wire = Wire(trunks=(EARLY,))
    wire.say(request("INVITE", 1, "Supported: 100rel", "Content-Type: application/sdp", body=SDP))
    call = wire.invited[-1].call
    call.origin.port = 5000
    assert call.begin_early(wire.now_s)
    assert b"rseq" not in wire.raw[-1].lower()
    call.answer(wire.now_s)
    assert call.is_answered


def test_that_it_is_understood_is_said_and_one_of_no_call_is_told_so() -> None:
    """RFC 3261, 20.5: every method that is understood is named; RFC 3262, 3: what acknowledges nothing gets 481."""
    wire = Wire(trunks=(EARLY,))
    assert b"SIP/2.0 481" in wire.say(request("PRACK", 8, "RAck: 7 1 INVITE", to=";tag=none"))
    assert b"SIP/2.0 481" in wire.say(request("PRACK", 9, "RAck: 7 1 INVITE"))
    options = wire.say(request("OPTIONS", 1)).decode()
    call, tag, number = begin(wire)
    call.answer(wire.now_s)
    answer = wire.say(request("PRACK", 2, f"RAck: {number} 1 INVITE", to=tag)).decode()
    outgoing = wire.call()
    assert outgoing.call.dialog.sent is not None
    for said in (options, answer, bytes(outgoing.call.dialog.sent).decode()):
        allowed = re.search(r"^Allow: (.*)\r$", said, re.MULTILINE)
        assert allowed is not None
        assert "PRACK" in allowed[1].split(", ")
