"""`warmline bench asr`: what recognition costs beside the bare libraries, how soon finals come, and what stays free.

For each engine with a model: CPU time in recognition processes as calls use them, against the loop in `asr_bare`;
finals at real pace; memory, from a process of its own. What an engine hears is written for people by the product's text
work, which the bare loop does not do.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from anyio.to_thread import run_sync

from agent_console.bench.asr_bare import BareLoop, load_bare
from agent_console.bench.asr_costs import Cost, measure_cost
from agent_console.bench.asr_live import Live, measure_live_calls
from agent_console.bench.asr_memory import Memory, measure_memory
from agent_console.bench.asr_recovery import Recovery, measure_recovery
from agent_console.bench.asr_speech import Spoken, SpokenSet, read_spoken
from agent_console.bench.figures import Figure, Target, median_of, percentile_of
from asr.chinese import simplify
from asr.engines import AUTO, FAKE, choose_model, load_recognizer
from asr.models.catalogue import find
from asr.models.entry import Engine
from asr.models.layout import guess_languages
from asr.models.store import ModelStore, read_manifest
from asr.plan import EnginePlan
from asr.ports import Recognition
from asr.supervisor import SupervisedRecognition
from asr.text.writer import TextWriter
from asr.types import Language
from voice.clock import WallClock
from voice.contracts.audio import to_ms
from voice.contracts.errors import ModelMissingError
from voice.contracts.ports import Clock

STREAMS: Final = 4
ROUNDS: Final = 3
COST_UTTERANCES: Final = 6
"""Utterances whose cost is measured, at most; each round takes them twice with one stream and twice with four."""

STRUCK_UTTERANCES: Final = 4
"""Utterances whose process is killed, and then stopped: two in their middle, two at their end."""

OVERHEAD: Final = Target("<=", 1.15)
LATE: Final = Target("<=", 2000)
NONE: Final = Target("<=", 0)
STALL: Final = Target("<=", 20)
FINALS: Final = {Engine.VOSK: Target("<=", 300), Engine.WHISPER: Target("<=", 900)}

_LIBRARIES: Final = {Engine.WHISPER: "ctranslate2", Engine.VOSK: "vosk", Engine.SHERPA: "sherpa-onnx"}


@dataclass(frozen=True, slots=True)
class _Subject:
    """An engine to measure: its model, the languages that it is loaded for, and whether the speech is in them."""

    engine: str
    model: str
    languages: tuple[Language, ...]
    speaks: bool

    @property
    def name(self) -> str:
        """As `load_recognizer` takes it."""
        return self.engine if self.engine == FAKE else f"{self.engine}/{self.model}"


@dataclass(frozen=True, slots=True)
class _Measured:
    """All about one engine."""

    subject: _Subject
    bare: BareLoop | None
    utterances: int
    single: Sequence[Cost]
    several: Sequence[Cost]
    live: Live
    live_several: Live
    memory: Memory
    killed: Recovery
    hung: Recovery


async def measure_asr(
    models: Path,
    speech: Path | None,
    *,
    engine: str = AUTO,
    utterances: int,
    threads: int,
    terms: Path | None = None,
    rounds: int = ROUNDS,
    report: Callable[[str], None],
    clock: Clock | None = None,
) -> tuple[list[Figure], dict[str, Any]]:
    """Run the benchmark.

    Args:
        models: where models lie.
        speech: a folder with a manifest; None takes the sample calls.
        engine: `auto` for each that has a model, one engine by name, `ENGINE/MODEL`, or `fake`.
        utterances: how many are spoken at real pace.
        threads: of recognition.
        terms: an installation's own terms, for the text work.
        rounds: how often costs are measured.
        report: told what is done next.
        clock: paces the speech; by default the wall's.

    Returns:
        The figures, and what they were measured with.

    Raises:
        ModelMissingError: no engine has a model.
        ModelError: a model cannot be loaded.
        UnknownEngineError: no such engine.
        ManifestError: the folder has no manifest, or a bad one.
        AudioFormatError: speech that cannot be read, or none.
    """
    report("Cutting speech into utterances")
    # First what may be missing: nobody waits for the speech to learn that there is no model.
    names = _engines(engine, ModelStore(models))
    spoken = await run_sync(read_spoken, speech, utterances)
    writer = await run_sync(TextWriter.load, terms)
    load_before = os.getloadavg()[0]
    measured = []
    for name in names:
        subject = _subject(name, ModelStore(models), spoken)
        said = _said(subject, spoken)
        measured.append(await _measure(subject, said, models, threads, writer, rounds, report, clock or WallClock()))
    figures = [figure for each in measured for figure in _figures(each)]
    stalls = [stall for each in measured for live in (each.live, each.live_several) for stall in live.stalls_ms]
    figures.append(percentile_of("loop_stall_p99_ms", stalls, 99, "ms", STALL))
    about = {
        "speech": spoken.source,
        "utterances": len(spoken.utterances),
        "seconds": round(spoken.seconds, 1),
        "longest_ms": round(max(to_ms(len(each.pcm)) for each in spoken.utterances)),
        "threads": threads,
        "rounds": rounds,
        "load_average": {"before": round(load_before, 2), "after": round(os.getloadavg()[0], 2)},
        "engines": {each.subject.engine: _about(each) for each in measured},
    }
    return figures, about


def _engines(engine: str, store: ModelStore) -> list[str]:
    if engine != AUTO:
        return [engine]
    names = [name.value for name in Engine if any(choose_model(language, store, name) for language in Language)]
    if not names:
        raise ModelMissingError(
            f"Expected a recognition model in {store.folder}; there is none.",
            fix="Run: warmline models pull whisper-base",
        )
    return names


def _subject(name: str, store: ModelStore, spoken: SpokenSet) -> _Subject:
    """Which model, and for which languages: those of the speech that it recognizes, otherwise its own."""
    wanted = sorted({each.language for each in spoken.utterances})
    if name == FAKE:
        return _Subject(FAKE, FAKE, tuple(wanted), speaks=True)
    engine, _, model = name.partition("/")
    if engine not in set(Engine):
        load_recognizer(name, store.folder)  # says what is wrong with the name
    if not model:
        choices = (choose_model(language, store, Engine(engine)) for language in (*wanted, *Language))
        model = next((choice.model for choice in choices if choice), "")
    if not model:
        raise ModelMissingError(
            f"Expected a model of {engine} in {store.folder}; there is none.",
            fix="Run: warmline models list, then: warmline models pull NAME",
        )
    folder = store.path(model)
    manifest, entry = read_manifest(folder), find(model)
    if manifest is not None:
        known = manifest.languages
    else:
        known = entry.languages if entry else guess_languages(model, Engine(engine), folder)
    served = tuple(language for language in wanted if language in known)
    return _Subject(engine, model, served or tuple(sorted(known)), speaks=bool(served))


def _said(subject: _Subject, spoken: SpokenSet) -> list[Spoken]:
    """The utterances in the subject's languages; all, taken for its own, where there is none."""
    if subject.speaks:
        return [each for each in spoken.utterances if each.language in subject.languages]
    return [replace(each, language=subject.languages[0]) for each in spoken.utterances]


async def _measure(
    subject: _Subject,
    said: Sequence[Spoken],
    models: Path,
    threads: int,
    writer: TextWriter,
    rounds: int,
    report: Callable[[str], None],
    clock: Clock,
) -> _Measured:
    report(f"{subject.name}: memory")
    longest = max((each.pcm for each in said), key=len)
    memory = await measure_memory(subject.name, models, subject.languages, threads, longest)
    bare = None
    if subject.engine != FAKE:
        bare = await run_sync(load_bare, subject.engine, models / subject.model, subject.languages, threads)
    plan = EnginePlan(subject.name, models, subject.languages)
    async with SupervisedRecognition(plan, threads, WallClock(), writer.write) as worker:
        single, several = await _costs(subject, said[:COST_UTTERANCES], worker, bare, threads, rounds, report)
        report(f"{subject.name}: {len(said)} utterances at real pace, one call")
        live = await measure_live_calls(worker, said, clock, 1)
        report(f"{subject.name}: the same, {STREAMS} calls at once")
        live_several = await measure_live_calls(worker, said, clock, STREAMS)
        report(f"{subject.name}: processes killed and stopped in the middle of an utterance")
        struck = said[:STRUCK_UTTERANCES]
        killed = await measure_recovery(worker, struck, clock, signal.SIGKILL)
        hung = await measure_recovery(worker, struck, clock, signal.SIGSTOP)
    return _Measured(subject, bare, len(said), single, several, live, live_several, memory, killed, hung)


async def _costs(
    subject: _Subject,
    said: Sequence[Spoken],
    recognition: Recognition,
    bare: BareLoop | None,
    threads: int,
    rounds: int,
    report: Callable[[str], None],
) -> tuple[list[Cost], list[Cost]]:
    """The rounds with one stream and those with four, in turn."""
    single: list[Cost] = []
    several: list[Cost] = []
    # What is made at first use, in each process, is no cost of speech.
    await measure_cost(recognition, bare, [[said[0]] * threads], threads)
    for number in range(1, rounds + 1):
        report(f"{subject.name}: cost of {len(said)} utterances, {number} of {rounds}")
        for streams, costs in ((1, single), (STREAMS, several)):
            groups = [said[start : start + streams] for start in range(0, len(said), streams)]
            costs.append(await measure_cost(recognition, bare, groups, threads))
    return single, several


def _figures(measured: _Measured) -> list[Figure]:
    engine = measured.subject.engine
    figures: list[Figure] = []
    for suffix, costs in (("", measured.single), (f"_{STREAMS}_streams", measured.several)):
        figures.append(median_of(f"rtf_cpu_{engine}{suffix}", [cost.own for cost in costs], "s/s"))
        bare = [cost.bare for cost in costs if cost.bare]
        if bare:
            ratios = [cost.own / cost.bare for cost in costs if cost.bare]
            figures.append(median_of(f"rtf_cpu_bare_{engine}{suffix}", bare, "s/s"))
            figures.append(median_of(f"overhead_ratio_vs_bare_{engine}{suffix}", ratios, "ratio", OVERHEAD))
    target = FINALS.get(Engine(engine)) if engine in set(Engine) else None
    for suffix, live, bound in (("", measured.live, target), (f"_{STREAMS}_calls", measured.live_several, None)):
        figures.append(percentile_of(f"final_after_speech_p50_ms_{engine}{suffix}", live.finals_ms, 50, "ms"))
        figures.append(percentile_of(f"final_after_speech_p95_ms_{engine}{suffix}", live.finals_ms, 95, "ms", bound))
        figures.append(percentile_of(f"final_after_sound_p95_ms_{engine}{suffix}", live.after_sound_ms, 95, "ms"))
        figures.append(percentile_of(f"loop_stall_p99_ms_{engine}{suffix}", live.stalls_ms, 99, "ms"))
    for suffix, recovery in (("killed", measured.killed), ("hung", measured.hung)):
        figures.append(percentile_of(f"final_late_max_ms_{engine}_{suffix}", recovery.late_ms, 100, "ms", LATE))
        lost = float(recovery.lost)
        figures.append(Figure(f"words_lost_{engine}_{suffix}", lost, "", len(recovery.late_ms), 0.0, lost, NONE))
    memory = measured.memory
    return [
        *figures,
        percentile_of(f"final_cpu_p95_ms_{engine}", measured.live.cpu_ms, 95, "ms"),
        Figure(f"rss_mb_{engine}", memory.model, "MB", 1, memory.model, memory.model),
        Figure(f"rss_per_stream_mb_{engine}", memory.stream, "MB", 1, memory.stream, memory.stream),
    ]


def _about(measured: _Measured) -> dict[str, Any]:
    subject, texts = measured.subject, [pair for cost in measured.single for pair in cost.texts]
    library = _LIBRARIES.get(Engine(subject.engine)) if subject.engine in set(Engine) else None
    return {
        "model": subject.model,
        "library": f"{library} {version(library)}" if library else None,
        "languages": list(subject.languages),
        "speech_is_in_its_languages": subject.speaks,
        "utterances": measured.utterances,
        "utterances_for_cost": min(measured.utterances, COST_UTTERANCES),
        "bare_loop": measured.bare.what if measured.bare else None,
        "finals_whole_after_kill": [measured.killed.alike, len(measured.killed.late_ms)],
        "finals_whole_after_hang": [measured.hung.alike, len(measured.hung.late_ms)],
        "texts_alike": [sum(_bare_text(own) == _bare_text(text) for own, text in texts), len(texts)],
    }


def _bare_text(text: str) -> str:
    return simplify(re.sub(r"[\W_]", "", text)).lower()
