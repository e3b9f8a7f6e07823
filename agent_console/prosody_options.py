"""What can be chosen at `warmline prosody`; light, because every command of the command line reads it."""

from __future__ import annotations

from enum import StrEnum

from routing.terms import Wording
from voice.contracts.audio import Party


class Lang(StrEnum):
    """Language of what is shown."""

    ZH = "zh"
    EN = "en"

    def of(self, wording: Wording) -> str:
        """The text in this language."""
        return wording.zh if self is Lang.ZH else wording.en


class PitchMethod(StrEnum):
    """What follows the fundamental."""

    OWN = "own"
    """What live calls are measured with."""
    PYIN = "pyin"
    """librosa's, some fifty times slower; to compare with."""


class Listened(StrEnum):
    """Whose channel is listened to."""

    CALLER = "caller"
    AGENT = "agent"

    @property
    def party(self) -> Party:
        """As the pipeline names it."""
        return Party(self.value)
