"""What the caller's page reads of what the caller is told: by the secret alone, in order, and as soon as it happens."""

from __future__ import annotations

import anyio
import pytest

from routing.commands import CommandRefusedError, ShowSecret
from routing.service_events import (
    AnnouncementMade,
    HandoverAccepted,
    HandoverBridged,
    HandoverFailed,
    HandoverOffered,
    HandoverRequested,
    PromptPlayed,
)
from routing.terms import HandoverFailure, HandoverReturn, Wording
from tests.agent_console.conftest import Rig
from tests.agent_console.problems import check_problem
from voice.contracts.audio import CallId

pytestmark = pytest.mark.anyio

SECRET = {"X-Call-Secret": "the-secret"}
BUSY = Wording("当前排队较多", "It is busy at the moment")


async def test_steps_places_and_announcements_are_read_in_order(rig: Rig) -> None:
    await rig.speaker.begin("c1")
    await rig.speaker.say("c1", "我要投诉")
    await rig.speaker.write(
        "c1",
        AnnouncementMade("busy", BUSY, spoken=False),
        HandoverRequested("t", Wording("投诉", "complaint")),
        PromptPlayed("handover.requested", True, True),
        PromptPlayed("notice.ahead.3+notice.wait.5", False, True),
        PromptPlayed("notice.made-up", False, True),
        PromptPlayed("policy.busy", False, True),
        HandoverOffered("t", "mei"),
        HandoverFailed("t", HandoverFailure.DECLINED, "mei", HandoverReturn.QUEUE),
        HandoverOffered("t", "lin"),
        HandoverAccepted("t", "lin"),
        HandoverBridged("t", "lin"),
    )
    answer = await rig.client.get("/api/calls/c1/told", headers=SECRET)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    document = answer.json()
    assert [one["text"]["en"] for one in document["told"]] == [
        "It is busy at the moment",
        "You are being transferred to a specialist",
        "3 before you, the expected wait is about 5 minutes",
        "We are reaching an agent for you, one moment please",
        "The agent cannot take the call right now; we are trying another, and you keep your place",
        "We are reaching an agent for you, one moment please",
        "An agent has answered, connecting you now",
        "You are now connected to an agent",
    ]
    assert document["told"][0]["text"]["zh"] == "当前排队较多"
    assert document["told"][2]["text"]["zh"] == "您前面还有 3 位，预计等待约 5 分钟"
    assert not document["ended"]
    assert rig.commands.executed == [ShowSecret("told", CallId("c1"), "the-secret")]
    after = {"after": document["last_seq"]}
    nothing = (await rig.client.get("/api/calls/c1/told", headers=SECRET, params=after)).json()
    assert nothing == {"told": [], "last_seq": document["last_seq"], "ended": False}
    await rig.speaker.end("c1")
    assert (await rig.client.get("/api/calls/c1/told", headers=SECRET, params=after)).json()["ended"]


async def test_who_waits_is_told_at_once(rig: Rig) -> None:
    await rig.speaker.begin("c1")
    answers: list[dict[str, object]] = []

    async def wait() -> None:
        params = {"after": 0, "wait_s": 20}
        answers.append((await rig.client.get("/api/calls/c1/told", headers=SECRET, params=params)).json())

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await rig.until(lambda: bool(rig.commands.executed))
            await rig.speaker.say("c1", "你好")  # nothing that the caller is told
            await rig.speaker.write("c1", AnnouncementMade("busy", BUSY, spoken=True))
    assert [answer["told"] for answer in answers] == [
        [{"seq": 5, "at_ms": 100.0, "text": {"zh": BUSY.zh, "en": BUSY.en}}]
    ]
    short = {"after": 5, "wait_s": 0.05}
    quiet = (await rig.client.get("/api/calls/c1/told", headers=SECRET, params=short)).json()
    assert quiet == {"told": [], "last_seq": 5, "ended": False}


async def test_a_stranger_reads_nothing(rig: Rig) -> None:
    await rig.speaker.begin("c1")
    assert (await rig.client.get("/api/calls/c1/told")).status_code == 422
    await rig.sign_in()  # the route is the caller's alone
    assert (await rig.client.get("/api/calls/c1/told")).status_code == 422
    rig.commands.refusal = CommandRefusedError("secret.wrong", "This call belongs to somebody else.")
    refused = await rig.client.get("/api/calls/c1/told", headers={"X-Call-Secret": "guess"})
    check_problem(refused, 403, "secret.wrong")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("c1/told?after=7", 400, "journal.position"),
        ("c1/told?after=-2", 422, "request.invalid"),
        ("c1/told?after=99999999999999999999", 422, "request.invalid"),
        ("c1/told?wait_s=3600", 422, "request.invalid"),
        ("c1/told?wait_s=nan", 422, "request.invalid"),
        ("c9/told", 404, "call.unknown"),
        ("a%2e%2e/told", 404, "call.unknown"),
    ],
)
async def test_what_makes_no_sense_is_refused(rig: Rig, path: str, status: int, code: str) -> None:
    await rig.speaker.begin("c1")
    check_problem(await rig.client.get(f"/api/calls/{path}", headers=SECRET), status, code)
