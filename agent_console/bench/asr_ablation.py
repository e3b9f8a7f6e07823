"""What prompt, text work and front ends make of Whisper's errors, one change at a time.

Run as `python -m agent_console.bench.asr_ablation MANIFEST [MODEL_FOLDER]`; prints a JSON object for each cell of the
table. `warmline evaluate asr` measures the product as it is; this measures what each part of it is worth.

For Mandarin. Lines: as recorded; by telephone; by telephone with pink noise 10 dB below the speech; by telephone at
-40 dBFS. Front ends that were not kept stand here so that whoever doubts can measure again: gain control, and a faint
floor of noise above a telephone's band, where Whisper has heard nothing as empty as that.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from agent_console.asr_manifest import load_said, read_pcm
from asr.evaluation import Evaluation, Reference, evaluate
from asr.text.writer import TextWriter
from asr.types import Language
from asr.whisper import WhisperSettings, load_whisper
from asr.whisper_prompt import NEUTRAL
from voice.audio.telephone import through_telephone
from voice.contracts.audio import SAMPLE_RATE, Pcm

GAIN_DBFS: Final = -23.0
"""What gain control brings speech to (EBU R 128 names that level)."""

QUIET_DBFS: Final = -40.0
NOISE_DB: Final = 10.0
FLOOR_DBFS: Final = -70.0


@dataclass(frozen=True, slots=True)
class Variant:
    """One row: how Whisper is asked, what is done to the audio before, and whether the text is written for people."""

    name: str
    settings: WhisperSettings
    before: Callable[[Pcm], Pcm] = lambda pcm: pcm
    written: bool = False


def level(pcm: Pcm, dbfs: float) -> Pcm:
    """The audio at that root mean square; silence stays silence."""
    rms = float(np.sqrt(np.mean(np.square(pcm, dtype=np.float64)))) if len(pcm) else 0.0
    scaled: Pcm = np.clip(pcm * np.float32(10 ** (dbfs / 20) / rms), -1, 1).astype(np.float32) if rms else pcm
    return scaled


def pink_noise(length: int, seed: int) -> Pcm:
    """Noise that falls by 3 dB an octave above 50 Hz, at 0 dBFS."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(length))
    spectrum /= np.sqrt(np.maximum(np.fft.rfftfreq(length, 1 / SAMPLE_RATE), 50))
    return level(np.fft.irfft(spectrum, length).astype(np.float32), -20.0) * np.float32(10)


def _noisy(pcm: Pcm) -> Pcm:
    rms = float(np.sqrt(np.mean(np.square(pcm))))
    noise = pink_noise(len(pcm), seed=len(pcm)) * np.float32(rms * 10 ** (-NOISE_DB / 20))
    mixed: Pcm = np.clip(pcm + noise, -1, 1)
    return through_telephone(mixed)


def _with_floor(pcm: Pcm) -> Pcm:
    noise = np.random.default_rng(len(pcm)).standard_normal(len(pcm)).astype(np.float32)
    raised: Pcm = pcm + noise * np.float32(10 ** (FLOOR_DBFS / 20))
    return raised


LINES: Final[Mapping[str, Callable[[Pcm], Pcm]]] = {
    "clean": lambda pcm: pcm,
    "telephone": through_telephone,
    "noisy telephone": _noisy,
    "quiet telephone": lambda pcm: through_telephone(level(pcm, QUIET_DBFS)),
}

_PLAIN: Final = WhisperSettings(prompt="", reduce_noise=False, dictation=False)
_NEUTRAL: Final = WhisperSettings(prompt=NEUTRAL[Language.ZH], reduce_noise=False, dictation=False)
_OPENING: Final = WhisperSettings(reduce_noise=False, dictation=False)
VARIANTS: Final[Sequence[Variant]] = (
    Variant("as it comes, no prompt", _PLAIN),
    Variant("a prompt that asks for Mandarin", _NEUTRAL),
    Variant("a prompt that opens a call", _OPENING),
    Variant("and noise reduced, numbers heard again", WhisperSettings()),
    Variant("and written for people: the product", WhisperSettings(), written=True),
    Variant("the product, with gain control", WhisperSettings(), lambda pcm: level(pcm, GAIN_DBFS), written=True),
    Variant("the product, with a floor above the band", WhisperSettings(), _with_floor, written=True),
)


def main(arguments: Sequence[str]) -> None:
    """Measure every variant over every line."""
    manifest, model = Path(arguments[0]), Path(arguments[1] if len(arguments) > 1 else "models/whisper-base")
    said, _ = load_said(manifest, lambda _done, _of: None)
    writer = TextWriter.load()
    heard = [Reference(each.where, read_pcm(each), each.text, each.language, each.speaker) for each in said]
    for line, change in LINES.items():
        lined = [_changed(reference, change) for reference in heard]
        for variant in VARIANTS:
            began = time.process_time()
            recognizer = load_whisper(model, settings=variant.settings)
            asked = [_changed(reference, variant.before) for reference in lined]
            found: Evaluation = evaluate(recognizer, asked, write=writer.write if variant.written else None)
            cell = {
                "line": line,
                "variant": variant.name,
                "errors_percent": round(100 * found.edits.rate, 2),
                "utterances": len(asked),
                "cpu_s": round(time.process_time() - began, 1),
            }
            sys.stdout.write(json.dumps(cell, ensure_ascii=False) + "\n")
            sys.stdout.flush()


def _changed(reference: Reference, change: Callable[[Pcm], Pcm]) -> Reference:
    return Reference(reference.name, change(reference.pcm), reference.text, reference.language, reference.speaker)


if __name__ == "__main__":
    main(sys.argv[1:])
