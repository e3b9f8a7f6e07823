"""Any number of inputs at each parser of what strangers send: whatever comes, a typed error or a sound answer.

`fuzz.py` runs them under atheris. What is worth keeping of what it finds lies in `seeds/NAME.txt`, an input a line in
base64; `python -m tests.voice.fuzz_parsers NAME FOLDER` makes that file from a folder.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, Final

from voice.contracts.errors import RtpError, SdpError, StreamProtocolError
from voice.contracts.sip_errors import SipMediaError, SipMessageError
from voice.rtp.opus_payload import MAX_SAMPLES, has_redundancy, is_dtx, payload_samples
from voice.rtp.packet import parse_rtp, write_rtp
from voice.rtp.rtcp import parse_rtcp
from voice.sip.description import Origin, agree, parse_description, write_answer
from voice.sip.messages import (
    Request,
    Unreadable,
    cseq_of,
    make_response,
    method_of,
    parse_message,
    stamp_source,
    tag_of,
    tokens_of,
    via_of,
)
from voice.stream.messages import Media, Start
from voice.stream.messages import parse_message as parse_stream_message
from voice.webrtc.sdp import checked, with_speech_parameters

SEEDS: Final = Path(__file__).parent / "seeds"
_ORIGIN: Final = Origin("192.0.2.1", 4_000, 1, key=bytes(30))


def rtp(data: bytes) -> None:
    """A packet: what was read can be written and read again."""
    with suppress(RtpError):
        packet = parse_rtp(data)
        assert parse_rtp(write_rtp(packet)) == packet


def rtcp(data: bytes) -> None:
    """Reports."""
    with suppress(RtpError):
        assert isinstance(parse_rtcp(data), tuple | list)


def opus(data: bytes) -> None:
    """A payload's own account of itself."""
    with suppress(RtpError):
        assert 120 <= payload_samples(data) <= MAX_SAMPLES
    assert not (is_dtx(data) and has_redundancy(data))


def sdp(data: bytes) -> None:
    """A browser's offer: what was checked stays so."""
    text = data.decode("utf-8", "surrogateescape")
    with suppress(SdpError):
        good = checked(text)
        assert checked(good) == good
        with_speech_parameters(good)


def sip_sdp(data: bytes) -> None:
    """A telephone's offer: what we answer can be read by ourselves."""
    with suppress(SipMediaError):
        described = parse_description(data.decode("utf-8", "replace"))
        answer = write_answer(_ORIGIN, described, agree(described, key=bytes(30)))
        assert answer.startswith("v=0")
        assert answer.count("m=") >= len(described.lines)


def sip(data: bytes) -> None:
    """A SIP message: what passes can be asked for everything that is relied upon, and be answered."""
    try:
        message = parse_message(data)
    except SipMessageError:
        return
    if isinstance(message, Unreadable):
        make_response(message.request, 400, reason="Bad Request")
        return
    assert method_of(message)
    assert cseq_of(message).seq >= 0
    via_of(message)
    for name in ("from", "to"):
        tag_of(message, name)
    tokens_of(message, "supported")
    if isinstance(message, Request):
        stamp_source(message, ("192.0.2.7", 5060))
        make_response(message, 200)


def stream(data: bytes) -> None:
    """A message of a media stream's provider."""
    with suppress(StreamProtocolError):
        message = parse_stream_message(data.decode("utf-8", "surrogateescape"))
        match message:
            case Media():
                assert message.at_ms >= 0
            case Start():
                assert message.stream
            case _:
                pass


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    each.__name__: each for each in (rtp, rtcp, opus, sdp, sip_sdp, sip, stream)
}


def kept(name: str) -> list[bytes]:
    """The inputs that are worth keeping, of one parser."""
    return [base64.b64decode(line) for line in (SEEDS / f"{name}.txt").read_text().split()]


def keep(name: str, folder: Path) -> int:
    """Write those of a folder's inputs that go through the parser as no shorter one does; answers how many."""
    known: set[tuple[str, int, int]] = set()
    lines: list[bytes] = []
    for data in sorted((path.read_bytes() for path in folder.iterdir()), key=lambda each: (len(each), each)):
        steps = _steps(TARGETS[name], data)
        if data and not steps <= known:
            known |= steps
            lines.append(base64.b64encode(data))
    SEEDS.mkdir(exist_ok=True)
    (SEEDS / f"{name}.txt").write_bytes(b"\n".join(lines) + b"\n")
    return len(lines)


def _steps(target: Callable[[bytes], None], data: bytes) -> set[tuple[str, int, int]]:
    """From which line to which of our parsers an input leads."""
    steps: set[tuple[str, int, int]] = set()

    def follow(frame: FrameType, event: str, _: object) -> Callable[..., Any] | None:
        file = frame.f_code.co_filename
        if "/voice/" not in file or "/tests/" in file:
            return None
        before = 0

        def step(inner: FrameType, event: str, _: object) -> Callable[..., Any]:
            nonlocal before
            steps.add((file, before, inner.f_lineno))
            before = inner.f_lineno
            return step

        return step(frame, event, None)

    sys.settrace(follow)
    try:
        target(data)
    finally:
        sys.settrace(None)
    return steps


if __name__ == "__main__":
    sys.stdout.write(f"{keep(sys.argv[1], Path(sys.argv[2]))} kept\n")
