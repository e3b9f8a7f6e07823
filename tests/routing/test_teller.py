"""Callers are told, aloud, what happens: in order, the news only, disclosures always."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import numpy as np
import pytest
from anyio.to_thread import run_sync

from asr.types import Language
from routing.desk.notices import Notice, NoticeKind
from routing.service_events import (
    AnnouncementMade,
    HandoverAccepted,
    HandoverBridged,
    HandoverFailed,
    HandoverOffered,
    HandoverRequested,
)
from routing.teller import Teller
from routing.telling import Tellings
from routing.terms import HandoverFailure, Wording
from voice.contracts.audio import CallId, Pcm
from voice.contracts.errors import PromptError, UnknownCallError

pytestmark = pytest.mark.anyio

CALL, OTHER = CallId("c"), CallId("d")
REQUEST = HandoverRequested("t", Wording("投诉", "complaint"))
OFFER, ACCEPT, BRIDGE = (kind("t", "ann") for kind in (HandoverOffered, HandoverAccepted, HandoverBridged))


class Line:
    """Plays for as long as the test says."""

    def __init__(self) -> None:
        self.played: list[tuple[CallId, str, int, bool]] = []
        self.over: set[CallId] = set()
        self.heard = anyio.Event()
        self.go = anyio.Event()

    async def announce(self, call: CallId, prompt: str, pcm: Pcm, *, disclosure: bool) -> None:
        if call in self.over:
            raise UnknownCallError(f"No live call {call!r}.")
        self.played.append((call, prompt, pcm.size, disclosure))
        self.heard.set()
        await self.go.wait()

    async def until(self, count: int) -> list[str]:
        """What was said, once it is so much."""
        with anyio.fail_after(30):
            while len(self.played) < count:
                self.heard = anyio.Event()
                await self.heard.wait()
        return [prompt for _, prompt, _, _ in self.played]


def say(clips: Sequence[str], language: str) -> Pcm:
    if "failed.technical" in clips:
        raise PromptError("There is no such clip.")
    return np.zeros(100 * len(clips) + (language == "en"), np.float32)


async def test_steps_are_said_one_after_the_other() -> None:
    line = Line()
    line.go.set()
    async with Teller.open(Tellings.load(), say, line.announce) as teller:
        for count, step in enumerate((REQUEST, OFFER, ACCEPT), 1):
            teller.tell_step(CALL, Language.ZH, step)
            await line.until(count)
    assert line.played == [
        (CALL, "handover.requested", 100, True),
        (CALL, "handover.offered", 100, False),
        (CALL, "handover.accepted", 100, False),
    ]


async def test_news_replace_what_waits_but_no_disclosure() -> None:
    line = Line()
    async with Teller.open(Tellings.load(), say, line.announce) as teller:
        teller.tell_notice(Language.ZH, Notice(CALL, NoticeKind.NOBODY))
        await line.until(1)
        for step in (OFFER, REQUEST, OFFER, ACCEPT):
            teller.tell_step(CALL, Language.ZH, step)
            teller.tell_notice(Language.ZH, Notice(CALL, NoticeKind.NOBODY))
        teller.tell_notice(Language.ZH, Notice(CALL, NoticeKind.CALLBACK_OFFERED))
        line.go.set()
        said = await line.until(4)
    assert said == ["notice.nobody", "handover.requested", "handover.accepted", "notice.callback_offered"]


async def test_however_much_comes_every_disclosure_is_said_and_no_more_waits_than_one_of_each() -> None:
    line = Line()
    async with Teller.open(Tellings.load(), say, line.announce) as teller:
        teller.tell_step(CALL, Language.ZH, OFFER)
        await line.until(1)
        for _ in range(20):
            teller.tell_step(CALL, Language.ZH, REQUEST)
            teller.tell_step(CALL, Language.ZH, OFFER)
            teller.tell_notice(Language.ZH, Notice(CALL, NoticeKind.NOBODY))
        line.go.set()
        said = await line.until(4)
        await anyio.wait_all_tasks_blocked()
    assert said == ["handover.offered", "handover.requested", "handover.offered", "notice.nobody"]
    assert len(line.played) == 4


async def test_a_human_on_the_line_speaks_for_themselves() -> None:
    line = Line()
    async with Teller.open(Tellings.load(), say, line.announce) as teller:
        teller.tell_step(CALL, Language.ZH, REQUEST)
        await line.until(1)
        teller.tell_step(CALL, Language.ZH, ACCEPT)
        teller.tell_step(CALL, Language.ZH, BRIDGE)
        teller.tell_step(OTHER, Language.ZH, HandoverFailed("t", HandoverFailure.CALLER_GONE))
        line.go.set()
        teller.tell_step(OTHER, Language.EN, OFFER)
        assert await line.until(2) == ["handover.requested", "handover.offered"]
    assert line.played[1] == (OTHER, "handover.offered", 101, False)


async def test_a_place_is_said_with_its_figures() -> None:
    line = Line()
    line.go.set()
    async with Teller.open(Tellings.load(), say, line.announce) as teller:
        teller.tell_notice(Language.EN, Notice(CALL, NoticeKind.POSITION, 3, 290.0))
        assert await line.until(1) == ["notice.ahead.3+notice.wait.5"]


async def test_what_cannot_be_said_harms_nothing_else() -> None:
    line = Line()
    line.go.set()
    line.over.add(OTHER)
    async with Teller.open(Tellings.load(), say, line.announce) as teller:
        teller.tell_step(OTHER, Language.ZH, OFFER)
        teller.tell_step(CALL, Language.ZH, HandoverFailed("t", HandoverFailure.TECHNICAL))
        teller.tell_step(CALL, Language.ZH, OFFER)
        await line.until(1)
        teller.tell_step(CALL, Language.ZH, HandoverFailed("t", HandoverFailure.TECHNICAL))
        await anyio.wait_all_tasks_blocked()
        teller.tell_step(CALL, Language.ZH, ACCEPT)
        assert await line.until(2) == ["handover.offered", "handover.accepted"]


async def test_an_announcement_waits_its_turn_and_is_lost_to_no_newer_step() -> None:
    line, noted = Line(), []
    clip = np.zeros(777, np.float32)

    def find(language: str, rule: str) -> Pcm | None:
        if rule == "broken":
            raise PromptError("It cannot be played.")
        return clip if (language, rule) == ("zh", "busy") else None

    def note(call: CallId, made: AnnouncementMade) -> None:
        if call == OTHER:
            raise UnknownCallError("over")
        noted.append((made.rule, made.spoken))

    async with Teller.open(Tellings.load(), say, line.announce, find, note) as teller:
        teller.tell_step(CALL, Language.ZH, OFFER)
        await line.until(1)
        for rule in ("busy", "busy", "broken", "unrecorded"):
            teller.announce(CALL, Language.ZH, rule, REQUEST.reason)
        teller.announce(CALL, Language.EN, "busy", REQUEST.reason)
        teller.announce(OTHER, Language.ZH, "busy", REQUEST.reason)
        with anyio.fail_after(30):
            while len(noted) < 5:
                await run_sync(lambda: None)
        teller.tell_step(CALL, Language.ZH, REQUEST)
        teller.tell_step(CALL, Language.ZH, ACCEPT)
        line.go.set()
        said = await line.until(4)
        await anyio.wait_all_tasks_blocked()
    assert sorted(noted) == [("broken", False), ("busy", False), ("busy", True), ("busy", True), ("unrecorded", False)]
    assert said == ["handover.offered", "policy.busy", "handover.requested", "handover.accepted"]
    assert line.played[1] == (CALL, "policy.busy", 777, False)
    assert len(line.played) == 4


async def test_whoever_leaves_is_told_nothing_more() -> None:
    line = Line()
    async with Teller.open(Tellings.load(), say, line.announce) as teller:
        teller.tell_step(CALL, Language.ZH, OFFER)
        await line.until(1)
    teller.tell_step(CALL, Language.ZH, ACCEPT)
    assert len(line.played) == 1
