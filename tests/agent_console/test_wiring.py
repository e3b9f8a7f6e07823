"""What the composition root adds to its parts: policies that change while Warmline runs, calls that a crash left."""

from __future__ import annotations

import shutil
from pathlib import Path

import anyio
import pytest

from agent_console.settings import Settings
from agent_console.wiring import POLICY_EVERY_S, follow_policy, open_console, open_rooms
from routing.agent_tone import AgentTonePermission
from routing.journal.sqlite import SqliteJournal
from routing.kept_file import KeptFile
from routing.policy.file import DEFAULT_POLICY, load_policy
from tests.conformance.test_journal import log
from voice.clock import ManualClock
from voice.contracts.audio import CallId
from voice.contracts.errors import DataFolderError, DataFolderInUseError, ModelError, PolicyError

pytestmark = pytest.mark.anyio


async def test_a_changed_policy_comes_into_force_and_a_broken_one_does_not(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    shutil.copy(DEFAULT_POLICY, path)
    policy, clock = KeptFile(path, load_policy), ManualClock()
    first = policy.current.version
    text = path.read_text(encoding="utf-8")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(follow_policy, policy, clock)

        async def look() -> None:
            """Let one look at the file pass: it is over when the follower sleeps again."""
            while not clock.sleepers:
                await anyio.wait_all_tasks_blocked()
            clock.advance(POLICY_EVERY_S)
            await anyio.wait_all_tasks_blocked()
            while not clock.sleepers:
                await anyio.wait_all_tasks_blocked()

        path.write_text("rules: [", encoding="utf-8")
        await look()
        assert (policy.current.version, type(policy.error)) == (first, PolicyError)

        path.write_text(text.replace("at_least: 80", "at_least: 85"), encoding="utf-8")
        await look()
        second = policy.current.version
        assert (second != first, policy.error) == (True, None)

        path.unlink()
        await look()
        assert policy.current.version == second
        tasks.cancel_scope.cancel()


async def test_a_call_that_a_crash_left_is_ended_at_the_next_start(tmp_path: Path) -> None:
    async with SqliteJournal.open(tmp_path / "journal.db") as journal:
        await journal.append(log(CallId("c-crashed"), 5))
    settings = Settings.load(environ={}, data=tmp_path, engine="fake", vad="webrtc")
    async with open_console(settings) as opened:
        (entry,) = await opened.journal.calls()
        assert entry.ended
        assert await opened.console.readiness() == ()


async def test_a_data_folder_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(DataFolderError, match="cannot be written"):
        async with open_console(Settings.load(environ={}, data=tmp_path / "data", engine="fake")):
            pass


async def test_a_second_server_on_the_same_folder_is_refused_and_harms_no_live_call(tmp_path: Path) -> None:
    settings = Settings.load(environ={}, data=tmp_path, engine="fake", vad="webrtc")
    async with open_console(settings) as opened:
        await opened.journal.append(log(CallId("c-live"), 5))
        with pytest.raises(DataFolderInUseError, match="Another Warmline"):
            async with open_console(settings):
                pass
        (entry,) = await opened.journal.calls()
        assert not entry.ended
    async with open_console(settings):
        pass  # free again


async def test_calls_get_what_the_settings_say_of_tone(tmp_path: Path) -> None:
    plain = Settings.load(environ={}, data=tmp_path, engine="fake", vad="webrtc")
    async with open_rooms(plain) as (rooms, _):
        assert (rooms.tone_model, rooms.carry_over, rooms.agent_tone) == (None, True, None)
    other = Settings.load(
        environ={},
        data=tmp_path,
        engine="fake",
        vad="webrtc",
        tone_model="linear",
        carry_over=False,
        measure_agents=True,
        measure_agents_legal_basis="works agreement 7, occupational safety",
    )
    async with open_rooms(other) as (rooms, _):
        assert rooms.tone_model is not None
        assert rooms.tone_model.name.startswith("tone-linear/")
        assert not rooms.carry_over
        assert rooms.agent_tone == AgentTonePermission("works agreement 7, occupational safety")


async def test_a_tone_model_that_is_not_there_is_said_before_any_call(tmp_path: Path) -> None:
    settings = Settings.load(environ={}, engine="fake", vad="webrtc", tone_model=str(tmp_path / "none.onnx"))
    with pytest.raises(ModelError, match="none"):
        async with open_rooms(settings):
            pass
