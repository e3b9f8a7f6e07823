"""What deciding costs: each part of understanding a turn, and the whole of it, one turn after another on one thread.

Every part is a `Part`: something that is done to a turn, and what its figures are called. Latency is wall time, so it
holds what else the machine does; CPU is the thread's own. The encoder keeps vectors, so each turn is measured as it
comes the first time, and nothing that was seen before.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from time import perf_counter, thread_time
from typing import Final

from agent_console.bench.figures import Figure, Target, median_of, percentile_of
from asr.types import Language
from routing.understanding.embedder import Embedder, blank_once
from routing.understanding.entities import find_entities
from routing.understanding.heard import hear
from routing.understanding.intent import IntentModel
from routing.understanding.lexicon import LANGUAGES, load_lexicon
from routing.understanding.turn import Understander, mask
from routing.understanding.utterances import Utterance, read_utterances

PERCENTS: Final = (50, 95, 99)
TODAY: Final = date(2026, 3, 11)
"""The day that relative dates count from."""

TARGETS: Final = {
    "intent_p95_ms": Target("<=", 60.0),
    "entities_p95_ms": Target("<=", 5.0),
    "turn_p95_ms": Target("<=", 80.0),
}
"""By figure, on an idle machine: far below the second that a caller waits for an answer."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the work.

    Attributes:
        name: what its figures begin with.
        run: does it to one turn; what the part needs is loaded before.
    """

    name: str
    run: Callable[[Utterance], object]


def turns(count: int) -> list[Utterance]:
    """Turns of both languages, spread evenly over the project's utterances."""
    found = read_utterances()
    step = max(1, len(found) // count)
    return list(found[::step][:count])


def parts(understander: Understander, model: IntentModel, embedder: Embedder) -> list[Part]:
    """Intent, named values, and the whole turn. The whole comes first: it then meets every sentence anew."""
    lexicons = tuple(load_lexicon(language) for language in LANGUAGES)
    vectors = model.expert is not None and model.expert.embedder == embedder.name

    def intent(turn: Utterance) -> object:
        said = mask(hear(turn.text), lexicons)
        # One letter more makes it a sentence that the encoder has not kept.
        return model.recognize(hear(said), embedder.embed(f"{blank_once(said)} 1") if vectors else None)

    def entities(turn: Utterance) -> object:
        return find_entities(hear(turn.text), TODAY)

    def whole(turn: Utterance) -> object:
        return understander.understand(turn.text, Language(turn.language), TODAY)

    return [Part("turn", whole), Part("intent", intent), Part("entities", entities)]


def measure(parts: Iterable[Part], turns: Sequence[Utterance], report: Callable[[str], None]) -> list[Figure]:
    """p50, p95 and p99 of every part, and its CPU, in milliseconds a turn."""
    figures: list[Figure] = []
    for part in parts:
        report(part.name)
        for turn in turns[:3]:
            part.run(Utterance(f"{turn.text} 0", turn.label, turn.language, turn.group))
        waited: list[float] = []
        spent: list[float] = []
        gc.collect()
        for turn in turns:
            cpu, begun = thread_time(), perf_counter()
            part.run(turn)
            waited.append((perf_counter() - begun) * 1000)
            spent.append((thread_time() - cpu) * 1000)
        for percent in PERCENTS:
            name = f"{part.name}_p{percent}_ms"
            figures.append(percentile_of(name, waited, percent, "ms", TARGETS.get(name)))
        figures.append(median_of(f"{part.name}_cpu_ms", spent, "ms"))
    return figures


def measure_understanding(
    understander: Understander, model: IntentModel, embedder: Embedder, count: int, report: Callable[[str], None]
) -> list[Figure]:
    """The figures of understanding; what else routing costs is measured beside it and joins the same document."""
    return measure(parts(understander, model, embedder), turns(count), report)
