"""Any number of malformed datagrams at everything in `voice/rtp` that reads what strangers send.

`python -m tests.voice.rtp.fuzz 1000000` changes well-formed packets, reports and payloads at random and gives them to
the parsers and to a whole session; it ends with what was counted, or with the input that broke it. Where atheris is
installed, `fuzz_one` is its target: `python -m tests.voice.rtp.fuzz --atheris -atheris_runs=1000000 FOLDER`, FOLDER
being where inputs worth keeping are kept. `--corpus FOLDER` writes the well-formed ones there, to begin with.
"""

from __future__ import annotations

import random
import sys
from contextlib import suppress
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import numpy as np

from voice.audio.opus import OpusEncoder
from voice.contracts.audio import AudioFrame, Party
from voice.contracts.errors import RtpError
from voice.rtp.opus_payload import MAX_SAMPLES, has_redundancy, is_dtx, payload_samples
from voice.rtp.packet import RtpPacket, parse_rtp, write_rtp
from voice.rtp.rtcp import Goodbye, ReceiverReport, ReportBlock, SenderReport, parse_rtcp, write_rtcp
from voice.rtp.session import Negotiated, RtpSession

PAYLOAD_TYPE = 96


def seeds() -> list[bytes]:
    """Well-formed datagrams of every kind."""
    encoder = OpusEncoder()
    noise = np.random.default_rng(0).normal(0, 0.1, (40, 320)).astype(np.float32)
    speech = [encoder.encode(frame) for frame in noise] + [encoder.encode(frame * 0) for frame in noise]
    packets = [
        write_rtp(RtpPacket(PAYLOAD_TYPE, False, number, number * 960, 1 + number % 2, payload), extensions)
        for number, payload in enumerate(speech)
        for extensions in ((), ((1, b"0"), (2, b"\x20")))
    ]
    block = ReportBlock(7, 12, -3, 70_000, 100, 5, 6)
    reports = [
        write_rtcp(SenderReport(1, 2**60, 3, 4, 5, (block, block)), "name"),
        write_rtcp(ReceiverReport(1, (block,)), "name"),
        write_rtcp(Goodbye((1, 2))),
    ]
    return packets + reports


def changed(datagram: bytes, chance: random.Random) -> bytes:
    """The datagram with a few of its bytes changed, taken out, put in or repeated."""
    data = bytearray(datagram)
    for _ in range(chance.randint(0, 4)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(5):
            case 0 if at < len(data):
                data[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
            case 1:
                del data[at : at + chance.randint(1, 8)]
            case 2:
                data[at:at] = chance.randbytes(chance.choice((1, 4, 40)))
            case 3:
                data += data[at : at + 40] * chance.choice((1, 40))
            case _:
                del data[at:]
    return bytes(data)


class Target:
    """A session that goes on whatever comes, and remembers what came out."""

    def __init__(self) -> None:
        self.session = RtpSession(Party.CALLER, sequence=0, timestamp=0, ntp_origin_s=3.9e9)
        self.session.agree(Negotiated(7, "name", PAYLOAD_TYPE))
        self._now_s = 1.0
        self._last: AudioFrame | None = None

    def take(self, datagram: bytes, wait_s: float) -> None:
        """Give it to every reader; raises AssertionError where one of them breaks its promise."""
        for read in (parse_rtp, parse_rtcp):
            try:
                read(datagram)
            except RtpError:
                continue
        has_redundancy(datagram)
        is_dtx(datagram)
        with suppress(RtpError):
            assert 120 <= payload_samples(datagram) <= MAX_SAMPLES
        self._now_s += wait_s
        session = self.session
        session.receive_rtp(datagram, self._now_s)
        session.receive_rtcp(datagram, self._now_s)
        frames = session.incoming.take(self._now_s)
        for before, after in pairwise([*([self._last] if self._last else []), *frames]):
            assert before.start < after.start
        if frames:
            self._last = frames[-1]
        assert session.incoming.buffer.waiting <= 512
        session.report(self._now_s)
        assert 1 <= session.statistics().mos <= 4.5


def fuzz_one(data: bytes) -> None:
    """One input: datagrams, each behind a byte that says how long it is."""
    target = Target()
    while data:
        size, data = data[0], data[1:]
        target.take(data[:size], size / 1000)
        data = data[size:]


def write_corpus(folder: Path) -> int:
    """Write well-formed inputs of `fuzz_one`, one per file; answers how many."""
    folder.mkdir(parents=True, exist_ok=True)
    known = [datagram for datagram in seeds() if len(datagram) < 256]
    for number, datagram in enumerate(known):
        (folder / f"seed-{number:03}").write_bytes(bytes((len(datagram),)) + datagram)
    stream = b"".join(bytes((len(datagram),)) + datagram for datagram in known)
    (folder / "seed-stream").write_bytes(stream)
    return len(known) + 1


def main(inputs: int, seed: int = 1) -> None:
    """Run so many inputs through sessions of a thousand each."""
    chance = random.Random(seed)
    known = seeds()
    target = Target()
    refused = 0
    for number in range(inputs):
        if number % 1_000 == 0:
            refused += target.session.statistics().refused
            target = Target()
        datagram = changed(chance.choice(known), chance)
        try:
            target.take(datagram, chance.choice((0.0, 0.0, 0.005, 0.02, 0.1)))
        except BaseException:
            sys.stderr.write(f"broke at input {number} of seed {seed}: {datagram.hex()}\n")
            raise
    sys.stdout.write(f"{inputs} inputs, {refused} refused, nothing but typed errors\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--atheris"]:
        atheris = import_module("atheris")
        atheris.instrument_all()
        atheris.Setup([sys.argv[0], *sys.argv[2:]], fuzz_one)
        atheris.Fuzz()
    elif sys.argv[1:2] == ["--corpus"]:
        write_corpus(Path(sys.argv[2]))
    else:
        main(int(sys.argv[1]))
