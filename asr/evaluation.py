"""How well a recognizer hears: its errors against what was said, and what its work costs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from asr.ports import Recognizer
from asr.scoring import Comparison, Edits, compare_texts
from asr.types import Hypothesis, Language
from voice.contracts.audio import Pcm, Samples, from_s, to_s


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """An utterance and what was said: audio, shape (n,), and its true text."""

    name: str
    pcm: Pcm
    text: str
    language: Language
    speaker: str = ""


@dataclass(frozen=True, slots=True)
class Scored:
    """One utterance: what was recognized, and how it differs from what was said."""

    name: str
    speaker: str
    language: Language
    hypothesis: Hypothesis
    comparison: Comparison

    @property
    def edits(self) -> Edits:
        """The errors."""
        return self.comparison.edits


@dataclass(frozen=True, slots=True)
class Substitution:
    """What was heard as something else.

    Attributes:
        said: characters or words of the reference.
        heard: what stood in their place.
        count: how often.
        names: the utterances, in their order, each once.
    """

    said: str
    heard: str
    count: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A recognizer on a set of utterances.

    Attributes:
        engine: name of the recognizer.
        utterances: one by one.
        audio_s: length of all audio, seconds.
        cpu_s: processor time of the whole process for all finals (and partials, if made), seconds, without the writing
            of display texts and the counting of errors.
        slowest_final_s: longest wall-clock time of one `finish`, seconds.
    """

    engine: str
    utterances: tuple[Scored, ...]
    audio_s: float
    cpu_s: float
    slowest_final_s: float

    @property
    def edits(self) -> Edits:
        """All errors together."""
        return sum((scored.edits for scored in self.utterances), Edits())

    def by_speaker(self) -> dict[str, Edits]:
        """Errors of each speaker."""
        found: dict[str, Edits] = {}
        for scored in self.utterances:
            found[scored.speaker] = found.get(scored.speaker, Edits()) + scored.edits
        return found

    @property
    def rtf_cpu(self) -> float:
        """Processor seconds per second of audio.

        Raises:
            ZeroDivisionError: there was no audio.
        """
        return self.cpu_s / self.audio_s


def evaluate(
    recognizer: Recognizer,
    references: Iterable[Reference],
    *,
    chunk_s: float | None = None,
    write: Callable[[Hypothesis, Language], Hypothesis] | None = None,
) -> Evaluation:
    """Recognize every utterance and count the errors. Blocks.

    Args:
        recognizer: what is evaluated.
        references: utterances with their true text; taken one at a time.
        chunk_s: where given, audio is pushed in chunks of that length and partials are asked for after each, as in a
            live call; otherwise all at once and without partials.
        write: makes the display text of a final; None compares what the engine heard.

    Raises:
        ModelError: the engine does not speak the language of an utterance, or broke.
    """
    scores: list[Scored] = []
    audio: Samples = 0
    slowest = cpu_s = 0.0
    for reference in references:
        began = time.process_time()
        utterance = recognizer.begin(reference.language)
        chunk = from_s(chunk_s) if chunk_s else max(1, len(reference.pcm))
        for start in range(0, len(reference.pcm), chunk):
            utterance.accept(reference.pcm[start : start + chunk])
            if chunk_s:
                utterance.partial()
        before = time.perf_counter()
        hypothesis = utterance.finish()
        slowest = max(slowest, time.perf_counter() - before)
        cpu_s += time.process_time() - began
        audio += len(reference.pcm)
        if write is not None:
            hypothesis = write(hypothesis, reference.language)
        comparison = compare_texts(reference.text, hypothesis.text, reference.language)
        scores.append(Scored(reference.name, reference.speaker, reference.language, hypothesis, comparison))
    return Evaluation(recognizer.name, tuple(scores), to_s(audio), cpu_s, slowest)


def find_substitutions(utterances: Sequence[Scored]) -> list[Substitution]:
    """What was heard as something else, the most frequent first; ties in the order of their first occurrence."""
    counts: Counter[tuple[str, str]] = Counter()
    names: dict[tuple[str, str], dict[str, None]] = {}
    for scored in utterances:
        for pair in scored.comparison.replaced:
            counts[pair] += 1
            names.setdefault(pair, {})[scored.name] = None
    return [Substitution(*pair, count, tuple(names[pair])) for pair, count in counts.most_common()]
