"""A place for a recognition process, and what that process is to recognize."""

from __future__ import annotations

from dataclasses import dataclass, field

from asr.child_process import RecognitionProcess
from asr.process_utterance import ProcessUtterance


@dataclass(slots=True, eq=False)
class Seat:
    """A place for a process, one after the other.

    Attributes:
        number: names it in logs.
        process: who sits there.
        utterances: what it has, by the id of this attempt.
    """

    number: int
    process: RecognitionProcess
    utterances: dict[int, ProcessUtterance] = field(default_factory=dict)

    @property
    def is_up(self) -> bool:
        """Whether its process takes utterances."""
        return self.process.is_up

    @property
    def finishing(self) -> int:
        """Utterances whose finals are waited for."""
        return sum(each.finishing for each in self.utterances.values())

    @property
    def is_free(self) -> bool:
        """Whether a final would be made here at once."""
        return self.is_up and not self.process.under_way and not self.finishing

    @property
    def under_way(self) -> ProcessUtterance | None:
        """What its process works on, where anybody waits for that."""
        return self.utterances.get(self.process.under_way)

    def drop(self, utterance: ProcessUtterance) -> None:
        """Have it no more, by any id."""
        self.utterances = {key: each for key, each in self.utterances.items() if each is not utterance}
