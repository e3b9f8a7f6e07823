"""Speak what callers are told: `python -m routing.telling | SAMPLES_VENV/python -m samples.prompts`, from the root.

Reads texts as JSON, `{clip: {"zh", "en"}}`, from standard input and writes `voice/speech/prompts/LANGUAGE/CLIP.opus`
and the list of them. Clips whose text has not changed are left as they are; those that nobody needs are deleted.
"""

import hashlib
import json
import re
import sys
from pathlib import Path

import cn2an
import numpy as np
import soundfile
import soxr

from samples.assets import AssetError, cache_folder, fetch_kokoro
from samples.speech import Kokoro, Language, PronunciationError, Signal, load_kokoro

INTO = Path(__file__).parents[1] / "voice" / "speech" / "prompts"
MARK = "AI-generated speech (Kokoro-82M)"
RATE_HZ = 16_000
LEVEL_DB = -22.0
"""Root mean square of what is not silent; speech through a browser lies there."""

QUIET = 10 ** (-45 / 20)
LEAD_S, TAIL_S = 0.05, 0.15
VOICES: dict[str, tuple[Language, str, float]] = {"zh": ("zh-CN", "zf_xiaoxiao", 1.0), "en": ("en-US", "af_heart", 1.0)}
PRONUNCIATIONS = {"minutes": "mˈɪnəts", "AI": "ˌAˈI"}
ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
TENS = ["zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty"]


def main() -> int:
    """Speak what is new.

    Returns:
        0, or 1 when something needed is missing; the reason is printed.
    """
    texts: dict[str, dict[str, str]] = json.load(sys.stdin)
    listed = INTO / "prompts.json"
    known = json.loads(listed.read_text(encoding="utf-8")) if listed.exists() else {}
    try:
        kokoro = load_kokoro(fetch_kokoro(cache_folder()), PRONUNCIATIONS)
        made = {name: _speak_all(kokoro, name, texts, known.get(name, {})) for name in VOICES}
    except (AssetError, PronunciationError) as error:
        print(error, file=sys.stderr)
        return 1
    listed.write_text(json.dumps(made, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return 0


def spell(text: str, language: str) -> str:
    """Write numbers as they are spoken, up to sixty."""

    def spoken(found: re.Match[str]) -> str:
        number = int(found[0])
        if language == "zh":
            return "两" if number == 2 else str(cn2an.an2cn(number))
        if number < len(ONES):
            return ONES[number]
        return TENS[number // 10] + (f" {ONES[number % 10]}" if number % 10 else "")

    return re.sub(r"\d+", spoken, text).replace(" ", "" if language == "zh" else " ")


def _speak_all(
    kokoro: Kokoro, name: str, texts: dict[str, dict[str, str]], known: dict[str, dict[str, str]]
) -> dict[str, dict[str, str]]:
    folder = INTO / name
    folder.mkdir(parents=True, exist_ok=True)
    language, voice, speed = VOICES[name]
    made = {}
    for clip, wording in sorted(texts.items()):
        path, text = folder / f"{clip}.opus", wording[name]
        if not path.exists() or known.get(clip, {}).get("text") != text:
            speech = _level(kokoro.say(f"{spell(text, name)}.", language, voice, speed))
            _write(path, speech)
            print(f"{name} {clip}: {len(speech) / RATE_HZ:.1f} s")
        made[clip] = {"text": text, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    for path in folder.glob("*.opus"):
        if path.stem not in texts:
            path.unlink()
    return made


def _level(speech: Signal) -> Signal:
    """16 kHz, cut to what sounds, at the common level, faded at both ends."""
    narrow = np.asarray(soxr.resample(speech, 24_000, RATE_HZ), np.float64)
    loud = np.flatnonzero(np.abs(narrow) > QUIET)
    start = max(0, int(loud[0] - LEAD_S * RATE_HZ))
    cut = narrow[start : int(loud[-1] + TAIL_S * RATE_HZ)]
    blocks = cut[: len(cut) // 320 * 320].reshape(-1, 320)
    power = np.mean(blocks**2, axis=1)
    rms = np.sqrt(np.mean(power[power > np.max(power) / 1000]))
    level: Signal = np.clip(cut * 10 ** (LEVEL_DB / 20) / rms, -0.98, 0.98)
    fade = np.linspace(0, 1, 160)
    level[:160] *= fade
    level[-160:] *= fade[::-1]
    return level


def _write(path: Path, speech: Signal) -> None:
    with soundfile.SoundFile(path, "w", RATE_HZ, 1, format="OGG", subtype="OPUS", compression_level=0.8) as file:
        file.comment = MARK
        file.write(speech)


if __name__ == "__main__":
    sys.exit(main())
