"""Advice to the agent while the call runs: from the caller's emotion curve, and from when and how fast people speak.

Pure and synchronous, in media time. Each kind of hint has its own state: talking over and long silences follow from the
audio (`open`, `close`, `hear`, in the order of the audio), frustration and pace from finished turns (`feel`, `say`, in
the order of segments). Nothing flows between the two, so a live call and its replay at any pace give the same hints.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, fields
from typing import Final

from asr.types import Language
from prosody.types import EmotionLevel, EmotionScore, EmotionShift
from routing.coaching_words import (
    say_fast,
    say_risk,
    say_shift,
    say_silence,
    say_talking_over,
)
from routing.events import CoachingHinted
from routing.floor import HANG_OVER, Floor, Moment, spoken
from routing.terms import HintKind, Wording
from voice.contracts.audio import Party, Samples, SegmentId, Span, from_s, to_s
from voice.contracts.errors import SettingsError
from voice.contracts.speech import EndReason

_LEVELS: Final = tuple(EmotionLevel)
_UNITS: Final = {
    Language.ZH: re.compile(r"[\u3400-\u9fff]|[0-9]|[A-Za-z]+"),
    Language.EN: re.compile(r"[0-9A-Za-z]+(?:['’-][0-9A-Za-z]+)*"),
}
"""What is counted as said: characters and digits in Chinese (each one syllable), words in English."""


@dataclass(frozen=True, slots=True)
class CoachSettings:
    """When a hint is due; times in seconds of media time.

    Attributes:
        overlap_s: the agent's speech over the caller's. Most overlaps in talk are far shorter, and most of those are
            signals of listening (Levinson, S. C. and Torreira, F. (2015), "Timing in turn-taking and its implications
            for processing models of language", Frontiers in Psychology 6:731).
        first_s: by how much the caller has to have begun first; less is a start at the same time.
        silence_s: silence of both. A lapse is awkward from three seconds on (McLaughlin, M. L. and Cody, M. J. (1982),
            "Awkward silences", Human Communication Research 8(4)); an agent who looks something up may take longer.
        fast_zh: characters per second of speech. Mandarin is read at 5.2 syllables per second (Pellegrino, F., Coupé,
            C. and Marsico, E. (2011), "A cross-language perspective on speech information rate", Language 87(3), table
            1); a sixth above that.
        fast_en: words per second of speech: 260 a minute, where Tauroza, S. and Allison, D. (1990), "Speech rates in
            British English", Applied Linguistics 11(1), put the fast end of conversation.
        window_s: speech of the agent over which the pace is taken.
        risk_from: risk from which a supervisor would look, [0, 1].
        risk_below: risk below which it has to fall before it can rise again.
        frustration_again_s: time until frustration is hinted at again; likewise for the others.
        overlap_again_s: for talking over.
        silence_again_s: for long silences.
        fast_again_s: for speaking too fast.

    Raises:
        SettingsError: a value that is not positive, or `risk_below` above `risk_from`.
    """

    overlap_s: float = 1.0
    first_s: float = 0.3
    silence_s: float = 8.0
    fast_zh: float = 6.0
    fast_en: float = 4.3
    window_s: float = 8.0
    risk_from: float = 0.6
    risk_below: float = 0.4
    frustration_again_s: float = 30.0
    overlap_again_s: float = 20.0
    silence_again_s: float = 30.0
    fast_again_s: float = 60.0

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if not 0 < value < float("inf"):
                raise SettingsError(f"Coaching's {one.name} is a positive, finite number; got {value}.")
        if self.risk_below > self.risk_from:
            raise SettingsError(
                f"Coaching's risk_below is at most risk_from; got {self.risk_below} and {self.risk_from}."
            )


DEFAULT_COACHING: Final = CoachSettings()


@dataclass(slots=True)
class _Pause:
    """Keeps hints of one kind apart."""

    length: Samples
    over_at: Samples = 0

    def allows(self, at: Samples) -> bool:
        """Whether a hint may be given at this time; if so, the pause begins anew."""
        if at < self.over_at:
            return False
        self.over_at = at + self.length
        return True


@dataclass(frozen=True, slots=True)
class _Said:
    """One final of the agent."""

    segment: SegmentId
    span: Span
    units: int
    speech_s: float


class Coach:
    """Advises one agent through their part of a call.

    Args:
        language: what is spoken.
        settings: when a hint is due.
        since: media time from which the agent serves.
    """

    def __init__(self, language: Language, settings: CoachSettings = DEFAULT_COACHING, since: Samples = 0) -> None:
        self._settings = settings
        self._since = since
        self._language = language
        self._fastest = settings.fast_zh if language is Language.ZH else settings.fast_en
        self._floor = Floor(
            since,
            overlap=from_s(settings.overlap_s),
            first=from_s(settings.first_s),
            silence=from_s(settings.silence_s),
            again=from_s(settings.silence_again_s),
        )
        self._said: deque[_Said] = deque()
        self._calm = True
        self._pauses = {
            HintKind.RISING_FRUSTRATION: _Pause(from_s(settings.frustration_again_s)),
            HintKind.TALKING_OVER: _Pause(from_s(settings.overlap_again_s)),
            HintKind.LONG_SILENCE: _Pause(from_s(settings.silence_again_s)),
            HintKind.SPEAKING_TOO_FAST: _Pause(from_s(settings.fast_again_s)),
        }

    def open(self, party: Party, segment: SegmentId, start: Samples, known_at: Samples) -> None:
        """A segment is announced.

        Args:
            party: who speaks.
            segment: its id.
            start: media time of its first sample, pre-roll included.
            known_at: media time up to which the party was heard when it was announced.

        Raises:
            CapacityError: one party's audio is far ahead of the other's.
        """
        self._floor.open(party, segment, start, known_at)

    def close(self, party: Party, span: Span, reason: EndReason, silence: Samples = HANG_OVER) -> None:
        """The party's open segment is closed.

        Raises:
            CapacityError: one party's audio is far ahead of the other's.
        """
        self._floor.close(party, span, reason, silence)

    def hear(self, party: Party, until: Samples) -> list[CoachingHinted]:
        """A party was heard up to `until`; call it after `open` and `close` for that audio. Answers what is due."""
        return [self._word(moment) for moment in self._floor.hear(party, until) if self._allows(moment)]

    def feel(
        self, segment: SegmentId, span: Span, score: EmotionScore, shift: EmotionShift | None
    ) -> list[CoachingHinted]:
        """A turn of the caller was scored with its words. Answers what is due.

        Args:
            segment: the turn's.
            span: of the segment.
            score: the turn's.
            shift: that it confirms, if any.
        """
        rises = self._calm and score.risk >= self._settings.risk_from
        self._calm = score.risk < (self._settings.risk_below if not self._calm else self._settings.risk_from)
        if span.end < self._since:
            return []
        kind = HintKind.RISING_FRUSTRATION
        if shift is not None and _LEVELS.index(shift.current) > _LEVELS.index(shift.previous):
            reason, suggestion = say_shift(shift)
            where, evidence = shift.span, shift.segments or (segment,)
        elif rises:
            reason, suggestion = say_risk(score.risk)
            where, evidence = span, (segment,)
        else:
            return []
        if not self._pauses[kind].allows(span.end):
            return []
        return [CoachingHinted(kind, where, reason, suggestion, evidence)]

    def say(
        self, segment: SegmentId, span: Span, reason: EndReason, text: str, silence: Samples = HANG_OVER
    ) -> list[CoachingHinted]:
        """A final of the agent is there. Answers what is due.

        Args:
            segment: its id.
            span: of the segment.
            reason: why it was closed.
            text: the final; empty where nothing was understood, which says nothing about the pace.
            silence: how much of the end of `span` is the pause that ended it.
        """
        units = len(_UNITS[self._language].findall(text))
        speech_s = to_s(spoken(span, reason, silence).length)
        if not units or not speech_s:
            return []
        self._said.append(_Said(segment, span, units, speech_s))
        total_s = sum(one.speech_s for one in self._said)
        while total_s - self._said[0].speech_s >= self._settings.window_s:
            total_s -= self._said.popleft().speech_s
        pace = sum(one.units for one in self._said) / total_s
        if total_s < self._settings.window_s or pace < self._fastest:
            return []
        if not self._pauses[HintKind.SPEAKING_TOO_FAST].allows(span.end):
            return []
        where = Span(self._said[0].span.start, span.end)
        why, suggestion = say_fast(pace, self._language)
        evidence = tuple(one.segment for one in self._said)
        return [CoachingHinted(HintKind.SPEAKING_TOO_FAST, where, why, suggestion, evidence)]

    def _allows(self, moment: Moment) -> bool:
        return self._pauses[moment.kind].allows(moment.at)

    def _word(self, moment: Moment) -> CoachingHinted:
        seconds = to_s(moment.span.length)
        words: tuple[Wording, Wording]
        words = say_silence(seconds) if moment.kind is HintKind.LONG_SILENCE else say_talking_over(seconds)
        return CoachingHinted(moment.kind, moment.span, *words, moment.evidence)
