"""The desk as it is wired: a call that asks for a person reaches it, and its file may change while it runs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from anyio.to_thread import run_sync

from agent_console.desk_wiring import FILE_EVERY_S, open_desk
from agent_console.settings import Settings
from agent_console.wiring import open_console
from routing.desk.file import DEFAULT_DESK
from routing.events import Stamped
from routing.handover import HandoverEvent
from routing.journal.memory import MemoryJournal
from routing.service_events import RouteDecided
from routing.terms import RouteTarget, Wording
from tests.conformance.test_journal import log
from voice.clock import ManualClock
from voice.contracts.audio import CallId, Pcm
from voice.contracts.errors import DeskConfigError

pytestmark = pytest.mark.anyio

WHY = Wording("要人工", "wants a person")


async def hush(call: CallId, prompt: str, pcm: Pcm, *, disclosure: bool) -> None:
    """Play nothing."""


async def test_a_changed_desk_file_comes_into_force_and_a_broken_one_does_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, clock, journal = tmp_path / "desk.yaml", ManualClock(), MemoryJournal()
    shutil.copy(DEFAULT_DESK, path)
    text = path.read_text(encoding="utf-8")
    steps: list[tuple[CallId, HandoverEvent]] = []
    told: list[tuple[CallId, str, bool]] = []

    async def announce(call: CallId, prompt: str, pcm: Pcm, *, disclosure: bool) -> None:
        assert pcm.size
        told.append((call, prompt, disclosure))

    async def write(call: CallId, step: HandoverEvent) -> None:
        steps.append((call, step))

    async with open_desk(tmp_path, path, journal, write, announce, clock) as desk:
        ledger = desk.keeper.ledger
        first = ledger.config.version

        async def look_until(done: Callable[[], bool]) -> None:
            with anyio.fail_after(20):
                while not done():
                    clock.advance(FILE_EVERY_S)
                    await run_sync(lambda: None)
                    await anyio.wait_all_tasks_blocked()

        path.write_text("queues: [", encoding="utf-8")
        await look_until(lambda: "desk file not taken over" in caplog.text)
        assert desk.keeper.ledger.config.version == first
        path.write_text(text.replace("offer_timeout_s: 15", "offer_timeout_s: 25"), encoding="utf-8")
        await look_until(lambda: desk.keeper.ledger.config.version != first)

        call = CallId("c-human")
        begun = log(call, 1)
        await journal.append(begun)
        await journal.append([Stamped(call, 1, 0, RouteDecided(RouteTarget.HUMAN, "r", WHY, (), "1"))])
        with anyio.fail_after(20):
            while len(steps) < 2 or len(told) < 3:
                await run_sync(lambda: None)
        assert [(one, step.TYPE) for one, step in steps] == [(call, "handover.requested"), (call, "handover.failed")]
        assert told == [
            (call, "handover.requested", True),
            (call, "failed.nobody_signed_in", False),
            (call, "notice.nobody", False),
        ]
    assert (tmp_path / "audit.db").exists()


async def test_the_console_is_given_the_desk(tmp_path: Path) -> None:
    settings = Settings.load(environ={}, data=tmp_path / "data", engine="fake")
    async with open_console(settings) as opened:
        assert opened.console.desk is not None
        assert set(opened.console.desk.keeper.ledger.config.queues) == {"general", "complaints"}


async def test_a_broken_desk_file_is_said_before_any_call(tmp_path: Path) -> None:
    (tmp_path / "desk.yaml").write_text("version: [", encoding="utf-8")
    with pytest.raises(DeskConfigError):
        async with open_desk(
            tmp_path,
            tmp_path / "desk.yaml",
            MemoryJournal(),
            lambda *_: anyio.lowlevel.checkpoint(),
            hush,
            ManualClock(),
        ):
            pass
