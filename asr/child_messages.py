"""What a recognition process and the server say to each other; how it is written: `asr.child_protocol`.

The server sends `Begin`, `Push`, `Settle`, `Finish` and `Abandon`, the process `Ready`, `Refused`, `Heard`, `Told`,
`Settled`, `Finished`, `Failed` and `Beat`. Ids name one attempt at one utterance and are never used again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from asr.types import Hypothesis, Language
from voice.contracts.audio import Pcm, Samples


@dataclass(frozen=True, slots=True)
class Begin:
    """An utterance begins; `partials` is false where all of it follows at once and only its final is wanted."""

    id: int
    language: Language
    partials: bool


@dataclass(frozen=True, slots=True, eq=False)
class Push:
    """More audio of it; `speech` is false for a pause."""

    id: int
    speech: bool
    pcm: Pcm


@dataclass(frozen=True, slots=True)
class Settle:
    """What is heard of it so far is wanted; `question` numbers the questions of one attempt."""

    id: int
    question: int


@dataclass(frozen=True, slots=True)
class Finish:
    """All of it was pushed: its final is wanted."""

    id: int


@dataclass(frozen=True, slots=True)
class Abandon:
    """Nobody waits for it any more."""

    id: int


@dataclass(frozen=True, slots=True)
class Ready:
    """The model is loaded."""

    name: str
    languages: frozenset[Language]


@dataclass(frozen=True, slots=True)
class Refused:
    """The model cannot be loaded; the process ends."""

    code: str
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class Heard:
    """The engine has heard `samples` of it in all."""

    id: int
    samples: Samples


@dataclass(frozen=True, slots=True)
class Told:
    """A partial."""

    id: int
    hypothesis: Hypothesis


@dataclass(frozen=True, slots=True)
class Settled:
    """What is heard of it so far, in answer to the question of that number."""

    id: int
    question: int
    hypothesis: Hypothesis


@dataclass(frozen=True, slots=True)
class Finished:
    """Its final, as the engine heard it."""

    id: int
    hypothesis: Hypothesis


@dataclass(frozen=True, slots=True)
class Failed:
    """It failed, alone."""

    id: int
    code: str
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class Beat:
    """The process lives.

    Attributes:
        step: number of the step under way, counted from 1; 0 for none.
        step_audio: samples of the utterance that the step works on.
        work_cpu_s: CPU time of all threads but the one that beats, seconds since the process began.
        cpu_s: CPU time of all threads, seconds.
        waiting_s: audio that the engine has not heard yet, seconds.
        open: utterances under way.
        finals_waiting: of these, finished and waiting.
        partials_skipped: chances for a partial given up since the process began.
        dearest_s: CPU time of the dearest of its latest steps, seconds; 0 while too few were done.
    """

    step: int
    step_audio: Samples
    work_cpu_s: float
    cpu_s: float
    waiting_s: float
    open: int
    finals_waiting: int
    partials_skipped: int
    dearest_s: float = 0.0


Message: TypeAlias = (
    Begin | Push | Settle | Finish | Abandon | Ready | Refused | Heard | Told | Settled | Finished | Failed | Beat
)
