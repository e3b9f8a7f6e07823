"""From a script to a call: every turn spoken, placed on the call's clock, and described.

The times in the description are those of the clean speech, measured before the background is mixed in, and hold to the
sample: a turn is placed so that its first active frame begins on a whole millisecond.
"""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from samples import telephone
from samples.script import Script, Turn
from samples.speech import SPEECH_RATE_HZ, Kokoro
from samples.telephone import Signal
from samples.tone import Tone, shape

TAIL_MS = 800
# Kept around the active frames so that soft onsets and releases are heard.
_BEFORE_MS = 30
_AFTER_MS = 60


class RecordingError(Exception):
    """A real utterance is missing or is not the one the script names."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """One turn on the call's clock.

    Attributes:
        turn: What was said.
        spans_ms: Where it sounds, half open, in milliseconds since the call began.
    """

    turn: Turn
    spans_ms: list[tuple[int, int]]

    @property
    def start_ms(self) -> int:
        """Begin of the first sound."""
        return self.spans_ms[0][0]

    @property
    def end_ms(self) -> int:
        """End of the last sound."""
        return self.spans_ms[-1][1]


@dataclass(frozen=True, slots=True)
class Call:
    """A finished call.

    Attributes:
        channels: One signal for the caller's line, or caller and agent.
        spoken: Every turn with its times.
    """

    channels: list[Signal]
    spoken: list[Spoken]


def make_call(script: Script, kokoro: Kokoro | None, recordings: Path | None) -> Call:
    """Speak, place and send through the telephone chain.

    Args:
        script: What to make.
        kokoro: The voice; None is enough where every turn is a real recording.
        recordings: Folder with the real utterances that the script names, as FLAC or WAV.

    Raises:
        RecordingError: A real utterance is missing or differs from the pinned one.
        ValueError: A turn needs a voice and none is loaded.
    """
    rate_hz = script.sample_rate_hz
    placed: list[tuple[Turn, int, Signal]] = []
    spoken: list[Spoken] = []
    clock_ms = 0
    for turn in script.turns:
        onset_ms = clock_ms + turn.after_ms
        spans_ms: list[tuple[int, int]] = []
        for text, silence_ms in turn.pieces:
            onset_ms += silence_ms
            clean = _say(script, turn, text, kokoro, recordings)
            sound, active_ms = _trim(clean, rate_hz)
            placed.append((turn, onset_ms - _BEFORE_MS, sound))
            spans_ms += [(onset_ms + start, onset_ms + end) for start, end in active_ms]
            onset_ms = spans_ms[-1][1]
        spoken.append(Spoken(turn, spans_ms))
        clock_ms = max(clock_ms, onset_ms)
    length = (clock_ms + TAIL_MS) * rate_hz // 1000
    channels: list[Signal] = []
    for index, party in enumerate(("caller", "agent") if script.stereo else ("caller",)):
        line = np.zeros(length)
        for turn, at_ms, sound in placed:
            if turn.party == party:
                start = at_ms * rate_hz // 1000
                line[start : start + len(sound)] += sound
        seed = script.seed * 10 + index
        channels.append(telephone.add_background(line, rate_hz, script.background, script.snr_db, seed))
    return Call(channels, spoken)


def _say(script: Script, turn: Turn, text: str, kokoro: Kokoro | None, recordings: Path | None) -> Signal:
    """Return one piece, clean, limited to the band, at its level."""
    rate_hz = script.sample_rate_hz
    if turn.recording is not None:
        source, source_hz = _read_recording(recordings, turn.recording, script.recordings[turn.recording])
    elif kokoro is None:
        raise ValueError(f"{script.name}: a turn is synthesised and no voice is loaded")
    else:
        source = kokoro.say(text, script.language, script.voices[turn.party], turn.tone.speed)
        source, source_hz = shape(source, SPEECH_RATE_HZ, turn.tone), SPEECH_RATE_HZ
    resampled: Signal = soxr.resample(source, source_hz, rate_hz)
    limited = telephone.limit_band(resampled, rate_hz)
    wanted_db = telephone.CALM_LEVEL_DBOV + turn.tone.gain_db
    return np.asarray(limited * 10.0 ** ((wanted_db - telephone.active_level_db(limited, rate_hz)) / 20.0))


def _read_recording(folder: Path | None, name: str, sha256: str) -> tuple[Signal, int]:
    """Read a real utterance; the hash is over its 16-bit samples, so it holds for FLAC and WAV alike."""
    paths = [] if folder is None else [path for path in folder.glob(f"{name}.*") if path.suffix in {".flac", ".wav"}]
    if not paths:
        raise RecordingError(f"{name}: not found; give the folder that holds it with --recordings")
    samples, rate_hz = soundfile.read(paths[0], dtype="int16")
    found = hashlib.sha256(samples.astype("<i2").tobytes()).hexdigest()
    if found != sha256:
        raise RecordingError(f"{paths[0]}: expected samples with sha256 {sha256}, found {found}")
    return samples / 32768.0, int(rate_hz)


def _trim(sound: Signal, rate_hz: int) -> tuple[Signal, list[tuple[int, int]]]:
    """Cut silence off both ends.

    Returns:
        The sound, which begins `_BEFORE_MS` before its first active frame, and the active spans in milliseconds
        counted from that frame.
    """
    per_ms = rate_hz // 1000
    spans = telephone.speech_spans_ms(sound, rate_hz)
    first, last = spans[0][0], spans[-1][1]
    padded = np.concatenate((np.zeros(_BEFORE_MS * per_ms), sound, np.zeros(_AFTER_MS * per_ms)))
    cut = padded[first * per_ms : (last + _BEFORE_MS + _AFTER_MS) * per_ms].copy()
    fade = 0.5 - 0.5 * np.cos(np.linspace(0.0, np.pi, _BEFORE_MS * per_ms))
    cut[: len(fade)] *= fade
    cut[-len(fade) :] *= fade[::-1]
    return cut, [(start - first, end - first) for start, end in spans]


def describe(script: Script, call: Call, audio_sha256: str) -> dict[str, Any]:
    """Return what `call.json` holds."""
    return {
        "name": script.name,
        "title": script.title,
        "language": script.language,
        "channels": ["caller", "agent"] if script.stereo else ["caller"],
        "sample_rate_hz": script.sample_rate_hz,
        "encoding": script.encoding,
        "duration_ms": len(call.channels[0]) * 1000 // script.sample_rate_hz,
        "audio_sha256": audio_sha256,
        "licence": script.licence,
        "source": script.source,
        "made_by": {
            "tool": "samples/generate.py",
            "speech": "Kokoro-82M v1.0 int8" if script.voices else "human",
            "voices": script.voices,
            "seeds": {"noise": script.seed},
            "chain": _chain(script),
        },
        "script": [_describe_turn(spoken) for spoken in call.spoken],
        "expect": script.expect,
    }


def _describe_turn(spoken: Spoken) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "party": spoken.turn.party,
        "start_ms": spoken.start_ms,
        "end_ms": spoken.end_ms,
        "text": spoken.turn.text,
        "speech_ms": [list(span) for span in spoken.spans_ms],
    }
    if spoken.turn.recording is not None:
        entry["recording"] = spoken.turn.recording
    if spoken.turn.tone != Tone():
        entry["tone"] = asdict(spoken.turn.tone)
    return entry


def _chain(script: Script) -> list[str]:
    low, high = telephone.band_hz(script.sample_rate_hz)
    coding = {"mulaw": "G.711 µ-law", "alaw": "G.711 A-law", "pcm16": "linear PCM 16 bit"}[script.encoding]
    return [
        f"resampled to {script.sample_rate_hz} Hz",
        f"band {low:.0f}-{high:.0f} Hz, linear phase",
        f"calm active speech level {telephone.CALM_LEVEL_DBOV:.0f} dBov",
        f"background '{script.background}' at {script.snr_db:g} dB below it",
        coding,
    ]
