"""How well Vosk hears real people, in the one language whose model the package registry carries.

There is no Korean speech that could be put into this repository, so that a folder with `manifest.jsonl` (lines
`{"audio", "text", "speaker"}`, 16 kHz) has to be named in WARMLINE_TEST_KOREAN. Measured on 28 studio utterances of 14
speakers (emotiontts/emotiontts_open_db at 5c8ccc80, CC BY-NC-SA 4.0, the speakers of standard Korean): character error
rate 21.5 %, 95 % interval over speakers 14.6 to 28.5 %. On 14 of them plain Vosk came to 21.3 %, we to 22.1 %.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile as sf

from asr.engines import load_recognizer
from asr.scoring import Edits, compare_texts
from asr.types import Language
from voice.contracts.audio import Pcm

pytestmark = pytest.mark.model
CER_KOREAN = 0.30


def test_korean(need_model: Callable[[str], Path]) -> None:
    named = os.environ.get("WARMLINE_TEST_KOREAN")
    if named is None:
        pytest.skip("no Korean speech at hand (name a folder with manifest.jsonl in WARMLINE_TEST_KOREAN)")
    recognizer = load_recognizer("vosk", need_model("vosk-ko").parent, [Language.KO]).recognizer
    edits = Edits()
    for line in (Path(named) / "manifest.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        pcm: Pcm = sf.read(Path(named) / entry["audio"], dtype="float32")[0]
        utterance = recognizer.begin(Language.KO)
        utterance.accept(pcm)
        edits += compare_texts(entry["text"], utterance.finish().text, Language.KO).edits
    assert edits.length > 100
    assert edits.rate <= CER_KOREAN
