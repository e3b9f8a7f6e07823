"""Endpoints on real sockets: transfers, registration, and what is left behind."""

from __future__ import annotations

import os
import socket

import anyio
import anyio.lowlevel
import pytest

from tests.voice.sip.line import line, phone
from voice.clock import WallClock
from voice.contracts.ports import LegEnd
from voice.contracts.sip_errors import SipCallError, SipError, SipPortError
from voice.sip.agent import UserAgent
from voice.sip.call_terms import CallEnd, Referral
from voice.sip.dialog import LocalAddress
from voice.sip.digest import Credentials
from voice.sip.endpoint import SipEndpoint
from voice.sip.messages import Request, make_response, parse_message
from voice.sip.registration import Registered, Registration
from voice.sip.sockets import Datagrams
from voice.sip.transactions import Flow
from voice.sip.trunks import Registrar, SipSettings

pytestmark = pytest.mark.anyio
REGISTRAR = Flow("udp", ("198.51.100.1", 5060))


@pytest.mark.parametrize("status", [200, 486])
async def test_a_transfer_hands_the_caller_over_or_leaves_them_here(status: int) -> None:
    async with line() as (endpoint, ear), phone() as caller:
        leg = await caller.call(f"sip:4001@127.0.0.1:{endpoint.port}")
        ours = ear.calls[0].leg
        leg.call.terms.transfer_to = frozenset({"pbx.example"})

        async def progress() -> None:
            leg.call.transfers.notify(180, 0.0)
            leg.call.transfers.notify(status, 0.0)

        async with anyio.create_task_group() as tasks:

            def refer(_: Referral) -> bool:
                tasks.start_soon(progress)
                return True

            leg.call.hooks.referred = refer
            if status == 200:
                await ours.transfer("sip:expert@pbx.example", seconds=30)
            else:
                with pytest.raises(SipCallError) as caught:
                    await ours.transfer("sip:expert@pbx.example", seconds=30)
                assert caught.value.status == status
        assert (ours.end is None) is (status != 200)
        if status == 200:
            with anyio.fail_after(30):
                await leg.over.wait()
            assert leg.end_reason is LegEnd.HUNG_UP
        leg.close()
        await ear.wait_ended()


async def test_nobody_there_is_told_as_such() -> None:
    async with phone() as caller:
        with pytest.raises(SipPortError):
            await caller.call("sip:4001@127.0.0.1:1;transport=tcp")
        with pytest.raises(SipCallError):
            await caller.call("sip:4001@127.0.0.1:1", ring_s=0.3)
        with pytest.raises(SipError):
            await caller.call("4001")
        assert caller.legs == 0


async def test_a_port_that_is_taken_is_told() -> None:
    async with phone() as caller:
        with pytest.raises(SipPortError, match="cannot be used"):
            async with SipEndpoint.open(SipSettings("127.0.0.1", caller.port), WallClock()):
                pass


async def test_any_port_is_one_that_is_free_for_tcp_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        half_free, bind, asked = int(taken.getsockname()[1]), Datagrams.open, []

        async def open_half_free_first(self: Datagrams, host: str, port: int) -> None:
            asked.append(port)
            await bind(self, host, half_free if len(asked) == 1 else port)

        monkeypatch.setattr(Datagrams, "open", open_half_free_first)
        async with SipEndpoint.open(SipSettings("127.0.0.1", 0), WallClock()) as endpoint:
            assert endpoint.port not in (0, half_free)
        assert asked == [0, 0]


async def test_calls_leave_no_socket_behind() -> None:
    async with line() as (endpoint, ear), phone() as caller:
        before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  names are what is counted
        for _ in range(5):
            leg = await caller.call(f"sip:4001@127.0.0.1:{endpoint.port}")
            leg.close()
        with anyio.fail_after(30):
            while endpoint.legs or caller.legs:  # noqa: ASYNC110 - the last BYEs are on their way
                await anyio.sleep(0.02)
        await anyio.lowlevel.checkpoint()
        assert len(os.listdir("/proc/self/fd")) <= before  # noqa: PTH208  names are what is counted
    assert [heard.leg.end for heard in ear.calls] == [CallEnd.HUNG_UP] * 5


async def test_a_registration_proves_its_password_and_is_renewed() -> None:
    sent: list[bytes] = []
    agent = UserAgent(
        SipSettings("127.0.0.1", 5060),
        LocalAddress("127.0.0.1", 5060),
        lambda data, _: sent.append(data),
        lambda *_: None,
    )
    registration = Registration(agent, Registrar("pbx.example", 5060, Credentials("ann", "correct horse")), REGISTRAR)
    registration.begin(0.0)

    def answer(status: int, *headers: tuple[str, str]) -> Request:
        request = parse_message(sent[-1])
        assert isinstance(request, Request)
        response = make_response(request, status, tag="r")
        for name, value in headers:
            response.headers.append(name, value)
        agent.receive(bytes(response), REGISTRAR, 1.0)
        return request

    first = answer(401, ("WWW-Authenticate", 'Digest realm="pbx", nonce="n", algorithm=SHA-256, qop="auth"'))
    assert first.uri == "sip:pbx.example"
    second = answer(200, ("Contact", "<sip:warmline@127.0.0.1:5060>;expires=120"))
    assert 'username="ann"' in second.headers.get("authorization")[0]
    assert "correct horse" not in second.serialize()
    assert registration.state.until_s == pytest.approx(121)
    agent.timers.run(62.0)
    assert len(sent) == 3  # half-way through it is renewed
    answer(403)
    assert Registered(403, None, 1) == registration.state
    agent.timers.run(200.0)
    assert len(sent) >= 4  # and tried again
