"""Messages that try to be something else: written after the descriptions of RFC 4475, and by chance."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.voice.sip.wire import Wire
from voice.contracts.sip_errors import SipMediaError, SipMessageError
from voice.sip.description import agree, parse_description
from voice.sip.framing import MessageFramer
from voice.sip.messages import Request, Response, Unreadable, make_request, parse_message, read_address

SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 0\r\n"
HEADERS = {
    "Via": "SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1;rport",
    "From": '"Mei, \\"the\\" caller" <sip:+8613800138000@127.0.0.1>;tag=a',
    "To": "<sip:4001@127.0.0.1>",
    "Call-ID": "abc@127.0.0.1",
    "CSeq": "1 INVITE",
    "Contact": "<sip:+8613800138000@127.0.0.1:5070>",
    "Max-Forwards": "70",
    "Content-Type": "application/sdp",
}


def invite(*more: str, line: str = "INVITE sip:4001@127.0.0.1 SIP/2.0", body: str = SDP, **changed: str | None) -> str:
    """An INVITE with headers changed (`call_id` for Call-ID), left out (None), or added as whole lines."""
    headers = HEADERS | {"Content-Length": str(len(body))}
    for name, value in changed.items():
        found = next(known for known in headers if known.lower().replace("-", "_") == name)
        if value is None:
            del headers[found]
        else:
            headers[found] = value
    lines = [line, *(f"{name}: {value}" for name, value in headers.items()), *more]
    return "\r\n".join(lines) + "\r\n\r\n" + body


def test_a_plain_invite_is_read() -> None:
    message = parse_message(invite().encode())
    assert isinstance(message, Request)
    assert message.text == SDP


@pytest.mark.parametrize(
    "text",
    [
        # Legal and unusual (RFC 4475, 3.1.1): folding, compact names, odd spacing, lower case, unknown headers.
        invite("Subject: one\r\n two\r\n\tthree"),
        invite().replace("Via:", "v:").replace("From:", "f:").replace("To:", "t:").replace("Call-ID:", "i:"),
        invite().replace("Content-Length:", "l  :").replace("Content-Type:", "c:"),
        invite("NewFangledHeader: newfangled value", "Unknown: %Z%45;;,,;"),
        invite(call_id="!*{}[]:\\'\"@;^"),
        invite() + "and what lies behind the body",
        invite("X-Words: 你好"),
    ],
)
def test_what_is_odd_and_legal_is_read(text: str) -> None:
    assert isinstance(parse_message(text.encode()), Request)


BROKEN = {
    "negative length": invite(content_length="-5"),
    "length beyond the body": invite(content_length="9999"),
    "length that is none": invite(content_length="+10"),
    "two lengths": invite("Content-Length: 0"),
    "two call-ids": invite("Call-ID: other"),
    "two cseqs": invite("CSeq: 2 INVITE"),
    "two froms": invite("From: <sip:b@c>;tag=b"),
    "cseq of another method": invite(cseq="1 BYE"),
    "cseq beyond 2^31": invite(cseq="36893488147419103232 INVITE"),
    "no cseq number": invite(cseq="INVITE"),
    "no from": invite().replace("From:", "X-From:"),
    "no tag": invite().replace(";tag=a", ""),
    "no to": invite(to=None),
    "no call-id": invite(call_id=None),
    "branch of the old kind": invite(via="SIP/2.0/UDP 127.0.0.1:5070;branch=1"),
    "no via": invite(via=None),
    "via that is none": invite(via="127.0.0.1"),
    "scalar overflow": invite(max_forwards="9999999"),
    "name without a colon": invite("NoColonHere"),
    "version 7.0": invite(line="INVITE sip:4001@127.0.0.1 SIP/7.0"),
    "space in the address": invite(line="INVITE sip:40 01@127.0.0.1 SIP/2.0"),
    "no address": invite(line="INVITE SIP/2.0"),
    "lone line feed": invite("Subject: a\nX-Injected: b"),
    "lone carriage return": invite("Subject: a\rX-Injected: b"),
    "nul": invite("Subject: a\x00b"),
    "endless header": invite("Subject: " + "a" * 5_000),
    "too many headers": invite(*(f"X-{number}: {number}" for number in range(300))),
    "headers without end": invite().replace("\r\n\r\n", "\r\n"),
    "to that is no address": invite(to="<>"),
    "response without a status": "SIP/2.0 OK\r\n\r\n",
    "nothing": "",
    "empty lines": "\r\n\r\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_refused_and_begins_no_call(name: str) -> None:
    wire = Wire()
    answer = wire.say(BROKEN[name])
    assert not answer or answer.startswith(b"SIP/2.0 400 ")
    assert not wire.invited
    assert not wire.ours.calls
    assert wire.ours.gate.refusals.total() == 1
    with suppress(SipMessageError):
        assert isinstance(parse_message(BROKEN[name].encode()), Unreadable)


def test_broken_acks_and_responses_are_never_answered() -> None:
    wire = Wire()
    ack = invite(line="ACK sip:4001@127.0.0.1 SIP/2.0", cseq="1 ACK")
    assert wire.say(ack.replace("Max-Forwards: 70", "Max-Forwards: x")) == b""
    assert wire.say("SIP/2.0 200 OK\r\n" + invite().partition("\r\n")[2]) == b""


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (invite(line="INVITE foo:4001 SIP/2.0"), 416),
        (invite("Require: 100rel"), 420),
        (invite(content_type="text/plain"), 488),
        (invite(body=SDP.replace("RTP/AVP", "RTP/SAVP")), 488),
        (invite(body=SDP.replace("8 0", "18")), 488),
        (invite(body="not a description"), 488),
        (invite(contact="<tel:+1>"), 400),
        (invite(contact=None), 400),
        (invite("Supported: timer", "Session-Expires: 20"), 422),
        (invite("Session-Expires: soon"), 400),
        (invite(line="SUBSCRIBE sip:4001@127.0.0.1 SIP/2.0", cseq="1 SUBSCRIBE"), 405),
        (invite(line="UPDATE sip:4001@127.0.0.1 SIP/2.0", cseq="1 UPDATE"), 481),
        (invite(line="CANCEL sip:4001@127.0.0.1 SIP/2.0", cseq="1 CANCEL"), 481),
        (invite(to="<sip:4001@127.0.0.1>;tag=unknown"), 481),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_status(text: str, status: int) -> None:
    wire = Wire()
    assert f"SIP/2.0 {status} ".encode() in wire.say(text)
    assert not wire.invited
    assert not wire.ours.calls


def test_a_repeated_invite_is_one_call_and_a_merged_one_none() -> None:
    wire = Wire()
    for _ in range(3):
        wire.say(invite())
    assert len(wire.invited) == 1
    assert b"SIP/2.0 482 " in wire.say(invite(via="SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKother"))
    assert len(wire.invited) == 1


def test_a_response_cannot_be_made_to_carry_another_header() -> None:
    with pytest.raises(SipMessageError):
        make_request("BYE", "sip:a@b", [("Reason", "x\r\nX-Injected: y")])


def test_a_stream_is_cut_where_messages_end() -> None:
    first, second = invite().encode(), invite(call_id="second").encode()
    framer = MessageFramer()
    got: list[bytes] = []
    stream = b"\r\n\r\n" + first + b"\r\n" + second
    for at in range(0, len(stream), 7):
        got += framer.feed(stream[at : at + 7])
    assert got == [first, second]
    for broken in (invite(content_length="-1"), invite("Content-Length: 3"), "x" * 20_000):
        with pytest.raises(SipMessageError):
            MessageFramer().feed(broken.encode())


_PIECES = st.sampled_from(
    [
        "INVITE",
        "sip:a@b",
        "SIP/2.0",
        "Via",
        ":",
        "\r\n",
        "\r\n\r\n",
        ";",
        "tag=",
        "<",
        ">",
        '"',
        ",",
        "=",
        "-1",
        " ",
        "\x00",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(_PIECES, st.text(max_size=8)), max_size=30), st.integers(0, 600), st.integers(0, 60))
def test_whatever_comes_nothing_but_the_typed_error_is_raised(pieces: list[str], at: int, gone: int) -> None:
    text = invite()
    mangled = text[:at] + "".join(pieces) + text[at + gone :]
    wire = Wire()
    for data in (mangled.encode(errors="replace"), "".join(pieces).encode(errors="replace")):
        wire.say(data)
        with suppress(SipMessageError):
            assert isinstance(parse_message(data), Request | Response | Unreadable)
    assert len(wire.invited) <= 1


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 140), st.integers(0, 30), st.text(alphabet="0123456789 vmaoc=/:\r\n-.RTPAV*", max_size=30))
def test_descriptions_of_any_kind(at: int, gone: int, put: str) -> None:
    mangled = SDP[:at] + put + SDP[at + gone :]
    with suppress(SipMediaError):
        agree(parse_description(mangled), key=bytes(30))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_addresses_of_any_kind(text: str) -> None:
    for value in (text, f"sip:{text}", f"<sip:{text}>;tag=x"):
        with suppress(SipMessageError):
            assert read_address(value).uri.scheme in ("sip", "sips", "tel")
