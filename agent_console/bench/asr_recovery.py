"""How late a final is where its recognition process was killed, or stood still, in the middle of the utterance."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass

from agent_console.bench.asr_speech import Spoken
from asr.scoring import compare_texts
from asr.supervisor import SupervisedRecognition
from asr.types import Hypothesis
from voice.contracts.audio import FRAME_SAMPLES, Span, to_s
from voice.contracts.errors import WarmlineError
from voice.contracts.ports import Clock


@dataclass(frozen=True, slots=True)
class Recovery:
    """Finals of disturbed utterances, beside those of the same ones left in peace.

    Attributes:
        late_ms: by how much each final came later after the end of its utterance.
        alike: how many of them have the same text, and words at the same times. Kaldi's confidences depend a little on
            what its recognizer has heard before.
        lost: characters or words of the undisturbed finals, whichever the language counts in, that lack in these.
    """

    late_ms: tuple[float, ...]
    alike: int
    lost: int


async def measure_recovery(
    recognition: SupervisedRecognition, utterances: Sequence[Spoken], clock: Clock, strike: signal.Signals
) -> Recovery:
    """Speak each utterance twice, and strike its process in turn in the middle and at the end of the second time.

    Args:
        recognition: running, and used by nobody else.
        utterances: to be spoken one after the other.
        clock: paces them.
        strike: SIGKILL ends the process, SIGSTOP has it stand still.

    Raises:
        ModelError: the utterance was lost with its process.
    """
    late: list[float] = []
    alike = lost = 0
    for number, spoken in enumerate(utterances):
        final, peaceful_s = await _speak(recognition, spoken, clock, None, None)
        frames = len(spoken.speech)
        when = frames - 1 if number % 2 else frames // 2
        disturbed, disturbed_s = await _speak(recognition, spoken, clock, when, strike)
        late.append(max(0.0, disturbed_s - peaceful_s) * 1000)
        alike += _said(disturbed) == _said(final)
        lost += compare_texts(final.text, disturbed.text, spoken.language).edits.deletions
        while recognition.load().seats < recognition.processes:
            await clock.sleep_until(clock.now_s() + 0.1)
    return Recovery(tuple(late), alike, lost)


def _said(final: Hypothesis) -> tuple[str, list[tuple[str, Span]]]:
    return final.text, [(word.text, word.span) for word in final.words]


async def _speak(
    recognition: SupervisedRecognition, spoken: Spoken, clock: Clock, when: int | None, strike: signal.Signals | None
) -> tuple[Hypothesis, float]:
    """The final, and how long after the end of the utterance it came, seconds."""
    began = clock.now_s()
    utterance = recognition.begin(spoken.language, lambda _: None, on_setback=_expect)
    for number, speech in enumerate(spoken.speech):
        start = number * FRAME_SAMPLES
        await clock.sleep_until(began + to_s(start + FRAME_SAMPLES))
        utterance.push(spoken.pcm[start : start + FRAME_SAMPLES], speech=speech)
        if number == when and strike is not None and utterance.pid is not None:
            os.kill(utterance.pid, strike)
    final = await utterance.finish()
    return final, clock.now_s() - began - to_s(len(spoken.pcm))


def _expect(_: WarmlineError) -> None:
    """What was struck is known here."""
