"""Bad lines: what no room should do, and what a line does nevertheless, costs nobody their words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.voice.echo_lines import CALLER, CONVERGED, reduce, segments, speakerphone, speech
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, Pcm, from_ms, from_s, on_16_bit_grid
from voice.contracts.errors import FrameError
from voice.echo import DELAY, EchoSuppressor
from voice.echo_delay import MOST_FRAMES, EchoDelay

SPEAKS_AT = 12 * SAMPLE_RATE
CALL_S = 18


@pytest.fixture
def played(project: Path) -> Pcm:
    return speech(project, "zh-logistics-calm", CALL_S)


@pytest.fixture
def said(project: Path) -> Pcm:
    """Silence, and words from the twelfth second on."""
    words = speech(project, "zh-human-16k", 5)
    words = words[int(np.argmax(np.convolve(words**2, np.ones(800) / 800, "valid") > 10**-3.4)) :]
    said = np.zeros(CALL_S * SAMPLE_RATE, np.float32)
    said[SPEAKS_AT : SPEAKS_AT + words.size] = words
    return said


def are_words_heard(reduced: Pcm, is_open: list[bool], said: Pcm, within_ms: float) -> None:
    """The caller is let through in time, and as they spoke."""
    opened = is_open.index(True, SPEAKS_AT // FRAME_SAMPLES) * FRAME_SAMPLES
    assert opened - SPEAKS_AT <= from_ms(within_ms)
    since, until = opened + from_ms(200), SPEAKS_AT + from_ms(2500)
    assert np.corrcoef(reduced[since + DELAY : until + DELAY], said[since:until])[0, 1] > 0.8


@pytest.mark.parametrize("delay_ms", [700, 1200])
def test_an_echo_that_is_later_than_the_filter_reaches_is_found(played: Pcm, said: Pcm, delay_ms: float) -> None:
    reduced, is_open = reduce(speakerphone(played, delay_ms, -8) + said, played)
    found = from_s(9.5)  # from six seconds of it
    assert [at for at in segments(reduced) if found < at < SPEAKS_AT] == []
    assert not any(is_open[found // FRAME_SAMPLES : SPEAKS_AT // FRAME_SAMPLES - 1])
    are_words_heard(reduced, is_open, said, within_ms=500)


def test_an_echo_that_is_later_than_any_costs_no_words(played: Pcm, said: Pcm) -> None:
    reduced, is_open = reduce(speakerphone(played, 2500, -8) + said, played)
    are_words_heard(reduced, is_open, said, within_ms=500)


@pytest.mark.parametrize("level_db", [3, 8])
def test_an_echo_louder_than_the_voice(played: Pcm, said: Pcm, level_db: float) -> None:
    heard = np.clip(speakerphone(0.5 * played, 150, level_db) + 0.4 * said, -1, 1)
    reduced, is_open = reduce(heard, 0.5 * played)
    assert [at for at in segments(reduced) if CONVERGED < at < SPEAKS_AT] == []
    assert any(is_open[SPEAKS_AT // FRAME_SAMPLES : SPEAKS_AT // FRAME_SAMPLES + 75]), "within a second and a half"


def test_silence_stays_silence_and_is_followed_by_words(played: Pcm, said: Pcm) -> None:
    reduced, is_open = reduce(said, played)
    assert not reduced[:SPEAKS_AT].any()
    assert all(is_open), "nothing comes back, so nobody is kept out"
    late = np.concatenate([np.zeros(DELAY, np.float32), on_16_bit_grid(said)])[: reduced.size]
    assert np.corrcoef(reduced[SPEAKS_AT:], late[SPEAKS_AT:])[0, 1] > 0.99


@pytest.mark.parametrize("offset", [0.02, -0.2])
def test_a_constant_voltage_is_no_voice_and_hides_none(played: Pcm, said: Pcm, offset: float) -> None:
    heard = np.clip(speakerphone(played, 150, -8) + said + offset, -1, 1).astype(np.float32)
    reduced, is_open = reduce(heard, played)
    assert [at for at in segments(reduced) if CONVERGED < at < SPEAKS_AT] == []
    opened = is_open.index(True, SPEAKS_AT // FRAME_SAMPLES) * FRAME_SAMPLES
    assert opened - SPEAKS_AT <= from_ms(600)


def test_a_line_that_clips(played: Pcm, said: Pcm) -> None:
    heard = np.clip(3 * (speakerphone(played, 150, -6) + said), -0.25, 0.25)
    reduced, is_open = reduce(heard, played)
    assert [at for at in segments(reduced) if 2 * CONVERGED < at < SPEAKS_AT] == []
    assert any(is_open[SPEAKS_AT // FRAME_SAMPLES : SPEAKS_AT // FRAME_SAMPLES + 50])


@pytest.mark.parametrize("drift_ppm", [50, -50])
def test_clocks_that_are_not_alike(played: Pcm, said: Pcm, drift_ppm: float) -> None:
    echo = speakerphone(played, 150, -8)
    drifted = np.interp(np.arange(echo.size) * (1 + drift_ppm * 1e-6), np.arange(echo.size), echo).astype(np.float32)
    reduced, is_open = reduce(drifted + said, played)
    assert [at for at in segments(reduced) if CONVERGED < at < SPEAKS_AT] == []
    are_words_heard(reduced, is_open, said, within_ms=400)


def test_what_was_played_is_not_told(played: Pcm, said: Pcm) -> None:
    heard = on_16_bit_grid(speakerphone(played, 150, -8) + said)
    suppressor = EchoSuppressor()
    for start in range(0, heard.size, FRAME_SAMPLES):
        frame = AudioFrame(CALLER, start, heard[start : start + FRAME_SAMPLES])
        reduced = suppressor.hear(frame)
        assert suppressor.is_open
        assert np.array_equal(reduced.pcm[DELAY:], frame.pcm[:-DELAY])


def test_what_was_played_is_not_told_for_a_while(played: Pcm) -> None:
    heard = on_16_bit_grid(speakerphone(played, 150, -8))
    missing, suppressor, parts = range(6 * SAMPLE_RATE, 8 * SAMPLE_RATE), EchoSuppressor(), []
    for start in range(0, heard.size, FRAME_SAMPLES):
        if start not in missing:
            suppressor.played(played[start : start + FRAME_SAMPLES], start)
        parts.append(suppressor.hear(AudioFrame(CALLER, start, heard[start : start + FRAME_SAMPLES])).pcm)
    assert [at for at in segments(np.concatenate(parts)) if CONVERGED < at < 6 * SAMPLE_RATE or at > from_s(9.5)] == []


def test_what_is_no_number_is_refused_and_nothing_forgotten(played: Pcm) -> None:
    suppressor = EchoSuppressor()
    for value in (np.nan, np.inf):
        with pytest.raises(FrameError, match="Expected float32 numbers"):
            suppressor.played(np.full(FRAME_SAMPLES, value, np.float32), 0)
    heard = on_16_bit_grid(speakerphone(played, 100, -8))
    for start in range(0, 5 * SAMPLE_RATE, FRAME_SAMPLES):
        suppressor.played(played[start : start + FRAME_SAMPLES], start)
        reduced = suppressor.hear(AudioFrame(CALLER, start, heard[start : start + FRAME_SAMPLES]))
    assert np.isfinite(reduced.pcm).all()
    assert not suppressor.is_open


@pytest.mark.parametrize("late", [0, 3, 31, MOST_FRAMES])
def test_a_delay_is_told_by_how_loud_things_are(late: int) -> None:
    chance = np.random.default_rng(4)
    levels = -30 + 12 * np.repeat(chance.normal(size=200), 4)
    follower, found = EchoDelay(), []
    for number, level in enumerate(levels):
        heard = levels[number - late] - 9 if number >= late else -90
        found.append(follower.follow(float(level), float(heard)))
    assert {delay for delay in found if delay is not None} == {late}
    assert found.index(late) <= 400


def test_no_delay_is_told_where_nothing_comes_back() -> None:
    chance = np.random.default_rng(4)
    levels = -30 + 12 * chance.normal(size=(2, 3000)).repeat(4, axis=1)
    follower = EchoDelay()
    assert not any(follower.follow(float(played), float(heard)) for played, heard in levels.T)
    assert not any(follower.follow(-20.0, -100.0) for _ in range(1000))
