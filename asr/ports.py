"""Ports of recognition. `tests/conformance/test_recognizer.py` runs against every implementation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from asr.types import Hypothesis, Language
from voice.contracts.audio import Pcm, Samples, from_ms, from_s
from voice.contracts.errors import WarmlineError

HAND_OVER: Final[Samples] = from_ms(100)
"""Audio that is gathered before a thread is woken for it: 100 ms, five frames."""

MAX_WAITING: Final[Samples] = from_s(60)
"""Audio of one utterance that may wait for a thread: 60 s, twice the longest utterance. More fails the utterance,
because audio inside an utterance may not be dropped silently."""

PAUSE_HEARD: Final[Samples] = from_ms(200)
"""How much of the pause at its end an utterance's final hears: 200 ms. Engines want some silence after the last sound;
more only delays the final."""


class Utterance(Protocol):
    """One utterance being recognized. Used by one thread at a time; never on the event loop."""

    def accept(self, pcm: Pcm) -> None:
        """Hear more audio: 16 kHz mono float32, any length.

        Raises:
            ModelError: the engine broke.
        """
        ...

    def partial(self) -> Hypothesis | None:
        """The hypothesis so far, or None where nothing new can be said yet. May be costly; callers may skip it."""
        ...

    def finish(self) -> Hypothesis:
        """The final hypothesis of everything heard. Called once, last. Word spans are relative to the utterance."""
        ...


@runtime_checkable
class SettlingUtterance(Utterance, Protocol):
    """An utterance whose final can be made ahead, in a pause that may be its end."""

    def settle(self) -> Hypothesis:
        """What `finish` answers if nothing more is heard, which then costs nothing. More audio voids it.

        Raises:
            ModelError: the engine broke.
        """
        ...


@runtime_checkable
class Reporting(Protocol):
    """A recognizer that tells when it goes into native code, so that each call is judged by itself."""

    def report_calls(self, begin: Callable[[], None]) -> None:
        """Have `begin` called before each native call that may take long, on the thread that makes it."""
        ...


@runtime_checkable
class Keeping(Protocol):
    """A recognizer that keeps something of utterances to have less work with the next ones."""

    def let_go(self) -> None:
        """Give all of it back; the next utterances are dearer, and no text changes."""
        ...


class Recognizer(Protocol):
    """A loaded model, shared by all calls. `begin` may be called from any thread."""

    @property
    def name(self) -> str:
        """Engine and model, for example `whisper/whisper-base`."""
        ...

    @property
    def languages(self) -> frozenset[Language]:
        """Languages that `begin` accepts."""
        ...

    def begin(self, language: Language) -> Utterance:
        """Start an utterance.

        Raises:
            ModelError: `language` is not one of `languages`.
        """
        ...


@dataclass(frozen=True, slots=True)
class WorkerLoad:
    """How busy recognition is.

    Attributes:
        open: utterances begun and neither finished nor abandoned.
        finals_waiting: utterances that are finished and not yet taken up.
        audio_waiting_s: audio that no engine has heard yet, seconds, over all utterances.
        partials_skipped: chances for a partial given up since the start, because a final waited or another partial was
            being made.
        pushed_s: audio handed over since the start, seconds.
        cpu_s: CPU time of the processes that recognize since the start, seconds; that of the whole server where
            recognition runs inside it.
        seats: utterances that can be worked on at the same time now.
    """

    open: int
    finals_waiting: int
    audio_waiting_s: float
    partials_skipped: int
    pushed_s: float = 0.0
    cpu_s: float = 0.0
    seats: int = 1


class LiveUtterance(Protocol):
    """One utterance while it is spoken; `Recognition.begin` makes it. All methods belong to the event loop."""

    def push(self, pcm: Pcm, *, speech: bool = True) -> None:
        """Hand over more audio: 16 kHz mono float32, any length, not changed afterwards. Never blocks.

        Where `speech` is false it is a pause. Of a pause at the end the engine hears the first `PAUSE_HEARD` and no
        more, so that a final can be made while it is waited whether more follows.

        More than `MAX_WAITING` unheard fails the utterance: `finish` then raises.

        Raises:
            ModelError: the utterance was finished or abandoned before.
        """
        ...

    async def settle(self) -> Hypothesis | None:
        """Wait for what the engine makes of everything pushed until now, as if it ended here; for a pause.

        Where the final can be made ahead it is that, which then costs nothing again; else it is the latest partial.
        Either is what the engine heard, before anything is written for people, and depends on nothing but the audio.
        None where nobody needs it any more: speech goes on, the utterance is finished, or it failed, which `finish`
        tells. A newer call answers an older one with None.
        """
        ...

    async def finish(self) -> Hypothesis:
        """Wait for the final hypothesis of everything pushed. Called once, last.

        Cancelling it abandons the utterance.

        Raises:
            ModelError: the engine broke, or recognition was left meanwhile.
            CapacityError: recognition fell further behind than `MAX_WAITING`.
        """
        ...

    def abandon(self) -> None:
        """Give the utterance up; no callback follows."""
        ...


class Recognition(Protocol):
    """Recognition for all calls, running. `tests/conformance/test_recognition.py` runs against every implementation."""

    @property
    def name(self) -> str:
        """Engine and model."""
        ...

    @property
    def languages(self) -> frozenset[Language]:
        """Languages that `begin` accepts."""
        ...

    def load(self) -> WorkerLoad:
        """How busy it is now."""
        ...

    def trouble(self) -> WarmlineError | None:
        """Why calls had better not come now; None where they may."""
        ...

    def begin(
        self,
        language: Language,
        on_partial: Callable[[Hypothesis], None],
        *,
        on_heard: Callable[[Samples], None] | None = None,
        on_setback: Callable[[WarmlineError], None] | None = None,
    ) -> LiveUtterance:
        """Start an utterance. The callbacks come on the event loop, must not raise, and end with `abandon`.

        Args:
            language: what is spoken.
            on_partial: told of each new partial, never after `finish`.
            on_heard: told of how much of the utterance the engine has heard, after each step; told the same again when
                the utterance fails.
            on_setback: told of what broke and is being made good: the utterance goes on, its final may come later.

        Raises:
            ModelError: `language` is not recognized, or recognition is not running.
        """
        ...
