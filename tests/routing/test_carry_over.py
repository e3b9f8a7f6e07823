"""A caller who calls again is compared with how they sounded before; whoever has no address of their own is not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.fake import FakeRecognizer
from asr.types import Language
from prosody.types import EmotionBasis, FeatureNormal, VoiceNormal
from routing.carry_over import LEAST_LEARNED, can_be_known_again, keep_voice, pitch_weight
from routing.events import CallEnded, CallStarted, EmotionScored, ProsodyMeasured, Stamped, VoiceLearned, VoiceRecalled
from routing.grammar import check_log
from routing.journal.memory import MemoryJournal
from routing.leg_events import PartyJoined, PartyLeft
from routing.replay import replay
from routing.rooms import Rooms
from routing.terms import Channel, Direction
from tests.routing.rooms import frames_of, of_type, open_rooms, outcome, run_call
from voice.clock import WallClock
from voice.contracts.audio import CallId, Party, Pcm, from_s
from voice.contracts.errors import JournalUnavailableError
from voice.recording import StereoRecorder
from voice.vad.detectors import load_detectors

pytestmark = pytest.mark.anyio
FIRST, SECOND = CallId("c-first"), CallId("c-second")


def started(minute: int = 0, *, channel: Channel = Channel.SIP, caller: str = "sip:ann@a.example") -> CallStarted:
    at = f"2026-01-01T00:{minute:02}:00Z"
    return CallStarted(Direction.INBOUND, channel, caller, "main", Language.ZH, at)


@pytest.fixture(scope="module")
def speech(shared_data: Path) -> Pcm:
    """Ten utterances of one speaker, a second of silence around each."""
    folder = shared_data / "speech" / "aishell1-sample"
    silence = np.zeros(from_s(1), np.float32)
    parts = [silence]
    for path in sorted(folder.glob("BAC009S0150*.flac"))[:10]:
        parts += [soundfile.read(path, dtype="float32")[0], silence]
    return np.concatenate(parts)


@pytest.fixture
async def rooms() -> AsyncIterator[Rooms]:
    async with open_rooms(FakeRecognizer(), new_detector=load_detectors("silero")) as opened:
        yield opened


async def call_of(
    rooms: Rooms,
    journal: MemoryJournal,
    call: CallId,
    begun: CallStarted,
    pcm: Pcm,
    recorder: StereoRecorder | None = None,
) -> list[Stamped]:
    items = frames_of(Party.CALLER, pcm)
    return await run_call(rooms, items, call=call, started=begun, journal=journal, recorder=recorder)


async def test_the_second_call_begins_where_the_first_one_ended(rooms: Rooms, speech: Pcm) -> None:
    journal = MemoryJournal()
    first = await call_of(rooms, journal, FIRST, started(0), speech)
    (learned,) = of_type(first, VoiceLearned)
    assert pitch_weight(learned.normal) >= LEAST_LEARNED
    kinds = [type(stamped.event) for stamped in first]
    assert kinds[-3:] == [VoiceLearned, PartyLeft, CallEnded]
    assert VoiceRecalled not in kinds

    second = await call_of(rooms, journal, SECOND, started(1), speech)
    assert [type(stamped.event) for stamped in second][:3] == [CallStarted, PartyJoined, VoiceRecalled]
    assert second[2].event == VoiceRecalled(learned.normal, FIRST)
    (again,) = of_type(second, VoiceLearned)
    assert await journal.recall_voice(Channel.SIP, "sip:ann@a.example") == VoiceRecalled(again.normal, SECOND)

    before, after = (next(one.score for one in of_type(log, EmotionScored)) for log in (first, second))
    assert before.confidence == 0, "of an unknown caller's first utterance nothing can be said"
    assert after.confidence > 0.1


async def test_a_recorded_call_is_replayed_from_the_same_beginning(rooms: Rooms, speech: Pcm, tmp_path: Path) -> None:
    journal = MemoryJournal()
    await call_of(rooms, journal, FIRST, started(0), speech)
    recorder = StereoRecorder(tmp_path / "c-second.wav")
    recorder.open()
    live = await call_of(rooms, journal, SECOND, started(1), speech, recorder)
    (recalled,) = of_type(live, VoiceRecalled)
    logs = []
    for given in (recalled, None):
        again = MemoryJournal()
        await replay(tmp_path / "c-second.wav", SECOND, Language.ZH, rooms, again, WallClock(), recalled=given)
        logs.append(list(await again.read(SECOND)))
        check_log(logs[-1])
    same, other = logs
    assert of_type(same, VoiceRecalled) == [recalled]
    assert outcome(same) == outcome(live)
    assert outcome(other) != outcome(live), "without the recalled voice the scores are others"
    assert not of_type(same, VoiceLearned), "the caller of a replay is a file"


@pytest.mark.parametrize(
    "begun",
    [
        started(channel=Channel.WEBRTC, caller="web"),
        started(caller="anonymous"),
        started(caller=""),
        started(channel=Channel.REPLAY, caller="r-complaint"),
    ],
    ids=lambda begun: f"{begun.channel}:{begun.caller}",
)
async def test_an_anonymous_caller_is_neither_kept_nor_recalled(rooms: Rooms, speech: Pcm, begun: CallStarted) -> None:
    journal = MemoryJournal()
    for call in (FIRST, SECOND):
        log = await call_of(rooms, journal, call, begun, speech)
        assert not of_type(log, VoiceLearned)
        assert not of_type(log, VoiceRecalled)


async def test_with_the_setting_off_nothing_is_kept_or_recalled(rooms: Rooms, speech: Pcm) -> None:
    journal = MemoryJournal()
    await call_of(rooms, journal, FIRST, started(0), speech)
    log = await call_of(replace(rooms, carry_over=False), journal, SECOND, started(1), speech)
    assert not of_type(log, VoiceLearned)
    assert not of_type(log, VoiceRecalled)


async def test_too_little_speech_teaches_nothing(rooms: Rooms, speech: Pcm) -> None:
    log = await call_of(rooms, MemoryJournal(), FIRST, started(), speech[: from_s(5)])
    assert of_type(log, ProsodyMeasured)
    assert not of_type(log, VoiceLearned)


async def test_a_call_goes_on_where_nothing_can_be_recalled(rooms: Rooms, speech: Pcm) -> None:
    class Deaf(MemoryJournal):
        async def recall_voice(self, channel: Channel, caller: str) -> VoiceRecalled | None:
            raise JournalUnavailableError("The disk is gone.")

    class Hostile(MemoryJournal):
        async def recall_voice(self, channel: Channel, caller: str) -> VoiceRecalled | None:
            return VoiceRecalled(VoiceNormal((FeatureNormal("f0_median", float("nan"), -1.0, 1e9),)), FIRST)

    plain = await call_of(rooms, MemoryJournal(), SECOND, started(), speech)
    for journal in (Deaf(), Hostile()):
        log = await call_of(rooms, journal, SECOND, started(), speech)
        assert not of_type(log, VoiceRecalled)
        assert outcome(log) == outcome(plain)


async def test_another_person_on_the_same_number_is_not_taken_for_upset(
    rooms: Rooms, speech: Pcm, shared_data: Path
) -> None:
    journal = MemoryJournal()
    await call_of(rooms, journal, FIRST, started(0), speech)
    folder = shared_data / "speech" / "aishell1-sample"
    silence = np.zeros(from_s(1), np.float32)
    parts = [silence]
    for path in sorted(folder.glob("BAC009S0252*.flac"))[:10]:
        parts += [soundfile.read(path, dtype="float32")[0], silence]
    log = await call_of(rooms, journal, SECOND, started(1), np.concatenate(parts))
    scores = [one.score for one in of_type(log, EmotionScored) if one.score.basis is EmotionBasis.TONE]
    assert of_type(log, VoiceRecalled)
    assert abs(float(np.median([score.arousal for score in scores[3:]]))) < 0.5


@pytest.mark.parametrize(
    ("channel", "caller", "known"),
    [
        (Channel.SIP, "sip:+8613800138000@carrier.example", True),
        (Channel.SIP, "+8613800138000", True),
        (Channel.SIP, "tel:+8613800138000", True),
        (Channel.WEBRTC, "customer-4711", True),
        (Channel.STREAM, "weber", True),
        (Channel.STREAM, "anonymous-fan", True),
        (Channel.WEBRTC, "web", False),
        (Channel.WEBRTC, " Web ", False),
        (Channel.WEBRTC, "", False),
        (Channel.WEBRTC, "   ", False),
        (Channel.SIP, "anonymous", False),
        (Channel.SIP, "sip:anonymous@anonymous.invalid", False),
        (Channel.SIP, "SIP:Anonymous@carrier.example", False),
        (Channel.SIP, "sip:unknown@10.0.0.1", False),
        (Channel.SIP, "sip:@carrier.example", False),
        (Channel.SIP, "Restricted", False),
        (Channel.SIP, "withheld", False),
        (Channel.SIP, "unavailable", False),
        (Channel.SIP, "000", False),
        (Channel.REPLAY, "+8613800138000", False),
    ],
)
def test_who_can_be_known_again(channel: Channel, caller: str, known: bool) -> None:
    assert can_be_known_again(channel, caller) is known


def normal(weight: float) -> VoiceNormal:
    return VoiceNormal((FeatureNormal("intensity", -20.0, 2.0, 99.0), FeatureNormal("f0_median", 90.0, 1.0, weight)))


def test_what_was_only_carried_is_not_kept_anew() -> None:
    assert keep_voice(normal(8.0), normal(4.0)) is None
    assert keep_voice(normal(5.0), VoiceNormal()) == VoiceLearned(normal(5.0))
    assert keep_voice(VoiceNormal(), VoiceNormal()) is None
