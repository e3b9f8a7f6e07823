"""Opus, encoded and decoded one packet at a time. The only door to libopus.

The library is the one inside PyAV's wheel, so that nothing has to be installed; where PyAV was built without it, the
system's. PyAV's own decoder can neither conceal a lost packet nor take it from the next one, and answers at 48 kHz.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, Pcm, Samples, from_ms
from voice.contracts.errors import FrameError, OpusError, SettingsError

MAX_PACKET_BYTES: Final = 1_275
"""One frame of Opus has at most so many bytes (RFC 6716, 3.2.1)."""

MAX_DECODED: Final[Samples] = from_ms(120)
"""The longest packet (RFC 6716, 3.2.5)."""

GRAIN: Final[Samples] = SAMPLE_RATE // 400
"""Concealment comes in multiples of 2.5 ms."""

FRAME_MS: Final = (2.5, 5, 10, 20, 40, 60)
"""How long the packets of an encoder may be."""

# opus_defines.h; request codes and values are part of libopus's stable interface.
_APPLICATIONS: Final = {"voip": 2048, "audio": 2049}
_SET_BITRATE: Final = 4002
_SET_COMPLEXITY: Final = 4010
_SET_INBAND_FEC: Final = 4012
_SET_PACKET_LOSS: Final = 4014
_SET_DTX: Final = 4016
_SET_SIGNAL: Final = 4024
_SIGNAL_VOICE: Final = 3001
_RESET_STATE: Final = 4028

_SCALE: Final = np.array(1 / 32768, np.float32)  # an array of no dimension: half the overhead of a scalar


@dataclass(frozen=True, slots=True)
class OpusSettings:
    """How speech is encoded.

    Attributes:
        bit_rate: bits a second, 6000 to 510 000; the copy of the packet before is part of it.
        application: `voip` filters the voice and shifts its phases, `audio` leaves the waveform alone: read Mandarin
            correlates with the original by 0.87 and 0.99. Both are told that the signal is a voice, and carry the same
            redundancy at the same cost.
        fec: send each packet's speech once more, coarser, in the next one (in-band FEC).
        expected_loss: the share of packets that the network is expected to lose, 0 to 1; at 0 nothing is sent twice.
        dtx: send nothing while there is nothing to hear.
        complexity: 0 to 10. At 40 000 bits a second 1 is as close to the original as 5 is at 32 000 (signal to noise
            14.8 and 15.0 dB over 20 ms, log spectra 5.3 and 6.1 dB apart; real and synthetic speech, both languages)
            and takes 2.3 ms of CPU a second instead of 6.3, which is a fourth of what a two-way leg costs.

    Raises:
        SettingsError: a value out of its range.
    """

    bit_rate: int = 40_000
    application: Literal["voip", "audio"] = "audio"
    fec: bool = True
    expected_loss: float = 0.1
    dtx: bool = True
    complexity: int = 1

    def __post_init__(self) -> None:
        if not 6_000 <= self.bit_rate <= 510_000:
            raise SettingsError(f"Opus takes 6000 to 510000 bits a second; got {self.bit_rate}.")
        if self.application not in _APPLICATIONS:
            raise SettingsError(f"An Opus application is voip or audio; got {self.application!r}.")
        if not 0 <= self.expected_loss <= 1:
            raise SettingsError(f"An expected loss lies between 0 and 1; got {self.expected_loss}.")
        if not 0 <= self.complexity <= 10:
            raise SettingsError(f"Opus's complexity is 0 to 10; got {self.complexity}.")


class OpusDecoder:
    """Decodes one stream's packets straight to 16 kHz mono, whatever the sender encoded.

    Packets have to be given in order; where one is missing, `recover` or `conceal` fills its place, so that the
    decoder's own state goes on.

    Raises:
        OpusError: libopus is not there.
    """

    def __init__(self) -> None:
        self._opus = libopus()
        failed = ctypes.c_int()
        self._state = self._opus.opus_decoder_create(SAMPLE_RATE, 1, ctypes.byref(failed))
        if not self._state:
            raise OpusError(f"libopus makes no decoder: {_reason(failed.value)}.")
        self._decoded: NDArray[np.int16] = np.zeros(MAX_DECODED, np.int16)
        self._whole = self._decoded[:FRAME_SAMPLES]  # what every packet of 20 ms fills
        self._address = self._decoded.ctypes.data

    def decode(self, payload: bytes) -> Pcm:
        """One packet's audio, shape (n,), 16 kHz, on the 16-bit grid; n is 40 to 1920.

        Raises:
            OpusError: the payload is not Opus; the decoder goes on with the next one.
        """
        if not payload:
            raise OpusError("An Opus payload was expected; got none.")
        return self._taken(self._opus.opus_decode(self._state, payload, len(payload), self._address, MAX_DECODED, 0))

    def recover(self, following: bytes, samples: Samples) -> Pcm:
        """A lost packet's audio from the packet after it; concealment where that one carries no copy.

        Args:
            following: the payload of the packet right after the lost one; to be decoded afterwards as well.
            samples: how long the lost packet was: a multiple of 40, 40 to 1920.

        Raises:
            FrameError: another length.
            OpusError: the payload is not Opus.
        """
        _check_length(samples)
        if not following:
            raise OpusError("An Opus payload was expected; got none.")
        return self._taken(self._opus.opus_decode(self._state, following, len(following), self._address, samples, 1))

    def conceal(self, samples: Samples) -> Pcm:
        """What plausibly follows; fades within about 100 ms, and is comfort noise where the sender went silent.

        Args:
            samples: a multiple of 40, 40 to 1920.

        Raises:
            FrameError: another length.
        """
        _check_length(samples)
        return self._taken(self._opus.opus_decode(self._state, None, 0, self._address, samples, 0))

    def reset(self) -> None:
        """Forget the past: another stream begins."""
        self._opus.opus_decoder_ctl(self._state, _RESET_STATE)

    def _taken(self, decoded: int) -> Pcm:
        if decoded < 0:
            raise OpusError(f"libopus cannot decode the packet: {_reason(decoded)}.")
        # On the 16-bit grid; in one pass, because this runs 50 times a second and leg.
        pcm: Pcm = (self._whole if decoded == FRAME_SAMPLES else self._decoded[:decoded]) * _SCALE
        return pcm

    def __del__(self) -> None:
        if getattr(self, "_state", None):
            self._opus.opus_decoder_destroy(self._state)


class OpusEncoder:
    """Encodes 16 kHz mono speech, one packet per call.

    Args:
        settings: bit rate, redundancy, silence.

    Raises:
        OpusError: libopus is not there.
    """

    def __init__(self, settings: OpusSettings | None = None) -> None:
        settings = settings or OpusSettings()
        self._opus = libopus()
        failed = ctypes.c_int()
        self._state = self._opus.opus_encoder_create(
            SAMPLE_RATE, 1, _APPLICATIONS[settings.application], ctypes.byref(failed)
        )
        if not self._state:
            raise OpusError(f"libopus makes no encoder: {_reason(failed.value)}.")
        self._packet = ctypes.create_string_buffer(MAX_PACKET_BYTES)
        self._set(_SET_BITRATE, settings.bit_rate)
        self._set(_SET_COMPLEXITY, settings.complexity)
        self._set(_SET_SIGNAL, _SIGNAL_VOICE)
        self._set(_SET_INBAND_FEC, int(settings.fec))
        self._set(_SET_DTX, int(settings.dtx))
        self.expect_loss(settings.expected_loss)

    def expect_loss(self, share: float) -> None:
        """Tell the encoder what share of its packets gets lost, 0 to 1; more is spent on redundancy where it is more.

        Raises:
            SettingsError: out of range.
        """
        if not 0 <= share <= 1:
            raise SettingsError(f"An expected loss lies between 0 and 1; got {share}.")
        self._set(_SET_PACKET_LOSS, round(share * 100))

    def encode(self, pcm: Pcm) -> bytes:
        """One packet. With DTX a packet of one or two bytes need not be sent: it says that silence goes on.

        Args:
            pcm: float32 of 2.5, 5, 10, 20, 40 or 60 ms at 16 kHz, shape (n,).

        Raises:
            FrameError: another type or length.
        """
        if pcm.dtype != np.float32 or pcm.ndim != 1 or pcm.size * 1000 / SAMPLE_RATE not in FRAME_MS:
            raise FrameError(
                f"Opus encodes float32 of 2.5, 5, 10, 20, 40 or 60 ms; got {pcm.dtype} of shape {pcm.shape}."
            )
        pcm = np.ascontiguousarray(pcm)
        size = self._opus.opus_encode_float(self._state, pcm.ctypes.data, pcm.size, self._packet, MAX_PACKET_BYTES)
        if size < 0:
            raise OpusError(f"libopus cannot encode the frame: {_reason(size)}.")
        return self._packet.raw[:size]

    def _set(self, request: int, value: int) -> None:
        failed = self._opus.opus_encoder_ctl(self._state, request, ctypes.c_int(value))
        if failed:
            raise OpusError(f"libopus refuses {value} for request {request}: {_reason(failed)}.")

    def __del__(self) -> None:
        if getattr(self, "_state", None):
            self._opus.opus_encoder_destroy(self._state)


def opus_version() -> str:
    """What the library calls itself, for example `libopus 1.6.1`.

    Raises:
        OpusError: libopus is not there.
    """
    return str(libopus().opus_get_version_string().decode())


@cache
def libopus() -> Any:
    """The library, loaded once per process.

    Raises:
        OpusError: it is nowhere.
    """
    for place in _places():
        try:
            # PyDLL keeps the interpreter's lock. A packet takes less than 0.1 ms, and a lock that was let go is had
            # back up to 5 ms later where another thread computes.
            library = ctypes.PyDLL(place)
        except OSError:
            continue
        return _declared(library)
    raise OpusError(
        "libopus was expected inside PyAV's wheel or in the system; it is in neither.",
        fix="Run `make setup` again, or install it (Debian: apt-get install libopus0; macOS: brew install opus).",
    )


def _places() -> Iterator[str]:
    """Where libopus may be: beside PyAV's own libraries (Linux, Windows, macOS wheels), then in the system."""
    try:
        shipped = files("av") or []
    except PackageNotFoundError:
        shipped = []
    for file in shipped:
        name = file.name.lower()
        if "opus" in name and any(suffix in name for suffix in (".so", ".dylib", ".dll")):
            yield str(Path(str(file.locate())))
    if found := ctypes.util.find_library("opus"):
        yield found


def _declared(library: ctypes.PyDLL) -> ctypes.PyDLL:
    state, size, data = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
    library.opus_get_version_string.restype = ctypes.c_char_p
    library.opus_strerror.argtypes, library.opus_strerror.restype = [ctypes.c_int], ctypes.c_char_p
    library.opus_decoder_create.argtypes = [ctypes.c_int32, ctypes.c_int, ctypes.POINTER(ctypes.c_int)]
    library.opus_decoder_create.restype = state
    library.opus_decoder_destroy.argtypes, library.opus_decoder_destroy.restype = [state], None
    library.opus_decode.argtypes = [state, data, ctypes.c_int32, ctypes.c_void_p, size, ctypes.c_int]
    # The rest of a request's arguments is variadic: only what comes before may be declared.
    library.opus_decoder_ctl.argtypes = [state, ctypes.c_int]
    library.opus_encoder_create.argtypes = [ctypes.c_int32, ctypes.c_int, ctypes.c_int, ctypes.POINTER(ctypes.c_int)]
    library.opus_encoder_create.restype = state
    library.opus_encoder_destroy.argtypes, library.opus_encoder_destroy.restype = [state], None
    library.opus_encode_float.argtypes = [state, ctypes.c_void_p, size, data, ctypes.c_int32]
    library.opus_encoder_ctl.argtypes = [state, ctypes.c_int]
    return library


def _reason(code: int) -> str:
    return str(libopus().opus_strerror(code).decode())


def _check_length(samples: Samples) -> None:
    if not GRAIN <= samples <= MAX_DECODED or samples % GRAIN:
        raise FrameError(f"Opus conceals multiples of {GRAIN} samples up to {MAX_DECODED}; got {samples}.")
