"""How well Whisper base hears real people; the bounds are what was measured plus a margin of three points.

Measured with beam 5 on these 25 of the 100 AISHELL-1 utterances (2 speakers): CER 17.2 % at 16 kHz and 25.1 % through
the telephone; on all 100: 18.5 % and 25.5 %. English, 5 read sentences: 1 word of 70 wrong. How a number is written
does not count.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
import soundfile as sf

from asr.evaluation import Reference, evaluate
from asr.scoring import Edits, compare, units
from asr.types import Hypothesis, Language
from asr.whisper import WhisperRecognizer, load_whisper
from asr.worker import RecognitionWorker
from voice.audio.telephone import through_telephone
from voice.contracts.audio import FRAME_SAMPLES

pytestmark = pytest.mark.model

CER_16K = 0.20
CER_TELEPHONE = 0.28
WER_ENGLISH = 0.06


def read(folder: Path, every: int = 1) -> list[Reference]:
    lines = [json.loads(line) for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    return [
        Reference(
            line["audio"],
            sf.read(folder / line["audio"], dtype="float32")[0],
            line["text"],
            Language(line["lang"]),
            line["speaker"],
        )
        for line in lines[::every]
    ]


@pytest.fixture(scope="module")
def recognizer(need_model: Callable[[str], Path]) -> WhisperRecognizer:
    return load_whisper(need_model("whisper-base"), threads=2)


@pytest.fixture(scope="module")
def mandarin(shared_data: Path) -> list[Reference]:
    return read(shared_data / "speech" / "aishell1-sample", every=4)


@pytest.fixture(scope="module")
def english(project: Path) -> list[Reference]:
    return read(project / "tests" / "asr" / "librivox")


@pytest.mark.parametrize(("line", "bound"), [("16k", CER_16K), ("telephone", CER_TELEPHONE)])
def test_mandarin(recognizer: WhisperRecognizer, mandarin: list[Reference], line: str, bound: float) -> None:
    heard = mandarin
    if line == "telephone":
        heard = [replace(r, pcm=through_telephone(r.pcm)) for r in mandarin]
    result = evaluate(recognizer, heard)
    assert len(result.utterances) == 25
    assert set(result.by_speaker()) == {"S0150", "S0252"}
    assert result.edits.rate <= bound, [(s.name, s.hypothesis.text) for s in result.utterances]


@pytest.mark.parametrize("line", ["16k", "telephone"])
def test_english(recognizer: WhisperRecognizer, english: list[Reference], line: str) -> None:
    heard = english
    if line == "telephone":
        heard = [replace(r, pcm=through_telephone(r.pcm)) for r in english]
    result = evaluate(recognizer, heard)
    assert result.edits.rate <= WER_ENGLISH, [(s.name, s.hypothesis.text) for s in result.utterances]


def test_mandarin_is_written_in_simplified_characters(recognizer: WhisperRecognizer, mandarin: list[Reference]) -> None:
    import opencc

    texts = [s.hypothesis.text for s in evaluate(recognizer, mandarin[:8]).utterances]
    assert texts == [opencc.OpenCC("t2s").convert(text) for text in texts]


@pytest.mark.anyio
async def test_calls_at_once_are_heard_like_calls_alone(
    recognizer: WhisperRecognizer, mandarin: list[Reference]
) -> None:
    """Through the worker, frame by frame, with partials, two threads."""
    alone = {s.name: s.hypothesis for s in evaluate(recognizer, mandarin[:6]).utterances}
    finals: dict[str, Hypothesis] = {}
    partials: list[str] = []

    async def call(worker: RecognitionWorker, reference: Reference) -> None:
        utterance = worker.begin(Language.ZH, lambda partial: partials.append(partial.text))
        for start in range(0, len(reference.pcm), FRAME_SAMPLES):
            utterance.push(reference.pcm[start : start + FRAME_SAMPLES])
            await anyio.lowlevel.checkpoint()
        finals[reference.name] = await utterance.finish()

    async with RecognitionWorker(recognizer, threads=2) as worker, anyio.create_task_group() as tasks:
        for reference in mandarin[:6]:
            tasks.start_soon(call, worker, reference)
    assert finals == alone


def test_partials_come_close_to_the_final(recognizer: WhisperRecognizer, english: list[Reference]) -> None:
    """The last partial, a second before the end, already holds most of what the final says."""
    errors = Edits()
    for reference in english:
        utterance = recognizer.begin(Language.EN)
        last = ""
        for start in range(0, len(reference.pcm), 1600):
            utterance.accept(reference.pcm[start : start + 1600])
            partial = utterance.partial()
            last = partial.text if partial else last
        final = units(utterance.finish().text, Language.EN)
        partial_words = units(last, Language.EN)
        errors += compare(final[: len(partial_words)], partial_words).edits
    assert errors.rate < 0.2
