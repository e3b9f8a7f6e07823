"""Who gets in to the live websocket, and when it ends: tickets, origins, sessions, shutdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import httpx
import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from agent_console.live.limits import LiveLimits

if TYPE_CHECKING:
    from tests.agent_console.conftest import OpenRig, Rig

pytestmark = pytest.mark.anyio


async def check_refused(rig: Rig, url: str, code: str, **options: Any) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        async with connect(url, compression=None, proxy=None, **options):
            pass
    assert refusal.value.response.status_code == (503 if code == "capacity.exceeded" else 403)
    assert orjson.loads(refusal.value.response.body or b"")["code"] == code


async def test_a_ticket_is_good_once(rig: Rig) -> None:
    await rig.sign_in()
    url = rig.socket_url(await rig.ticket())
    async with connect(url, compression=None, proxy=None):
        pass
    await check_refused(rig, url, "auth.ticket")


async def test_a_ticket_is_good_for_30_s(rig: Rig) -> None:
    await rig.sign_in()
    fresh, stale = await rig.ticket(), await rig.ticket()
    rig.clock.advance(29.9)
    async with connect(rig.socket_url(fresh), compression=None, proxy=None):
        pass
    rig.clock.advance(0.1)
    await check_refused(rig, rig.socket_url(stale), "auth.ticket")


@pytest.mark.parametrize("query", ["", "?ticket=", "?ticket=guess", "?ticket=a&ticket=b"])
async def test_without_a_ticket_nobody_enters(rig: Rig, query: str) -> None:
    await check_refused(rig, f"{rig.url.replace('http', 'ws')}/live{query}", "auth.ticket")


async def test_the_ticket_of_a_session_that_is_over_is_void(rig: Rig) -> None:
    await rig.sign_in()
    ticket = await rig.ticket()
    assert (await rig.client.delete("/api/session")).status_code == 204
    with pytest.raises(InvalidStatus) as refusal:
        async with connect(rig.socket_url(ticket), proxy=None):
            pass
    assert refusal.value.response.status_code == 401


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
async def test_another_sites_page_cannot_connect_and_uses_up_no_ticket(rig: Rig, origin: str) -> None:
    await rig.sign_in()
    url = rig.socket_url(await rig.ticket())
    await check_refused(rig, url, "auth.origin", origin=origin)
    async with connect(url, compression=None, proxy=None, origin=rig.url):  # type: ignore[arg-type]  # Origin is a NewType of str
        pass


async def test_sign_out_closes_the_sessions_sockets_and_no_others(rig: Rig) -> None:
    await rig.sign_in()
    async with rig.new_client() as other, rig.live() as live:
        await rig.sign_in("supervisor", other)
        ticket = (await other.post("/api/tickets")).json()["ticket"]
        async with connect(rig.socket_url(ticket), compression=None, proxy=None) as second:
            assert (await rig.client.delete("/api/session")).status_code == 204
            assert await live.closed() == 4401
            await second.send('{"op":"ping","id":1}')
            assert orjson.loads(await second.recv()) == {"op": "pong", "id": 1}


async def test_an_account_that_is_removed_loses_its_socket(rig: Rig) -> None:
    await rig.sign_in()
    async with rig.live() as live:
        await live.check_alive()
        await anyio.to_thread.run_sync(rig.auth.accounts.remove, "mei")
        rig.clock.advance(30)
        assert await live.closed() == 4401


async def test_an_open_console_keeps_its_session_and_the_absolute_limit_ends_it(rig: Rig) -> None:
    await rig.sign_in()
    async with rig.live() as live:
        checks = rig.clock.sleepers
        for _ in range(3):
            rig.clock.advance(1_500)
            await rig.until(lambda: rig.clock.sleepers >= checks)  # the check has run once it sleeps again
        await live.check_alive()
        assert (await rig.client.get("/api/session")).status_code == 200
        rig.clock.advance(12 * 3600)
        assert await live.closed() == 4401


async def test_one_socket_too_many_is_refused(open_rig: OpenRig) -> None:
    async with open_rig(live=LiveLimits(sockets_per_session=1)) as rig:
        await rig.sign_in()
        async with rig.live() as live:
            await check_refused(rig, rig.socket_url(await rig.ticket()), "capacity.exceeded")
            await live.check_alive()
        await rig.until(lambda: rig.hub.open_sockets == 0)
        async with rig.live() as live:
            await live.check_alive()


async def test_shutdown_closes_with_1001(open_rig: OpenRig) -> None:
    async with anyio.create_task_group() as tasks:
        closed: list[int] = []
        async with open_rig() as rig:
            await rig.sign_in()
            socket_url = rig.socket_url(await rig.ticket())
            connected = anyio.Event()

            async def stay() -> None:
                async with connect(socket_url, compression=None, proxy=None) as staying:
                    connected.set()
                    await staying.wait_closed()
                    assert staying.close_code is not None
                    closed.append(staying.close_code)

            tasks.start_soon(stay)
            await connected.wait()
    assert closed == [1001]


async def test_an_http_request_to_the_socket_is_the_page(rig: Rig) -> None:
    answer: httpx.Response = await rig.client.get("/live?ticket=x")
    assert answer.status_code == 200
