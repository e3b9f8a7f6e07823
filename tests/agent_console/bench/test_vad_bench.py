"""`warmline bench vad`: its truth is true, its disturbances are as loud as they say, its scores are fair."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from agent_console import bench_cli
from agent_console.bench.vad import judge
from agent_console.bench.vad_batch import batch_costs
from agent_console.bench.vad_cascade import CascadeVad
from agent_console.bench.vad_sounds import disturbances
from agent_console.bench.vad_truth import LEVEL, Stage, disturbed, lay_out, sounding
from voice.audio.level import level_dbfs
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, Pcm, from_ms, to_ms
from voice.contracts.errors import ModelCorruptError
from voice.vad.segmenter import SegmenterSettings
from voice.vad.silero import SileroModel

HANGOVER_MS = SegmenterSettings().hangover_ms


def burst(seconds: float, hertz: float = 440) -> Pcm:
    moments = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (0.1 * np.sin(2 * np.pi * hertz * moments)).astype(np.float32)


def quiet(seconds: float) -> Pcm:
    hiss = np.random.default_rng(1).standard_normal(int(seconds * SAMPLE_RATE))
    return (1e-5 * hiss).astype(np.float32)


@pytest.fixture
def stage() -> Stage:
    """Two utterances; the second one pauses for 100 ms, 300 ms and 800 ms."""
    broken = [burst(0.5), quiet(0.1), burst(0.5), quiet(0.3), burst(0.5), quiet(0.8), burst(0.5)]
    return lay_out([np.concatenate([quiet(0.4), burst(1.0), quiet(0.3)]), np.concatenate(broken)], HANGOVER_MS)


class Loud:
    """Hears what is louder than -45 dBFS."""

    def probability(self, pcm: Pcm) -> float:
        return float(level_dbfs(pcm) > -45)

    def reset(self) -> None:
        """It remembers nothing."""


class Constant:
    """Hears speech always, or never."""

    def __init__(self, answer: float) -> None:
        self._answer = answer

    def probability(self, _: Pcm) -> float:
        return self._answer

    def reset(self) -> None:
        """It remembers nothing."""


def test_boundaries_are_where_the_sound_is() -> None:
    active = np.flatnonzero(sounding(np.concatenate([quiet(0.5), burst(1.0), quiet(0.5)])))
    assert active[0] == pytest.approx(50, abs=3)
    assert active[-1] == pytest.approx(150, abs=3)
    assert active.size == active[-1] - active[0] + 1


def test_pauses_part_segments_only_where_the_segmenter_would(stage: Stage) -> None:
    lengths = [to_ms(span.length) for span in stage.segments]
    assert lengths == pytest.approx([1_000, 1_900, 500], abs=60)
    assert to_ms(stage.segments[2].start - stage.segments[1].end) == pytest.approx(800, abs=60)
    # The pause of 100 ms counts for nobody, that of 300 ms is silence.
    nobody = ~(stage.speech | stage.silence)
    assert 3 <= nobody[stage.segments[1].start // FRAME_SAMPLES : stage.segments[1].end // FRAME_SAMPLES].sum() <= 9
    assert not (stage.speech & stage.silence).any()


def test_speech_is_as_loud_as_it_shall_be(stage: Stage) -> None:
    spoken = stage.pcm.reshape(-1, FRAME_SAMPLES)[stage.speech]
    assert np.sqrt(np.mean(spoken**2)) == pytest.approx(LEVEL, rel=0.05)


@pytest.mark.parametrize("name", ["noise", "music", "keyboard", "babble"])
def test_a_disturbance_is_as_loud_as_its_ratio_says(name: str, stage: Stage) -> None:
    sound = disturbances([burst(1.0, 300), burst(1.5, 700)])[name](stage.pcm.size, np.random.default_rng(2))
    assert np.sqrt(np.mean(sound**2)) == pytest.approx(1, rel=0.01)
    heard = disturbed(stage, sound, 10, telephone=False)
    other = heard - stage.pcm
    assert 20 * np.log10(LEVEL / np.sqrt(np.mean(other**2))) == pytest.approx(10, abs=0.6)


def test_who_hears_right_scores_well(stage: Stage) -> None:
    score = judge(Loud(), disturbed(stage, None, math.inf, telephone=False), stage)
    found = score.document()
    assert (score.segments, score.missed, score.invented) == (3, 0, 0)
    assert found["frame_miss"] <= 0.03
    assert found["onset_p90_abs_ms"] <= 40
    assert found["end_p90_abs_ms"] <= 40


def test_who_hears_nothing_or_everything_scores_badly(stage: Stage) -> None:
    heard = disturbed(stage, None, math.inf, telephone=True)
    deaf, credulous = judge(Constant(0.0), heard, stage), judge(Constant(1.0), heard, stage)
    assert deaf.document()["frame_miss"] == 1
    assert deaf.missed == 3
    assert credulous.document()["frame_false_alarm"] > 0.97
    assert credulous.document()["frame_miss"] == 0


def test_the_cascade_hears_what_its_network_hears_and_no_more(stage: Stage) -> None:
    cascade = CascadeVad(SileroModel.load(), 3)
    silent = np.zeros(FRAME_SAMPLES, np.float32)
    assert [cascade.probability(silent) for _ in range(50)] == [0.0] * 50
    frames = stage.pcm[from_ms(500) :][: 100 * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    once = [cascade.probability(frame) for frame in frames]
    cascade.reset()
    for _ in range(50):
        cascade.probability(silent)
    assert [cascade.probability(frame) for frame in frames] == once


def test_what_is_no_network_is_refused(tmp_path: Path) -> None:
    (tmp_path / "none.onnx").write_bytes(b"no network")
    with pytest.raises(ModelCorruptError, match="several windows"):
        batch_costs(tmp_path / "none.onnx")


def test_its_document_is_complete() -> None:
    result = CliRunner().invoke(bench_cli.app, ["vad", "--json", "--utterances", "1"])
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    rows = document["about"]["conditions"]
    assert len(rows) == 9 * 34
    assert {row["condition"] for row in rows} >= {"16k clean", "8k babble 0 dB", "16k keyboard 20 dB"}
    named = {figure["name"] for figure in document["figures"]}
    assert {"silero_frame_miss_20_and_10db", "webrtc_2_cpu_ms_per_s_clean", "cascade_3_onset_median_ms_clean"} <= named
