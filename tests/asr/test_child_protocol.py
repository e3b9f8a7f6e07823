"""The protocol of recognition processes: what goes in comes out however it is cut, and nothing else does harm."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from asr.child_protocol import MAX_FRAME, MAX_ITEMS, FrameReader, decode, encode
from asr.types import Hypothesis, Language, Repair, Stretch, Word
from voice.contracts.audio import Span
from voice.contracts.errors import WorkerProtocolError

counts = st.integers(0, 2**32 - 1)
texts = st.text(max_size=30)
languages = st.sampled_from(Language)
seconds = st.floats(0, 1e9)


@st.composite
def spans(draw: st.DrawFn) -> Span:
    start = draw(st.integers(0, 2**31))
    return Span(start, start + draw(st.integers(0, 2**30)))


words = st.builds(Word, texts, spans(), st.none() | st.floats(0, 1), st.none() | st.integers(0, 2**31 - 1))
hypotheses = st.builds(
    Hypothesis,
    texts,
    st.lists(words, max_size=4).map(tuple),
    texts,
    st.lists(st.builds(Stretch, counts, counts, counts, counts), max_size=3).map(tuple),
    st.lists(st.builds(Repair, counts, counts, texts, texts, st.floats(allow_nan=False)), max_size=3).map(tuple),
    st.lists(texts, max_size=3).map(tuple),
)
messages: st.SearchStrategy[Message] = st.one_of(
    st.builds(Begin, counts, languages, st.booleans()),
    st.builds(Settle, counts, counts),
    st.builds(Settled, counts, counts, hypotheses),
    st.builds(Finish, counts),
    st.builds(Abandon, counts),
    st.builds(Ready, texts, st.frozensets(languages)),
    st.builds(Refused, texts, texts, texts),
    st.builds(Heard, counts, counts),
    st.builds(Told, counts, hypotheses),
    st.builds(Finished, counts, hypotheses),
    st.builds(Failed, counts, texts, texts, texts),
    st.builds(Beat, st.integers(0, 2**64 - 1), counts, seconds, seconds, seconds, counts, counts, counts),
)


@given(st.lists(messages, max_size=5), st.lists(st.integers(1, 40), min_size=1, max_size=20))
def test_what_is_sent_arrives_however_it_is_cut(sent: list[Message], pieces: list[int]) -> None:
    stream = b"".join(encode(message) for message in sent)
    found: list[Message] = []
    reader, at = FrameReader(), 0
    while at < len(stream):
        size = pieces[at % len(pieces)]
        found += reader.feed(stream[at : at + size])
        at += size
    assert found == sent


@given(st.lists(st.floats(width=32, allow_nan=False), max_size=50), st.booleans())
def test_audio_arrives_bit_for_bit(samples: list[float], speech: bool) -> None:
    pcm = np.array(samples, np.float32)
    (found,) = FrameReader().feed(encode(Push(7, speech, pcm)))
    assert isinstance(found, Push)
    assert (found.id, found.speech, found.pcm.dtype) == (7, speech, np.dtype(np.float32))
    assert found.pcm.tobytes() == pcm.tobytes()


@given(st.binary(max_size=400))
def test_any_bytes_are_messages_or_refused(data: bytes) -> None:
    reader = FrameReader()
    try:
        for message in reader.feed(data):
            assert isinstance(message, Message)
    except WorkerProtocolError:
        pass


@given(messages, st.integers(0, 300), st.integers(0, 255))
def test_a_damaged_frame_is_a_message_or_refused(message: Message, place: int, value: int) -> None:
    frame = bytearray(encode(message))
    frame[place % len(frame)] = value
    try:
        for found in FrameReader().feed(bytes(frame)):
            assert isinstance(found, Message)
    except WorkerProtocolError:
        pass


@given(messages)
def test_a_frame_that_is_cut_short_or_goes_on_is_refused(message: Message) -> None:
    frame = encode(message)
    kind, body = frame[4], frame[5:]
    with pytest.raises(WorkerProtocolError):
        decode(kind, body + b"\0")
    if not isinstance(message, Push):
        with pytest.raises(WorkerProtocolError):
            decode(kind, body[:-1])


@pytest.mark.parametrize("length", [0, MAX_FRAME + 1, 2**32 - 1])
def test_no_frame_is_empty_or_longer_than_allowed(length: int) -> None:
    with pytest.raises(WorkerProtocolError, match="Expected a frame of 1 to"):
        list(FrameReader().feed(struct.pack("<IB", length, 3)))


def test_what_does_not_fit_is_not_sent() -> None:
    with pytest.raises(WorkerProtocolError, match="holds at most"):
        encode(Push(1, True, np.zeros(MAX_FRAME // 4, np.float32)))


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        (14, b"", "kind 1 to 13; got kind 14"),
        (0, b"", "kind 1 to 13; got kind 0"),
        (3, b"\1", "4 more bytes"),
        (2, struct.pack("<IB", 1, 2), "flag of 0 or 1; got 2"),
        (2, struct.pack("<IB", 1, 1) + b"\0\0\0", "samples of 4 bytes"),
        (1, struct.pack("<II", 1, 2) + b"xx\1", "one of zh, en, ko; got 'xx'"),
        (6, struct.pack("<I", 1) + b"\xff", "UTF-8"),
        (9, struct.pack("<III", 1, 0, MAX_ITEMS + 1), "at most 20000 items"),
        (9, struct.pack("<IIIIII", 1, 0, 1, 0, 5, 4), "a span that ends after it starts"),
        (9, struct.pack("<IIIIIIBd", 1, 0, 1, 0, 4, 5, 1, 1.5), r"a confidence in \[0, 1\]; got 1.5"),
        (9, struct.pack("<IIIIIIBd", 1, 0, 1, 0, 4, 5, 1, float("nan")), "a confidence"),
        (11, struct.pack("<QIdddIIId", 0, 0, float("nan"), 0, 0, 0, 0, 0, 0), "seconds of at least 0"),
    ],
)
def test_what_is_wrong_with_a_field_is_said(kind: int, body: bytes, said: str) -> None:
    with pytest.raises(WorkerProtocolError, match=said):
        decode(kind, body)


def test_half_a_surrogate_pair_does_not_stop_a_final() -> None:
    (found,) = FrameReader().feed(encode(Finished(1, Hypothesis("好\ud800"))))
    assert found == Finished(1, Hypothesis("好?"))
