"""What `warmline evaluate numbers` does: recordings through the whole pipeline, and what became of each number."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import anyio
import numpy as np

from agent_console.asr_manifest import demand_key, value_of
from agent_console.manifest import Broken, refuse_broken
from agent_console.numbers_manifest import Dictated, load_dictated
from agent_console.settings import Settings
from agent_console.wiring import open_rooms
from asr.number_scoring import digit_edits, digits_of, holds_number, same_number, spoken_digits
from asr.scoring import Edits
from prosody.metrics import Estimate, Places, estimate
from routing.events import EntityFound, TranscriptFinal
from routing.journal.memory import MemoryJournal
from routing.replay import replay
from routing.rooms import Rooms
from voice.audio.decode import AudioFile
from voice.clock import WallClock
from voice.contracts.audio import CallId, to_s
from voice.contracts.errors import ManifestError

Progress = Callable[[str, int, int], None]
"""Told the step, of how many, and how many are done."""

BEFORE: Final = "before"
"""What the engine heard, as it wrote it, in turns that the usual timer ends."""

TIMER: Final = "timer-560"
"""The usual timer; `before` is taken from the same calls."""

VARIANTS: Final[Mapping[str, Mapping[str, Any]]] = {
    TIMER: {"turn_end": "timer", "turn_words": False, "hangover_ms": 560.0},
    "timer-1000": {"turn_end": "timer", "turn_words": False, "hangover_ms": 1000.0},
    "turn-words": {"turn_end": "timer", "turn_words": True, "hangover_ms": 560.0},
    "smart-turn": {"turn_end": "smart-turn", "turn_words": False, "hangover_ms": 560.0},
}
"""What may end a turn, as changes of the settings."""

_95_PERCENT: Final = 1.959964
"""Quantile of the normal distribution for an interval of 95 %."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one number.

    Attributes:
        finals: how many turns it took.
        in_text: it stands whole in one final, in Arabic digits.
        as_entity: an entity has its value.
        all_digits: every digit was heard, in order, over all finals; None where digits are not read out.
        edits: errors in its digits over all finals; nothing where digits are not read out.
        texts: the finals.
        entities: what entities were found, as (kind, value).
    """

    finals: int
    in_text: bool
    as_entity: bool
    all_digits: bool | None
    edits: Edits
    texts: tuple[str, ...]
    entities: tuple[tuple[str, str], ...]

    @property
    def right(self) -> bool:
        """Whether anybody who works with the call has the right number."""
        return self.in_text or self.as_entity


@dataclass(frozen=True, slots=True)
class Share:
    """How often something held; the interval is Wilson's for 95 %.

    Wilson, E. B. (1927), "Probable inference, the law of succession, and statistical inference", JASA 22(158).
    """

    hits: int
    n: int

    @property
    def value(self) -> float:
        """In [0, 1].

        Raises:
            ZeroDivisionError: of nothing.
        """
        return self.hits / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper bound."""
        z2 = _95_PERCENT**2
        centre = (self.hits + z2 / 2) / (self.n + z2)
        half = _95_PERCENT / (self.n + z2) * math.sqrt(self.hits * (self.n - self.hits) / self.n + z2 / 4)
        return max(0.0, centre - half), min(1.0, centre + half)


@dataclass(frozen=True, slots=True)
class Tally:
    """Numbers of one group, together.

    Attributes:
        right: the right number stands in a final or an entity.
        in_text: in a final.
        as_entity: in an entity.
        all_digits: all digits were heard, cut or not; of those that are read out; None where there are none.
        digit_errors: per digit, interval over speakers; None likewise.
        finals: turns per number.
    """

    right: Share
    in_text: Share
    as_entity: Share
    all_digits: Share | None
    digit_errors: Estimate | None
    finals: float


@dataclass(frozen=True, slots=True)
class VariantResult:
    """All numbers, in calls of one kind.

    Attributes:
        outcomes: in the order of the list.
        cpu_s_per_audio_s: processor seconds of the whole process per second of audio; None where others ran beside it.
    """

    outcomes: tuple[Outcome, ...]
    cpu_s_per_audio_s: float | None


@dataclass(frozen=True, slots=True)
class NumbersReport:
    """Everything that was found.

    Attributes:
        manifest: the list.
        engines: which engine served which language, and why.
        dictated: what was said.
        variants: by name, `before` first.
        group: the key that numbers are grouped by.
        skipped: lines that were left out.
        seed: of the bootstrap.
    """

    manifest: Path
    engines: str
    dictated: tuple[Dictated, ...]
    variants: Mapping[str, VariantResult]
    group: str | None
    skipped: tuple[Broken, ...]
    seed: int

    def groups(self) -> dict[str, list[int]]:
        """Places of all numbers, of each language, and of each value of the key, by name."""
        found: dict[str, list[int]] = {"all": list(range(len(self.dictated)))}
        for place, each in enumerate(self.dictated):
            found.setdefault(each.language, []).append(place)
        if self.group is not None:
            by_value: dict[str, list[int]] = {}
            for place, each in enumerate(self.dictated):
                by_value.setdefault(f"{self.group}={value_of(each.fields, self.group)}", []).append(place)
            found |= dict(sorted(by_value.items()))
        return found

    def tally(self, variant: str, places: Sequence[int]) -> Tally:
        """Figures of some of the numbers."""
        outcomes = [self.variants[variant].outcomes[place] for place in places]
        read_out = [place for place in places if self.dictated[place].is_read_out]
        return Tally(
            right=_share([each.right for each in outcomes]),
            in_text=_share([each.in_text for each in outcomes]),
            as_entity=_share([each.as_entity for each in outcomes]),
            all_digits=_share([bool(self.variants[variant].outcomes[place].all_digits) for place in read_out])
            if read_out
            else None,
            digit_errors=self._digit_errors(variant, read_out),
            finals=sum(each.finals for each in outcomes) / len(outcomes),
        )

    def changed(self, variant: str, places: Sequence[int]) -> tuple[int, int]:
        """Numbers that are right now and were not `before`, and the other way round."""
        pairs = [(self.variants[BEFORE].outcomes[p].right, self.variants[variant].outcomes[p].right) for p in places]
        return sum(now and not was for was, now in pairs), sum(was and not now for was, now in pairs)

    def _digit_errors(self, variant: str, places: Sequence[int]) -> Estimate | None:
        if not places:
            return None
        edits = [self.variants[variant].outcomes[place].edits for place in places]
        errors, lengths = np.array([each.errors for each in edits]), np.array([each.length for each in edits])

        def statistic(drawn: Places) -> float:
            return float(errors[drawn].sum() / lengths[drawn].sum())

        return estimate(statistic, [self.dictated[place].speaker for place in places], seed=self.seed)


def evaluate_numbers(
    source: Path,
    settings: Settings,
    *,
    variants: Sequence[str],
    group: str | None,
    only: str | None,
    skip_broken: bool,
    seed: int,
    progress: Progress,
) -> NumbersReport:
    """Play every recording as a call and look for its number. Blocking; each variant takes as long as the engine does.

    Args:
        source: a list of recordings.
        settings: engine, models, terms and everything else of a call, save for what a variant changes.
        variants: names of `VARIANTS`; `TIMER` is always among them, and what it heard is `before`.
        group: a key of the lines to break the figures down by.
        only: `KEY=VALUE`; other lines are left alone.
        skip_broken: whether broken lines are left out instead of refused.
        seed: of the bootstrap.
        progress: told how far it is.

    Raises:
        ManifestError: the list cannot be used, or holds no such line or key.
        ModelError: a model is missing or broken, or does not speak a language of the list.
        UnknownEngineError: there is no engine of that name.
        TermsError: the file of terms cannot be used.
    """
    dictated, broken = load_dictated(source, partial(progress, "reading"))
    if not skip_broken:
        refuse_broken(source, broken, "Mend them, or leave them out with --skip-broken.")
    if only is not None:
        key, _, value = only.partition("=")
        demand_key(source, [each.fields for each in dictated], key)
        dictated = [each for each in dictated if value_of(each.fields, key) == value]
    if not dictated:
        raise ManifestError(f"{source} has no line that can be used ({len(broken)} broken).")
    if group is not None:
        demand_key(source, [each.fields for each in dictated], group)
    results: dict[str, VariantResult] = {}
    engines = ""
    for name in dict.fromkeys((TIMER, *variants)):
        changed = settings.model_copy(update=dict(VARIANTS[name]))
        run = partial(_run, dictated, changed, partial(progress, name), with_before=name == TIMER)
        before, result, engines = anyio.run(run)
        if name == TIMER:
            results[BEFORE] = VariantResult(before, None)
        results[name] = result
    return NumbersReport(source, engines, tuple(dictated), results, group, tuple(broken), seed)


async def _run(
    dictated: Sequence[Dictated], settings: Settings, progress: Callable[[int, int], None], *, with_before: bool
) -> tuple[tuple[Outcome, ...], VariantResult, str]:
    before: list[Outcome] = []
    outcomes: list[Outcome] = []
    audio_s = cpu_s = 0.0
    async with open_rooms(settings) as (rooms, engines):
        for done, each in enumerate(dictated):
            progress(len(dictated), done)
            began = time.process_time()
            finals, entities = await _play(each, rooms)
            cpu_s += time.process_time() - began
            with AudioFile(each.audio) as file:
                audio_s += sum(to_s(block.shape[1]) for block in file.blocks())
            outcomes.append(judge(each, [final.text for final in finals], entities))
            if with_before:
                raw = [final.raw or final.text for final in finals]
                meanings = [rooms.understander.understand(text, each.language) for text in raw]
                found = [(entity.kind.value, entity.value) for meaning in meanings for entity in meaning.entities]
                before.append(judge(each, raw, found))
        progress(len(dictated), len(dictated))
    return tuple(before), VariantResult(tuple(outcomes), cpu_s / audio_s), engines


async def _play(dictated: Dictated, rooms: Rooms) -> tuple[list[TranscriptFinal], list[tuple[str, str]]]:
    journal, call = MemoryJournal(), CallId(f"number-{dictated.line}")
    await replay(dictated.audio, call, dictated.language, rooms, journal, WallClock())
    events = [stamped.event for stamped in await journal.read(call, limit=1_000_000)]
    finals = [event for event in events if isinstance(event, TranscriptFinal)]
    return finals, [(str(event.kind), event.value) for event in events if isinstance(event, EntityFound)]


def judge(dictated: Dictated, texts: Sequence[str], entities: Sequence[tuple[str, str]]) -> Outcome:
    """What became of a number, by the finals and entities of its call."""
    said = [text for text in texts if text]
    read_out = dictated.is_read_out
    return Outcome(
        finals=len(said),
        in_text=any(holds_number(text, dictated.forms) for text in said),
        as_entity=any(same_number(value, dictated.forms) for _, value in entities),
        all_digits=spoken_digits(said, dictated.language) == digits_of(dictated.value) if read_out else None,
        edits=digit_edits(dictated.value, said, dictated.language) if read_out else Edits(),
        texts=tuple(said),
        entities=tuple(entities),
    )


def _share(held: Sequence[bool]) -> Share:
    return Share(sum(held), len(held))
