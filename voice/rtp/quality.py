"""The E-model, simplified: from loss and delay to what a listener would say (ITU-T G.107).

What is left of the model where everything but delay, codec and loss has its default value:
R = 93.2 - Id(delay) - Ie,eff(loss), and MOS from R.
"""

from __future__ import annotations

from typing import Final

CLEAN_R: Final = 93.2
"""R with all defaults (G.107 (03/2005), 7.7): neither delay nor loss."""

IE_OPUS: Final = 0.0
"""Impairment by the codec alone. G.113 lists none for Opus, which at 16 kbit/s and more is transparent for wideband
speech; so 0, what G.113 (Appendix I) gives G.711."""

BPL_OPUS: Final = 25.1
"""Robustness to loss. G.113 lists none for Opus; 25.1 is G.711 with concealment (G.113, Appendix I), whose concealment
is no better than libopus's."""


def rating(delay_ms: float, lost: float, *, burst_ratio: float = 1.0) -> float:
    """The transmission rating R, 0 (useless) to 93.2.

    Args:
        delay_ms: one way, mouth to ear.
        lost: the share of the audio that was lost and not recovered, 0 to 1.
        burst_ratio: mean burst length over that of random loss (G.107, 7.5); 1 where losses are independent.

    The delay's part is Cole and Rosenbluth, "Voice over IP performance monitoring", ACM SIGCOMM CCR 31 (2001), eq. 4:
    0.024 d + 0.11 (d - 177.3) H(d - 177.3), a fit of G.107's Id. The loss's part is G.107 (03/2005), eq. 7-29:
    Ie + (95 - Ie) Ppl / (Ppl / BurstR + Bpl), Ppl in percent.
    """
    by_delay = 0.024 * delay_ms + 0.11 * max(0.0, delay_ms - 177.3)
    percent = 100 * lost
    by_loss = IE_OPUS + (95 - IE_OPUS) * percent / (percent / burst_ratio + BPL_OPUS)
    return min(CLEAN_R, max(0.0, CLEAN_R - by_delay - by_loss))


def mean_opinion(rated: float) -> float:
    """Mean opinion score, 1 to 4.5, of a rating R (G.107, Annex B, eq. B-4)."""
    if rated <= 0:
        return 1.0
    if rated >= 100:
        return 4.5
    # The cubic dips below 1 for R under 6.5.
    return max(1.0, 1 + 0.035 * rated + rated * (rated - 60) * (100 - rated) * 7e-6)
