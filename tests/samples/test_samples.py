"""The sample calls are what their descriptions say: format, times, words, and no clipping."""

import hashlib
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

CALLS = Path(__file__).parents[2] / "samples" / "calls"
NAMES = sorted(folder.name for folder in CALLS.iterdir() if folder.is_dir())
FORMAT_CODE = {"pcm16": 1, "alaw": 6, "mulaw": 7}
SAMPLE_BYTES = {"pcm16": 2, "alaw": 1, "mulaw": 1}
FIELDS = {
    "name", "title", "language", "channels", "sample_rate_hz", "encoding", "duration_ms", "audio_sha256",
    "licence", "source", "made_by", "script", "expect",
}  # fmt: skip
TURN_FIELDS = {"party", "start_ms", "end_ms", "text", "speech_ms"}
OPTIONAL_TURN_FIELDS = {"recording", "tone"}
EXPECT_FIELDS = {
    "initial_route", "final_route", "min_priority", "intents", "emotion_shift", "tone_shift", "asked_for_human",
    "negative_words", "entities",
}  # fmt: skip
OPTIONAL_EXPECT_FIELDS = {"max_priority", "handover_turn", "negated_words"}
INTENTS = {
    "logistics", "modify_order", "return_exchange", "payment_billing", "tech_fault", "complaint", "cancel_order",
    "refund_progress", "invoice", "account_login", "product_info", "promotion", "membership_plan", "human_agent",
    "store_info", "feedback_close",
}  # fmt: skip
SPOKEN_DIGITS = str.maketrans("零一二三四五六七八九幺", "01234567891")
ENGLISH_DIGITS = {
    "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wav:
    """A parsed file: header facts and samples (frames, channels) in [-1, 1]."""

    code: int
    rate_hz: int
    comment: str
    samples: NDArray[np.float64]


def read_wav(path: Path) -> Wav:
    """Read a WAV file by its chunks, without the library that wrote it."""
    raw = path.read_bytes()
    riff, size, wave = struct.unpack_from("<4sI4s", raw)
    assert (riff, wave) == (b"RIFF", b"WAVE")
    assert size == len(raw) - 8
    chunks: dict[bytes, bytes] = {}
    at = 12
    while at < len(raw):
        tag, length = struct.unpack_from("<4sI", raw, at)
        chunks[tag] = raw[at + 8 : at + 8 + length]
        assert len(chunks[tag]) == length
        at += 8 + length + length % 2
    code, channels, rate_hz, byte_rate, block, bits = struct.unpack_from("<HHIIHH", chunks[b"fmt "])
    assert block == channels * bits // 8
    assert byte_rate == block * rate_hz
    assert len(chunks[b"data"]) % block == 0
    samples = decode(chunks[b"data"], code).reshape(-1, channels)
    return Wav(code, rate_hz, chunks.get(b"LIST", b"").decode("latin-1"), samples)


def decode(data: bytes, code: int) -> NDArray[np.float64]:
    """Decode PCM16 or G.711 (ITU-T G.711, 1988, tables 1a and 2a) to [-1, 1]."""
    if code == FORMAT_CODE["pcm16"]:
        return np.frombuffer(data, "<i2") / 32768.0
    octets = np.frombuffer(data, np.uint8).astype(np.int64)
    if code == FORMAT_CODE["mulaw"]:
        octets = ~octets & 0xFF
        magnitude = ((((octets & 0x0F) << 3) + 0x84) << ((octets >> 4) & 0x07)) - 0x84
        return np.where(octets & 0x80, -magnitude, magnitude) / 32768.0
    assert code == FORMAT_CODE["alaw"]
    octets ^= 0x55
    exponent = (octets >> 4) & 0x07
    mantissa = ((octets & 0x0F) << 4) + 8
    magnitude = np.where(exponent == 0, mantissa, (mantissa + 0x100) << np.maximum(exponent - 1, 0))
    return np.where(octets & 0x80, magnitude, -magnitude) / 32768.0


def describe(name: str) -> dict[str, Any]:
    description: dict[str, Any] = json.loads((CALLS / name / "call.json").read_text(encoding="utf-8"))
    return description


def level_db(samples: NDArray[np.float64]) -> float:
    return float(10 * np.log10(np.mean(samples**2) + 1e-12))


def digits_in(text: str) -> str:
    """Return the digits a turn speaks, in order."""
    for word, digit in ENGLISH_DIGITS.items():
        text = text.replace(word, digit)
    return "".join(
        character for character in text.translate(SPOKEN_DIGITS) if character.isascii() and character.isdigit()
    )


def covered(call: dict[str, Any], rate_hz: int, party: str, margin_ms: int) -> NDArray[np.bool_]:
    """Mark the samples at which a party speaks, widened by a margin."""
    mask = np.zeros(call["duration_ms"] * rate_hz // 1000, dtype=np.bool_)
    for turn in call["script"]:
        if turn["party"] == party:
            for start, end in turn["speech_ms"]:
                mask[max(0, start - margin_ms) * rate_hz // 1000 : (end + margin_ms) * rate_hz // 1000] = True
    return mask


def test_there_are_enough_calls_of_every_kind() -> None:
    calls = [describe(name) for name in NAMES]
    assert len(calls) >= 8
    assert {call["encoding"] for call in calls} == set(FORMAT_CODE)
    assert {call["sample_rate_hz"] for call in calls} == {8_000, 16_000}
    assert {len(call["channels"]) for call in calls} == {1, 2}
    assert {call["language"] for call in calls} == {"zh-CN", "en-US"}
    assert {call["expect"]["final_route"] for call in calls} >= {"ai", "human"}
    assert any(call["made_by"]["speech"] == "human" for call in calls)
    assert any(call["expect"]["tone_shift"] and not call["expect"]["negative_words"] for call in calls)
    assert any(call["expect"]["negative_words"] and not call["expect"]["tone_shift"] for call in calls)
    assert any(call["expect"]["asked_for_human"] and call["expect"].get("handover_turn") == 0 for call in calls)


def test_the_folder_stays_small() -> None:
    assert sum(path.stat().st_size for path in CALLS.rglob("*.wav")) < 6_000_000


@pytest.mark.parametrize("name", NAMES)
def test_audio_is_as_stated(name: str) -> None:
    call = describe(name)
    path = CALLS / name / "audio.wav"
    wav = read_wav(path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == call["audio_sha256"]
    assert wav.code == FORMAT_CODE[call["encoding"]]
    assert wav.rate_hz == call["sample_rate_hz"]
    assert wav.samples.shape == (call["duration_ms"] * wav.rate_hz // 1000, len(call["channels"]))
    assert 20_000 <= call["duration_ms"] <= 60_000
    assert ("AI-generated" in wav.comment) == (call["made_by"]["speech"] != "human")


@pytest.mark.parametrize("name", NAMES)
def test_audio_is_not_clipped_and_has_a_telephone_level(name: str) -> None:
    call = describe(name)
    wav = read_wav(CALLS / name / "audio.wav")
    assert np.abs(wav.samples).max() < 0.98
    assert np.abs(wav.samples.mean(axis=0)).max() < 0.002
    for channel, party in enumerate(call["channels"]):
        calm = [t for t in call["script"] if t["party"] == party and t.get("tone", {}).get("gain_db", 0) == 0]
        for turn in calm:
            spans = [(start * wav.rate_hz // 1000, end * wav.rate_hz // 1000) for start, end in turn["speech_ms"]]
            spoken = np.concatenate([wav.samples[start:end, channel] for start, end in spans])
            assert -29 < level_db(spoken) < -25, turn["text"]


@pytest.mark.parametrize("name", NAMES)
def test_script_times_are_where_the_sound_is(name: str) -> None:
    """What the script calls speech stands out of what it calls silence, at both edges of every turn."""
    call = describe(name)
    wav = read_wav(CALLS / name / "audio.wav")
    for channel, party in enumerate(call["channels"]):
        line = wav.samples[:, channel]
        silence = level_db(line[~covered(call, wav.rate_hz, party, margin_ms=60)])
        for turn in (t for t in call["script"] if t["party"] == party):
            for start, end in turn["speech_ms"]:
                inside = line[start * wav.rate_hz // 1000 : end * wav.rate_hz // 1000]
                assert level_db(inside) > silence + 10, turn["text"]
        loud = level_db(line[covered(call, wav.rate_hz, party, margin_ms=0)])
        assert loud - silence >= 15


@pytest.mark.parametrize("name", NAMES)
def test_description_is_complete(name: str) -> None:
    call = describe(name)
    assert set(call) == FIELDS
    assert call["name"] == name
    assert set(call["title"]) == {"zh", "en"}
    assert call["channels"] in (["caller"], ["caller", "agent"])
    assert call["licence"] == "Apache-2.0"
    assert call["source"]
    assert set(call["made_by"]) == {"tool", "speech", "voices", "seeds", "chain"}
    assert (CALLS / name / "README.md").read_text(encoding="utf-8").startswith(f"# {name}\n")


@pytest.mark.parametrize("name", NAMES)
def test_script_is_in_order(name: str) -> None:
    call = describe(name)
    ends = {"caller": 0, "agent": 0}
    starts = [turn["start_ms"] for turn in call["script"]]
    assert starts == sorted(starts)
    for turn in call["script"]:
        assert set(turn) >= TURN_FIELDS
        assert set(turn) <= TURN_FIELDS | OPTIONAL_TURN_FIELDS
        assert turn["party"] in call["channels"]
        assert turn["text"].strip()
        flat = [edge for span in turn["speech_ms"] for edge in span]
        assert flat == sorted(set(flat))
        assert (flat[0], flat[-1]) == (turn["start_ms"], turn["end_ms"])
        assert turn["start_ms"] > ends[turn["party"]]
        ends[turn["party"]] = turn["end_ms"]
    assert max(ends.values()) < call["duration_ms"] <= max(ends.values()) + 1_000


@pytest.mark.parametrize("name", NAMES)
def test_expectation_follows_from_the_script(name: str) -> None:
    call = describe(name)
    expect = call["expect"]
    callers = {i: turn for i, turn in enumerate(call["script"]) if turn["party"] == "caller"}
    said = "".join(turn["text"] for turn in callers.values())
    assert set(expect) >= EXPECT_FIELDS
    assert set(expect) <= EXPECT_FIELDS | OPTIONAL_EXPECT_FIELDS
    assert set(expect["intents"]) <= INTENTS
    assert expect["initial_route"] in {"ai", "human"}
    assert expect["final_route"] in {"ai", "human", "any"}
    assert 0 <= expect["min_priority"] <= expect.get("max_priority", 3) <= 3
    assert all(word in said for word in (*expect["negative_words"], *expect.get("negated_words", [])))
    assert expect["tone_shift"] == any("tone" in turn for turn in call["script"])
    for entity in expect["entities"]:
        assert entity["type"] in {"order", "phone"}
        assert entity["value"] in digits_in(callers[entity["turn"]]["text"])
    hands_over = expect["initial_route"] == "ai" and expect["final_route"] == "human"
    assert ("handover_turn" in expect) == hands_over
    if hands_over:
        assert expect["handover_turn"] in callers
        assert expect["asked_for_human"] or expect["min_priority"] > 0
