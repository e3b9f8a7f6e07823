"""Clock drift: the sender's clock against ours, measured from delays and evened out a millisecond at a time."""

from __future__ import annotations

from typing import Final

import numpy as np

from voice.contracts.audio import SAMPLE_RATE, Pcm, Samples, from_ms, on_16_bit_grid

LEARN_S: Final = 5.0
"""How long the fastest delay is learned before anything is compared with it."""

STEP: Final[Samples] = from_ms(1)
"""How much is put in or taken out at once: a change of pitch by 5 % for 20 ms."""

URGENT_S: Final = 0.01
"""Skew up to this waits for a quiet moment."""

MOST_DRIFT: Final = 300e-6
"""Two crystals differ by less. What exceeds it is a longer way through the network, not a clock."""

QUIET_RMS: Final = 0.003
"""-50 dBFS: between words."""


class DriftGauge:
    """How far the sender's time axis has run away from our clock.

    The fastest of the last packets is as fast as the fastest ever, unless the clocks have drifted: the lower envelope
    of the delays (Paxson, "On calibrating measurements of packet transit times", SIGMETRICS 1998, section 4).
    """

    def __init__(self) -> None:
        self._began_s: float | None = None
        self._reference_s = 0.0
        self._skew_s = 0.0

    @property
    def skew(self) -> Samples:
        """Samples at 16 kHz that the axis lacks (positive) or has too many of, since the beginning."""
        return round(self._skew_s * SAMPLE_RATE)

    def note(self, fastest_s: float, now_s: float) -> None:
        """Take the least delay of the last packets, as it is now."""
        if self._began_s is None:
            self._began_s, self._reference_s = now_s, fastest_s
        elapsed_s = now_s - self._began_s
        if elapsed_s < LEARN_S:
            self._reference_s = fastest_s
            return
        most_s = elapsed_s * MOST_DRIFT
        self._skew_s = min(most_s, max(-most_s, fastest_s - self._reference_s))


class DriftFilter:
    """Evens the skew out: a millisecond more or less in a stretch that is quiet, or in any where it is urgent."""

    def __init__(self) -> None:
        self.applied: Samples = 0

    def even(self, pcm: Pcm, skew: Samples) -> Pcm:
        """The next stretch of audio, longer or shorter by a millisecond where the skew asks for it.

        Args:
            pcm: shape (n,), 16 kHz.
            skew: what `DriftGauge.skew` says.

        Returns:
            Shape (n,), (n + 16,) or (n - 16,), on the 16-bit grid if the audio was.
        """
        missing = skew - self.applied
        if abs(missing) < STEP or pcm.size <= 4 * STEP:
            return pcm
        is_quiet = float(pcm @ pcm) < QUIET_RMS**2 * pcm.size
        if not is_quiet and abs(missing) < URGENT_S * SAMPLE_RATE:
            return pcm
        step = STEP if missing > 0 else -STEP
        self.applied += step
        places = np.linspace(0, pcm.size - 1, pcm.size + step)
        return on_16_bit_grid(np.interp(places, np.arange(pcm.size), pcm).astype(np.float32))

    def catch_up(self, skew: Samples) -> None:
        """All of it at once: the audio jumps here anyway."""
        self.applied = skew
