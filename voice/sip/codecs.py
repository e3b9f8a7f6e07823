"""What telephone lines speak: G.711 both ways, and G.722 or Opus where the other side has it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from voice.audio.g711 import Pcm16, decode_alaw, decode_ulaw, encode_alaw, encode_ulaw
from voice.audio.g722 import G722Decoder, G722Encoder
from voice.audio.line import LineDownsampler, LineUpsampler
from voice.audio.opus import GRAIN, MAX_DECODED, OpusDecoder, OpusEncoder
from voice.audio.resampling import to_float, to_int16
from voice.contracts.audio import SAMPLE_RATE, Pcm, Samples
from voice.contracts.errors import RtpError
from voice.rtp.jitter import OPUS, PayloadFacts
from voice.sip.concealment import Concealment

LINE_RATE: Final = 8_000
SILENCE_BYTES: Final = 3
"""A payload of the line's length would be 0.4 ms: so long are those that say silence, see `silence`."""

LONGEST_LINE_BYTES: Final = 1_600
"""200 ms of G.711 or G.722."""

_NOISE_SEED: Final = 3389


def silence(level: int, samples: int) -> bytes:
    """What stands in the buffer for a stretch without a voice: a comfort noise packet (RFC 3389), or a key's tone.

    Args:
        level: of the noise, -dBov, 0 to 127.
        samples: how long it is, 8 kHz.
    """
    return bytes((level & 0x7F,)) + min(samples, LONGEST_LINE_BYTES).to_bytes(2)


def _line_samples(payload: bytes) -> int:
    if len(payload) == SILENCE_BYTES:
        return int.from_bytes(payload[1:])
    if not 16 <= len(payload) <= LONGEST_LINE_BYTES:
        raise RtpError(
            f"A payload of G.711 or G.722 of 16 to {LONGEST_LINE_BYTES} bytes was expected; got {len(payload)}."
        )
    return len(payload)


LINE: Final = PayloadFacts(LINE_RATE, _line_samples, lambda payload: len(payload) == SILENCE_BYTES, lambda _: False)


class Decoder(Protocol):
    """From payloads to 16 kHz."""

    def decode(self, payload: bytes) -> Pcm:
        """What a payload holds.

        Raises:
            OpusError: nothing that can be decoded.
            AudioFormatError: the same.
        """
        ...

    def recover(self, following: bytes, samples: Samples) -> Pcm:
        """What was lost before a payload, from the copy in it."""
        ...

    def conceal(self, samples: Samples) -> Pcm:
        """What may stand for something that was lost."""
        ...

    def quiet(self, samples: Samples) -> Pcm:
        """What stands for silence."""
        ...


class Encoder(Protocol):
    """From 16 kHz to payloads."""

    def encode(self, pcm: Pcm) -> bytes:
        """20 ms."""
        ...


class _Noise:
    """Comfort noise, as loud as the other side says."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(_NOISE_SEED)
        self._level = 0.0

    def hear(self, silence: bytes) -> None:
        # Full scale, 0 dBov, is a square wave; uniform noise of amplitude a has the power a^2 / 3.
        self._level = 10 ** (-silence[0] / 20) * 3**0.5 if silence[0] < 127 else 0.0

    def make(self, samples: Samples) -> Pcm:
        return self._random.uniform(-1, 1, samples).astype(np.float32) * np.float32(min(self._level, 0.1))


class _LineDecoder:
    def __init__(self, expand: Callable[[bytes], Pcm16]) -> None:
        self._expand = expand
        self._upsampler = LineUpsampler()
        self._concealment = Concealment(LINE_RATE)
        self._noise = _Noise()

    def decode(self, payload: bytes) -> Pcm:
        if len(payload) == SILENCE_BYTES:
            self._noise.hear(payload)
            return self.quiet(2 * _line_samples(payload))
        return self._upsampler.feed(self._concealment.note(to_float(self._expand(payload))))

    def recover(self, following: bytes, samples: Samples) -> Pcm:
        del following
        return self.conceal(samples)

    def conceal(self, samples: Samples) -> Pcm:
        return self._upsampler.feed(self._concealment.conceal(samples // 2))

    def quiet(self, samples: Samples) -> Pcm:
        return self._upsampler.feed(self._concealment.note(self._noise.make(samples // 2)))


class _LineEncoder:
    def __init__(self, compress: Callable[[Pcm16], bytes]) -> None:
        self._compress = compress
        self._downsampler = LineDownsampler()

    def encode(self, pcm: Pcm) -> bytes:
        return self._compress(to_int16(self._downsampler.feed(pcm)))


class _WideDecoder:
    """G.722: what comes at 16 kHz stays there."""

    def __init__(self) -> None:
        self._decoder = G722Decoder()
        self._concealment = Concealment(SAMPLE_RATE)
        self._noise = _Noise()

    def decode(self, payload: bytes) -> Pcm:
        if len(payload) == SILENCE_BYTES:
            self._noise.hear(payload)
            return self.quiet(2 * _line_samples(payload))
        return self._concealment.note(to_float(self._decoder.decode(payload)))

    def recover(self, following: bytes, samples: Samples) -> Pcm:
        del following
        return self.conceal(samples)

    def conceal(self, samples: Samples) -> Pcm:
        return self._concealment.conceal(samples)

    def quiet(self, samples: Samples) -> Pcm:
        return self._concealment.note(self._noise.make(samples))


class _WideEncoder:
    def __init__(self) -> None:
        self._encoder = G722Encoder()

    def encode(self, pcm: Pcm) -> bytes:
        return self._encoder.encode(to_int16(pcm))


class _OpusDecoder:
    def __init__(self) -> None:
        self._decoder = OpusDecoder()

    def decode(self, payload: bytes) -> Pcm:
        return self._decoder.decode(payload)

    def recover(self, following: bytes, samples: Samples) -> Pcm:
        return self._decoder.recover(following, samples)

    def conceal(self, samples: Samples) -> Pcm:
        parts: list[Pcm] = []
        while samples > 0:
            whole = min(MAX_DECODED, -(-samples // GRAIN) * GRAIN)
            parts.append(self._decoder.conceal(whole)[:samples])
            samples -= whole
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def quiet(self, samples: Samples) -> Pcm:
        return self.conceal(samples)


@dataclass(frozen=True, slots=True)
class Codec:
    """One way to write speech.

    Attributes:
        name: as SDP has it.
        payload_type: the static one, or the one that we propose.
        rate: of its time stamps, Hz.
        map: `rtpmap` behind the name.
        facts: of its payloads.
        decoder: makes one.
        encoder: makes one.
    """

    name: str
    payload_type: int
    rate: int
    map: str
    facts: PayloadFacts
    decoder: Callable[[], Decoder]
    encoder: Callable[[], Encoder]


PCMU: Final = Codec(
    "PCMU", 0, 8_000, "8000", LINE, lambda: _LineDecoder(decode_ulaw), lambda: _LineEncoder(encode_ulaw)
)
PCMA: Final = Codec(
    "PCMA", 8, 8_000, "8000", LINE, lambda: _LineDecoder(decode_alaw), lambda: _LineEncoder(encode_alaw)
)
# Its stamps count at 8 kHz although it is 16 kHz wide, since RFC 1890 said so by mistake (RFC 3551, 4.5.2).
G722: Final = Codec("G722", 9, 8_000, "8000", LINE, _WideDecoder, _WideEncoder)
OPUS_CODEC: Final = Codec("opus", 96, 48_000, "48000/2", OPUS, _OpusDecoder, OpusEncoder)

CODECS: Final = {codec.name.lower(): codec for codec in (OPUS_CODEC, G722, PCMA, PCMU)}
"""By name in lower case."""
