"""How a caller sounded before: which callers can be known again, and when a call has taught enough to keep."""

from __future__ import annotations

import re
from typing import Final

from prosody.types import VoiceNormal
from routing.events import VoiceLearned
from routing.terms import Channel

LEAST_LEARNED: Final = 5.0
"""Full utterances (two seconds of voice each) of this call that a normal rests on before it is worth keeping: more than
are learned of an unknown caller whatever they sound like, so that a call which was angry throughout teaches little."""

_PITCH: Final = "f0_median"
_ANONYMOUS: Final = re.compile(
    r"(?:sips?:|tel:)?\+?"
    r"(?:|web|anonymous|unknown|unavailable|private|restricted|withheld|blocked|null|none|asterisk|0+)"
    r"(?:@.*)?",
    re.IGNORECASE,
)
"""Addresses that many callers share: what the web page sends, and how carriers and gateways write "withheld" (for SIP
RFC 3323, section 4.1: anonymous@anonymous.invalid)."""


def can_be_known_again(channel: Channel, caller: str) -> bool:
    """Whether an address stands for one caller. A replayed file's name does not, nor does a withheld number."""
    return channel is not Channel.REPLAY and _ANONYMOUS.fullmatch(caller.strip()) is None


def pitch_weight(normal: VoiceNormal) -> float:
    """Full utterances that the pitch of a normal rests on; without a pitch nothing else counts."""
    return next((one.weight for one in normal.features if one.name == _PITCH), 0.0)


def keep_voice(normal: VoiceNormal, before: VoiceNormal) -> VoiceLearned | None:
    """What a call has taught of its caller's voice; None where that is too little.

    Args:
        normal: at the end of the call.
        before: at its beginning: what was recalled, as the tracker counts it, or nothing.
    """
    learned = pitch_weight(normal) - pitch_weight(before)
    return VoiceLearned(normal) if learned >= LEAST_LEARNED else None
