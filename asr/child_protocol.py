"""How a recognition process and the server write to each other: small frames of our own, nothing that is executed.

A frame is its length (4 bytes, little endian, the length of what follows), its kind (1 byte) and its fields in order.
Numbers are little endian; a text is its length in bytes (4) and UTF-8; audio is float32 as it is in memory, so that
the process hears the same numbers. The messages themselves: `asr.child_messages`.

Pure: bytes in, messages out. Whatever does not parse is a `WorkerProtocolError`, and nothing after it is read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, assert_never

import numpy as np

from asr.child_messages import (
    Abandon,
    Beat,
    Begin,
    Failed,
    Finish,
    Finished,
    Heard,
    Message,
    Push,
    Ready,
    Refused,
    Settle,
    Settled,
    Told,
)
from asr.types import Hypothesis, Language, Repair, Stretch, Word
from voice.contracts.audio import Pcm, Span
from voice.contracts.errors import WorkerProtocolError

MAX_FRAME: Final = 1 << 20
"""Bytes of the longest frame: 1 MiB, 16 s of audio or some 20 000 words."""

MAX_ITEMS: Final = 20_000
"""Words, stretches, repairs or tags of one hypothesis; more than anybody says in one utterance."""

_HEADER: Final = struct.Struct("<IB")
_U32: Final = struct.Struct("<I")
_I32: Final = struct.Struct("<i")
_F64: Final = struct.Struct("<d")
_BEAT: Final = struct.Struct("<QIdddIIId")


def encode(message: Message) -> bytes:
    """A message as a frame.

    Raises:
        WorkerProtocolError: it does not fit into one frame.
    """
    match message:
        case Begin(id=of, language=language, partials=partials):
            kind, body = 1, _U32.pack(of) + _text(language) + bytes([partials])
        case Push(id=of, speech=speech, pcm=pcm):
            kind, body = 2, _U32.pack(of) + bytes([speech]) + pcm.astype("<f4", copy=False).tobytes()
        case Finish(id=of):
            kind, body = 3, _U32.pack(of)
        case Abandon(id=of):
            kind, body = 4, _U32.pack(of)
        case Ready(name=name, languages=languages):
            kind, body = 5, _text(name) + _texts(sorted(languages))
        case Refused(code=code, message=text, fix=fix):
            kind, body = 6, _text(code) + _text(text) + _text(fix)
        case Heard(id=of, samples=samples):
            kind, body = 7, _U32.pack(of) + _U32.pack(samples)
        case Told(id=of, hypothesis=hypothesis):
            kind, body = 8, _U32.pack(of) + _hypothesis(hypothesis)
        case Finished(id=of, hypothesis=hypothesis):
            kind, body = 9, _U32.pack(of) + _hypothesis(hypothesis)
        case Failed(id=of, code=code, message=text, fix=fix):
            kind, body = 10, _U32.pack(of) + _text(code) + _text(text) + _text(fix)
        case Beat() as beat:
            kind = 11
            body = _BEAT.pack(
                beat.step,
                beat.step_audio,
                beat.work_cpu_s,
                beat.cpu_s,
                beat.waiting_s,
                beat.open,
                beat.finals_waiting,
                beat.partials_skipped,
                beat.dearest_s,
            )
        case Settle(id=of, question=question):
            kind, body = 12, _U32.pack(of) + _U32.pack(question)
        case Settled(id=of, question=question, hypothesis=hypothesis):
            kind, body = 13, _U32.pack(of) + _U32.pack(question) + _hypothesis(hypothesis)
        case _:
            assert_never(message)
    if len(body) + 1 > MAX_FRAME:
        raise WorkerProtocolError(f"A frame holds at most {MAX_FRAME} bytes; got {len(body) + 1}.")
    return _HEADER.pack(len(body) + 1, kind) + body


class FrameReader:
    """Cuts a stream of bytes into messages. Holds at most one unfinished frame and what came with it."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that `data` completes, in order.

        Raises:
            WorkerProtocolError: what came is not of this protocol; the stream is of no use from here on.
        """
        self._rest += data
        at = 0
        try:
            while len(self._rest) - at >= _HEADER.size:
                length, kind = _HEADER.unpack_from(self._rest, at)
                if not 1 <= length <= MAX_FRAME:
                    raise WorkerProtocolError(f"Expected a frame of 1 to {MAX_FRAME} bytes; got one of {length}.")
                end = at + _U32.size + length
                if end > len(self._rest):
                    return
                body = bytes(self._rest[at + _HEADER.size : end])
                at = end
                yield decode(kind, body)
        finally:
            del self._rest[:at]


def decode(kind: int, body: bytes) -> Message:
    """One frame's message.

    Raises:
        WorkerProtocolError: there is no such kind, or its fields are not these.
    """
    fields = _Fields(body)
    message: Message
    match kind:
        case 1:
            message = Begin(fields.u32(), fields.language(), fields.flag())
        case 2:
            message = Push(fields.u32(), fields.flag(), fields.pcm())
        case 3:
            message = Finish(fields.u32())
        case 4:
            message = Abandon(fields.u32())
        case 5:
            message = Ready(fields.text(), frozenset(fields.language() for _ in range(fields.count())))
        case 6:
            message = Refused(fields.text(), fields.text(), fields.text())
        case 7:
            message = Heard(fields.u32(), fields.u32())
        case 8:
            message = Told(fields.u32(), fields.hypothesis())
        case 9:
            message = Finished(fields.u32(), fields.hypothesis())
        case 10:
            message = Failed(fields.u32(), fields.text(), fields.text(), fields.text())
        case 11:
            message = fields.beat()
        case 12:
            message = Settle(fields.u32(), fields.u32())
        case 13:
            message = Settled(fields.u32(), fields.u32(), fields.hypothesis())
        case _:
            raise WorkerProtocolError(f"Expected a frame of kind 1 to 13; got kind {kind}.")
    fields.demand_end()
    return message


class _Fields:
    """Reads the fields of a frame one after the other."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def u32(self) -> int:
        return int(_U32.unpack(self._take(4))[0])

    def flag(self) -> bool:
        value = self._take(1)[0]
        if value > 1:
            raise WorkerProtocolError(f"Expected a flag of 0 or 1; got {value}.")
        return value == 1

    def number(self) -> float:
        return float(_F64.unpack(self._take(8))[0])

    def count(self) -> int:
        found = self.u32()
        if found > MAX_ITEMS:
            raise WorkerProtocolError(f"Expected at most {MAX_ITEMS} items; got {found}.")
        return found

    def text(self) -> str:
        try:
            return self._take(self.u32()).decode("utf-8")
        except UnicodeDecodeError as error:
            raise WorkerProtocolError("Expected text as UTF-8.") from error

    def language(self) -> Language:
        text = self.text()
        try:
            return Language(text)
        except ValueError as error:
            raise WorkerProtocolError(f"Expected one of {', '.join(Language)}; got {text[:20]!r}.") from error

    def pcm(self) -> Pcm:
        rest = len(self._body) - self._at
        if rest % 4:
            raise WorkerProtocolError(f"Expected audio in samples of 4 bytes; got {rest} bytes.")
        # A copy in the machine's own byte order; a view would keep the whole frame.
        return np.frombuffer(self._take(rest), "<f4").astype(np.float32)

    def span(self) -> Span:
        start, end = self.u32(), self.u32()
        if end < start:
            raise WorkerProtocolError(f"Expected a span that ends after it starts; got [{start}, {end}).")
        return Span(start, end)

    def word(self) -> Word:
        text, span = self.text(), self.span()
        confidence = self.number() if self.flag() else None
        if confidence is not None and not 0.0 <= confidence <= 1.0:
            raise WorkerProtocolError(f"Expected a confidence in [0, 1]; got {confidence}.")
        offset = int(_I32.unpack(self._take(4))[0])
        if offset < -1:
            raise WorkerProtocolError(f"Expected an offset of at least 0, or -1 for none; got {offset}.")
        return Word(text, span, confidence, None if offset < 0 else offset)

    def repair(self) -> Repair:
        return Repair(self.u32(), self.u32(), self.text(), self.text(), self.number())

    def hypothesis(self) -> Hypothesis:
        return Hypothesis(
            self.text(),
            tuple(self.word() for _ in range(self.count())),
            self.text(),
            tuple(Stretch(self.u32(), self.u32(), self.u32(), self.u32()) for _ in range(self.count())),
            tuple(self.repair() for _ in range(self.count())),
            tuple(self.text() for _ in range(self.count())),
        )

    def beat(self) -> Beat:
        beat = Beat(*_BEAT.unpack(self._take(_BEAT.size)))
        seconds = (beat.work_cpu_s, beat.cpu_s, beat.waiting_s, beat.dearest_s)
        # `not >=` and `==` catch what is no number as well.
        if any(not value >= 0 or value == float("inf") for value in seconds):
            raise WorkerProtocolError(f"Expected seconds of at least 0; got {seconds}.")
        return beat

    def demand_end(self) -> None:
        if self._at != len(self._body):
            raise WorkerProtocolError(f"Expected the frame to end; {len(self._body) - self._at} bytes follow.")

    def _take(self, count: int) -> bytes:
        taken = self._body[self._at : self._at + count]
        if len(taken) < count:
            raise WorkerProtocolError(f"Expected {count} more bytes of a field; the frame has {len(taken)}.")
        self._at += count
        return taken


def _text(text: str) -> bytes:
    # Half a surrogate pair, which no engine should make, becomes a question mark.
    encoded = text.encode("utf-8", errors="replace")
    return _U32.pack(len(encoded)) + encoded


def _texts(texts: list[Language] | tuple[str, ...]) -> bytes:
    return _U32.pack(len(texts)) + b"".join(_text(text) for text in texts)


def _hypothesis(hypothesis: Hypothesis) -> bytes:
    parts = [_text(hypothesis.text), _U32.pack(len(hypothesis.words))]
    for word in hypothesis.words:
        parts += (_text(word.text), _U32.pack(word.span.start), _U32.pack(word.span.end))
        parts.append(b"\0" if word.confidence is None else b"\1" + _F64.pack(word.confidence))
        parts.append(_I32.pack(-1 if word.offset is None else word.offset))
    parts += (_text(hypothesis.raw), _U32.pack(len(hypothesis.stretches)))
    parts += (_U32.pack(n) for s in hypothesis.stretches for n in (s.raw_start, s.raw_end, s.start, s.end))
    parts.append(_U32.pack(len(hypothesis.repairs)))
    for repair in hypothesis.repairs:
        parts += (_U32.pack(repair.start), _U32.pack(repair.end), _text(repair.before), _text(repair.after))
        parts.append(_F64.pack(repair.gain))
    return b"".join([*parts, _texts(hypothesis.tags)])
