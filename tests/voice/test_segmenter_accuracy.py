"""Where the segmenter cuts real and realistic speech, against known times."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from voice.audio.decode import AudioFile
from voice.audio.framing import Framer
from voice.audio.level import level_dbfs
from voice.contracts.audio import FRAME_SAMPLES, AudioFrame, Party, Pcm, Span, from_ms, on_16_bit_grid, to_ms
from voice.contracts.speech import EndReason
from voice.vad.detectors import DETECTORS, DetectorFactory, load_detectors
from voice.vad.segmenter import SegmentClosed, Segmenter, SegmenterSettings

SETTINGS = SegmenterSettings()


def framed(pcm: Pcm) -> list[AudioFrame]:
    framer = Framer(Party.CALLER)
    return framer.feed(pcm, None) + framer.flush()


def segments_of(frames: list[AudioFrame], make: DetectorFactory) -> list[SegmentClosed]:
    segmenter = Segmenter(make(), SETTINGS, Party.CALLER)
    outputs = [output for frame in frames for output in segmenter.feed(frame)] + segmenter.flush()
    return [output for output in outputs if isinstance(output, SegmentClosed)]


def errors_ms(truth: Span, found: list[Span]) -> tuple[float, float]:
    """How much before the true onset the first segment begins, and after the true end (and hang-over) the last ends."""
    return to_ms(truth.start - found[0].start), to_ms(found[-1].end - truth.end) - SETTINGS.hangover_ms


def covered(truth: Span, found: list[Span]) -> float:
    return sum(max(0, min(one.end, truth.end) - max(one.start, truth.start)) for one in found) / truth.length


@pytest.fixture(scope="module", params=DETECTORS)
def make(request: pytest.FixtureRequest) -> DetectorFactory:
    return load_detectors(request.param)


def active(pcm: Pcm) -> Pcm:
    """An utterance from its first to its last frame that is at most 15 dB below its own level.

    Measured on the second difference: these recordings have strong noise below 100 Hz, which is not speech.
    """
    sharp = np.diff(pcm, n=2, prepend=np.zeros(2, np.float32))
    rows = sharp[: sharp.size // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    loud = [index for index, row in enumerate(rows) if level_dbfs(row) > level_dbfs(sharp) - 15]
    return pcm[loud[0] * FRAME_SAMPLES : (loud[-1] + 1) * FRAME_SAMPLES]


def joined(utterances: list[Pcm], pause_s: float) -> tuple[Pcm, list[Span]]:
    """Utterances at -26 dBFS, parted by pauses, over line noise at -65 dBFS, and where they are."""
    pause = np.zeros(int(pause_s * 16_000), np.float32)
    pieces, spans, at = [pause], [], pause.size
    for utterance in utterances:
        speech = active(utterance)
        pieces += [speech * np.float32(10 ** ((-26 - level_dbfs(speech)) / 20)), pause]
        spans.append(Span(at, at + speech.size))
        at += speech.size + pause.size
    call = np.concatenate(pieces)
    noise = np.random.default_rng(10).standard_normal(call.size).astype(np.float32) * np.float32(10 ** (-65 / 20))
    return on_16_bit_grid(call + noise), spans


def test_real_utterances_are_found_whole_and_apart(make: DetectorFactory, utterances: list[Pcm]) -> None:
    call, truth = joined(utterances, pause_s=1.5)
    found = [segment.span for segment in segments_of(framed(call), make)]
    assert all(sum(one.overlaps(span) for span in truth) == 1 for one in found), "one utterance each, none of noise"
    per_utterance = [[one for one in found if one.overlaps(span)] for span in truth]
    assert all(per_utterance)
    early, late = np.array([errors_ms(*pair) for pair in zip(truth, per_utterance, strict=True)]).T
    shares = [covered(*pair) for pair in zip(truth, per_utterance, strict=True)]
    assert 100 <= np.median(early) <= SETTINGS.pre_roll_ms
    assert early.max() <= SETTINGS.pre_roll_ms + 40
    assert -60 <= np.median(late) <= 150
    assert np.mean(shares) > 0.98
    assert min(shares) > 0.85


def test_the_sample_calls_are_cut_where_their_scripts_say(make: DetectorFactory, project: Path) -> None:
    """Telephone chains with noise; the scripts know to the sample when somebody speaks."""
    errors, shares = [], []
    for description in sorted((project / "samples" / "calls").glob("*/call.json")):
        with AudioFile(description.with_name("audio.wav")) as file:
            channels = np.concatenate(list(file.blocks()), axis=1)
        script = json.loads(description.read_text())["script"]
        for party, channel in zip(("caller", "agent"), channels, strict=False):
            found = [segment.span for segment in segments_of(framed(channel), make)]
            turns = [turn for turn in script if turn["party"] == party]
            for turn in turns:
                whole = Span(from_ms(turn["start_ms"]), from_ms(turn["end_ms"]))
                mine = [one for one in found if one.overlaps(whole)]
                errors.append(errors_ms(whole, mine))
                shares += [covered(Span(from_ms(start), from_ms(end)), mine) for start, end in turn["speech_ms"]]
            spoken = [Span(from_ms(turn["start_ms"]), from_ms(turn["end_ms"])) for turn in turns]
            assert all(any(one.overlaps(span) for span in spoken) for one in found), description.parent.name
    if not errors:
        pytest.skip("no sample calls beside the tests")
    early, late = np.array(errors).T
    assert -60 <= early.min() <= early.max() <= SETTINGS.pre_roll_ms + 60
    assert -200 <= late.min() <= late.max() <= 300
    assert np.mean(shares) > 0.99
    assert min(shares) > 0.8


def test_a_monologue_is_cut_in_pauses(utterances: list[Pcm]) -> None:
    """Clauses of at most 2.5 s with pauses of 300 ms, far below the hang-over: one breathless utterance."""
    call, _ = joined([active(utterance)[:40_000] for utterance in utterances], pause_s=0.3)
    segments = segments_of(framed(call), load_detectors("silero"))
    assert len(segments) >= 2
    assert max(segment.span.length for segment in segments) > from_ms(10_000), "there is something long to cut"
    for segment, follower in pairwise(segments):
        assert segment.reason is EndReason.SILENCE
        assert segment.span.length <= from_ms(SETTINGS.max_utterance_ms)
        assert level_dbfs(call[segment.span.end - FRAME_SAMPLES : segment.span.end]) < -40
        assert follower.span.start >= segment.span.end
