"""Legs of every kind with the person at their other end: what they say comes to the bridge, what it mixes to their ear.

All of what a leg does to sound is here (codecs, packets, jitter buffers); sockets and encryption are not. Time is a
manual clock's.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import numpy as np

from voice.audio.g711 import decode_ulaw
from voice.audio.line import LineUpsampler
from voice.audio.resampling import to_float
from voice.clock import ManualClock
from voice.contracts.audio import FRAME_SAMPLES, AudioFrame, Party, Pcm
from voice.contracts.ports import AudioSink
from voice.playout import Playout
from voice.rtp.outgoing import OutgoingSpeech
from voice.rtp.session import Negotiated, RtpSession
from voice.sip.codecs import G722, PCMA, Codec
from voice.sip.description import Agreement
from voice.sip.media import CallMedia
from voice.sip.reporting import Begin
from voice.stream.leg import StreamSink

OUR_END, THEIR_END = ("192.0.2.1", 4000), ("203.0.113.5", 4000)
_SILENCE: Final = np.zeros(FRAME_SAMPLES, np.float32)


class FarEnd(Protocol):
    """A leg, and who is at its other end."""

    @property
    def sink(self) -> AudioSink: ...

    def say(self, pcm: Pcm) -> Sequence[Pcm]:
        """Let them say 20 ms; answers what of theirs the bridge hears now."""
        ...

    def listen(self) -> Pcm:
        """The 20 ms that they hear now."""
        ...


class Direct:
    """Nothing between a person and the bridge but what every leg has."""

    def __init__(self, _clock: ManualClock) -> None:
        self.sink = Playout()

    def say(self, pcm: Pcm) -> Sequence[Pcm]:
        return [pcm]

    def listen(self) -> Pcm:
        return self.sink.take(FRAME_SAMPLES)


class _Ear:
    """Plays frames 20 ms at a time; silence where none is there."""

    def __init__(self) -> None:
        self._waiting: deque[Pcm] = deque()

    def put(self, frames: Sequence[AudioFrame]) -> None:
        self._waiting.extend(frame.pcm for frame in frames)

    def take(self) -> Pcm:
        return self._waiting.popleft() if self._waiting else _SILENCE


class Browser:
    """Opus in RTP, both ways."""

    def __init__(self, clock: ManualClock) -> None:
        self.sink = Playout()
        self._clock = clock
        self._ours, self._theirs = (
            RtpSession(party, sequence=1, timestamp=7, ntp_origin_s=3.9e9) for party in (Party.CALLER, Party.AGENT)
        )
        for number, session in enumerate((self._ours, self._theirs)):
            session.agree(Negotiated(number + 1, "someone", 111))
        self._spoken, self._played, self._ear = OutgoingSpeech(), OutgoingSpeech(), _Ear()

    def say(self, pcm: Pcm) -> Sequence[Pcm]:
        return [frame.pcm for frame in self._carry(self._spoken, pcm, self._theirs, self._ours)]

    def listen(self) -> Pcm:
        self._ear.put(self._carry(self._played, self.sink.take(FRAME_SAMPLES), self._ours, self._theirs))
        return self._ear.take()

    def _carry(
        self, speech: OutgoingSpeech, pcm: Pcm, sender: RtpSession, receiver: RtpSession
    ) -> Sequence[AudioFrame]:
        now_s = self._clock.now_s()
        speech.due_s(now_s)
        packet = speech.encode(pcm)
        if packet is not None:
            assert receiver.receive_rtp(sender.send(packet), now_s)
        return receiver.incoming.take(now_s)


class Telephone:
    """SIP's audio, both ways.

    Args:
        clock: time.
        codec: what was agreed on.
    """

    def __init__(self, clock: ManualClock, codec: Codec = PCMA) -> None:
        self.sink = Playout()
        self._clock = clock
        self._said, self._ear = _SILENCE, _Ear()
        ours, theirs = (
            Agreement(codec, codec.payload_type, end, (), None, sends=True, is_on_hold=False)
            for end in (THEIR_END, OUR_END)
        )
        self._ours = CallMedia(Party.CALLER, ours, THEIR_END[0], Begin(1, 2, 3, "we", 3.9e9), self.sink.take, _ignore)
        self._theirs = CallMedia(Party.AGENT, theirs, OUR_END[0], Begin(4, 5, 6, "they", 3.9e9), self._speak, _ignore)

    def say(self, pcm: Pcm) -> Sequence[Pcm]:
        self._said, now_s = pcm, self._clock.now_s()
        for packet in self._theirs.packets(now_s):
            self._ours.receive(packet, THEIR_END, now_s)
        return [frame.pcm for frame in self._ours.frames(now_s)]

    def listen(self) -> Pcm:
        now_s = self._clock.now_s()
        for packet in self._ours.packets(now_s):
            self._theirs.receive(packet, OUR_END, now_s)
        self._ear.put(self._theirs.frames(now_s))
        return self._ear.take()

    def _speak(self, _samples: int) -> Pcm:
        return self._said


class WideTelephone(Telephone):
    """The same in G.722."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock, G722)


class Stream:
    """A provider, who plays what it is sent, one message every 20 ms, and says what it hears as it is."""

    def __init__(self, clock: ManualClock) -> None:
        self.sink = StreamSink("MZ1", clock)
        self._upsampler = LineUpsampler()
        self._waiting: deque[Pcm] = deque()

    def say(self, pcm: Pcm) -> Sequence[Pcm]:
        return [pcm]

    def listen(self) -> Pcm:
        self.sink.send_due()
        while self.sink.texts.statistics().current_buffer_used:
            message = json.loads(self.sink.texts.receive_nowait())
            if message["event"] == "clear":
                self._waiting.clear()
            else:
                self._waiting.append(to_float(decode_ulaw(b64decode(message["media"]["payload"]))))
        return self._upsampler.feed(self._waiting.popleft() if self._waiting else _SILENCE[: FRAME_SAMPLES // 2])

    def close(self) -> None:
        """Let nobody wait for messages any more."""
        self.sink.close()
        self.sink.texts.close()


FAR_ENDS: Final[dict[str, Callable[[ManualClock], FarEnd]]] = {
    "direct": Direct,
    "browser": Browser,
    "telephone": Telephone,
    "wide telephone": WideTelephone,
    "stream": Stream,
}


def _ignore(_key: str) -> None:
    """Nobody presses keys here."""
