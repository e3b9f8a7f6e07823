"""The one segmenter: cuts a party's audio into utterances. Pure, and counts samples only.

How an utterance is found. Two thresholds give hysteresis: a run of speech begins with a frame whose probability is at
least `speech_threshold` and lasts while it is at least `silence_threshold`. A run of `onset_ms` starts a candidate; the
candidate becomes a segment, and is announced, once it holds `min_speech_ms` of speech, and is dropped if `hangover_ms`
of silence come first. So what is announced is certain to be kept. The segment begins `pre_roll_ms` before its first
speech, but never before the end of the one before it, and is closed by `hangover_ms` of silence in a row.

Long utterances. No segment is longer than `max_utterance_ms`. During the last `relax_ms` before that length the
hang-over shrinks with the square of what is left, so that the cut falls into the first pause that is long for how late
it is, rather than into a word. Only if there is none, the segment is cut in the middle of speech
(`EndReason.MAX_LENGTH`) and the next one follows without a gap. Speech that goes on within an ordinary hang-over after
an early cut belongs together with what was cut: it is kept even if it is shorter than `min_speech_ms`.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, fields
from typing import Final, TypeAlias

import numpy as np

from voice.contracts.audio import FRAME_SAMPLES, AudioFrame, Party, Pcm, Samples, Span, from_ms, from_s, to_ms
from voice.contracts.errors import FrameError, SettingsError, TurnAnswerError
from voice.contracts.ports import VoiceActivityDetector
from voice.contracts.speech import EndReason
from voice.turns.settings import TurnSettings

QUESTION_SAMPLES: Final[Samples] = from_s(8)
"""The most audio of a question: its last eight seconds."""


@dataclass(frozen=True, slots=True)
class SegmenterSettings:
    """When speech begins and ends; the defaults suit telephone calls. Times are rounded up to whole frames of 20 ms.

    Attributes:
        speech_threshold: probability from which a run of speech begins, (0, 1].
        silence_threshold: probability below which it ends, (0, speech_threshold].
        onset_ms: speech in a row that makes a candidate; at least one frame.
        min_speech_ms: speech, without pauses, that makes it an utterance; at least `onset_ms`.
        hangover_ms: silence in a row that ends it; at least one frame.
        pre_roll_ms: audio kept from before the first speech.
        max_utterance_ms: longest segment; at least pre-roll, minimum and hang-over together.
        relax_ms: how long before `max_utterance_ms` the hang-over begins to shrink.

    Raises:
        SettingsError: a value outside these bounds.
    """

    speech_threshold: float = 0.5
    silence_threshold: float = 0.35
    onset_ms: float = 80
    min_speech_ms: float = 200
    hangover_ms: float = 560
    pre_roll_ms: float = 240
    max_utterance_ms: float = 15_000
    relax_ms: float = 5_000

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (math.isfinite(value) and value >= 0):
                raise SettingsError(f"{field.name} has to be a number of at least 0; got {value}.")
        frame_ms = to_ms(FRAME_SAMPLES)
        shortest = self.pre_roll_ms + self.min_speech_ms + self.hangover_ms + 3 * frame_ms
        bounds = (
            (
                0 < self.silence_threshold <= self.speech_threshold <= 1,
                "0 < silence_threshold <= speech_threshold <= 1",
            ),
            (frame_ms <= self.onset_ms <= self.min_speech_ms, f"{frame_ms:g} <= onset_ms <= min_speech_ms"),
            (self.hangover_ms >= frame_ms, f"hangover_ms >= {frame_ms:g}"),
            # Every candidate fits into one segment: the rounding to frames adds less than one frame to each part.
            (self.max_utterance_ms >= shortest, f"max_utterance_ms >= {shortest:g} (pre-roll, minimum and hang-over)"),
        )
        for holds, rule in bounds:
            if not holds:
                raise SettingsError(f"The segmenter's settings have to satisfy {rule}; got {self}.")


@dataclass(frozen=True, slots=True, eq=False)
class SegmentOpened:
    """An utterance is under way and certain to be kept.

    Attributes:
        party: who speaks.
        start: media time of its first sample, pre-roll included.
        pcm: its audio so far.
    """

    party: Party
    start: Samples
    pcm: Pcm


@dataclass(frozen=True, slots=True, eq=False)
class TurnQuestion:
    """A pause that may end a turn.

    Attributes:
        party: who pauses.
        at: media time of the end of `pcm`.
        pcm: the segment so far, pause included; at most its last `QUESTION_SAMPLES`.
    """

    party: Party
    at: Samples
    pcm: Pcm


@dataclass(frozen=True, slots=True, eq=False)
class SegmentAudio:
    """The next audio of the open segment.

    Attributes:
        party: who speaks.
        start: media time of the first sample of `pcm`.
        pcm: shape (320,).
        speech: whether it counts as speech; what is new in a pause are no words.
        question: a pause to be judged, asked with this frame.
        answer_due: whether the question has to be answered before the next frame is heard.
    """

    party: Party
    start: Samples
    pcm: Pcm
    speech: bool = True
    question: TurnQuestion | None = None
    answer_due: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class SegmentClosed:
    """The open segment has ended; all its audio has been handed out already.

    Attributes:
        party: who spoke.
        span: media time, pre-roll and hang-over included.
        pcm: the audio of `span`, shape (span.length,).
        reason: why it was closed.
        silence: how much of the end of `span` is the pause that followed the last speech.
    """

    party: Party
    span: Span
    pcm: Pcm
    reason: EndReason
    silence: Samples = 0


SegmenterOutput: TypeAlias = SegmentOpened | SegmentAudio | SegmentClosed
"""Per utterance: one SegmentOpened, any number of SegmentAudio, one SegmentClosed."""


class Segmenter:
    """Cuts one party's audio into utterances; see the module for how.

    Frames have to follow each other without a gap: whoever joins the rooms fills gaps with silence, in one place, so
    that detector, recognizer and recording hear the same. The first frame may start anywhere.

    Args:
        detector: this party's own, fresh.
        settings: when speech begins and ends.
        party: whose frames will come.
        turns: how a judgement of a pause changes the hang-over; None asks for none.

    Raises:
        SettingsError: a complete turn would be closed later than one that nobody judged, or an incomplete one sooner.
    """

    def __init__(
        self,
        detector: VoiceActivityDetector,
        settings: SegmenterSettings,
        party: Party,
        turns: TurnSettings | None = None,
    ) -> None:
        if turns is not None and not turns.close_after_ms <= settings.hangover_ms <= turns.patience_ms:
            raise SettingsError(
                "The hang-over has to lie between the ends of a complete and of an incomplete turn; "
                f"got {turns.close_after_ms:g} <= {settings.hangover_ms:g} <= {turns.patience_ms:g} ms."
            )
        self.party = party
        self._turns = turns
        self._detector = detector
        self._settings = settings
        self._onset = _frames(settings.onset_ms)
        self._min_speech = _frames(settings.min_speech_ms)
        self._hangover = _frames(settings.hangover_ms)
        self._pre_roll = _frames(settings.pre_roll_ms)
        self._longest = int(from_ms(settings.max_utterance_ms) // FRAME_SAMPLES)
        self._relax = max(1, _frames(settings.relax_ms))
        self._next: Samples | None = None
        # Audio outside of any segment that the next one may still claim: pre-roll, then the run or the candidate.
        self._kept: deque[Pcm] = deque()
        # Audio of the open segment; empty while none is open.
        self._open: list[Pcm] = []
        self._run = 0
        self._speech = 0
        self._silence = 0
        self._lead_in = 0
        self._candidate = False
        # After a cut in the middle of speech: the next frame opens the next segment.
        self._cut = False
        # After an early cut: frames within which speech that goes on continues the utterance that was cut.
        self._continues_for = 0
        # The silence that ends the pause under way, and whether a judgement of it is still to come.
        self._allowed = self._hangover
        self._asked = False
        # The answer, whenever it came, counts from this silence on.
        self._judged_from = _frames(turns.close_after_ms) if turns else 0

    @property
    def is_open(self) -> bool:
        """Whether an announced utterance is under way."""
        return bool(self._open)

    def answer(self, probability: float | None) -> None:
        """Say how likely it is that the speaker has finished, for the latest question.

        An answer to a question that speech has voided meanwhile, or that was answered, changes nothing.

        Args:
            probability: in [0, 1]; None where it could not be judged, which leaves the ordinary hang-over.

        Raises:
            TurnAnswerError: no probability.
        """
        if probability is not None and not 0.0 <= probability <= 1.0:
            raise TurnAnswerError(f"Expected a probability in [0, 1] that the turn is complete; got {probability}.")
        if not self._asked or self._turns is None:
            return
        self._asked = False
        if probability is not None and probability < self._turns.incomplete_below:
            self._allowed = _frames(self._turns.patience_ms)
        elif probability is not None and probability >= self._turns.complete_from:
            self._allowed = _frames(self._turns.close_after_ms)

    def feed(self, frame: AudioFrame) -> list[SegmenterOutput]:
        """Hear one frame.

        Raises:
            FrameError: another party's frame, or one that does not follow the frame before.
            TurnAnswerError: the answer to a question is due.
        """
        if frame.party is not self.party:
            raise FrameError(f"This segmenter hears the {self.party}; got a frame of the {frame.party}.")
        if self._next is not None and frame.start != self._next:
            raise FrameError(
                f"Expected the frame at {self._next} samples; got the one at {frame.start}.",
                fix="Fill gaps with silence before the segmenter.",
            )
        if self._answer_due:
            raise TurnAnswerError(
                f"The pause of the {self.party} at {frame.start} samples has not been judged.",
                fix="Answer each question before the frame that it may close the segment with.",
            )
        self._next = frame.start + FRAME_SAMPLES
        self._count(self._detector.probability(frame.pcm))
        return self._extend(frame) if self._open else self._wait(frame)

    def flush(self) -> list[SegmenterOutput]:
        """The audio has ended: close what is open. A candidate that is not yet an utterance is dropped."""
        outputs: list[SegmenterOutput] = [self._close(EndReason.STREAM_END)] if self._open else []
        self._kept.clear()
        self._candidate = self._cut = False
        self._run = self._continues_for = 0
        return outputs

    def _count(self, probability: float) -> None:
        threshold = self._settings.silence_threshold if self._run else self._settings.speech_threshold
        if probability >= threshold:
            self._run += 1
            self._speech += 1
            self._silence = 0
            self._allowed = self._hangover
            self._asked = False
        else:
            self._run = 0
            self._silence += 1

    def _wait(self, frame: AudioFrame) -> list[SegmenterOutput]:
        """One frame while no segment is open."""
        self._kept.append(frame.pcm)
        if self._cut:
            return [self._announce()]
        if not self._candidate and self._run >= self._onset:
            self._candidate = True
            self._lead_in = len(self._kept) - self._run
            self._speech = self._run
        if self._candidate:
            if self._speech >= (self._onset if self._continues_for else self._min_speech):
                return [self._announce()]
            if len(self._kept) - self._lead_in - self._speech < self._hangover:
                return []
            self._candidate = False
        # A run that has not reached the onset yet keeps its own pre-roll.
        for _ in range(len(self._kept) - self._pre_roll - self._run):
            self._kept.popleft()
        if not self._run and self._continues_for:
            self._continues_for -= 1
        return []

    def _announce(self) -> SegmentOpened:
        self._open = list(self._kept)
        self._kept.clear()
        self._candidate = self._cut = False
        self._continues_for = 0
        return SegmentOpened(self.party, self._position - self._open_samples, np.concatenate(self._open))

    def _extend(self, frame: AudioFrame) -> list[SegmenterOutput]:
        """One frame while a segment is open."""
        self._open.append(frame.pcm)
        question = self._ask()
        outputs: list[SegmenterOutput] = []
        left = self._longest - len(self._open)
        allowed = self._allowed if self._silence >= self._judged_from else self._hangover
        if self._silence >= allowed:
            outputs.append(self._close(EndReason.SILENCE))
        elif self._silence and self._silence * self._relax**2 >= allowed * left**2:
            rest = allowed - self._silence
            outputs.append(self._close(EndReason.SILENCE))
            self._continues_for = rest
        elif left <= 0:
            outputs.append(self._close(EndReason.MAX_LENGTH))
            self._cut = True
        # Whatever closes the segment leaves nothing to be judged.
        if not self._open:
            question = None
        audio = SegmentAudio(self.party, frame.start, frame.pcm, self._run > 0, question, self._answer_due)
        return [audio, *outputs]

    def _ask(self) -> TurnQuestion | None:
        """The question that this frame gives rise to."""
        if self._turns is None or self._silence != _frames(self._turns.ask_after_ms):
            return None
        self._asked = True
        pcm = np.concatenate(self._open[-(QUESTION_SAMPLES // FRAME_SAMPLES) :])
        return TurnQuestion(self.party, self._position, pcm)

    @property
    def _answer_due(self) -> bool:
        """Whether the next frame may end a complete turn that has not been judged."""
        if self._turns is None or not self._asked or not self._open:
            return False
        return self._silence + 1 >= self._judged_from

    def _close(self, reason: EndReason) -> SegmentClosed:
        span = Span(self._position - self._open_samples, self._position)
        pcm = np.concatenate(self._open)
        self._open = []
        self._asked = False
        return SegmentClosed(self.party, span, pcm, reason, min(self._silence * FRAME_SAMPLES, span.length))

    @property
    def _position(self) -> Samples:
        return self._next or 0

    @property
    def _open_samples(self) -> Samples:
        return len(self._open) * FRAME_SAMPLES


def _frames(milliseconds: float) -> int:
    """The least whole number of frames that lasts `milliseconds`."""
    return math.ceil(milliseconds / to_ms(FRAME_SAMPLES))
