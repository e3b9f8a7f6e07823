"""`/metrics`: what it counts, who may read it, and that nobody can be recognized in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest
from prometheus_client.parser import text_string_to_metric_families

from agent_console.metrics import CountedCommands, Metrics, Standing
from asr.types import Language
from routing.callback_events import CallbackAnswered, CallbackDialled, CallbackFailed, CallbackRequested
from routing.commands import Command, CommandRefusedError, HangUp, OfferCall, Outcome
from routing.events import CallEnded, CallEvent, CallStarted, StageFailed, Stamped
from routing.journal.memory import MemoryJournal
from routing.leg_events import MediaMeasured, PartyJoined, PartyLeft
from routing.terms import CallEndReason, Channel, Direction, Stage, TransferFailure
from voice.clock import ManualClock
from voice.contracts.audio import CallId, Party

if TYPE_CHECKING:
    from tests.agent_console.conftest import OpenRig

pytestmark = pytest.mark.anyio

STARTED = CallStarted(
    Direction.INBOUND, Channel.WEBRTC, "+8613800138000", "warmline", Language.ZH, "2026-11-22T08:00:00+00:00"
)
MEASURED = MediaMeasured(Party.CALLER, None, 0.02, 0.0, 0.01, 12.0, 40.0, 80.0, 4.1, 0.25)
BUSY_LINE = TransferFailure.BUSY
BUSY = Standing(
    live_calls=3,
    utterances_open=2,
    finals_waiting=1,
    audio_waiting_s=0.5,
    seats=2,
    audio_s=60.0,
    recognition_cpu_s=12.0,
    waiting={"service": 4, "sales": 0},
)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(lambda: BUSY)


def values(page: bytes) -> dict[tuple[str, ...], float]:
    """Every sample by its name and labels."""
    return {
        (sample.name, *(text for _, text in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
    }


def note(metrics: Metrics, *events: CallEvent, call: str = "c-1") -> None:
    for seq, event in enumerate(events):
        metrics.note(Stamped(CallId(call), seq, 0, event))


def test_events_are_counted_by_what_they_say(metrics: Metrics) -> None:
    note(metrics, STARTED, PartyJoined(Party.CALLER), PartyJoined(Party.AGENT, "anna"), MEASURED)
    note(metrics, STARTED, StageFailed(Stage.RECOGNITION, "x"), CallEnded(CallEndReason.CALLER_HUNG_UP, 0), call="c-2")
    found = values(metrics.page())
    assert found["warmline_calls_started_total", "webrtc"] == 2
    assert found["warmline_calls_ended_total", "caller_hung_up"] == 1
    assert found["warmline_stage_failures_total", "recognition"] == 1
    assert (found["warmline_legs_live", "caller"], found["warmline_legs_live", "agent"]) == (1, 1)
    assert found["warmline_media_mos_sum", "caller"] == pytest.approx(4.1)
    assert found["warmline_media_loss_ratio_bucket", "0.03", "caller"] == 1
    assert found["warmline_media_loss_ratio_bucket", "0.01", "caller"] == 0
    assert found["warmline_media_jitter_seconds_sum", "caller"] == pytest.approx(0.012)
    assert found["warmline_media_round_trip_seconds_count", "caller"] == 1
    assert found["warmline_media_lost_there_ratio_sum", "caller"] == 0.25
    note(metrics, PartyLeft(Party.AGENT, "anna"), CallEnded(CallEndReason.CALLER_HUNG_UP, 0))
    found = values(metrics.page())
    assert (found["warmline_legs_live", "caller"], found["warmline_legs_live", "agent"]) == (0, 0)


def test_callbacks_are_counted_by_how_far_they_came(metrics: Metrics) -> None:
    busy, gone = (CallbackFailed("anna", code, given_up) for code, given_up in ((BUSY_LINE, False), (BUSY_LINE, True)))
    note(metrics, CallbackRequested("tel:1"), CallbackDialled("anna", 1), busy, CallbackDialled("anna", 2), gone)
    note(metrics, CallbackRequested("tel:2"), CallbackDialled("anna", 1), CallbackAnswered("anna", CallId("c-9")))
    found = values(metrics.page())
    steps = {step: found["warmline_callbacks_total", step] for step in ("requested", "dialled", "answered", "given_up")}
    assert steps == {"requested": 2, "dialled": 3, "answered": 1, "given_up": 1}
    assert found["warmline_callbacks_missed_total", "busy"] == 2
    assert "tel:1" not in metrics.page().decode()


def test_what_stands_is_asked_for(metrics: Metrics) -> None:
    found = values(metrics.page())
    assert found["warmline_calls_live",] == 3
    assert found["warmline_recognition_finals_waiting",] == 1
    assert found["warmline_desk_callers_waiting", "service"] == 4
    assert found["process_cpu_seconds_total",] > 0


def test_nobody_can_be_recognized_and_labels_are_bounded(metrics: Metrics) -> None:
    for number in range(2_000):
        note(metrics, STARTED, PartyJoined(Party.AGENT, f"agent-{number}"), MEASURED, call=f"c-{number}")
        metrics.note_refusal(f"reason-{number}")
    page = metrics.page()
    assert b"13800138000" not in page
    assert b"agent-" not in page
    assert b"c-1" not in page
    assert values(page)["warmline_calls_refused_total", "other"] == 2_000
    assert len(values(page)) < 200


class Refusing:
    """Refuses everything."""

    async def execute(self, command: Command) -> Outcome:
        raise CommandRefusedError("capacity.exceeded", "full")


async def test_only_refused_calls_are_refused_calls(metrics: Metrics) -> None:
    commands = CountedCommands(Refusing(), metrics)
    for command in (OfferCall("key-1234", "v=0", Language.ZH, "web"), HangUp("key-1235", CallId("c-1"), "anna")):
        with pytest.raises(CommandRefusedError):
            await commands.execute(command)
    assert values(metrics.page())["warmline_calls_refused_total", "capacity.exceeded"] == 1


async def test_the_journal_is_followed(metrics: Metrics) -> None:
    journal, clock = MemoryJournal(), ManualClock()
    async with metrics.following(journal, clock):
        await anyio.wait_all_tasks_blocked()
        await journal.append([Stamped(CallId("c-1"), 0, 0, STARTED)])
        await anyio.wait_all_tasks_blocked()
        assert values(metrics.page())["warmline_calls_started_total", "webrtc"] == 1


@pytest.mark.parametrize(
    ("user", "authorization", "status"),
    [
        (None, None, 401),
        (None, "Bearer wrong", 401),
        (None, "sixteen characters or more", 401),
        (None, "Bearer sixteen characters or more", 200),
        ("mei", None, 403),
        ("qa", None, 403),
        ("supervisor", None, 200),
        ("admin", None, 200),
    ],
)
async def test_who_may_read(
    open_rig: OpenRig, metrics: Metrics, user: str | None, authorization: str | None, status: int
) -> None:
    async with open_rig(metrics=metrics) as rig:
        if user is not None:
            await rig.sign_in(user)
        headers = {} if authorization is None else {"Authorization": authorization}
        answer = await rig.client.get("/metrics", headers=headers)
    assert answer.status_code == status
    if status == 200:
        assert answer.headers["content-type"].startswith("text/plain")
        assert "warmline_calls_live 3.0" in answer.text


async def test_a_server_that_counts_nothing_says_so(open_rig: OpenRig) -> None:
    async with open_rig() as rig:
        answer = await rig.client.get("/metrics")
    assert answer.status_code == 503
    assert answer.json()["code"] == "metrics.absent"


@pytest.mark.parametrize(("user", "status"), [(None, 401), ("mei", 403), ("supervisor", 200), ("admin", 200)])
async def test_supervisors_see_why_calls_were_refused(
    open_rig: OpenRig, metrics: Metrics, user: str | None, status: int
) -> None:
    for reason in ("sip.rate", "sip.rate", "capacity.exceeded", "made up by a stranger"):
        metrics.note_refusal(reason)
    async with open_rig(metrics=metrics) as rig:
        if user is not None:
            await rig.sign_in(user)
        answer = await rig.client.get("/api/refusals")
    assert answer.status_code == status
    if status == 200:
        assert answer.json() == {"refusals": {"sip.rate": 2, "capacity.exceeded": 1, "other": 1}}
