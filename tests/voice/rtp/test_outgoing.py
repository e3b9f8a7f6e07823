"""What is sent leaves in packets of 20 ms, on time; silence leaves hardly any."""

from __future__ import annotations

import numpy as np
import pytest

from voice.audio.opus import OpusDecoder, OpusSettings
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, Pcm
from voice.rtp.opus_payload import is_dtx
from voice.rtp.outgoing import LATE_S, MOST_EXPECTED_LOSS, OutgoingSpeech, SpeechPacket, audio_level

SILENCE = np.zeros(FRAME_SAMPLES, np.float32)


def tone(seconds: float) -> Pcm:
    t = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (0.3 * np.sin(2 * np.pi * (150 * t + 400 * t**2))).astype(np.float32)


def packets(pcm: Pcm, speech: OutgoingSpeech | None = None) -> list[SpeechPacket]:
    speech = speech or OutgoingSpeech()
    made = [speech.encode(frame) for frame in pcm.reshape(-1, FRAME_SAMPLES)]
    return [packet for packet in made if packet is not None]


def test_frames_are_due_every_20_ms_and_single_delays_do_not_add_up() -> None:
    speech = OutgoingSpeech()
    now_s, due = 100.0, []
    for frame in range(500):
        due.append(speech.due_s(now_s))
        now_s = due[-1] + (0.013 if frame % 3 else 0.0)
        speech.encode(SILENCE)
    assert due == pytest.approx([100.0 + n * 0.02 for n in range(500)])


def test_after_standing_still_it_goes_on_from_now_without_a_burst() -> None:
    speech = OutgoingSpeech(OpusSettings(dtx=False))
    speech.due_s(0.0)
    first = speech.encode(SILENCE)
    assert speech.due_s(2.0) == pytest.approx(2.0)
    second = speech.encode(SILENCE)
    assert first is not None
    assert second is not None
    assert (first.samples, second.samples) == (0, 100 * 960)
    assert speech.due_s(2.0) == pytest.approx(2.02)


def test_a_short_delay_is_caught_up() -> None:
    speech = OutgoingSpeech(OpusSettings(dtx=False))
    speech.due_s(0.0)
    late = LATE_S - 0.1
    stamps = []
    for _ in range(5):
        assert speech.due_s(late) <= late
        packet = speech.encode(SILENCE)
        assert packet is not None
        stamps.append(packet.samples)
    assert stamps == [n * 960 for n in range(5)]


def test_the_packets_keep_the_waveform() -> None:
    sent = packets(tone(1.0))
    decoder = OpusDecoder()
    heard = np.concatenate([decoder.decode(packet.payload) for packet in sent])
    said = tone(1.0)
    likeness = [float(np.corrcoef(said[:15_000], heard[lag : lag + 15_000])[0, 1]) for lag in range(150)]
    assert max(likeness) > 0.95
    assert 10_000 < sum(len(packet.payload) for packet in sent) * 8 < 60_000


def test_silence_is_announced_and_then_hardly_sent() -> None:
    speech = OutgoingSpeech()
    sent = packets(np.concatenate([tone(0.5), np.zeros(3 * SAMPLE_RATE, np.float32), tone(0.5)]), speech)
    silent = [packet for packet in sent if 48_000 <= packet.samples < 3.5 * 48_000]
    assert 4 <= len(silent) <= 16
    assert any(is_dtx(packet.payload) for packet in sent)
    after = next(packet for packet in sent if packet.samples >= 3.5 * 48_000)
    assert after.marker
    assert [packet.marker for packet in sent[:10]] == [True] + [False] * 9
    assert speech.frames == 200


@pytest.mark.parametrize(("amplitude", "level"), [(1.0, 0), (0.1, 20), (0.001, 60), (1e-9, 100), (0.0, 127), (4.0, 0)])
def test_a_level_is_what_rfc_6464_says(amplitude: float, level: int) -> None:
    square = np.tile(np.array([amplitude, -amplitude], np.float32), FRAME_SAMPLES // 2)
    assert audio_level(square) == level


def test_more_loss_is_believed_at_once_and_less_with_hesitation() -> None:
    speech = OutgoingSpeech(OpusSettings(expected_loss=0.05))
    speech.note_loss(0.2)
    assert speech.expected_loss == 0.2
    speech.note_loss(0.0)
    assert 0.15 < speech.expected_loss < 0.2
    speech.note_loss(0.9)
    assert speech.expected_loss == MOST_EXPECTED_LOSS
    for _ in range(60):
        speech.note_loss(0.0)
    assert speech.expected_loss == 0.05
