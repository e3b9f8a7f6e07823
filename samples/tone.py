"""Change how a sentence is said and leave what is said alone.

An agitated speaker's voice rises, swings further, gets louder and puts more of its energy into the upper partials
(Banse and Scherer, 1996, "Acoustic profiles in vocal emotion expression", tables 5 and 6). Each of these is one
parameter here. Pitch and tilt are changed in the WORLD vocoder (Morise, Yokomori and Ozawa, 2016); rate is left to the
text-to-speech model and level to the telephone chain. The result is a manipulated voice, not an acted emotion.
"""

from dataclasses import dataclass

import numpy as np
import pyworld
from numpy.typing import NDArray

Signal = NDArray[np.float64]

_TILT_REFERENCE_HZ = 500.0
_TILT_CEILING_HZ = 4_000.0


@dataclass(frozen=True, slots=True)
class Tone:
    """How a sentence is said, relative to the voice's own way.

    Attributes:
        speed: Rate factor of the synthesis, 1.0 unchanged.
        pitch: Factor on the fundamental frequency, 1.0 unchanged.
        pitch_range: Factor on the distance of log F0 from its mean, 1.0 unchanged.
        tilt_db_per_octave: Gain added per octave from 500 Hz up to 4 kHz; positive is a pressed, shouting voice.
        gain_db: Level against the speaker's calm level.
    """

    speed: float = 1.0
    pitch: float = 1.0
    pitch_range: float = 1.0
    tilt_db_per_octave: float = 0.0
    gain_db: float = 0.0

    @property
    def leaves_spectrum_alone(self) -> bool:
        """Whether the vocoder has nothing to do."""
        return self.pitch == 1.0 and self.pitch_range == 1.0 and self.tilt_db_per_octave == 0.0


def shape(signal: Signal, rate_hz: int, tone: Tone) -> Signal:
    """Apply pitch, pitch range and spectral tilt.

    Args:
        signal: Mono samples.
        rate_hz: Their rate.
        tone: The wanted change; rate and level are not applied here.

    Returns:
        As many samples as came in. A tone that changes nothing returns the input itself, not a vocoded copy.
    """
    if tone.leaves_spectrum_alone:
        return signal
    f0_hz: Signal
    f0_hz, times = pyworld.harvest(signal, rate_hz, f0_floor=60.0, f0_ceil=500.0)
    power: Signal = pyworld.cheaptrick(signal, f0_hz, times, rate_hz)
    aperiodicity: Signal = pyworld.d4c(signal, f0_hz, times, rate_hz)
    shifted = _move_pitch(f0_hz, tone.pitch, tone.pitch_range)
    frequency_hz = np.linspace(0.0, rate_hz / 2, power.shape[1])
    octaves = np.log2(np.clip(frequency_hz, _TILT_REFERENCE_HZ, _TILT_CEILING_HZ) / _TILT_REFERENCE_HZ)
    tilted = power * 10.0 ** (tone.tilt_db_per_octave * octaves / 10.0)
    spoken: Signal = pyworld.synthesize(shifted, np.ascontiguousarray(tilted), aperiodicity, rate_hz)
    return spoken[: len(signal)]


def _move_pitch(f0_hz: Signal, factor: float, spread: float) -> Signal:
    """Scale F0 and its excursions around the geometric mean; unvoiced frames stay 0."""
    voiced = f0_hz > 0.0
    if not voiced.any():
        return f0_hz
    moved = np.zeros_like(f0_hz)
    logarithm = np.log(f0_hz[voiced])
    centre = logarithm.mean()
    moved[voiced] = np.exp(centre + spread * (logarithm - centre)) * factor
    return moved
