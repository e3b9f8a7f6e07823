"""The routes and errors of the HTTP interface, over the real server; its pages: `test_pages`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING

import anyio
import pytest

from agent_console.deps import NotReady
from agent_console.metrics import Metrics, Standing
from routing.commands import CommandRefusedError, HangUp, OfferCall, PressKey, ReofferCall
from tests.agent_console.problems import check_problem
from voice.contracts.audio import CallId

if TYPE_CHECKING:
    from tests.agent_console.conftest import OpenRig, Rig

pytestmark = pytest.mark.anyio

OFFER = {"key": "page-0001", "sdp": "v=0", "language": "zh", "caller": "web"}
Refuse = Callable[[str], CommandRefusedError]


async def test_config_says_what_a_caller_page_needs(rig: Rig) -> None:
    answer = await rig.client.get("/api/config")
    assert answer.json() == {
        "version": "1.2.3",
        "languages": ["zh", "en"],
        "default_language": "zh",
        "ice_servers": [{"urls": ["stun:s:1"]}, {"urls": ["turn:t:2"], "username": "u", "credential": "c"}],
    }


async def test_a_call_is_offered_anew_by_its_caller_alone(rig: Rig, refuse: Refuse) -> None:
    offer = {"key": "page-0009", "sdp": "v=0"}
    secret = {"X-Call-Secret": "the-secret"}
    answer = await rig.client.put("/api/calls/call-1/offer", json=offer, headers=secret)
    assert (answer.status_code, answer.json()) == (200, {"sdp": "v=0 answer"})
    assert rig.commands.executed == [ReofferCall("page-0009", CallId("call-1"), "v=0", "the-secret")]
    assert (await rig.client.put("/api/calls/call-1/offer", json=offer)).status_code == 422
    for reason, status in {"secret.wrong": 403, "call.unknown": 404, "call.state": 409, "webrtc.sdp": 400}.items():
        rig.commands.refusal = refuse(reason)
        refused = await rig.client.put("/api/calls/call-1/offer", json=offer, headers=secret)
        assert (refused.status_code, refused.json()["code"]) == (status, reason)


async def test_one_address_begins_so_many_calls_a_minute_and_is_told_when_the_next_one_may(open_rig: OpenRig) -> None:
    standing = Standing(0, 0, 0, 0.0, 0, 0.0, 0.0, {})
    metrics = Metrics(lambda: standing)
    async with open_rig(calls_per_minute=6, metrics=metrics) as rig:
        for number in range(2):
            answer = await rig.client.post("/api/calls", json=OFFER | {"key": f"page-000{number}"})
            assert answer.status_code == 201
        refused = await rig.client.post("/api/calls", json=OFFER | {"key": "page-0009"})
        assert "10 s" in check_problem(refused, 429, "call.throttled")["message"]
        assert refused.headers["Retry-After"] == "10"
        assert metrics.refusals() == {"call.throttled": 1}
        assert len(rig.commands.executed) == 2
        # Whose address it is says the proxy on this machine; that of another one is another matter.
        elsewhere = {"X-Forwarded-For": "198.51.100.7"}
        assert (await rig.client.post("/api/calls", json=OFFER, headers=elsewhere)).status_code == 201
        # Calls that go on are no new ones.
        offer = {"key": "page-0010", "sdp": "v=0"}
        again = await rig.client.put("/api/calls/call-1/offer", json=offer, headers={"X-Call-Secret": "the-secret"})
        assert again.status_code == 200
        rig.clock.advance(10.0)
        assert (await rig.client.post("/api/calls", json=OFFER)).status_code == 201


async def test_a_call_is_offered_keyed_and_ended_by_its_caller(rig: Rig) -> None:
    answer = await rig.client.post("/api/calls", json=OFFER)
    assert answer.status_code == 201
    assert answer.json() == {"call": "call-1", "sdp": "v=0 answer", "secret": "the-secret"}
    secret = {"X-Call-Secret": "the-secret"}
    pressed = await rig.client.post("/api/calls/call-1/keys", json={"key": "page-0002", "digit": "0"}, headers=secret)
    assert pressed.status_code == 204
    assert (await rig.client.delete("/api/calls/call-1", headers=secret)).status_code == 204
    offer, press, hang_up = rig.commands.executed
    assert isinstance(offer, OfferCall)
    assert (offer.key, offer.sdp, offer.language, offer.caller) == ("page-0001", "v=0", "zh", "web")
    assert press == PressKey("page-0002", CallId("call-1"), "0", "the-secret")
    assert isinstance(hang_up, HangUp)
    assert (hang_up.by, hang_up.secret) == ("caller", "the-secret")


@pytest.mark.parametrize(
    ("reason", "status"),
    [("webrtc.sdp", 400), ("capacity.exceeded", 503), ("server.draining", 503), ("never.heard", 500)],
)
async def test_a_refused_offer_says_why(rig: Rig, refuse: Refuse, reason: str, status: int) -> None:
    rig.commands.refusal = refuse(reason)
    answer = await rig.client.post("/api/calls", json=OFFER)
    problem = check_problem(answer, status, reason)
    assert problem["fix"] == "do otherwise"
    assert ("retry-after" in answer.headers) == (status == 503)


@pytest.mark.parametrize(("reason", "status"), [("secret.wrong", 403), ("call.unknown", 404), ("call.ended", 409)])
async def test_a_refused_hang_up_says_why(rig: Rig, refuse: Refuse, reason: str, status: int) -> None:
    rig.commands.refusal = refuse(reason)
    headers = {"X-Call-Secret": "no"}
    check_problem(await rig.client.delete("/api/calls/call-1", headers=headers), status, reason)
    press = {"key": "page-0002", "digit": "0"}
    check_problem(await rig.client.post("/api/calls/call-1/keys", json=press, headers=headers), status, reason)


async def test_an_agent_ends_a_call_without_the_secret_and_qa_may_not(rig: Rig) -> None:
    check_problem(await rig.client.delete("/api/calls/call-1"), 401, "auth.required")
    await rig.sign_in("qa")
    check_problem(await rig.client.delete("/api/calls/call-1"), 403, "auth.forbidden")
    assert rig.commands.executed == []
    await rig.sign_in()
    assert (await rig.client.delete("/api/calls/call-1")).status_code == 204
    (hang_up,) = rig.commands.executed
    assert isinstance(hang_up, HangUp)
    assert (hang_up.by, hang_up.secret) == ("mei", None)


@pytest.mark.parametrize(
    "change",
    [
        {"sdp": None},
        {"sdp": ""},
        {"sdp": 7},
        {"key": "short"},
        {"language": "ko"},
        {"language": ""},
        {"caller": ""},
        {"caller": "x" * 201},
        {"surplus": 1},
    ],
    ids=str,
)
async def test_an_offer_that_is_not_one_is_invalid(rig: Rig, change: dict[str, object]) -> None:
    check_problem(await rig.client.post("/api/calls", json=OFFER | change), 422, "request.invalid")
    assert rig.commands.executed == []


@pytest.mark.parametrize("digit", ["", "00", "a", "A", "٣", "0\n"])
async def test_a_key_that_no_dial_pad_has_is_invalid(rig: Rig, digit: str) -> None:
    body = {"key": "page-0002", "digit": digit}
    answer = await rig.client.post("/api/calls/call-1/keys", json=body, headers={"X-Call-Secret": "s"})
    check_problem(answer, 422, "request.invalid")


async def test_a_body_that_is_not_json_is_invalid_and_is_not_echoed(rig: Rig) -> None:
    answer = await rig.client.post(
        "/api/session", content=b'{"user": "13800001111', headers={"Content-Type": "application/json"}
    )
    check_problem(answer, 422, "request.invalid")
    assert "13800001111" not in answer.text
    answer = await rig.client.post("/api/session", json={"user": "mei", "password": ["a secret"]})
    check_problem(answer, 422, "request.invalid")
    assert "a secret" not in answer.text


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_limit_is_refused(rig: Rig, chunked: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"x" * 65_536

    body = chunks() if chunked else b"x" * 262_145
    answer = await rig.client.post(
        "/api/calls",
        content=body,
        headers={"Content-Type": "application/json"},
    )
    check_problem(answer, 413, "request.too_large")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/session"),
        ("POST", "/api/tickets"),
        ("GET", "/api/calls"),
        ("GET", "/api/calls/call-1"),
        ("GET", "/api/calls/call-1/events"),
        ("GET", "/api/calls/call-1/recording"),
        ("HEAD", "/api/calls/call-1/recording"),
    ],
)
async def test_what_is_for_agents_needs_a_session(rig: Rig, method: str, path: str) -> None:
    answer = await rig.client.request(method, path, headers={"Cookie": "warmline_session=forged"})
    assert answer.status_code == 401
    if method != "HEAD":
        check_problem(answer, 401, "auth.required")


async def test_calls_are_listed_newest_first_and_paged(rig: Rig) -> None:
    await rig.sign_in()
    for minute in range(5):
        await rig.speaker.begin(f"c{minute}", started_at=f"2026-11-22T08:0{minute}:00+00:00")
    await rig.speaker.say("c3", "我要投诉")
    await rig.speaker.end("c0")
    listed = (await rig.client.get("/api/calls", params={"limit": 2})).json()["calls"]
    assert [call["call"] for call in listed] == ["c4", "c3"]
    assert listed[1]["last_text"] == "我要投诉"
    rest = await rig.client.get("/api/calls", params={"before": listed[-1]["started_at"]})
    assert [call["call"] for call in rest.json()["calls"]] == ["c2", "c1", "c0"]
    assert rest.json()["calls"][-1] == {
        "call": "c0",
        "started_at": "2026-11-22T08:00:00+00:00",
        "channel": "webrtc",
        "caller": "web",
        "called": "warmline",
        "language": "zh",
        "ended": True,
        "duration_ms": 1000.0,
        "priority": 0,
        "route": None,
        "route_reason": None,
        "level": "settled",
        "risk": 0.0,
        "intent": None,
        "last_text": "",
        "last_seq": 1,
        "asked": None,
        "consulted": None,
        "recording": False,
    }
    one = await rig.client.get("/api/calls/c0")
    assert one.json() == rest.json()["calls"][-1]


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "before=yesterday", "before=" + "1" * 65])
async def test_a_list_query_out_of_range_is_invalid(rig: Rig, query: str) -> None:
    await rig.sign_in()
    check_problem(await rig.client.get(f"/api/calls?{query}"), 422, "request.invalid")


async def test_events_are_paged_by_seq(rig: Rig) -> None:
    await rig.sign_in()
    await rig.speaker.begin("c")
    await rig.speaker.say("c", "查快递", partials=2)
    page = (await rig.client.get("/api/calls/c/events", params={"limit": 4})).json()
    assert [event["seq"] for event in page["events"]] == [0, 1, 2, 3]
    assert (page["last_seq"], page["complete"]) == (5, False)
    rest = (await rig.client.get("/api/calls/c/events", params={"after": 3})).json()
    assert [event["type"] for event in rest["events"]] == ["speech.ended", "transcript.final"]
    assert (rest["last_seq"], rest["complete"]) == (5, True)
    none = (await rig.client.get("/api/calls/c/events", params={"after": 5})).json()
    assert none == {"events": [], "last_seq": 5, "complete": True}
    check_problem(await rig.client.get("/api/calls/c/events", params={"after": 6}), 400, "journal.position")
    check_problem(await rig.client.get("/api/calls/c/events", params={"after": -2}), 422, "request.invalid")


@pytest.mark.parametrize("call", ["nobody", "a%20b", "..", "%2e%2e", "x" * 200])
async def test_an_unknown_call_is_404(rig: Rig, call: str) -> None:
    await rig.sign_in()
    for suffix in ("", "/events"):
        answer = await rig.client.get(f"/api/calls/{call}{suffix}")
        assert answer.status_code == 404, answer.text


async def test_health(rig: Rig) -> None:
    assert (await rig.client.get("/livez")).json() == {"alive": True}
    ready = await rig.client.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "reasons": []})


async def test_a_server_that_cannot_take_calls_says_why(open_rig: OpenRig) -> None:
    async def probe() -> Sequence[NotReady]:
        return [NotReady("model.missing", "no model")]

    async with open_rig(readiness=probe) as rig:
        answer = await rig.client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "reasons": [{"code": "model.missing", "message": "no model"}]}


async def test_a_probe_that_breaks_is_a_reason(open_rig: OpenRig) -> None:
    async def probe() -> Sequence[NotReady]:
        raise OSError("the disk said 13800001111")

    async with open_rig(readiness=probe) as rig:
        answer = await rig.client.get("/readyz")
    assert answer.status_code == 503
    assert [reason["code"] for reason in answer.json()["reasons"]] == ["readiness.failed"]
    assert "13800001111" not in answer.text


async def test_an_error_nobody_foresaw_leaks_nothing(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    rig.commands.refusal = RuntimeError("the caller said 13800001111")
    answer = await rig.client.post("/api/calls", json=OFFER)
    problem = check_problem(answer, 500, "server.error")
    assert answer.headers["x-request-id"] in problem["message"]
    assert "13800001111" not in answer.text + caplog.text
    assert answer.headers["x-request-id"] in caplog.text
    assert "RuntimeError" in caplog.text
    assert "conftest.py" in caplog.text


async def test_unknown_paths_and_methods(rig: Rig) -> None:
    for method in ("GET", "POST", "DELETE"):
        check_problem(await rig.client.request(method, "/api/nothing"), 404, "request.unknown_path")
    wrong = await rig.client.put("/api/session")
    check_problem(wrong, 405, "request.method")
    check_problem(await rig.client.post("/call"), 405, "request.method")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1", "junk"])
async def test_another_sites_page_changes_nothing(rig: Rig, origin: str) -> None:
    answer = await rig.client.post("/api/calls", json=OFFER, headers={"Origin": origin})
    check_problem(answer, 403, "auth.origin")
    assert rig.commands.executed == []
    assert (await rig.client.get("/api/config", headers={"Origin": origin})).status_code == 200


async def test_a_browser_that_hides_the_origin_is_judged_by_fetch_site(rig: Rig) -> None:
    answer = await rig.client.post("/api/calls", json=OFFER, headers={"Sec-Fetch-Site": "cross-site"})
    check_problem(answer, 403, "auth.origin")


async def test_our_own_page_may(rig: Rig) -> None:
    answer = await rig.client.post("/api/calls", json=OFFER, headers={"Origin": rig.url})
    assert answer.status_code == 201


async def test_a_foreign_name_is_refused(rig: Rig) -> None:
    answer = await rig.client.get("/api/config", headers={"Host": "rebound.example"})
    problem = check_problem(answer, 421, "request.host")
    assert "WARMLINE_HOSTS" in problem["fix"]


async def test_openapi_documents_every_route(rig: Rig) -> None:
    document = (await rig.client.get("/api/openapi.json")).json()
    operations = {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert set(operations) == {
        "POST /api/session",
        "GET /api/session",
        "DELETE /api/session",
        "POST /api/tickets",
        "GET /api/config",
        "POST /api/calls",
        "GET /api/calls",
        "GET /api/calls/{call}",
        "DELETE /api/calls/{call}",
        "POST /api/calls/{call}/keys",
        "GET /api/calls/{call}/told",
        "POST /api/calls/{call}/legs",
        "PUT /api/calls/{call}/legs/mine",
        "PUT /api/calls/{call}/legs/mine/offer",
        "GET /api/outside",
        "POST /api/calls/{call}/consult",
        "DELETE /api/calls/{call}/consult",
        "POST /api/calls/{call}/transfer",
        "DELETE /api/calls/{call}/transfer",
        "DELETE /api/calls/{call}/legs/mine",
        "PUT /api/calls/{call}/hold",
        "PUT /api/calls/{call}/offer",
        "PUT /api/calls/{call}/mute",
        "PUT /api/calls/{call}/recording",
        "GET /api/calls/{call}/events",
        "GET /api/calls/{call}/recording",
        "GET /api/calls/{call}/recording/peaks",
        "GET /api/desk/agents",
        "GET /api/desk/names",
        "GET /api/desk/queues",
        "GET /api/desk/contacts",
        "PUT /api/desk/agents/{agent}",
        "DELETE /api/desk/agents/{agent}",
        "PUT /api/desk/agents/{agent}/presence",
        "POST /api/desk/agents/{agent}/life",
        "GET /api/desk/me",
        "GET /api/desk/reservation",
        "POST /api/desk/reservations/{offer}/accept",
        "POST /api/desk/reservations/{offer}/decline",
        "POST /api/desk/contacts/{call}/failed",
        "POST /api/desk/contacts/{call}/missed",
        "POST /api/desk/contacts/{call}/finished",
        "POST /api/desk/contacts/{call}/callback",
        "POST /api/desk/contacts/{call}/priority",
        "GET /api/refusals",
        "GET /livez",
        "GET /metrics",
        "GET /readyz",
    }
    for name, operation in operations.items():
        assert operation["summary"], name
        invalid = operation["responses"]["422"]["content"]["application/json"]["schema"]
        assert invalid == {"$ref": "#/components/schemas/Problem"}, name


async def test_many_requests_at_once(rig: Rig) -> None:
    await rig.sign_in()
    await rig.speaker.begin("c")
    statuses: list[int] = []

    async def ask() -> None:
        statuses.append((await rig.client.get("/api/calls/c/events")).status_code)

    async with anyio.create_task_group() as tasks:
        for _ in range(50):
            tasks.start_soon(ask)
    assert statuses == [200] * 50
