"""`warmline bench recording`: whether a long call's recording stays in time, what it costs, and how large it becomes.

A call between two parties whose clocks run apart, over a network that loses packets, goes through the receive path and
the recorder in simulated time. Both parties sound a sweep now and then; where it lies in the recording is compared with
when it was sounded.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from agent_console.bench.figures import Figure, Target
from voice.audio.decode import AudioFile
from voice.audio.opus import OpusEncoder, OpusSettings
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, Party, Pcm, Samples, from_ms, to_ms, to_s
from voice.contracts.recording import RecordingFormat
from voice.recording import StereoRecorder
from voice.rtp.opus_payload import RTP_RATE
from voice.rtp.packet import RtpPacket, write_rtp
from voice.rtp.session import Negotiated, RtpSession

DRIFT_PPM: Final = 50.0
LOSS: Final = 0.03
MOST_SKEW_MS: Final = 20.0
MOST_GROWTH_MB: Final = 8.0

_BLOCK_S: Final = 10
_SWEEP_AT: Final[Samples] = 5 * SAMPLE_RATE
_SEARCH: Final[Samples] = from_ms(300)
_PACKET_S: Final = FRAME_SAMPLES / SAMPLE_RATE
_BASE_S: Final = 0.03
_JITTER_S: Final = 0.02
_PAYLOAD_TYPE: Final = 96
_WARM: Final = 0.2
"""After this share of the call, memory should grow no more."""


@dataclass(frozen=True, slots=True)
class Aligned:
    """How well a recording is in time.

    Attributes:
        minutes: how long the call was.
        skew_ms: of each party, for each of its sweeps: how much later than on the wall clock it lies in the recording.
        between_ms: by how much the parties differ in that, for each sweep.
        growth_mb: by how much memory grew after the first fifth.
        cpu_ms_per_s: of receiving both parties and recording them.
    """

    minutes: float
    skew_ms: dict[Party, list[float]]
    between_ms: list[float]
    growth_mb: float
    cpu_ms_per_s: float


def align(minutes: float, folder: Path, *, drift_ppm: float = DRIFT_PPM, loss: float = LOSS) -> Aligned:
    """Record a call and look for its sweeps. Blocks; some seconds for ten minutes.

    Args:
        minutes: how long the call is.
        folder: where its recording goes.
        drift_ppm: by how much the caller's clock runs slow, and the agent's fast.
        loss: the share of packets that get lost, of both.
    """
    sweep = _sweep()
    block = np.random.default_rng(1).normal(0, 1e-3, _BLOCK_S * SAMPLE_RATE).astype(np.float32)
    block[_SWEEP_AT : _SWEEP_AT + sweep.size] += sweep
    encoder = OpusEncoder(OpusSettings(application="voip", expected_loss=0.1, dtx=False))
    payloads = [encoder.encode(frame) for frame in block.reshape(-1, FRAME_SAMPLES)]
    blocks = round(minutes * 60 / _BLOCK_S)
    pace = {Party.CALLER: 1 + drift_ppm * 1e-6, Party.AGENT: 1 - drift_ppm * 1e-6}
    path = folder / "call.wav"
    began_s = time.process_time()
    growth_mb = _record(path, payloads, blocks, pace, loss)
    cost_s = time.process_time() - began_s
    with AudioFile(path) as file:
        stored = np.concatenate(list(file.blocks()), axis=1)
    skew_ms = {
        party: [
            to_ms(_place(stored[channel], sweep, round((n * _BLOCK_S * SAMPLE_RATE + _SWEEP_AT) * pace[party])))
            for n in range(blocks)
        ]
        for channel, party in enumerate(pace)
    }
    between_ms = [one - other for one, other in zip(*skew_ms.values(), strict=True)]
    return Aligned(minutes, skew_ms, between_ms, growth_mb, 1000 * cost_s / (blocks * _BLOCK_S))


def measure_recording(minutes: float, report: Callable[[str], None]) -> list[Figure]:
    """The benchmark. Blocks."""
    report(f"{minutes:g} minutes between two clocks, {LOSS:.0%} loss")
    with tempfile.TemporaryDirectory() as folder:
        aligned = align(minutes, Path(folder))
    figures = [
        _spread(f"recording_skew_{party}_ms", [abs(ms) for ms in found], "ms", Target("<=", MOST_SKEW_MS))
        for party, found in aligned.skew_ms.items()
    ]
    figures += [
        _spread("recording_skew_between_ms", [abs(ms) for ms in aligned.between_ms], "ms", Target("<=", MOST_SKEW_MS)),
        _spread("recording_growth_mb", [aligned.growth_mb], "MB", Target("<=", MOST_GROWTH_MB)),
        _spread("recording_cpu_ms_per_s", [aligned.cpu_ms_per_s], "ms/s"),
    ]
    report("Formats")
    speech = _babble()
    for kind in RecordingFormat:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"call{kind.suffix}"
            recorder = StereoRecorder(path)
            recorder.open()
            _write(recorder, speech)
            began_s = time.process_time()
            recorder.close()
            hours = to_s(speech.shape[1]) / 3600
            close_s = (time.process_time() - began_s) / hours
            size_mb = path.stat().st_size / hours / 1e6
        figures += [
            _spread(f"recording_{kind}_mb_per_hour", [size_mb], "MB/h"),
            _spread(f"recording_{kind}_close_s_per_hour", [close_s], "s/h"),
        ]
    return figures


def _record(path: Path, payloads: Sequence[bytes], blocks: int, pace: dict[Party, float], loss: float) -> float:
    """Send, receive, record; answers by how many megabytes memory grew after the first fifth."""
    sessions = {party: _session(party) for party in pace}
    arriving = {party: _arrivals(payloads, blocks, pace[party], loss, seed) for seed, party in enumerate(pace, start=1)}
    coming = {party: next(arriving[party], None) for party in pace}
    ticks = round(blocks * _BLOCK_S * 50 * max(pace.values())) + 50
    warm = 0.0
    with StereoRecorder(path) as recorder:
        for tick in range(ticks):
            now_s = tick * _PACKET_S
            for party, session in sessions.items():
                while (came := coming[party]) is not None and came[0] <= now_s:
                    session.receive_rtp(came[1], came[0])
                    coming[party] = next(arriving[party], None)
                for frame in session.incoming.take(now_s):
                    if recorder.write(party, frame.start, frame.pcm):
                        recorder.flush()
            if tick == round(_WARM * ticks):
                warm = _resident_mb()
        return _resident_mb() - warm


def _session(party: Party) -> RtpSession:
    session = RtpSession(party, sequence=1, timestamp=1, ntp_origin_s=3.9e9)
    session.agree(Negotiated(ssrc=1, cname="bench", payload_type=_PAYLOAD_TYPE))
    return session


def _arrivals(
    payloads: Sequence[bytes], blocks: int, pace: float, loss: float, seed: int
) -> Iterator[tuple[float, bytes]]:
    """Datagrams and when they come, in the order of sending; the first one is never lost."""
    chance = random.Random(seed)  # noqa: S311 - a simulation, which has to be repeatable
    latest_s = 0.0
    for number in range(blocks * len(payloads)):
        lost, extra_s = chance.random() < loss, chance.random() * _JITTER_S
        if lost and number:
            continue
        stamp = (2**32 - 960 * 50 + number * RTP_RATE // 50) % 2**32
        payload = payloads[number % len(payloads)]
        packet = RtpPacket(_PAYLOAD_TYPE, number == 0, (65_000 + number) % 2**16, stamp, 0x5EED + seed, payload)
        latest_s = max(latest_s, number * _PACKET_S * pace + _BASE_S + extra_s)
        yield latest_s, write_rtp(packet, ())


def _sweep() -> Pcm:
    """300 to 3300 Hz in a quarter of a second."""
    moment = np.arange(SAMPLE_RATE // 4) / SAMPLE_RATE
    tone = 0.5 * np.sin(2 * np.pi * (300 * moment + 6_000 * moment**2)) * np.hanning(moment.size)
    return tone.astype(np.float32)


def _place(channel: Pcm, sweep: Pcm, expected: Samples) -> Samples:
    """How much later than expected the sweep lies."""
    begin = max(0, expected - _SEARCH)
    part = channel[begin : expected + sweep.size + _SEARCH]
    return int(np.argmax(np.correlate(part, sweep, "valid"))) + begin - expected


def _babble() -> Pcm:
    """Two minutes of something with the spectrum and the pauses of speech, shape (2, n); the sides take turns."""
    chance = np.random.default_rng(3)
    size = 120 * SAMPLE_RATE
    voice = np.zeros((2, size), np.float32)
    for channel in range(2):
        spectrum = np.fft.rfft(chance.normal(0, 1, size))
        hertz = np.fft.rfftfreq(size, 1 / SAMPLE_RATE)
        shaped = np.fft.irfft(spectrum / (1 + (hertz / 500) ** 2), size)
        turns = (np.arange(size) // (4 * SAMPLE_RATE) % 2 == channel) & (np.arange(size) % 4_800 < 3_600)
        voice[channel] = np.where(turns, 0.1 * shaped / shaped.std(), 0)
    return voice


def _write(recorder: StereoRecorder, voices: Pcm) -> None:
    for start in range(0, voices.shape[1], SAMPLE_RATE):
        for party, voice in zip((Party.CALLER, Party.AGENT), voices, strict=True):
            recorder.write(party, start, voice[start : start + SAMPLE_RATE])
        recorder.flush()


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


def _spread(name: str, values: Sequence[float], unit: str, target: Target | None = None) -> Figure:
    """The largest of what was measured, which is what a bound is for."""
    return Figure(name, max(values), unit, len(values), min(values), max(values), target)
