"""A long call between clocks that run apart, over a network that loses packets: its recording stays in time."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_console.bench.recording import MOST_GROWTH_MB, MOST_SKEW_MS, align
from voice.contracts.audio import Party


@pytest.mark.slow
def test_ten_minutes_stay_in_time(tmp_path: Path) -> None:
    """50 ppm either way would put the channels 60 ms apart; every sweep of both has to be where it was sounded.

    `warmline bench recording` does the same for half an hour.
    """
    aligned = align(10, tmp_path)
    assert set(aligned.skew_ms) == {Party.CALLER, Party.AGENT}
    for found in (*aligned.skew_ms.values(), aligned.between_ms):
        assert len(found) == 60
        assert max(abs(ms) for ms in found) < MOST_SKEW_MS
    assert aligned.growth_mb < MOST_GROWTH_MB


def test_a_recording_out_of_time_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The measurement itself: without the evening out of drift, it says so."""
    monkeypatch.setattr("voice.rtp.drift.DriftGauge.skew", property(lambda _: 0))
    aligned = align(3, tmp_path, drift_ppm=400, loss=0.0)
    assert abs(aligned.skew_ms[Party.CALLER][-1]) > MOST_SKEW_MS
