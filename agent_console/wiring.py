"""The composition root: the one place that knows which implementation stands behind each port."""

from __future__ import annotations

import errno
import fcntl
import logging
import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final

import anyio
from anyio.to_thread import run_sync

from agent_console.admission import Doorkeeper
from agent_console.auth.accounts import Accounts
from agent_console.auth.sessions import SessionLimits
from agent_console.auth.sign_in import open_authentication
from agent_console.deps import Console, NotReady, Site, turn_secret
from agent_console.desk_wiring import open_desk
from agent_console.intent_model import load_understander
from agent_console.metrics import CountedCommands, Metrics, Standing
from agent_console.qa.recordings import Recordings
from agent_console.recognition import check_recognition, open_recognition
from agent_console.settings import Settings
from agent_console.sip_wiring import answer_sip, open_sip, who_is_outside
from agent_console.throttling import CallRates
from agent_console.tone_model import load_tone_model
from asr.engines import EngineChoice
from asr.text.terms import Terms
from asr.turn_words import WordsJudge
from asr.types import Language
from prosody.features import warm_up
from routing.commands import CommandRefusedError
from routing.desk.file import DEFAULT_DESK, load_desk
from routing.desk.keeper import Keeper
from routing.desk.outlook import Outlook
from routing.desk.serving import DeskServing
from routing.journal.sqlite import SqliteJournal
from routing.kept_file import KeptFile
from routing.policy.archive import FOLDER as POLICIES
from routing.policy.archive import PolicyArchive
from routing.policy.file import ANNOUNCEMENTS, DEFAULT_POLICY, load_policy
from routing.policy.rules import Policy
from routing.recovery import end_interrupted
from routing.rooms import Rooms
from routing.switchboard import Switchboard
from routing.telling import Tellings
from routing.terms import Channel
from voice.audio.opus import OpusSettings
from voice.clock import WallClock
from voice.contracts.audio import Party
from voice.contracts.errors import CapacityError, DataFolderError, DataFolderInUseError
from voice.contracts.ports import AudioSource, CallLeg, Clock
from voice.echo_source import EchoReduced
from voice.hold_music import HoldMusic
from voice.measured_peaks import measure_peaks
from voice.recording import finish_interrupted
from voice.stream.access import StreamAccess
from voice.stream.door import Line, StreamDoor
from voice.stream.leg import StreamLeg
from voice.turns.judge import Judge, Sound, SoundJudge
from voice.turns.settings import TurnSettings
from voice.turns.smart_turn import MODEL_NAME as SMART_TURN
from voice.turns.smart_turn import SmartTurn
from voice.vad.detectors import load_detectors
from voice.vad.segmenter import Segmenter, SegmenterSettings
from voice.webrtc.answerer import WebRtcAnswerer
from voice.webrtc.ice import IceServer, IceSettings
from voice.webrtc.leg import LegLimits, WebRtcLeg

STATIC: Final = Path(__file__).parent / "static"

JOURNAL: Final = "journal.db"
RECORDINGS: Final = "recordings"
"""What the data folder holds: the journal's file, and the folder with a recording for every call, named after it."""

STAGE_THREADS: Final = 2
"""Threads for tone and understanding of all calls: work of milliseconds that shares the cores with recognition."""

LEAST_DISK_BYTES: Final = 200_000_000
"""Free space below which no call should be taken: five minutes of ten recorded calls."""

POLICY_EVERY_S: Final = 1.0
"""How often the policy file is looked at for a change."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Opened:
    """Everything that serves, opened.

    Attributes:
        console: for the HTTP application.
        rooms: what calls join.
        journal: where their events go.
        accounts: who may sign in; its methods block.
        recognition: which engine, and why.
    """

    console: Console
    rooms: Rooms
    journal: SqliteJournal
    accounts: Accounts
    recognition: str


def load_sound(settings: Settings) -> Sound | None:
    """What judges pauses by their sound; None for nothing.

    Raises:
        ModelError: the judge that is asked for is missing or corrupt.
    """
    return SmartTurn.load(settings.models / SMART_TURN).probability if settings.turn_end == "smart-turn" else None


def turn_settings(settings: Settings) -> TurnSettings:
    """When a judged pause ends a turn: a complete one no later than one that nobody judged."""
    return TurnSettings(
        ask_after_ms=min(TurnSettings().ask_after_ms, settings.hangover_ms / 2),
        close_after_ms=settings.hangover_ms,
        patience_ms=settings.patience_ms,
    )


@asynccontextmanager
async def open_rooms(
    settings: Settings, *, apart: bool = False, archive: PolicyArchive | None = None
) -> AsyncIterator[tuple[Rooms, str]]:
    """Load models and policy and start recognition, for as long as the context lasts; answers rooms and engine.

    Args:
        settings: how.
        apart: whether recognition runs in processes of its own, which serving wants and a replay does without.
        archive: keeps every policy that comes into force; None to keep none.

    Raises:
        ModelError: a model, of recognition or of tone, is missing or corrupt.
        UnknownEngineError: no such engine or detector.
        PolicyError: the policy file is not valid, or names what the desk file lacks.
        DeskConfigError: the desk's file is not valid.
        TermsError: the file of terms is not valid.
    """
    # What is wrong with a name or missing is told at once, before anything that takes seconds to load.
    await run_sync(check_recognition, settings)
    desk = await run_sync(load_desk, settings.desk or DEFAULT_DESK)
    load = load_policy if archive is None else archive.load
    policy = KeptFile(settings.policy or DEFAULT_POLICY, partial(load, desk=desk))
    await run_sync(lambda: policy.current)
    new_detector = await run_sync(load_detectors, settings.vad)
    understander = await run_sync(load_understander, settings)
    tone_model = await run_sync(load_tone_model, settings.tone_model)
    # Before the first call: compiling takes seconds where nothing is on disk yet.
    await run_sync(warm_up)
    agent_tone = settings.agent_tone
    if agent_tone is not None:
        _log.warning("agents' tone is measured; the stated legal basis: %s", agent_tone.legal_basis)
    terms = await run_sync(Terms.load, settings.terms)
    heard = await run_sync(load_sound, settings)
    threads = anyio.CapacityLimiter(STAGE_THREADS)
    sound = None if heard is None else SoundJudge(heard, threads)
    judged = sound is not None or settings.turn_words
    speech = SegmenterSettings(hangover_ms=settings.hangover_ms)
    turns = turn_settings(settings) if judged else None

    def new_segmenter(party: Party) -> Segmenter:
        return Segmenter(new_detector(), speech, party, turns)

    clock = WallClock()
    async with (
        open_recognition(settings, terms, clock, apart=apart) as recognition,
        anyio.create_task_group() as tasks,
    ):

        def judge_turn(language: Language) -> Judge:
            return WordsJudge(language, sound) if settings.turn_words or sound is None else sound

        tasks.start_soon(follow_policy, policy, clock, name="policy file")
        rooms = Rooms(
            new_segmenter=new_segmenter,
            worker=recognition.worker,
            understander=understander,
            policy=lambda: policy.current,
            threads=threads,
            tone_model=tone_model,
            carry_over=settings.carry_over,
            agent_tone=agent_tone,
            judge_turn=judge_turn if judged else None,
            listen=partial(_listen, settings, clock),
            zone=settings.zone,
        )
        yield rooms, "; ".join(_explain(choice) for choice in recognition.choices)
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def open_console(settings: Settings) -> AsyncIterator[Opened]:
    """Open everything that serving needs, for as long as the context lasts; live calls are seen through on leaving.

    Raises:
        DataFolderError: the data folder cannot be created or written, or another process serves from it.
        JournalUnavailableError: the journal cannot be opened.
        ModelError: a model is missing or corrupt.
        UnknownEngineError: no such engine or detector.
        PolicyError: the policy file is not valid.
        DeskConfigError: the desk's file is not valid.
        DeskLogError: the desk's log cannot be read.
    """
    clock = WallClock()
    recordings = settings.data / RECORDINGS
    limits = SessionLimits(idle_s=settings.session_idle_minutes * 60, absolute_s=settings.session_hours * 3600)
    await run_sync(_make_folder, recordings)
    async with AsyncExitStack() as stack:
        # Before anything is mended: what looks interrupted may be another process's live call.
        stack.enter_context(_locked(settings.data))
        for saved in await run_sync(finish_interrupted, recordings):
            _log.warning("recording %s was interrupted and is kept", saved.name)
        auth = stack.enter_context(open_authentication(settings.data, limits, clock))
        archive = PolicyArchive(settings.data / POLICIES)
        rooms, recognition = await stack.enter_async_context(
            open_rooms(settings, apart=settings.isolate_recognition, archive=archive)
        )
        doorkeeper = Doorkeeper(rooms.worker, clock)
        if settings.admission == "measured":
            rooms = replace(rooms, refusal=doorkeeper.refusal)
        outlook = Outlook()
        rooms = replace(rooms, situation=outlook.situation)
        journal = await stack.enter_async_context(SqliteJournal.open(settings.data / JOURNAL))
        await end_interrupted(journal)
        opus = OpusSettings(bit_rate=settings.opus_bit_rate, application=settings.opus_application)
        limits_of_legs = LegLimits(opus=opus)

        async def answer(sdp: str) -> WebRtcLeg:
            # Made for each call: its TURN credentials may expire.
            return await WebRtcAnswerer(_ice(settings, clock), limits_of_legs).answer(sdp, clock)

        # Before the switchboard: its last calls are hung up over this line.
        line = await stack.enter_async_context(open_sip(settings, clock))
        switchboard = await stack.enter_async_context(
            Switchboard.open(
                rooms,
                journal,
                answer,
                clock,
                recordings=recordings if settings.recording else None,
                recording_format=settings.recording_format,
                new_hold_sound=HoldMusic if settings.hold_sound == "music" else None,
                max_calls=settings.max_calls,
                agent_grace_s=settings.agent_grace_s,
            )
        )
        await stack.enter_async_context(doorkeeper.looking(lambda: switchboard.live_calls))
        desk = await stack.enter_async_context(
            open_desk(
                settings.data,
                settings.desk,
                journal,
                switchboard.hand_over,
                switchboard.announce,
                clock,
                zone=settings.zone,
                announcements=settings.policy and settings.policy.parent / ANNOUNCEMENTS,
                note=switchboard.note,
                board=switchboard,
            )
        )
        outlook.watch(desk.keeper)
        metrics = Metrics(partial(_standing, switchboard, rooms, desk.keeper))
        await stack.enter_async_context(metrics.following(journal, clock))
        switchboard.ask(DeskServing(desk.keeper, clock))
        console = Console(
            journal=journal,
            commands=CountedCommands(switchboard, metrics),
            auth=auth,
            recordings=Recordings(recordings, measure_peaks),
            clock=clock,
            desk=desk,
            site=Site.of(settings, version=version("warmline")),
            static=STATIC if (STATIC / "index.html").is_file() else None,
            streams=_media_streams(settings, switchboard, clock, metrics),
            metrics=metrics,
            metrics_token=settings.metrics_token.get_secret_value() if settings.metrics_token else None,
            readiness=partial(_is_ready, settings.data, rooms),
            tellings=await run_sync(Tellings.load),
            outside=who_is_outside(line),
            call_rates=CallRates(settings.calls_per_minute, clock),
        )
        await stack.enter_async_context(answer_sip(line, settings, switchboard, metrics.note_refusal))
        yield Opened(console, rooms, journal, auth.accounts, recognition)


def _standing(switchboard: Switchboard, rooms: Rooms, desk: Keeper) -> Standing:
    load, lines = rooms.worker.load(), desk.ledger.waiting.lines
    return Standing(
        live_calls=switchboard.live_calls,
        utterances_open=load.open,
        finals_waiting=load.finals_waiting,
        audio_waiting_s=load.audio_waiting_s,
        seats=load.seats,
        audio_s=load.pushed_s,
        recognition_cpu_s=load.cpu_s,
        waiting={queue: len(lines[queue].places) if queue in lines else 0 for queue in desk.ledger.config.queues},
    )


def _explain(choice: EngineChoice) -> str:
    return f"{choice.language}: {choice.engine} {choice.model} ({choice.reason.zh} / {choice.reason.en})"


def _ice(settings: Settings, clock: Clock) -> IceSettings:
    servers = [IceServer(settings.stun)] if settings.stun else []
    if settings.turn and (secret := turn_secret(settings)):
        given = secret.credentials(clock.utc_now())
        servers.append(IceServer(settings.turn, given.username, given.credential))
    elif settings.turn and settings.turn_password:
        servers.append(IceServer(settings.turn, settings.turn_user, settings.turn_password.get_secret_value()))
    return IceSettings(tuple(servers), settings.ice_addresses or None)


def _media_streams(settings: Settings, switchboard: Switchboard, clock: Clock, metrics: Metrics) -> StreamDoor:
    async def take(leg: StreamLeg, line: Line) -> None:
        spoken = line.language if line.language in (Language.ZH, Language.EN) else settings.language
        try:
            await switchboard.take(
                leg, Channel.STREAM, caller=line.caller, called=line.called, language=Language(spoken), keys=leg.keys()
            )
        except CommandRefusedError as refused:  # rooms below routing know no commands; both reasons mean: later
            metrics.note_refusal(refused.reason)
            raise CapacityError(str(refused)) from refused

    token, key = settings.stream_token, settings.stream_signing_key
    access = StreamAccess(
        token=token.get_secret_value() if token else None,
        signing_key=key.get_secret_value() if key else None,
        url=settings.stream_url,
    )
    return StreamDoor(access, take, clock)


def _listen(settings: Settings, clock: Clock, leg: CallLeg) -> AudioSource:
    """What is heard from a leg: browsers cancel the echo of what they play, telephones may not."""
    cancels = isinstance(leg, WebRtcLeg)
    reduced = settings.echo == "on" or (settings.echo == "telephone" and not cancels)
    return EchoReduced(leg, clock) if reduced else leg.source


async def follow_policy(policy: KeptFile[Policy], clock: Clock) -> None:
    """Put a changed policy file in force; a broken one leaves the old one where it is."""
    while True:
        await clock.sleep_until(clock.now_s() + POLICY_EVERY_S)
        before = policy.current.version
        if error := await run_sync(policy.refresh):
            _log.error("policy file not taken over, version %s stays in force: %s", before, error)
        elif policy.current.version != before:
            _log.info("policy version %s is in force, before it %s", policy.current.version, before)


async def _is_ready(folder: Path, rooms: Rooms) -> Sequence[NotReady]:
    troubles = (trouble for trouble in (rooms.worker.trouble(), rooms.refusal()) if trouble is not None)
    return (*(NotReady(trouble.code, str(trouble)) for trouble in troubles), *await _disk_is_ready(folder))


async def _disk_is_ready(folder: Path) -> Sequence[NotReady]:
    free = (await run_sync(shutil.disk_usage, folder)).free
    if free >= LEAST_DISK_BYTES:
        return ()
    return (NotReady("data.disk_low", f"{folder} has {free / 1e6:.0f} MB left; calls take 4 MB a minute."),)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the data folder for this process; the lock ends with the process, however it ends."""
    with (folder / ".lock").open("w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise DataFolderInUseError(
                f"Another Warmline serves from the data folder {folder}.",
                fix="Stop it, or name another folder with --data.",
            ) from error
        yield


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        full = error.errno == errno.ENOSPC
        raise DataFolderError(
            f"The data folder {folder.parent} cannot be written: {error.strerror}.",
            fix="Make room on the disk." if full else "Name another folder with --data, or correct its permissions.",
        ) from error
