"""The addresses that are offered, and the private function of aioice on which they depend."""

from __future__ import annotations

import aioice.ice
import anyio
import pytest
from aiortc import RTCPeerConnection
from aiortc.sdp import SessionDescription

from voice.clock import WallClock
from voice.contracts.errors import MediaError, SettingsError
from voice.webrtc.client import WebRtcCaller
from voice.webrtc.ice import IceServer, IceSettings, gathering

pytestmark = pytest.mark.anyio

ORIGINAL = aioice.ice.get_host_addresses


async def offered(settings: IceSettings) -> set[str]:
    async with WebRtcCaller(WallClock(), settings) as caller:
        candidates = SessionDescription.parse(await caller.create_offer()).media[0].ice_candidates
    assert {candidate.type for candidate in candidates} == {"host"}
    return {candidate.ip for candidate in candidates}


def test_aioice_is_as_the_override_expects() -> None:
    """When this fails, aioice has changed: see `voice/webrtc/ice.py`."""
    assert callable(getattr(aioice.ice, "get_host_addresses", None))
    interfaces = aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=True)
    assert all(isinstance(address, str) for address in interfaces)
    assert "127.0.0.1" not in interfaces, "aioice offers loopback by itself now: the override may go"


async def test_exactly_the_named_addresses_are_offered() -> None:
    assert await offered(IceSettings(host_addresses=("127.0.0.1",))) == {"127.0.0.1"}
    assert await offered(IceSettings(host_addresses=("127.0.0.2", "127.0.0.1"))) == {"127.0.0.1", "127.0.0.2"}


async def test_loopback_is_offered_beside_the_interfaces_by_default() -> None:
    interfaces = set(ORIGINAL(use_ipv4=True, use_ipv6=True))
    assert await offered(IceSettings()) == interfaces | {"127.0.0.1"}
    if interfaces:
        assert await offered(IceSettings(loopback=False)) == interfaces


async def test_peers_that_gather_at_once_have_their_own_addresses() -> None:
    wanted = [IceSettings(host_addresses=(f"127.0.0.{n}",)) for n in range(1, 9)]
    got: dict[int, set[str]] = {}

    async def one(index: int) -> None:
        got[index] = await offered(wanted[index])

    async with anyio.create_task_group() as tasks:
        for index in range(len(wanted)):
            tasks.start_soon(one, index)
    assert got == {index: {f"127.0.0.{index + 1}"} for index in range(len(wanted))}
    assert aioice.ice.get_host_addresses is ORIGINAL


async def test_others_who_use_aioice_meanwhile_are_left_alone() -> None:
    """The override is in place, but a peer outside of the block gets what the machine has."""
    inside, go_on = anyio.Event(), anyio.Event()

    async def hold() -> None:
        with pytest.raises(MediaError), gathering(IceSettings(host_addresses=("127.0.0.9",))):
            inside.set()
            await go_on.wait()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(hold)
        await inside.wait()
        assert aioice.ice.get_host_addresses is not ORIGINAL
        assert aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=True) == ORIGINAL(use_ipv4=True, use_ipv6=True)
        go_on.set()
    assert aioice.ice.get_host_addresses is ORIGINAL


async def test_interleaved_blocks_put_the_function_back() -> None:
    first, second = gathering(IceSettings()), gathering(IceSettings())
    first.__enter__()
    second.__enter__()
    aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=False)
    second.__exit__(None, None, None)
    with pytest.raises(MediaError):
        first.__exit__(None, None, None)
    assert aioice.ice.get_host_addresses is ORIGINAL


async def test_a_vanished_function_is_said_loudly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(aioice.ice, "get_host_addresses")
    with pytest.raises(MediaError, match="gone"):
        await offered(IceSettings())


async def test_a_function_that_is_not_called_is_said_loudly(monkeypatch: pytest.MonkeyPatch) -> None:
    async def gather(self: aioice.Connection) -> None:
        self._local_candidates_end = True

    monkeypatch.setattr(aioice.Connection, "gather_candidates", gather)
    with pytest.raises(MediaError, match="without asking"):
        await offered(IceSettings())
    assert aioice.ice.get_host_addresses is ORIGINAL


async def test_no_server_is_asked_by_default() -> None:
    """aiortc would ask a public STUN server if it was given None."""
    connection = RTCPeerConnection(IceSettings().configuration())
    connection.addTransceiver("audio")
    gatherer = connection.getTransceivers()[0].receiver.transport.transport.iceGatherer
    assert gatherer._connection.stun_server is None
    assert gatherer._connection.turn_server is None
    await connection.close()


async def test_servers_reach_aioice() -> None:
    settings = IceSettings(
        servers=(
            IceServer(("stun:stun.example.org",)),
            IceServer(("turns:turn.example.org?transport=tcp",), "user", "secret"),
        )
    )
    connection = RTCPeerConnection(settings.configuration())
    connection.addTransceiver("audio")
    ice = connection.getTransceivers()[0].receiver.transport.transport.iceGatherer._connection
    assert ice.stun_server == ("stun.example.org", 3478)
    assert (ice.turn_server, ice.turn_username, ice.turn_password) == (("turn.example.org", 5349), "user", "secret")
    assert "secret" not in repr(settings)
    await connection.close()


@pytest.mark.parametrize("url", ["", "http://x", "stun", "turn:", "stun:host:port", "stun:h?transport=udp"])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(SettingsError):
        IceServer((url,))


@pytest.mark.parametrize("addresses", [(), ("localhost",), ("127.0.0.1", ""), ("1.2.3",)])
def test_an_address_that_is_none_is_refused(addresses: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError):
        IceSettings(host_addresses=addresses)


def test_a_server_needs_a_url() -> None:
    with pytest.raises(SettingsError):
        IceServer(())
