"""Consultations and transfers over HTTP: what is asked of the calls, who may ask, who can be called outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agent_console.deps import Outside
from routing.commands import Command, CommandRefusedError, Consult, EndConsult, TransferCall, WithdrawTransfer
from routing.terms import TargetKind, TransferKind
from routing.transfer_events import TransferTarget
from tests.agent_console.conftest import OpenRig, Rig
from voice.contracts.audio import CallId

pytestmark = pytest.mark.anyio
CALL = CallId("call-1")
KEY = "key-of-eight"
LIN = TransferTarget(TargetKind.AGENT, "lin")
BILLING = TransferTarget(TargetKind.QUEUE, "billing")
OUTSIDE = TransferTarget(TargetKind.URI, "tel:+8610123456")

ASKED: list[tuple[str, dict[str, Any], Command]] = [
    ("consult", {"to": {"agent": "lin"}}, Consult(KEY, CALL, "mei", LIN)),
    ("consult", {"to": {"uri": "tel:+8610123456"}}, Consult(KEY, CALL, "mei", OUTSIDE)),
    ("transfer", {"kind": "attended"}, TransferCall(KEY, CALL, "mei", TransferKind.ATTENDED, None)),
    (
        "transfer",
        {"kind": "blind", "to": {"queue": "billing"}},
        TransferCall(KEY, CALL, "mei", TransferKind.BLIND, BILLING),
    ),
]


async def ask(rig: Rig, path: str, **body: Any) -> tuple[int, str]:
    """Status, and the code of a refusal."""
    answer = await rig.client.post(f"/api/calls/{CALL}/{path}", json={"key": KEY} | body)
    return answer.status_code, answer.json().get("code", "") if answer.content else ""


@pytest.mark.parametrize(("path", "body", "command"), ASKED)
async def test_what_whoever_serves_asks_is_carried_out(
    rig: Rig, path: str, body: dict[str, Any], command: Command
) -> None:
    assert await ask(rig, path, **body) == (401, "auth.required")
    await rig.sign_in("qa")
    assert await ask(rig, path, **body) == (403, "auth.forbidden")
    await rig.sign_in()
    assert await ask(rig, path, **body) == (204, "")
    assert rig.commands.executed == [command]


async def test_what_was_asked_is_taken_back(rig: Rig) -> None:
    await rig.sign_in()
    for path in ("consult", "transfer"):
        answer = await rig.client.delete(f"/api/calls/{CALL}/{path}", params={"key": KEY})
        assert answer.status_code == 204
    assert rig.commands.executed == [EndConsult(KEY, CALL, "mei"), WithdrawTransfer(KEY, CALL, "mei")]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("consult", {}),
        ("consult", {"to": {}}),
        ("consult", {"to": {"agent": "lin", "queue": "billing"}}),
        ("consult", {"to": {"uri": "https://example.org"}}),
        ("consult", {"to": {"uri": "sip:a b@example.org"}}),
        ("transfer", {"kind": "blind"}),
        ("transfer", {"kind": "warm", "to": {"agent": "lin"}}),
        ("transfer", {"kind": "blind", "to": {"agent": ""}}),
    ],
)
async def test_a_wish_that_is_none_is_refused(rig: Rig, path: str, body: dict[str, Any]) -> None:
    await rig.sign_in()
    assert await ask(rig, path, **body) == (422, "request.invalid")
    assert rig.commands.executed == []


@pytest.mark.parametrize(
    ("reason", "status"), [("agent.engaged", 409), ("agent.unknown", 404), ("call.not_yours", 403), ("call.state", 409)]
)
async def test_refusals_have_their_status(
    rig: Rig, refuse: Callable[[str], CommandRefusedError], reason: str, status: int
) -> None:
    await rig.sign_in()
    rig.commands.refusal = refuse(reason)
    assert await ask(rig, "consult", to={"agent": "lin"}) == (status, reason)


async def test_who_is_signed_in_is_told_who_can_be_called(open_rig: OpenRig) -> None:
    async with open_rig(outside=Outside(("+86", "0"), ("pbx.example",))) as rig:
        assert (await rig.client.get("/api/outside")).status_code == 401
        await rig.sign_in()
        answer = await rig.client.get("/api/outside")
    assert answer.json() == {"prefixes": ["+86", "0"], "domains": ["pbx.example"]}
