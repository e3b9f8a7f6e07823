"""Audio to measure with: the sample calls, one after the other."""

from __future__ import annotations

import numpy as np
import orjson

from agent_console.demo import SAMPLES
from voice.audio.decode import AudioFile
from voice.contracts.audio import SAMPLE_RATE, Party, Pcm, from_s
from voice.contracts.errors import AudioFormatError


def long_call(utterances: int, *, lead_in_s: float = 0.0) -> Pcm:
    """The callers of the Mandarin samples one after the other, a second apart, until there are enough utterances.

    Args:
        utterances: caller turns, at least.
        lead_in_s: silence before the first.

    Raises:
        AudioFormatError: the sample calls are not there.
    """
    folders = sorted(SAMPLES.glob("zh-*"))
    if not folders:
        raise AudioFormatError(f"No sample calls in {SAMPLES}.", fix="Run benchmarks from a checkout.")
    parts: list[Pcm] = [np.zeros(from_s(lead_in_s), np.float32)]
    count = 0
    while count < utterances:
        for folder in folders:
            script = orjson.loads((folder / "call.json").read_bytes())["script"]
            count += sum(turn["party"] == Party.CALLER for turn in script)
            with AudioFile(folder / "audio.wav") as file:
                parts += [block[0] for block in file.blocks()]
            parts.append(np.zeros(SAMPLE_RATE, np.float32))
            if count >= utterances:
                break
    return np.concatenate(parts)
