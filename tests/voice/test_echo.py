"""An echo of known delay and level is taken out of speech; whoever speaks into it is heard."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import anyio
import numpy as np
import pytest

from tests.voice.echo_lines import CALLER, CONVERGED, reduce, segments, speakerphone, speech
from voice.clock import ManualClock
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, Party, Pcm, from_ms, on_16_bit_grid, to_s
from voice.contracts.errors import FrameError
from voice.contracts.ports import AudioSource, CallLeg
from voice.echo import DELAY, EchoSuppressor
from voice.echo_filter import EchoFilter
from voice.echo_source import EchoReduced
from voice.playout import Playout


def power(pcm: Pcm) -> float:
    return float(np.mean(pcm[CONVERGED:] ** 2))


@pytest.mark.parametrize("delay_ms", [60, 150, 400])
@pytest.mark.parametrize("level_db", [-6, -20])
def test_an_echo_is_no_speech(project: Path, delay_ms: float, level_db: float) -> None:
    played = speech(project, "zh-logistics-calm", 12)
    heard = speakerphone(played, delay_ms, level_db)
    assert [at for at in segments(on_16_bit_grid(heard)) if at > CONVERGED], "the echo alone would be an utterance"
    reduced, _ = reduce(heard, played)
    assert [at for at in segments(reduced) if at > CONVERGED] == []
    assert power(reduced) < power(heard) / 5  # the noise stays, and a weak echo is found late


def test_an_interruption_is_heard_within_300_ms_and_in_its_own_words(project: Path) -> None:
    played = speech(project, "zh-logistics-calm", 14)
    said = np.zeros_like(played)
    begins = 6 * SAMPLE_RATE
    words = speech(project, "zh-human-16k", 4)
    words = words[int(np.argmax(np.convolve(words**2, np.ones(800) / 800, "valid") > 10**-3.4)) :]
    said[begins : begins + words.size] = words
    heard = speakerphone(played, 150, -6) + said
    reduced, is_open = reduce(heard, played)
    opened = is_open.index(True, CONVERGED // FRAME_SAMPLES) * FRAME_SAMPLES
    assert begins - FRAME_SAMPLES <= opened <= begins + from_ms(300)
    part = slice(opened + from_ms(100), begins + words.size)
    late = np.concatenate([np.zeros(DELAY, np.float32), said])[: said.size]
    before = np.corrcoef(heard[part], said[part])[0, 1]
    after = np.corrcoef(reduced[part], late[part])[0, 1]
    assert after > max(0.9, before)


def test_on_a_line_without_an_echo_words_are_left_as_they_are(project: Path) -> None:
    played, said = speech(project, "zh-logistics-calm", 12), on_16_bit_grid(speech(project, "zh-human-16k", 12))
    size = min(played.size, said.size) // FRAME_SAMPLES * FRAME_SAMPLES
    reduced, is_open = reduce(said[:size], played[:size])
    since = 6 * SAMPLE_RATE
    assert np.array_equal(reduced[since + DELAY : size], said[since : size - DELAY])
    assert all(is_open[since // FRAME_SAMPLES :])


def test_where_nothing_is_played_nothing_is_changed(project: Path) -> None:
    said = on_16_bit_grid(speech(project, "zh-human-16k", 3))
    for played in (np.zeros_like(said), np.full_like(said, 1e-4)):
        reduced, is_open = reduce(said, played)
        assert np.array_equal(reduced[DELAY:], said[: reduced.size][:-DELAY])
        assert all(is_open)


def test_some_time_after_the_last_sound_nothing_is_changed(project: Path) -> None:
    said = on_16_bit_grid(speech(project, "zh-human-16k", 6))
    played = np.concatenate([speech(project, "zh-logistics-calm", 2), np.zeros(4 * SAMPLE_RATE, np.float32)])
    reduced, _ = reduce(said, played)
    after = 4 * SAMPLE_RATE
    assert np.array_equal(reduced[after + DELAY :], said[after : reduced.size - DELAY])


def test_the_linear_filter_leaves_nothing_of_a_linear_echo() -> None:
    chance = np.random.default_rng(1)
    played = chance.normal(0, 0.1, 6 * SAMPLE_RATE).astype(np.float32)
    heard = np.convolve(played, np.concatenate([np.zeros(2_000), [0.5, -0.3, 0.1]]))[: played.size].astype(np.float32)
    echo_filter = EchoFilter()
    steps = zip(heard.reshape(-1, FRAME_SAMPLES), played.reshape(-1, FRAME_SAMPLES), strict=True)
    rest = np.concatenate([echo_filter.subtract(ours, theirs) for ours, theirs in steps])
    assert np.mean(rest[3 * SAMPLE_RATE :] ** 2) < np.mean(heard[3 * SAMPLE_RATE :] ** 2) / 1_000


def test_gaps_late_frames_and_odd_times_break_nothing(project: Path) -> None:
    played = speech(project, "zh-logistics-calm", 8)
    heard = on_16_bit_grid(speakerphone(played, 100, -6))
    suppressor = EchoSuppressor()
    for start in range(0, heard.size - FRAME_SAMPLES + 1, FRAME_SAMPLES):
        suppressor.played(played[start : start + FRAME_SAMPLES], start)
        frame = AudioFrame(CALLER, start, heard[start : start + FRAME_SAMPLES])
        if 3 * SAMPLE_RATE <= start < 3 * SAMPLE_RATE + 9_600:
            continue  # lost
        reduced = suppressor.hear(frame)
        assert reduced.start == start
        if start == 4 * SAMPLE_RATE:
            assert suppressor.hear(frame) is frame  # twice
        if start > 5 * SAMPLE_RATE:
            assert np.sqrt(np.mean(reduced.pcm**2)) < 0.02
    far = 10**12 // FRAME_SAMPLES * FRAME_SAMPLES
    suppressor.played(played[:FRAME_SAMPLES], far)
    suppressor.played(played[:FRAME_SAMPLES], 0)  # long forgotten
    assert suppressor.hear(AudioFrame(CALLER, far, heard[:FRAME_SAMPLES])).start == far


@pytest.mark.parametrize(
    ("pcm", "at"),
    [(np.zeros((2, 2), np.float32), 0), (np.zeros(4), 0), (np.zeros(4, np.float32), -1)],
)
def test_what_is_no_audio_is_refused(pcm: Pcm, at: int) -> None:
    with pytest.raises(FrameError, match="Expected float32"):
        EchoSuppressor().played(pcm, at)


class Line:
    """A leg whose caller sits at a speakerphone: what is taken from the sink comes back."""

    def __init__(self, clock: ManualClock, played: Pcm, tappable: bool = True) -> None:
        self.parties = frozenset({CALLER, Party.AGENT})
        self.source: AudioSource = self
        self.sink = Playout() if tappable else object()
        self._clock = clock
        self._played = played
        self._heard = on_16_bit_grid(speakerphone(played, 100, -6))
        self.raw: list[AudioFrame] = []

    async def frames(self) -> AsyncGenerator[AudioFrame]:
        if isinstance(self.sink, Playout):
            self.sink.play(self._played)
        for start in range(0, self._heard.size - FRAME_SAMPLES + 1, FRAME_SAMPLES):
            for party in (CALLER, Party.AGENT):
                self.raw.append(AudioFrame(party, start, self._heard[start : start + FRAME_SAMPLES]))
                yield self.raw[-1]
            if isinstance(self.sink, Playout):
                self.sink.take(FRAME_SAMPLES)
            self._clock.advance_to(to_s(start + FRAME_SAMPLES))
            await anyio.lowlevel.checkpoint()


@pytest.mark.anyio
@pytest.mark.parametrize("tappable", [True, False])
async def test_a_leg_is_heard_without_its_echo(
    project: Path, as_leg: Callable[[Line], CallLeg], tappable: bool
) -> None:
    clock = ManualClock()
    line = Line(clock, speech(project, "zh-logistics-calm", 6), tappable)
    reduced = EchoReduced(as_leg(line), clock)
    assert reduced.parties == line.parties
    frames = [frame async for frame in reduced.frames()]
    assert [frame.start for frame in frames] == [frame.start for frame in line.raw]
    agents = [(ours, raw) for ours, raw in zip(frames, line.raw, strict=True) if raw.party is Party.AGENT]
    assert all(ours is raw for ours, raw in agents)
    caller = np.concatenate([frame.pcm for frame in frames if frame.party is CALLER])
    raw = np.concatenate([frame.pcm for frame in line.raw if frame.party is CALLER])
    assert np.array_equal(caller, raw) if not tappable else power(caller) < power(raw) / 10


@pytest.fixture
def as_leg() -> Callable[[Line], CallLeg]:
    """A line is no whole leg; its source and sink are all that is used."""
    return lambda line: line  # type: ignore[return-value]  # see above
