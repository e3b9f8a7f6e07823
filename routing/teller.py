"""Tells callers, aloud, what happens to their hand-over, how long it may take, and what the policy announces."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, Protocol, Self

import anyio
from anyio.abc import TaskGroup
from anyio.to_thread import run_sync

from asr.types import Language
from routing.desk.notices import Notice
from routing.handover import HandoverEvent
from routing.service_events import AnnouncementMade, HandoverBridged, HandoverFailed, HandoverRequested
from routing.telling import Tellings
from routing.terms import HandoverFailure, Wording
from voice.contracts.audio import CallId, Pcm
from voice.contracts.errors import UnknownCallError, WarmlineError

GREETING: Final = "callback-greeting"
"""The installer's own recording of who calls back: names the business, which the clip that ships cannot."""

_log = logging.getLogger(__name__)

Say = Callable[[Sequence[str], str], Pcm]
"""The audio of some clips in a language; see `voice.speech.prompts.Prompts.say`."""


class Announce(Protocol):
    """Plays something to a live call's caller, over everything else, and writes that it was played."""

    async def __call__(self, call: CallId, prompt: str, pcm: Pcm, *, disclosure: bool) -> None:
        """Return once it was heard or cut.

        Raises:
            UnknownCallError: the call is over.
        """
        ...


Find = Callable[[str, str], Pcm | None]
"""The recording of a language and a rule, None where there is none; blocking. See `voice.speech.recorded.Recorded`."""

Note = Callable[[CallId, AnnouncementMade], None]
"""Writes into a live call's log what was announced; raises `UnknownCallError` where the call is over."""


def find_none(_language: str, _rule: str) -> None:
    """No rule has a recording."""


def note_nothing(_call: CallId, _made: AnnouncementMade) -> None:
    """Nobody keeps what was announced."""


class _Kind(Enum):
    STEP = auto()
    NOTICE = auto()
    ANNOUNCEMENT = auto()


@dataclass(frozen=True, slots=True)
class _Said:
    """What is said: clips that ship, or a recording of its own."""

    clips: tuple[str, ...]
    language: Language
    kind: _Kind
    disclosure: bool = False
    recording: Pcm | None = field(default=None, compare=False)


class Teller:
    """Speaks to callers, one thing after the other; made by `Teller.open`.

    Of what waits to be said, a newer step replaces the older one, and a newer notice the older; a disclosure and an
    announcement are always said, and once where the same one waits already. So no more waits for a caller than one of
    each, and a rule announces once a call. Once a human is on the line they speak for themselves, and who has hung up
    hears nothing more.

    Args:
        tellings: the texts.
        say: their audio.
        announce: plays it.
        find: what the installer recorded for the policy's announcements.
        note: where it is noted that something was announced.
    """

    def __init__(
        self, tellings: Tellings, say: Say, announce: Announce, find: Find = find_none, note: Note = note_nothing
    ) -> None:
        self._tellings = tellings
        self._say = say
        self._announce = announce
        self._find = find
        self._note = note
        self._waiting: dict[CallId, deque[_Said]] = {}
        self._tasks: TaskGroup | None = None

    @classmethod
    @asynccontextmanager
    async def open(
        cls, tellings: Tellings, say: Say, announce: Announce, find: Find = find_none, note: Note = note_nothing
    ) -> AsyncIterator[Self]:
        """A teller for as long as the context lasts; on leaving, what is being said is cut."""
        teller = cls(tellings, say, announce, find, note)
        async with anyio.create_task_group() as tasks:
            teller._tasks = tasks
            try:
                yield teller
            finally:
                teller._tasks = None
                tasks.cancel_scope.cancel()

    def tell_step(self, call: CallId, language: Language, step: HandoverEvent) -> None:
        """Tell a step of the hand-over; the request is a disclosure (R7)."""
        gone = isinstance(step, HandoverFailed) and step.code is HandoverFailure.CALLER_GONE
        if not gone and not isinstance(step, HandoverBridged):
            clips = self._tellings.of_handover(step).clips
            self._tell(call, _Said(clips, language, _Kind.STEP, isinstance(step, HandoverRequested)))
        else:
            self.hush(call)

    def tell_callback(self, call: CallId, language: Language) -> None:
        """Tell whoever was called back who calls; the installer's own recording of it says so better."""
        if self._tasks is not None:
            self._tasks.start_soon(self._greet, call, language, name=f"{call} greeting")

    def tell_notice(self, language: Language, notice: Notice) -> None:
        """Tell a waiting caller their place, or what else the desk has for them."""
        self._tell(notice.call, _Said(self._tellings.of_notice(notice).clips, language, _Kind.NOTICE))

    def announce(self, call: CallId, language: Language, rule: str, text: Wording) -> None:
        """Tell what a rule announces: in the log, and so on the caller's page; aloud where it is recorded."""
        if self._tasks is not None:
            self._tasks.start_soon(self._announce_rule, call, language, rule, text, name=f"{call} announcement")

    def hush(self, call: CallId) -> None:
        """Say nothing more of what waits, but disclosures."""
        if (waiting := self._waiting.get(call)) is not None:
            self._waiting[call] = deque(said for said in waiting if said.disclosure)

    def _tell(self, call: CallId, said: _Said) -> None:
        if self._tasks is None:
            return
        speaks = call in self._waiting
        waiting = self._waiting.setdefault(call, deque())
        if said.kind is not _Kind.ANNOUNCEMENT:
            for one in [one for one in waiting if one.kind is said.kind and not one.disclosure]:
                waiting.remove(one)
        if said not in waiting:
            waiting.append(said)
        if not speaks:
            self._tasks.start_soon(self._speak, call, name=f"{call} teller")

    async def _greet(self, call: CallId, language: Language) -> None:
        recording = None
        try:
            recording = await run_sync(self._find, language.value, GREETING)
        except WarmlineError as error:
            _log.error("call %s: the recorded greeting is not played: %s", call, error)
        clips = self._tellings.of_callback().clips
        self._tell(call, _Said(clips, language, _Kind.STEP, disclosure=True, recording=recording))

    async def _announce_rule(self, call: CallId, language: Language, rule: str, text: Wording) -> None:
        recording = None
        try:
            recording = await run_sync(self._find, language.value, rule)
        except WarmlineError as error:
            _log.error("call %s: the recording of rule %s is not played: %s", call, rule, error)
        try:
            self._note(call, AnnouncementMade(rule, text, recording is not None))
        except UnknownCallError:
            return
        except WarmlineError as error:
            _log.error("call %s: the announcement of rule %s is not noted (%s)", call, rule, error.code)
        if recording is not None:
            self._tell(call, _Said((f"policy.{rule}",), language, _Kind.ANNOUNCEMENT, recording=recording))

    async def _speak(self, call: CallId) -> None:
        try:
            while waiting := self._waiting[call]:
                said = waiting.popleft()
                try:
                    pcm = self._say(said.clips, said.language) if said.recording is None else said.recording
                    await self._announce(call, "+".join(said.clips), pcm, disclosure=said.disclosure)
                except UnknownCallError:
                    return
                except WarmlineError as error:
                    _log.error("call %s: %s was not said (%s)", call, said.clips[0], error.code)
        finally:
            del self._waiting[call]
