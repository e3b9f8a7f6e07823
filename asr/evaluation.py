"""How well a recognizer hears: character error rate for Mandarin, word error rate for languages with spaces.

Error rate = (substitutions + deletions + insertions) / length of the reference, over all utterances together, by the
smallest edit distance (Levenshtein 1966). Punctuation, spaces and case do not count; digits count as they are written,
so 六二二 against 622 is three errors until the text is normalised elsewhere.
"""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from asr.chinese import simplify
from asr.ports import Recognizer
from asr.types import Hypothesis, Language
from voice.contracts.audio import Pcm, Samples, from_s, to_s


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """An utterance and what was said: audio, shape (n,), and its true text."""

    name: str
    pcm: Pcm
    text: str
    speaker: str = ""


@dataclass(frozen=True, slots=True)
class Edits:
    """Errors against a reference of `length` characters or words; sums add up."""

    substitutions: int
    deletions: int
    insertions: int
    length: int

    def __add__(self, other: Edits) -> Edits:
        return Edits(
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
            self.length + other.length,
        )

    @property
    def rate(self) -> float:
        """Errors per character or word of the reference; above 1 where much was invented.

        Raises:
            ZeroDivisionError: the reference is empty.
        """
        return (self.substitutions + self.deletions + self.insertions) / self.length


@dataclass(frozen=True, slots=True)
class Scored:
    """One utterance: what was recognized and its errors."""

    name: str
    speaker: str
    hypothesis: Hypothesis
    edits: Edits


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A recognizer on a set of utterances.

    Attributes:
        engine: name of the recognizer.
        utterances: one by one.
        audio_s: length of all audio, seconds.
        cpu_s: processor time of the whole process for all finals (and partials, if made), seconds.
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
        return sum((scored.edits for scored in self.utterances), Edits(0, 0, 0, 0))

    def by_speaker(self) -> dict[str, Edits]:
        """Errors of each speaker."""
        found: dict[str, Edits] = {}
        for scored in self.utterances:
            found[scored.speaker] = found.get(scored.speaker, Edits(0, 0, 0, 0)) + scored.edits
        return found

    @property
    def cpu_ms_per_audio_s(self) -> float:
        """Processor milliseconds per second of audio."""
        return 1000 * self.cpu_s / self.audio_s


def evaluate(
    recognizer: Recognizer, references: Iterable[Reference], language: Language, *, chunk_s: float | None = None
) -> Evaluation:
    """Recognize every utterance and count the errors. Blocks.

    Args:
        recognizer: what is evaluated.
        references: utterances with their true text.
        language: what is spoken.
        chunk_s: where given, audio is pushed in chunks of that length and partials are asked for after each, as in a
            live call; otherwise all at once and without partials.

    Raises:
        ModelError: the engine does not speak the language, or broke.
    """
    scores: list[Scored] = []
    audio: Samples = 0
    slowest = 0.0
    cpu = time.process_time()
    for reference in references:
        utterance = recognizer.begin(language)
        chunk = from_s(chunk_s) if chunk_s else max(1, len(reference.pcm))
        for start in range(0, len(reference.pcm), chunk):
            utterance.accept(reference.pcm[start : start + chunk])
            if chunk_s:
                utterance.partial()
        before = time.perf_counter()
        hypothesis = utterance.finish()
        slowest = max(slowest, time.perf_counter() - before)
        audio += len(reference.pcm)
        edits = count_edits(units(reference.text, language), units(hypothesis.text, language))
        scores.append(Scored(reference.name, reference.speaker, hypothesis, edits))
    return Evaluation(recognizer.name, tuple(scores), to_s(audio), time.process_time() - cpu, slowest)


def units(text: str, language: Language) -> list[str]:
    """What errors are counted in: characters for Mandarin, words elsewhere; without punctuation and case."""
    text = unicodedata.normalize("NFKC", text).lower()
    if language is Language.ZH:
        return [character for character in simplify(text) if character.isalnum()]
    kept = "".join(c if c.isalnum() or c.isspace() else "" if c in "'’" else " " for c in text)
    return kept.split()


def count_edits(reference: Sequence[str], hypothesis: Sequence[str]) -> Edits:
    """The fewest edits that turn `reference` into `hypothesis`; where several ways tie, substitutions go first."""
    rows, columns = len(reference) + 1, len(hypothesis) + 1
    cost = np.zeros((rows, columns), dtype=np.int32)
    cost[:, 0], cost[0, :] = np.arange(rows), np.arange(columns)
    for row in range(1, rows):
        for column in range(1, columns):
            same = reference[row - 1] == hypothesis[column - 1]
            cost[row, column] = min(
                cost[row - 1, column - 1] + (not same), cost[row - 1, column] + 1, cost[row, column - 1] + 1
            )
    substitutions = deletions = insertions = 0
    row, column = rows - 1, columns - 1
    while row or column:
        here = cost[row, column]
        if row and column and reference[row - 1] == hypothesis[column - 1] and cost[row - 1, column - 1] == here:
            row, column = row - 1, column - 1
        elif row and column and cost[row - 1, column - 1] + 1 == here:
            substitutions, row, column = substitutions + 1, row - 1, column - 1
        elif row and cost[row - 1, column] + 1 == here:
            deletions, row = deletions + 1, row - 1
        else:
            insertions, column = insertions + 1, column - 1
    return Edits(substitutions, deletions, insertions, len(reference))
