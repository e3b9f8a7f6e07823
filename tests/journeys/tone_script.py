"""A call whose tone is known, and a console to watch it on.

The words and the caller's affects are scripted; curve, uncertainty, shifts and risk are the pipeline's own
(`prosody.course`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
from anyio.from_thread import BlockingPortal, start_blocking_portal
from argon2 import PasswordHasher
from playwright.sync_api import BrowserContext, Page

from agent_console.app import create_app
from agent_console.auth.accounts import Accounts, Role
from agent_console.auth.database import AuthDatabase
from agent_console.auth.passwords import PasswordVault
from agent_console.auth.sessions import SessionLimits, Sessions
from agent_console.auth.sign_in import Authentication
from agent_console.auth.throttle import LoginThrottle
from agent_console.auth.tickets import Tickets
from agent_console.deps import Console, DeskSide, Site
from agent_console.qa.recordings import Recordings
from agent_console.server import serve
from asr.types import Language
from prosody.course import Course
from prosody.fusion import Affect, name_affect
from prosody.types import (
    AgentTone,
    Contribution,
    EmotionBasis,
    EmotionScore,
    FeatureNormal,
    ProsodyFeatures,
    VoiceNormal,
)
from routing.audit_trail import AuditTrail
from routing.commands import Command, Outcome
from routing.desk.commands import DeskCommand
from routing.desk.file import load_desk
from routing.desk.keeper import Keeper
from routing.events import (
    AgentToneAllowed,
    AgentToneScored,
    CallEnded,
    CallEvent,
    CallStarted,
    CoachingHinted,
    EmotionScored,
    EmotionShifted,
    ProsodyMeasured,
    SpeechEnded,
    SpeechStarted,
    Stamped,
    TranscriptFinal,
    VoiceRecalled,
)
from routing.journal.audit_log import AuditLogFile
from routing.journal.desk_log import DeskLogFile
from routing.journal.memory import MemoryJournal
from routing.leg_events import PartyJoined
from routing.telling import Tellings
from routing.terms import CallEndReason, Channel, Direction, HintKind, Wording
from tests.journeys.stage import PASSWORD
from voice.clock import WallClock
from voice.contracts.audio import CallId, Party, SegmentId, Span, from_s
from voice.contracts.errors import UnknownCallError
from voice.contracts.speech import EndReason

BASIS = "Betriebsvereinbarung 12, § 4"
FEATURES = ProsodyFeatures(
    duration_s=3.9,
    voiced_ratio=0.62,
    f0_median_hz=243.0,
    f0_range_st=9.4,
    f0_slope_st_per_s=1.2,
    intensity_mean_db=-19.4,
    intensity_range_db=17.8,
    speech_rate_hz=5.1,
    articulation_rate_hz=6.3,
    pause_count=2,
    pause_ratio=0.14,
    spectral_tilt_db=-9.6,
    f0_contour_hz=(None, 231.0, 240.0, 252.0, None, None, 262.0, 270.0, 281.0, 274.0, None, 219.0, None, 230.0, 244.0),
    f0_final_st=2.1,
    jitter_local=0.0142,
    jitter_rap=0.0081,
    shimmer_local=0.087,
    shimmer_apq3=0.041,
    hnr_db=13.6,
    centroid_hz=1420.0,
)


class Script:
    """A call as it is written down, event by event; tone follows from the course of the caller's affects."""

    def __init__(
        self,
        call: str,
        *,
        started_at: str,
        caller: str = "139 **** 2046",
        agent: str | None = "lin",
        agent_tone: bool = False,
    ) -> None:
        self.call = CallId(call)
        self.log: list[Stamped] = []
        self._course = Course()
        self._segments = 0
        self._fused: list[CallEvent] = []
        started = CallStarted(Direction.INBOUND, Channel.SIP, caller, "4001", Language.ZH, started_at)
        self.add(0.0, started, PartyJoined(Party.CALLER))
        if agent is not None:
            self.add(0.0, PartyJoined(Party.AGENT, agent))
        if agent_tone:
            self.add(0.0, AgentToneAllowed(BASIS))

    def add(self, at_s: float, *events: CallEvent) -> None:
        for event in events:
            self.log.append(Stamped(self.call, len(self.log), from_s(at_s), event))

    def recall(self) -> None:
        normal = VoiceNormal((FeatureNormal("f0_median", 201.0, 18.0, 6.0),))
        self.add(0.0, VoiceRecalled(normal, CallId("before")))

    def say(
        self, party: Party, start_s: float, end_s: float, text: str, tone: tuple[float, float, float] | None = None
    ) -> SegmentId:
        """An utterance; `tone` is the caller's arousal, valence and confidence."""
        number, span = SegmentId(self._segments), Span(from_s(start_s), from_s(end_s))
        self._segments += 1
        self.add(start_s + 0.2, SpeechStarted(party, number, span.start))
        self.add(end_s + 0.3, SpeechEnded(party, number, span, EndReason.SILENCE))
        if tone is not None:
            self._score(end_s + 0.3, number, span, Affect(*tone, _reasons(*tone)))
        self.add(end_s + 0.4, TranscriptFinal(number, text, (), "scripted"))
        if tone is not None:
            self.add(end_s + 0.4, *self._fused)
        return number

    def hint(self, kind: HintKind, span_s: tuple[float, float], why: Wording, say: Wording, *by: SegmentId) -> None:
        span = Span(from_s(span_s[0]), from_s(span_s[1]))
        self.add(span_s[1] + 0.5, CoachingHinted(kind, span, why, say, by))

    def end(self, at_s: float) -> None:
        self.add(at_s, CallEnded(CallEndReason.CALLER_HUNG_UP, from_s(at_s)))

    def _score(self, at_s: float, number: SegmentId, span: Span, affect: Affect) -> None:
        point = self._course.take(number, span, affect)
        fused = EmotionScore(
            arousal=affect.arousal,
            valence=affect.valence,
            confidence=affect.confidence,
            label=name_affect(affect),
            basis=EmotionBasis.TONE_AND_WORDS,
            contributions=affect.contributions,
            curve_arousal=point.arousal,
            curve_valence=point.valence,
            curve_arousal_sd=point.arousal_sd,
            curve_valence_sd=point.valence_sd,
            risk=point.risk,
            models=("tone-linear/3f2a91",),
        )
        self.add(at_s, ProsodyMeasured(number, FEATURES))
        self.add(at_s, EmotionScored(number, replace(fused, basis=EmotionBasis.TONE)))
        self._fused = [EmotionScored(number, fused)]
        if point.shift is not None:
            self._fused.append(EmotionShifted(point.shift))


def _reasons(arousal: float, valence: float, _: float) -> tuple[Contribution, ...]:
    return (
        Contribution("words", "valence", 0.7 * valence),
        Contribution("intensity", "arousal", 0.6 * arousal),
        Contribution("f0_median", "arousal", 0.4 * arousal),
        Contribution("raised_voice", "valence", 0.3 * valence),
    )


def escalation(call: str, started_at: str) -> Script:
    """Calm, then half a minute in which only others speak, then worse and worse."""
    one = Script(call, started_at=started_at, agent_tone=True)
    one.recall()
    one.say(Party.AGENT, 0.6, 3.4, "您好，请问有什么可以帮您？")
    one.say(Party.CALLER, 4.2, 8.0, "你好，我上个星期买的水壶，盖子是坏的。", (0.05, -0.05, 0.75))
    one.say(Party.CALLER, 9.1, 12.6, "我想换一个，订单号是四七一九。", (-0.05, 0.1, 0.7))
    agent = one.say(Party.AGENT, 14.0, 36.0, "好的，请稍等，我帮您查一下这个订单，您稍等一下，系统有点慢。")
    one.add(36.5, AgentToneScored(agent, AgentTone(0.31, 0.62)))
    silence = Wording("客户已有 27 秒没有说话", "The caller has not spoken for 27 s")
    patience = Wording("谢谢您耐心等待，我马上就好。", "Thank you for waiting; nearly there.")
    one.hint(HintKind.LONG_SILENCE, (12.6, 40.0), silence, patience)
    one.say(Party.CALLER, 43.0, 46.5, "怎么还没好？我都等了半天了。", (0.42, -0.35, 0.7))
    one.say(Party.AGENT, 47.2, 50.1, "非常抱歉，系统正在处理。")
    one.say(Party.CALLER, 51.0, 55.2, "你们上次也是这么说的，每次都要等！", (0.62, -0.55, 0.8))
    last = one.say(Party.CALLER, 56.4, 61.0, "我不想再等了，给我转你们主管！", (0.78, -0.72, 0.82))
    rising = Wording("最近三句越来越激动", "Agitation has risen over the last three utterances")
    care = Wording("我听得出您很着急，我现在就为您优先处理。", "I hear how urgent this is; I will see to it right now.")
    one.hint(HintKind.RISING_FRUSTRATION, (43.0, 61.0), rising, care, SegmentId(4), SegmentId(6), last)
    return one


@dataclass(frozen=True)
class Stage:
    """A running console, and its journal within reach."""

    url: str
    journal: MemoryJournal
    recordings: Path
    portal: BlockingPortal
    keeper: Keeper

    def write(self, *events: Stamped) -> None:
        self.portal.call(self.journal.append, events)

    def tell_desk(self, command: DeskCommand) -> None:
        """Let something happen at the desk."""
        self.portal.call(self.keeper.execute, command)


class NoCommands:
    """Nobody calls here."""

    async def execute(self, command: Command) -> Outcome:
        raise UnknownCallError("This console only shows calls.")


@asynccontextmanager
async def run_console(folder: Path, static: Path, portal: BlockingPortal) -> AsyncIterator[Stage]:
    """The real application on a loopback port, over a journal in memory."""
    clock, journal, recordings = WallClock(), MemoryJournal(), folder / "recordings"
    recordings.mkdir()

    def now() -> float:
        return clock.utc_now().timestamp()

    desk = replace(load_desk(), lease_s=0)
    async with AsyncExitStack() as stack:
        database = stack.enter_context(AuthDatabase(folder / "accounts.db"))
        log = stack.enter_context(DeskLogFile(folder / "desk.db"))
        audit = stack.enter_context(AuditLogFile(folder / "audit.db"))
        trail = await stack.enter_async_context(AuditTrail.open(audit, journal, clock))
        keeper = await stack.enter_async_context(Keeper.open(desk, log, clock))
        accounts = Accounts(database, PasswordVault(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)), now=now)
        accounts.add("mei", PASSWORD, Role.SUPERVISOR, name="梅")
        accounts.add("lin", PASSWORD, Role.AGENT, name="林晓")
        sessions = Sessions(database, SessionLimits(idle_s=3600, absolute_s=7200), now=now)
        auth = Authentication(accounts, sessions, Tickets(clock), LoginThrottle(clock))
        side = DeskSide(keeper, trail)
        site = Site("test")
        console = Console(
            journal,
            NoCommands(),
            auth,
            Recordings(recordings),
            clock,
            site,
            static,
            desk=side,
            tellings=Tellings.load(),
        )
        urls: list[str] = []
        ready = anyio.Event()

        def announce(url: str) -> None:
            urls.append(url)
            ready.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve, create_app(console), "127.0.0.1", 0, announce)
            with anyio.fail_after(60):
                await ready.wait()
            yield Stage(urls[0], journal, recordings, portal, keeper)
            tasks.cancel_scope.cancel()


@contextmanager
def console_at(folder: Path, project: Path) -> Iterator[Stage]:
    """The same for tests that drive a browser and run no event loop of their own, with the web app as it was built."""
    static = project / "agent_console" / "static"
    assert (static / "index.html").is_file(), "the web app is built first: npm run build in agent_console/web"
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(run_console(folder, static, portal)) as stage,
    ):
        yield stage


def sign_in(context: BrowserContext, console: Stage, user: str) -> Page:
    """A page of somebody who is signed in."""
    answer = context.request.post(
        f"{console.url}/api/session", data={"user": user, "password": PASSWORD}, headers={"Origin": console.url}
    )
    assert answer.ok, answer.text()
    return context.new_page()
