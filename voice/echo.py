"""What was played to a caller is taken out of what they say, while their own words and interruptions get through. Pure.

Two views of the same sound. WebRTC's canceller (AEC3) leaves nearly nothing of an echo, finds its delay itself (up to
500 ms) and follows it when it jumps; but where both sides speak at once, it takes words with it. The linear filter of
`voice/echo_filter.py` takes no words, but leaves what is not linear, and some of everything for a while after the
delay has jumped. So the canceller decides whether the caller speaks, and the filter says what: where something is left
by the canceller, the caller is heard through the filter, and otherwise through the canceller, which is next to silence.

Most lines have no echo, and there the canceller would only take from the caller's words. So it decides nothing before
the filter has found an echo; and where that has found none in two seconds in which something was heard, nothing is done
until it does.

The canceller costs 1.7 times what the filter does. Where its answer is known it is spared: on a line without an echo,
and as long as the filter leaves no more of an echo than it did before. What the filter leaves is heard 30 dB down then.

While nothing was played for a while, nothing is done: the samples go through as they came. In every case audio leaves
8 ms late, which is what the canceller takes.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from voice.audio.level import FLOOR_DBFS, level_dbfs
from voice.contracts.audio import FRAME_SAMPLES, AudioFrame, Pcm, Samples, from_ms, from_s, on_16_bit_grid
from voice.echo_canceller import SparedCanceller
from voice.echo_delay import EchoDelay
from voice.echo_filter import EchoFilter
from voice.echo_reference import PlayedAudio

DELAY: Final[Samples] = from_ms(8)
"""By how much audio leaves later than it came."""

LEAD: Final[Samples] = from_ms(40)
"""No echo comes back sooner than this; what is played may be told this much later than what is heard at that time."""

REACH_FRAMES: Final = 23
"""Filter and canceller reach so much further than where they begin: 460 ms, and the room is to sound on behind it."""

BEFORE_FRAMES: Final = 6
"""Where an echo is later than they reach, they begin this much before it: 120 ms."""

ECHO_LASTS_S: Final = 1.5
"""How long after it was played something may still be heard: delay, room, and what waits on the way."""

BELOW_PLAYED_DB: Final = 18.0
"""Somebody speaks where the canceller leaves more than this below what was played lately: it leaves less of an echo,
even right after the delay has jumped. This and the next three were chosen together, see `warmline bench echo`."""

LEAST_DBFS: Final = -50.0
"""And more than this, however quiet what was played."""

OVER_FLOOR_DB: Final = 8.0
"""And so much more than what it leaves at its quietest."""

MOST_TAKEN_DB: Final = 12.0
"""And where it took no more than this: of an echo it takes more."""

SPEAKS_FRAMES: Final = 5
"""For how many frames in a row: 100 ms."""

OVER_REST_DB: Final = 6.0
"""Or where the filter leaves so much more than the most it leaves of an echo, and the canceller does not deny it."""

DENIED_DB: Final = 12.0
"""The canceller denies it where it leaves less than this below what would be enough for it alone."""

SPEAKS_AT_ONCE_FRAMES: Final = 2
"""For how many frames in a row that is enough: 40 ms."""

HANG_FRAMES: Final = 30
"""How long somebody is taken to speak on after the last loud frame: 600 ms, a pause between words."""

SETTLING_FRAMES: Final = 50
"""After so many frames with nothing but an echo the filter is taken to have found its way: 1 s,"""

SETTLED_FRAMES: Final = 150
"""and what it leaves until this many is the first measure of the most that it leaves."""

TELLING_REST_DB: Final = -12.0
"""The canceller is spared where the filter leaves no more of an echo than this, relative to what was played."""

SURPRISED_DB: Final = 1.5
"""The canceller is asked where the filter leaves so much more than the most it leaves of an echo: a quarter of what
would be enough for speech,"""

ASKED_FRAMES: Final = 50
"""and for 1 s after that."""

UNKNOWN_FRAMES: Final = 100
"""For how long the filter alone is at work on a line on which something is heard and no echo found: 2 s."""

FOUND_DB: Final = 3.0
"""The filter has found an echo where it takes more than this out of what is heard, and is loud enough to tell,"""

FOUND_FRAMES: Final = 5
"""in so many frames of late, of which one is forgotten every half second."""

FORGOTTEN_FRAMES: Final = 500
"""An echo that did not show in so much of what was heard is gone: 10 s."""

MOST_MISSING: Final = 50
"""Frames of a gap through which the room is followed: 1 s."""

_FLOOR_RISES_DB: Final = 0.02  # a frame: 1 dB a second
_FLOOR_DBFS: Final = -58.0
_ONLY_ECHO_DB: Final = 6.0  # so far below what is enough for speech, nobody speaks
_AUDIBLE_REST_DBFS: Final = -45.0
_LEAST_REST_DBFS: Final = -48.0
_REST_FALLS_DB: Final = 0.02  # a frame: 1 dB a second
_REST_RISES_DB: Final = 0.2  # a frame in which the canceller was not asked: slower than a voice sets in
_SPARED_GAIN: Final = np.float32(10 ** (-30 / 20))
_BETTER_DB: Final = 1.0
_TELLING_DBFS: Final = -55.0
_FOUND_FADES: Final = 0.04  # of a frame, a frame
_OFFSET_FOLLOWS: Final = np.float32(0.05)  # of the difference, a frame
_RAMP: Final = np.arange(1, FRAME_SAMPLES + 1, dtype=np.float32) / FRAME_SAMPLES
_PLAYED_FADES_DB: Final = 0.2  # a frame: 10 dB a second


class EchoSuppressor:
    """Takes the echo of what one party hears out of what it says."""

    def __init__(self) -> None:
        self._played = PlayedAudio()
        self._delay = EchoDelay()
        self._lead = LEAD
        self._late = np.zeros(DELAY, np.float32)
        self._share = 1.0
        self._offset: np.float32 | None = None  # a constant voltage on the line is no sound
        self._next: Samples | None = None
        self._start_over()

    def _start_over(self) -> None:
        """Know nothing of an echo."""
        self._canceller = SparedCanceller()
        self._filter = EchoFilter()
        self._loud = 0
        self._clear = 0
        self._rest_db = 0.0  # the most the filter leaves of an echo, relative to what was played
        self._first_rest_db = FLOOR_DBFS
        self._only_echo = 0  # frames from which that is known
        self._asked = 0  # for how many more frames the canceller is asked
        self._hang = 0
        self._floor_dbfs = _FLOOR_DBFS
        self._played_dbfs = FLOOR_DBFS
        self._known = 0  # frames in which an echo would have shown
        self._found = 0.0  # frames in which it showed of late
        self._since_found = FORGOTTEN_FRAMES

    @property
    def is_open(self) -> bool:
        """Whether the party is heard: somebody speaks, or nothing was played."""
        return self._share > 0

    def played(self, pcm: Pcm, at: Samples) -> None:
        """Say what the party was given to hear.

        Args:
            pcm: 16 kHz mono float32, shape (n,), any n up to 4 s, finite.
            at: when, as media time of what is heard from it. What is told again counts anew; what lies further back
                than is remembered is left out.

        Raises:
            FrameError: another shape or type, no number, or a negative time.
        """
        self._played.add(pcm, at)

    def hear(self, frame: AudioFrame) -> AudioFrame:
        """The frame without the echo, 8 ms late; of a frame that comes twice or too late, as it was."""
        if self._next is not None and frame.start < self._next:
            return frame
        if self._next is not None:
            missing = min(MOST_MISSING, (frame.start - self._next) // FRAME_SAMPLES)
            for number in range(missing, 0, -1):
                self._step(np.zeros(FRAME_SAMPLES, np.float32), frame.start - number * FRAME_SAMPLES)
        self._next = frame.start + FRAME_SAMPLES
        return AudioFrame(frame.party, frame.start, self._step(frame.pcm, frame.start))

    def _step(self, heard: Pcm, start: Samples) -> Pcm:
        if start > self._played.audible_until + from_s(ECHO_LASTS_S):
            return self._delayed(heard) if self._share == 1.0 else self._mix(1.0, heard, None)
        mean = np.float32(heard.mean())
        self._offset = mean if self._offset is None else self._offset + _OFFSET_FOLLOWS * (mean - self._offset)
        sound = heard - self._offset
        heard_dbfs = level_dbfs(sound)
        far = self._aim(start, heard_dbfs)
        filtered = self._filter.subtract(sound, far)
        self._played_dbfs = max(level_dbfs(far), self._played_dbfs - _PLAYED_FADES_DB)
        rest_dbfs = level_dbfs(filtered)
        echo = self._echo(heard_dbfs, rest_dbfs)
        cancelled, speaks = None, False
        if self._is_asked(echo, heard_dbfs, rest_dbfs):
            cancelled = self._canceller.process(heard, far)
            speaks = self._speaks(heard_dbfs, level_dbfs(cancelled), rest_dbfs)
        else:
            self._canceller.spare(heard, far)
        match echo:
            case True:
                return self._mix(float(speaks), filtered, cancelled)
            case None:
                # Before it has found its way the filter may add what nobody said.
                return self._mix(1.0, filtered if rest_dbfs < heard_dbfs - _BETTER_DB else heard, cancelled)
            case False:
                return self._mix(1.0, heard, cancelled)

    def _aim(self, start: Samples, heard_dbfs: float) -> Pcm:
        """What was played when filter and canceller begin to look; later, where an echo is later than they reach."""
        soonest = self._played.frame(start - LEAD)
        late = self._delay.follow(level_dbfs(soonest), heard_dbfs)
        if late is not None and not 0 <= late - (self._lead - LEAD) // FRAME_SAMPLES <= REACH_FRAMES:
            self._lead = LEAD + max(0, late - BEFORE_FRAMES) * FRAME_SAMPLES
            self._start_over()
        return soonest if self._lead == LEAD else self._played.frame(start - self._lead)

    def _mix(self, target: float, voice: Pcm, quiet: Pcm | None) -> Pcm:
        """From the share that the voice has now to the one it should have; `quiet` is 8 ms late already."""
        voice = self._delayed(voice)
        if self._share == target == 1.0:
            return on_16_bit_grid(voice)
        if quiet is None:
            quiet = voice * _SPARED_GAIN
        share = np.float32(self._share) + np.float32(target - self._share) * _RAMP
        self._share = target
        return on_16_bit_grid((share * voice + (1 - share) * quiet).astype(np.float32))

    def _delayed(self, pcm: Pcm) -> Pcm:
        joined = np.concatenate([self._late, pcm])
        self._late = joined[FRAME_SAMPLES:]
        return joined[:FRAME_SAMPLES]

    def _is_asked(self, echo: bool | None, heard_dbfs: float, rest_dbfs: float) -> bool:
        """Whether the canceller has to be asked about this frame."""
        if not echo:
            # While it is not known whether there is one, the canceller finds its way from what is heard.
            self._asked = ASKED_FRAMES if heard_dbfs > _TELLING_DBFS else max(0, self._asked - 1)
            return echo is None and self._asked > 0
        over_db = rest_dbfs - self._played_dbfs - self._rest_db
        is_surprise = over_db > SURPRISED_DB and rest_dbfs > _LEAST_REST_DBFS
        if is_surprise or self._hang or self._rest_db > TELLING_REST_DB:
            self._asked = ASKED_FRAMES
        elif self._asked:
            self._asked -= 1
        if not self._asked and self._played_dbfs > _AUDIBLE_REST_DBFS:
            self._rest_db += min(max(over_db, -_REST_FALLS_DB), _REST_RISES_DB)
        return self._asked > 0

    def _echo(self, heard_dbfs: float, rest_dbfs: float) -> bool | None:
        """Whether what is played comes back; None while that is not known."""
        if self._played_dbfs > _AUDIBLE_REST_DBFS:
            tells = heard_dbfs > _TELLING_DBFS
            self._known += tells
            self._since_found += tells
            shows = tells and heard_dbfs - rest_dbfs > FOUND_DB
            self._found = max(0.0, self._found - _FOUND_FADES) + shows
            if self._found >= FOUND_FRAMES:
                self._found, self._since_found = FOUND_FRAMES, 0
        if self._since_found < FORGOTTEN_FRAMES:
            return True
        return None if self._known < UNKNOWN_FRAMES else False

    def _speaks(self, heard_dbfs: float, left_dbfs: float, rest_dbfs: float) -> bool:
        """Whether somebody speaks, by what the canceller and the filter left of this frame and of those before."""
        self._floor_dbfs = min(left_dbfs, self._floor_dbfs + _FLOOR_RISES_DB)
        least_dbfs = max(LEAST_DBFS, self._played_dbfs - BELOW_PLAYED_DB, self._floor_dbfs + OVER_FLOOR_DB)
        is_loud = left_dbfs > least_dbfs
        self._loud = self._loud + 1 if is_loud and heard_dbfs - left_dbfs < MOST_TAKEN_DB else 0
        if not self._hang and left_dbfs < least_dbfs - _ONLY_ECHO_DB and self._played_dbfs > _AUDIBLE_REST_DBFS:
            self._learn_rest(rest_dbfs - self._played_dbfs)
        rises = rest_dbfs > max(_LEAST_REST_DBFS, self._played_dbfs + self._rest_db + OVER_REST_DB)
        is_clear = rises and left_dbfs > max(self._floor_dbfs + OVER_FLOOR_DB, least_dbfs - DENIED_DB)
        self._clear = self._clear + 1 if is_clear else 0
        begins = self._loud >= SPEAKS_FRAMES or self._clear >= SPEAKS_AT_ONCE_FRAMES
        if begins or (self._hang and is_loud):
            self._hang = HANG_FRAMES
        elif self._hang:
            self._hang -= 1
        return self._hang > 0

    def _learn_rest(self, rest_db: float) -> None:
        """What the filter left of nothing but an echo."""
        self._only_echo += 1
        if SETTLING_FRAMES < self._only_echo <= SETTLED_FRAMES:
            self._first_rest_db = max(self._first_rest_db, rest_db)
        if self._only_echo == SETTLED_FRAMES:
            self._rest_db = self._first_rest_db
        elif self._only_echo > SETTLED_FRAMES:
            self._rest_db = max(rest_db, self._rest_db - _REST_FALLS_DB)
