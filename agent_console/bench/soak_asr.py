"""`warmline bench soak-asr`: an hour of speech, silence and noise through each engine; does memory stay flat?

Each engine has a process of its own, so that nothing else is counted. There the audio is cut into utterances and
recognized as in a call, partials included, one utterance after the other, as fast as the engine works. Every two
minutes of audio the engine lets go of what it keeps for later utterances, memory that the allocator merely keeps is
given back, and what is left is noted. The slope is that of a straight line through those notes, without the first
quarter, in which pools fill. What the engine keeps is bounded and comes and goes, which would hide a slope; how much it
was, stands beside it.

The process is `python -m agent_console.bench.soak_asr ENGINE/MODEL MODELS_FOLDER LANGUAGES MINUTES`; it prints a JSON
object for each note.
"""

from __future__ import annotations

import ctypes
import gc
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import anyio
import numpy as np
import orjson
from anyio.streams.buffered import BufferedByteReceiveStream

from agent_console.bench.figures import Figure, Target
from agent_console.bench.resident import resident_mb
from agent_console.demo import SAMPLES
from asr.engines import choose_model, load_recognizer
from asr.models.entry import Engine
from asr.models.store import ModelStore
from asr.ports import Keeping, Recognizer
from asr.text.writer import TextWriter
from asr.types import Language
from voice.audio.decode import AudioFile
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, Party, Pcm, Samples, from_s, to_s
from voice.contracts.errors import AudioFormatError, ModelError, ModelMissingError
from voice.vad.detectors import load_detectors
from voice.vad.segmenter import SegmentClosed, Segmenter, SegmenterSettings

MINUTES: Final = 60
NOTE_EVERY_S: Final = 120.0
"""Audio between two notes of memory."""

PARTIAL_EVERY: Final[Samples] = from_s(3)
"""Audio of an utterance between two partials: a third as often as in a call, so that an hour takes no hour."""

SETTLING: Final = 0.25
"""Share of the notes that the slope leaves out, the first."""

FLAT: Final = Target("<=", 5)
"""Megabytes an hour, the upper bound of the slope's interval: 120 MB a day, less than one model."""

_LONGEST_LINE: Final = 1000

_STUDENT: Final = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14, 2.13, 2.12)
"""Quantiles for 95 %, two-sided, for 1 to 16 degrees of freedom."""


@dataclass(frozen=True, slots=True)
class Note:
    """Memory at one moment.

    Attributes:
        audio_s: audio heard so far, seconds.
        speech_s: of it in utterances.
        utterances: recognized so far.
        cpu_s: processor time so far, seconds.
        rss_mb: resident, 10^6 bytes, after what is free was given back, and what the engine keeps.
        peak_mb: the most that was resident since the note before, before anything was given back.
        kept_mb: what the engine kept for later utterances.
    """

    audio_s: float
    speech_s: float
    utterances: int
    cpu_s: float
    rss_mb: float
    peak_mb: float
    kept_mb: float = 0.0


@dataclass(frozen=True, slots=True)
class Slope:
    """A straight line through notes: megabytes an hour of audio, with its interval for 95 %."""

    mb_per_hour: float
    low: float
    high: float


async def measure_soak_asr(
    models: Path, *, engine: str, minutes: float, report: Callable[[str], None]
) -> tuple[list[Figure], dict[str, Any]]:
    """Run the benchmark; an hour of audio takes an engine 5 to 40 minutes.

    Args:
        models: where models lie.
        engine: `auto` for each engine that has a model, or one by name.
        minutes: of audio; at least 4 notes of 2 minutes.
        report: told how far it is.

    Returns:
        The figures, and every note of every engine.

    Raises:
        ModelMissingError: no engine has a model.
        ModelError: an engine's process failed.
        OSError: not on Linux.
    """
    figures: list[Figure] = []
    engines: dict[str, Any] = {}
    for name, languages in find_engines(ModelStore(models), engine).items():
        notes = await _run(name, models, languages, minutes, report)
        slope = fit_slope(settled(notes))
        last, rest = notes[-1], [note.rss_mb for note in settled(notes)]
        peaks = [note.peak_mb for note in settled(notes)]
        key = name.replace("/", "_").replace("-", "_")
        figures += [
            Figure(f"memory_slope_mb_per_hour_{key}", slope.mb_per_hour, "MB/h", len(rest), slope.low, slope.high),
            Figure(f"memory_slope_upper_mb_per_hour_{key}", slope.high, "MB/h", len(rest), slope.low, slope.high, FLAT),
            Figure(f"memory_growth_mb_{key}", rest[-1] - rest[0], "MB", len(rest), min(rest), max(rest)),
            Figure(f"memory_peak_mb_{key}", max(peaks), "MB", len(peaks), min(peaks), max(peaks)),
            Figure(f"cpu_s_per_audio_s_{key}", last.cpu_s / last.audio_s, "s/s", last.utterances, 0.0, 0.0),
        ]
        engines[name] = {
            "languages": list(languages),
            "slope": asdict(slope),
            "notes": [asdict(each) for each in notes],
        }
    return figures, {"minutes": minutes, "engines": engines}


def find_engines(store: ModelStore, engine: str = "auto") -> Mapping[str, tuple[Language, ...]]:
    """The model that each engine would take for each language: `ENGINE/MODEL` to its languages.

    Raises:
        ModelMissingError: there is none.
    """
    found: dict[str, tuple[Language, ...]] = {}
    for name in Engine:
        for language in Language:
            choice = choose_model(language, store, name) if engine in ("auto", name.value) else None
            if choice is not None:
                key = f"{choice.engine}/{choice.model}"
                found[key] = (*found.get(key, ()), language)
    if not found:
        raise ModelMissingError(
            f"Expected a recognition model in {store.folder}; there is none.",
            fix="Run: warmline models pull whisper-base",
        )
    return found


def settled(notes: Sequence[Note]) -> Sequence[Note]:
    """Without the first quarter."""
    return notes[int(len(notes) * SETTLING) :]


def fit_slope(notes: Sequence[Note]) -> Slope:
    """Least squares, with Student's interval for the slope (Draper and Smith 1998, "Applied Regression", section 1.4).

    Notes follow each other in time and are not quite independent, so the interval is rather too narrow.

    Raises:
        ValueError: fewer than three notes.
    """
    if len(notes) < 3:
        raise ValueError(f"A slope with an interval needs three notes; got {len(notes)}.")
    hours = np.array([note.audio_s / 3600 for note in notes])
    memory = np.array([note.rss_mb for note in notes])
    spread = float(np.sum((hours - hours.mean()) ** 2))
    slope = float(np.sum((hours - hours.mean()) * (memory - memory.mean()))) / spread
    rest = memory - memory.mean() - slope * (hours - hours.mean())
    freedom = len(notes) - 2
    error = math.sqrt(float(np.sum(rest**2)) / freedom / spread)
    quantile = _STUDENT[freedom - 1] if freedom <= len(_STUDENT) else 2.11
    return Slope(slope, slope - quantile * error, slope + quantile * error)


def mixed_audio(languages: Sequence[Language], seconds: float) -> Iterator[tuple[Language, Pcm]]:
    """Calls in those languages in turn, each followed by silence, faint noise or loud noise of 1 to 20 s.

    Every call is heard at a level of its own, 0 to 12 dB below the recorded one. Where no sample call is in a language,
    the others stand in: the words then make no sense, and the work is the same.

    Raises:
        AudioFormatError: the sample calls are not there.
    """
    generator = np.random.default_rng(0)
    calls = {language: _calls(language) for language in languages}
    heard: Samples = 0
    number = 0
    while heard < from_s(seconds):
        language = languages[number % len(languages)]
        call = calls[language][number // len(languages) % len(calls[language])]
        gap = np.zeros(from_s(generator.uniform(1, 20)), np.float32)
        if level := (0.0, 0.0005, 0.02)[number % 3]:
            gap += level * generator.standard_normal(len(gap)).astype(np.float32)
        loud = call * np.float32(10 ** (generator.uniform(-12, 0) / 20))
        for pcm in (loud, gap):
            kept = pcm[: from_s(seconds) - heard]
            heard += len(kept)
            if len(kept):
                yield language, kept
        number += 1


def _calls(language: Language) -> list[Pcm]:
    folders = sorted(SAMPLES.glob(f"{language}-*")) or sorted(SAMPLES.glob("*-*"))
    if not folders:
        raise AudioFormatError(f"No sample calls in {SAMPLES}.", fix="Run benchmarks from a checkout.")
    found = []
    for folder in folders:
        with AudioFile(folder / "audio.wav") as file:
            found.append(np.concatenate([block[0] for block in file.blocks()]))
    return found


async def _run(
    name: str, models: Path, languages: Sequence[Language], minutes: float, report: Callable[[str], None]
) -> list[Note]:
    arguments = [name, str(models), ",".join(languages), f"{minutes:g}"]
    command = [sys.executable, "-m", "agent_console.bench.soak_asr", *arguments]
    notes: list[Note] = []
    # What goes wrong in it, it says on the same terminal.
    async with await anyio.open_process(command, stderr=None) as process:
        if process.stdout is None:
            raise ModelError(f"The process of {name} has no output.")
        lines = BufferedByteReceiveStream(process.stdout)
        with suppress(anyio.EndOfStream, anyio.IncompleteRead):
            while True:
                notes.append(Note(**orjson.loads(await lines.receive_until(b"\n", _LONGEST_LINE))))
                report(f"{name}: {notes[-1].audio_s / 60:.0f} of {minutes:g} min, {notes[-1].rss_mb:.0f} MB")
        status = await process.wait()
    if status:
        raise ModelError(f"The process that listens with {name} ended with status {status}.")
    return notes


class _Listener:
    """Recognizes a stream of audio, utterance by utterance."""

    def __init__(self, recognizer: Recognizer) -> None:
        self._recognizer = recognizer
        self._segmenter = Segmenter(load_detectors("silero")(), SegmenterSettings(), Party.CALLER)
        self._writer = TextWriter.load()
        self._at: Samples = 0
        self.speech: Samples = 0
        self.utterances = 0

    def hear(self, language: Language, pcm: Pcm) -> None:
        """Cut and recognize; a frame that the audio does not fill is left out."""
        for start in range(0, len(pcm) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
            frame = AudioFrame(Party.CALLER, self._at, pcm[start : start + FRAME_SAMPLES])
            self._at += FRAME_SAMPLES
            for output in self._segmenter.feed(frame):
                if isinstance(output, SegmentClosed):
                    self._recognize(language, output.pcm)

    def let_go(self) -> None:
        """Have the engine keep nothing for later utterances."""
        if isinstance(self._recognizer, Keeping):
            self._recognizer.let_go()

    def _recognize(self, language: Language, pcm: Pcm) -> None:
        utterance = self._recognizer.begin(language)
        for start in range(0, len(pcm), PARTIAL_EVERY):
            utterance.accept(pcm[start : start + PARTIAL_EVERY])
            utterance.partial()
        self._writer.write(utterance.finish(), language)
        self.speech += len(pcm)
        self.utterances += 1


def _trim() -> None:
    """Give back what the allocator keeps; without glibc there is nothing to call."""
    gc.collect()
    release = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if release is not None:
        release(0)


def main() -> None:
    """Hear, and print a note every `NOTE_EVERY_S` of audio."""
    name, models, spoken, minutes = sys.argv[1:5]
    languages = [Language(language) for language in spoken.split(",")]
    listener = _Listener(load_recognizer(name, Path(models), languages, threads=1).recognizer)
    heard, due, peak = 0.0, NOTE_EVERY_S, 0.0
    for language, pcm in mixed_audio(languages, float(minutes) * 60):
        listener.hear(language, pcm)
        heard += to_s(len(pcm))
        peak = max(peak, resident_mb())
        if heard >= due:
            _trim()
            before = resident_mb()
            listener.let_go()
            _trim()
            speech_s, left = listener.speech / SAMPLE_RATE, resident_mb()
            note = Note(heard, speech_s, listener.utterances, time.process_time(), left, peak, before - left)
            sys.stdout.buffer.write(orjson.dumps(asdict(note)) + b"\n")
            sys.stdout.buffer.flush()
            due, peak = due + NOTE_EVERY_S, 0.0


if __name__ == "__main__":
    main()
