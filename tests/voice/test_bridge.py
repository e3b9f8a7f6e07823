"""Who hears whom, as a table and at random; and what they hear: the others' sum, without a click, never themselves."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.audio.fade import FADE
from voice.audio.mixing import mix
from voice.bridge import MOST_PARTICIPANTS, Bridge, Conversation, Participant, Prompt, Standing, hears
from voice.contracts.audio import FRAME_SAMPLES, SAMPLE_RATE, Pcm
from voice.contracts.errors import BridgeError
from voice.feed import BOUND, TARGET, Feed
from voice.hold_music import HoldMusic, tune
from voice.playout import Playout

CALLER, AGENT = Participant("c", Standing.CALLER), Participant("a", Standing.AGENT)
LISTENS, WHISPERS, BARGES = (
    Participant(mode.value, mode) for mode in (Standing.LISTEN, Standing.WHISPER, Standing.BARGE)
)
EVERYBODY = (CALLER, AGENT, LISTENS, WHISPERS, BARGES)

# Who is heard by whom while the caller is on the line; on hold, every pair with the caller in it is gone.
HEARD_BY: dict[Participant, set[Participant]] = {
    CALLER: {AGENT, LISTENS, WHISPERS, BARGES},
    AGENT: {CALLER, LISTENS, WHISPERS, BARGES},
    LISTENS: set(),
    WHISPERS: {AGENT},
    BARGES: {CALLER, AGENT, LISTENS, WHISPERS},
}


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("muted", [False, True])
@pytest.mark.parametrize("prompt", list(Prompt))
def test_who_hears_whom(held: bool, muted: bool, prompt: Prompt) -> None:
    state = Conversation({one.id: one for one in EVERYBODY}, held, prompt)
    for listener, speaker in product(EVERYBODY, EVERYBODY):
        expected = listener in HEARD_BY[speaker] and not muted
        if CALLER in (listener, speaker) and (held or prompt is Prompt.DISCLOSURE):
            expected = False
        if listener is CALLER and prompt is not Prompt.NONE:
            expected = False
        said = Participant(speaker.id, speaker.standing, muted)
        assert hears(listener, said, state) is expected, (listener.standing, speaker.standing)


class Table:
    """A bridge whose listeners are all taken from at the same pace, with what each speaker says and each one heard."""

    def __init__(self, *people: Participant, hold_sound: bool = False) -> None:
        self.bridge = Bridge(HoldMusic if hold_sound else None)
        self.sinks: dict[str, Playout] = {}
        self.heard: dict[str, list[Pcm]] = {}
        for one in people:
            self.join(one)

    def join(self, one: Participant) -> None:
        self.sinks[one.id], self.heard[one.id] = Playout(), []
        self.bridge.join(one, self.sinks[one.id])

    def leave(self, who: str) -> None:
        self.bridge.leave(who)
        self.sinks.pop(who).close()

    def tick(self, said: dict[str, Pcm]) -> None:
        """20 ms: everybody says something, then everybody hears something."""
        for who, pcm in said.items():
            self.bridge.hear(who, pcm)
        for who, sink in self.sinks.items():
            self.heard[who].append(sink.take(FRAME_SAMPLES))

    def of(self, who: str) -> Pcm:
        return np.concatenate(self.heard[who])


def voices(count: int, frames: int, seed: int = 7) -> np.ndarray:
    """Independent voices, shape (count, frames, 320), soft enough that their sum stays below the limiter's knee."""
    noise = np.random.default_rng(seed).normal(0, 0.05, (count, frames, FRAME_SAMPLES))
    return np.asarray(np.clip(noise, -0.2, 0.2), np.float32)


def test_a_listener_hears_the_sum_of_the_others_and_nothing_of_themselves() -> None:
    frames = 40
    said = voices(3, frames)
    table = Table(CALLER, AGENT, BARGES)
    for number in range(frames):
        table.tick({"c": said[0, number], "a": said[1, number], "barge": said[2, number]})
    delay = TARGET // FRAME_SAMPLES - 1
    for who, others in (("c", (1, 2)), ("a", (0, 2)), ("barge", (0, 1))):
        truth = mix(*(said[other, : frames - delay].reshape(-1) for other in others))
        heard = table.of(who)[delay * FRAME_SAMPLES :]
        assert np.array_equal(heard[FADE:], truth[FADE:])
        own = said["ca".find(who) if who in "ca" else 2].reshape(-1)
        assert abs(float(np.corrcoef(own, table.of(who))[0, 1])) < 0.05


people = st.sampled_from(["a", "b", "d", "e"])
acts = st.one_of(
    st.tuples(st.just("join"), people, st.sampled_from([Standing.LISTEN, Standing.WHISPER, Standing.BARGE])),
    st.tuples(st.just("serve"), people, st.none()),
    st.tuples(st.just("leave"), people, st.none()),
    st.tuples(st.just("mute"), people, st.booleans()),
    st.tuples(st.just("hold"), st.none(), st.booleans()),
    st.tuples(st.just("prompt"), st.none(), st.sampled_from(Prompt)),
)


@given(st.lists(acts, max_size=25))
def test_at_random_nobody_hears_themselves_or_whom_they_may_not_hear(
    script: list[tuple[str, str | None, object]],
) -> None:
    # Everybody says a constant of their own, a power of two, so that what is heard tells who was heard.
    codes = {who: np.float32(2.0 ** -(4 + number)) for number, who in enumerate("cabde")}
    table = Table(CALLER)
    ever: set[str] = {"c"}
    for act, who, what in script:
        there = set(table.bridge.state.participants)
        if act == "join" and who not in there and who is not None:
            assert isinstance(what, Standing)
            table.join(Participant(who, what))
            ever.add(who)
        elif act == "serve" and who in there and who is not None:
            table.bridge.change(who, standing=Standing.AGENT)
        elif act == "leave" and who in there and who is not None:
            table.leave(who)
        elif act == "mute" and who in there and who is not None:
            table.bridge.change(who, muted=bool(what))
        elif act == "hold":
            table.bridge.hold(bool(what))
        elif act == "prompt":
            assert isinstance(what, Prompt)
            table.bridge.prompt(what)
        # The first frame may fade out whoever fell silent; after the third everybody who may be heard is.
        for _ in range(4):
            table.tick({one: np.full(FRAME_SAMPLES, code) for one, code in codes.items()})
        state = table.bridge.state
        for listener in state.participants.values():
            may = {one.id for one in state.participants.values() if hears(listener, one, state)}
            expected = sum(float(codes[one]) for one in may)
            assert table.heard[listener.id][-1][-1] == pytest.approx(expected, abs=1e-6)
            assert listener.id not in may


def tone(seconds: float, hertz: float = 200.0, level: float = 0.3) -> Pcm:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return np.asarray(level * np.sin(2 * np.pi * hertz * time), np.float32)


def largest_jump(pcm: Pcm) -> float:
    return float(np.abs(np.diff(pcm)).max())


def test_from_the_prompt_to_the_agent_there_is_no_gap_and_no_click() -> None:
    prompt, agent = tone(1.0, 300.0), tone(3.0, 210.0)
    steady = max(largest_jump(prompt), largest_jump(agent))
    table = Table(CALLER, AGENT)
    table.bridge.prompt(Prompt.DISCLOSURE)
    table.sinks["c"].play(prompt)
    for start in range(0, agent.size, FRAME_SAMPLES):
        table.tick({"a": agent[start : start + FRAME_SAMPLES]})
        if not table.sinks["c"].queued and table.bridge.state.prompt is not Prompt.NONE:
            table.bridge.prompt(Prompt.NONE)
    heard = table.of("c")
    assert largest_jump(heard) <= steady * 1.25
    silent = np.abs(heard[: -SAMPLE_RATE // 2]) < 0.001
    assert longest_run(silent) <= 0.2 * SAMPLE_RATE
    # Until the disclosure has ended nothing but it was heard.
    assert np.array_equal(heard[: prompt.size], prompt)


def test_a_prompt_that_is_cut_ends_without_a_click_and_the_next_voice_follows_at_once() -> None:
    table = Table(CALLER, AGENT)
    agent = tone(2.0, 210.0)
    table.bridge.prompt(Prompt.ORDINARY)
    table.sinks["c"].play(tone(2.0, 300.0))
    for number, start in enumerate(range(0, agent.size, FRAME_SAMPLES)):
        table.tick({"a": agent[start : start + FRAME_SAMPLES]})
        if number == 30:
            table.sinks["c"].clear()
            table.bridge.prompt(Prompt.NONE)
    heard = table.of("c")
    assert largest_jump(heard) <= 1.5 * largest_jump(tone(1.0, 300.0))
    assert longest_run(np.abs(heard) < 0.001) <= 0.2 * SAMPLE_RATE


def longest_run(true: np.ndarray) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], true, [False]]).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def test_on_hold_the_caller_hears_music_alone_softly_and_without_clicks() -> None:
    table = Table(CALLER, AGENT, BARGES, hold_sound=True)
    said = tone(4.0)
    for number, start in enumerate(range(0, said.size, FRAME_SAMPLES)):
        if number == 50:
            table.bridge.hold(True)
        if number == 150:
            table.bridge.hold(False)
        frame = said[start : start + FRAME_SAMPLES]
        table.tick({"c": frame, "a": frame})
    heard = table.of("c")
    music = heard[52 * FRAME_SAMPLES : 149 * FRAME_SAMPLES]
    assert np.array_equal(music[:16_000], tune()[2 * FRAME_SAMPLES :][:16_000])
    assert largest_jump(heard) <= 1.1 * max(largest_jump(said), largest_jump(tune()))
    assert not table.of("a")[53 * FRAME_SAMPLES : 150 * FRAME_SAMPLES].any()
    # A supervisor and the agent talk on.
    assert table.of("barge")[60 * FRAME_SAMPLES : 140 * FRAME_SAMPLES].any()


def test_the_tune_is_gentle_and_has_no_seam() -> None:
    once = tune()
    level = 20 * np.log10(np.sqrt(np.mean(np.square(once))))
    assert -26 <= level <= -18
    assert np.abs(once).max() < 0.5
    around = np.concatenate([once[-SAMPLE_RATE:], once[:SAMPLE_RATE]])
    assert largest_jump(around) <= largest_jump(once) * 1.01
    sound = HoldMusic()
    pieces = np.concatenate([sound.take(FRAME_SAMPLES) for _ in range(once.size // FRAME_SAMPLES + 5)])
    assert np.array_equal(pieces[: once.size], once)
    assert np.array_equal(pieces[once.size :], once[: pieces.size - once.size])


def test_without_hold_music_a_held_caller_hears_nothing() -> None:
    table = Table(CALLER, AGENT)
    table.bridge.hold(True)
    for _ in range(10):
        table.tick({"a": tone(0.02)})
    assert not table.of("c").any()


def test_who_cannot_take_part_is_refused() -> None:
    table = Table(CALLER, AGENT)
    with pytest.raises(BridgeError):
        table.join(AGENT)
    with pytest.raises(BridgeError):
        table.bridge.change("nobody", muted=True)
    for number in range(MOST_PARTICIPANTS - 2):
        table.join(Participant(f"s{number}", Standing.LISTEN))
    with pytest.raises(BridgeError):
        table.join(Participant("one more", Standing.LISTEN))
    table.bridge.hear("nobody", tone(0.02))
    table.bridge.leave("nobody")


def test_who_has_left_leaves_nothing_behind() -> None:
    table = Table(CALLER, AGENT, BARGES, LISTENS, hold_sound=True)
    table.bridge.hold(True)
    table.tick({})
    for who in ("a", "barge", "listen", "c"):
        table.leave(who)
    assert table.bridge.pairs == frozenset()
    assert not table.bridge.state.participants
    assert not table.bridge._feeds
    assert not table.bridge._sinks
    assert not table.bridge._hold_sounds


@pytest.mark.parametrize("drift", [200e-6, -200e-6])
def test_drifting_clocks_cost_a_frame_now_and_then_and_never_a_click(drift: float) -> None:
    """Ten minutes at 200 ppm, four times what clocks do: 120 ms to even out."""
    feed, heard, waited = Feed(), [], []
    speech = tone(2.0, 150.0, 0.2)
    speech[SAMPLE_RATE:] = 0  # a second of sound, a second of silence
    due = 0.0
    for number in range(30_000):
        due += 1 + drift
        while due >= 1:
            at = number * FRAME_SAMPLES % speech.size
            feed.put(speech[at : at + FRAME_SAMPLES])
            due -= 1
        heard.append(feed.take(FRAME_SAMPLES))
        waited.append(feed.waiting)
    assert max(waited[10:]) <= TARGET + 2 * FRAME_SAMPLES
    pcm = np.concatenate(heard[10:])
    assert largest_jump(pcm) <= 3 * largest_jump(tone(1.0, 150.0, 0.2))
    # What was said is heard: half of the time is sound, give or take the evened-out frames.
    assert np.mean(np.abs(pcm.reshape(-1, FRAME_SAMPLES)).max(axis=1) > 0.01) == pytest.approx(0.5, abs=0.01)


def test_a_process_that_stands_still_for_a_moment_costs_no_frame() -> None:
    """Three frames come at once and three are taken at once: nothing is left out, and nothing repeated for it."""
    feed, heard = Feed(), []
    for number in range(1, 500):
        feed.put(np.full(FRAME_SAMPLES, number * 1e-6, np.float32))  # silence, each frame its own
        if number % 50 == 0:
            heard += [feed.take(FRAME_SAMPLES) for _ in range(3)]
        elif number % 50 < 48:
            heard.append(feed.take(FRAME_SAMPLES))
    told = [round(float(frame[-1]) * 1e6) for frame in heard if frame.any()]
    assert told == list(range(1, 1 + len(told)))
    assert len(told) > 490


def test_what_waits_for_nothing_is_left_out_in_the_next_silence() -> None:
    feed = Feed()
    speech, silence = tone(0.02, 150.0, 0.2), np.zeros(FRAME_SAMPLES, np.float32)
    for _ in range(3):  # the other side took nothing for 60 ms, and goes on at its pace
        feed.put(speech)
    most = []
    for number in range(1_200):
        feed.put(silence if number % 100 > 90 else speech)
        feed.take(FRAME_SAMPLES)
        most.append(feed.waiting)
    assert max(most[:90]) == 3 * FRAME_SAMPLES
    assert max(most[200:]) <= 2 * FRAME_SAMPLES  # two pauses later
    assert max(most[900:]) == FRAME_SAMPLES


def test_where_no_silence_comes_a_frame_is_left_out_of_the_speech() -> None:
    feed = Feed()
    speech = tone(2.0, 150.0, 0.2)
    for _ in range(2):
        feed.put(speech[:FRAME_SAMPLES])
    heard = []
    for number in range(1_000):
        at = (number + 2) * FRAME_SAMPLES % speech.size
        feed.put(speech[at : at + FRAME_SAMPLES])
        heard.append(feed.take(FRAME_SAMPLES))
    assert feed.waiting == FRAME_SAMPLES
    assert largest_jump(np.concatenate(heard[1:])) <= 1.5 * largest_jump(speech)


@given(st.lists(st.one_of(st.integers(1, 15), st.integers(-15, -1)), max_size=60))
def test_however_frames_come_the_feed_is_bounded_and_every_answer_is_whole(bursts: list[int]) -> None:
    feed = Feed()
    for burst in bursts:
        for _ in range(abs(burst)):
            if burst > 0:
                feed.put(tone(0.02))
            else:
                assert feed.take(FRAME_SAMPLES).shape == (FRAME_SAMPLES,)
        assert feed.waiting <= BOUND + FRAME_SAMPLES
