"""The pitch trackers that `warmline bench prosody` holds against the truth: ours and the peers.

All are given what the telephone delivers at 8 kHz, and asked for a value every 10 ms with their own thresholds of
voicing. All search 60 to 500 Hz, with two exceptions: Praat keeps its default floor of 75 Hz, with which it misses and
errs less here than with 60; openSMILE's configuration fixes 55 to 1000 Hz.

Each answers the times its frames are centred on. Praat states them. librosa centres frame i on i hops. RAPT and
openSMILE state neither; what is added to their times was measured on a tone whose pitch rises and falls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from agent_console.bench.prosody_peers import load
from prosody.pitch import track_pitch
from prosody.spectrum import HOP_S, analyse
from voice.audio.resampling import StreamResampler
from voice.contracts.audio import SAMPLE_RATE, Pcm

LINE_RATE: Final = 8_000
LOWEST_HZ: Final = 60.0
HIGHEST_HZ: Final = 500.0

_PRAAT_LOWEST_HZ: Final = 75.0
_LINE_HOP: Final = LINE_RATE // 100
_YIN_WINDOW: Final = 512
"""64 ms: the longest period must fit in half of it. Longer windows make pyin err more here, not less."""
_RAPT_CENTRE_S: Final = 0.0065
_OPENSMILE_CENTRE_S: Final = 0.0295
_OPENSMILE_ZERO_HZ: Final = 27.5


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """What a tracker says.

    Attributes:
        times_s: the centre of each frame, shape (frames,).
        f0_hz: 0 where it hears no voice, same shape.
    """

    times_s: NDArray[np.float64]
    f0_hz: NDArray[np.float64]


Tracker: TypeAlias = Callable[[Pcm], Track]
"""Takes shape (n,) at 8 kHz."""


def own_tracker(line: Pcm) -> Track:
    """Ours, as for the first utterance of an unknown caller: nothing is known of the voice."""
    track = track_pitch(analyse(to_inside(line)))
    return Track(_every_hop(len(track.f0_hz), HOP_S / 2), track.f0_hz.astype(np.float64))


def peer_trackers() -> Mapping[str, Tracker]:
    """The peers by the suffix of their figures.

    Raises:
        MissingExtraError: one is not installed.
    """
    return {"rapt": _rapt(), "praat": _praat(), "pyin": _pyin(), "opensmile": _opensmile()}


def to_inside(line: Pcm) -> Pcm:
    """Audio at 8 kHz as the product has it inside: resampled once, at the edge."""
    resampler = StreamResampler(LINE_RATE)
    return np.concatenate([resampler.feed(line), resampler.flush()])


def to_line(pcm: Pcm) -> Pcm:
    """Audio at 16 kHz that holds nothing above 4 kHz, at 8 kHz: every other sample."""
    if SAMPLE_RATE != 2 * LINE_RATE:
        raise AssertionError("the line is not half as fast")
    return np.ascontiguousarray(pcm[::2])


def _every_hop(frames: int, first_s: float) -> NDArray[np.float64]:
    return first_s + np.arange(frames) * np.float64(HOP_S)


def _rapt() -> Tracker:
    sptk = load("pysptk")

    def track(line: Pcm) -> Track:
        # RAPT expects the scale of 16-bit samples.
        f0_hz = sptk.rapt(line * np.float32(32767), LINE_RATE, _LINE_HOP, LOWEST_HZ, HIGHEST_HZ, otype="f0")
        return Track(_every_hop(len(f0_hz), _RAPT_CENTRE_S), f0_hz.astype(np.float64))

    return track


def _praat() -> Tracker:
    praat = load("parselmouth")

    def track(line: Pcm) -> Track:
        pitch = praat.Sound(line.astype(np.float64), LINE_RATE).to_pitch_ac(
            time_step=HOP_S, pitch_floor=_PRAAT_LOWEST_HZ, pitch_ceiling=HIGHEST_HZ
        )
        return Track(pitch.xs(), pitch.selected_array["frequency"])

    return track


def _pyin() -> Tracker:
    pyin = load("librosa.core.pitch").pyin

    def track(line: Pcm) -> Track:
        f0_hz, voiced, _ = pyin(
            line, fmin=LOWEST_HZ, fmax=HIGHEST_HZ, sr=LINE_RATE, frame_length=_YIN_WINDOW, hop_length=_LINE_HOP
        )
        return Track(_every_hop(len(f0_hz), 0.0), np.where(voiced, f0_hz, 0.0))

    return track


def _opensmile() -> Tracker:
    opensmile = load("opensmile")
    smile = opensmile.Smile(
        feature_set=opensmile.FeatureSet.eGeMAPSv02, feature_level=opensmile.FeatureLevel.LowLevelDescriptors
    )

    def track(line: Pcm) -> Track:
        frames = smile.process_signal(line, LINE_RATE)
        semitones = frames["F0semitoneFrom27.5Hz_sma3nz"].to_numpy(np.float64)
        starts = frames.index.get_level_values("start").total_seconds().to_numpy(np.float64)
        heard = np.where(semitones > 0, _OPENSMILE_ZERO_HZ * np.exp2(semitones / 12), 0.0)
        return Track(starts + _OPENSMILE_CENTRE_S, heard)

    return track
