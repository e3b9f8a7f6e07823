"""Tells callers, aloud, what happens to their hand-over and how long it may take."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol, Self

import anyio
from anyio.abc import TaskGroup

from asr.types import Language
from routing.desk.notices import Notice
from routing.handover import HandoverEvent
from routing.service_events import HandoverBridged, HandoverFailed, HandoverRequested
from routing.telling import Telling, Tellings
from routing.terms import HandoverFailure
from voice.contracts.audio import CallId, Pcm
from voice.contracts.errors import UnknownCallError, WarmlineError

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


@dataclass(frozen=True, slots=True)
class _Said:
    telling: Telling
    language: Language
    step: bool
    disclosure: bool = False


class Teller:
    """Speaks to callers, one thing after the other; made by `Teller.open`.

    Of what waits to be said, a newer step replaces the older one, and a newer notice the older; a disclosure is always
    said, and once where the same one waits already. So no more waits for a caller than one of each. Once a human is on
    the line they speak for themselves, and who has hung up hears nothing more.

    Args:
        tellings: the texts.
        say: their audio.
        announce: plays it.
    """

    def __init__(self, tellings: Tellings, say: Say, announce: Announce) -> None:
        self._tellings = tellings
        self._say = say
        self._announce = announce
        self._waiting: dict[CallId, deque[_Said]] = {}
        self._tasks: TaskGroup | None = None

    @classmethod
    @asynccontextmanager
    async def open(cls, tellings: Tellings, say: Say, announce: Announce) -> AsyncIterator[Self]:
        """A teller for as long as the context lasts; on leaving, what is being said is cut."""
        teller = cls(tellings, say, announce)
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
            telling = self._tellings.of_handover(step)
            self._tell(call, _Said(telling, language, step=True, disclosure=isinstance(step, HandoverRequested)))
        else:
            self.hush(call)

    def tell_notice(self, language: Language, notice: Notice) -> None:
        """Tell a waiting caller their place, or what else the desk has for them."""
        self._tell(notice.call, _Said(self._tellings.of_notice(notice), language, step=False))

    def hush(self, call: CallId) -> None:
        """Say nothing more of what waits, but disclosures."""
        if (waiting := self._waiting.get(call)) is not None:
            self._waiting[call] = deque(said for said in waiting if said.disclosure)

    def _tell(self, call: CallId, said: _Said) -> None:
        if self._tasks is None:
            return
        speaks = call in self._waiting
        waiting = self._waiting.setdefault(call, deque())
        for one in [one for one in waiting if one.step is said.step and not one.disclosure]:
            waiting.remove(one)
        if said not in waiting:
            waiting.append(said)
        if not speaks:
            self._tasks.start_soon(self._speak, call, name=f"{call} teller")

    async def _speak(self, call: CallId) -> None:
        try:
            while waiting := self._waiting[call]:
                said = waiting.popleft()
                try:
                    pcm = self._say(said.telling.clips, said.language)
                    await self._announce(call, "+".join(said.telling.clips), pcm, disclosure=said.disclosure)
                except UnknownCallError:
                    return
                except WarmlineError as error:
                    _log.error("call %s: %s was not said (%s)", call, said.telling.clips[0], error.code)
        finally:
            del self._waiting[call]
