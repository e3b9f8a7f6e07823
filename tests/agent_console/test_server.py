"""Binding, readiness, and the end of a server; and where requests come from."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import httpx
import pytest
from fastapi import FastAPI

from agent_console.api.errors import HostError, OriginError
from agent_console.api.origin import HostPort, check_host, check_origin, parse_host
from agent_console.server import bind, serve, url_of
from voice.contracts.errors import PortInUseError, SettingsError


def test_a_port_in_use_is_a_typed_error() -> None:
    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(PortInUseError, match=f"Port {port} on 127.0.0.1 is in use") as refusal:
            bind("127.0.0.1", port)
        assert "--port" in refusal.value.fix


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1", "not a host"])
def test_a_host_that_is_not_ours_is_a_typed_error(host: str) -> None:
    with pytest.raises(SettingsError, match="'host'"):
        bind(host, 0)


def test_urls() -> None:
    with bind("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        assert url_of(listener, "127.0.0.1") == f"http://127.0.0.1:{port}"
        assert url_of(listener, "0.0.0.0") == f"http://localhost:{port}"
        assert url_of(listener, "::1") == f"http://[::1]:{port}"


def app_with(events: list[str], *, fail: bool = False) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        if fail:
            raise ZeroDivisionError
        events.append("open")
        try:
            yield
        finally:
            events.append("closed")

    app = FastAPI(lifespan=lifespan)

    @app.get("/slow")
    async def slow() -> str:
        events.append("asked")
        await anyio.sleep(0.3)
        events.append("answered")
        return "done"

    return app


@pytest.mark.anyio
async def test_cancelling_ends_the_server_after_the_request_in_progress() -> None:
    events: list[str] = []
    url = ""
    async with anyio.create_task_group() as tasks, httpx.AsyncClient(trust_env=False, timeout=30) as client:

        async def ask() -> None:
            answer = await client.get(f"{url}/slow")
            events.append(answer.json())

        def ready(found: str) -> None:
            nonlocal url
            url = found
            tasks.start_soon(ask)

        async with anyio.create_task_group() as inner:
            inner.start_soon(serve, app_with(events), "127.0.0.1", 0, ready)
            with anyio.fail_after(30):
                while "asked" not in events:
                    await anyio.lowlevel.checkpoint()
            inner.cancel_scope.cancel()
        assert events.index("answered") < events.index("closed")
    assert "done" in events
    with pytest.raises(httpx.ConnectError):
        await httpx.AsyncClient(trust_env=False, timeout=30).get(url)


@pytest.mark.anyio
async def test_an_application_that_cannot_start_says_so_and_frees_the_port() -> None:
    with bind("127.0.0.1", 0) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(ZeroDivisionError):
        await serve(app_with([], fail=True), "127.0.0.1", port)
    bind("127.0.0.1", port).close()


@pytest.mark.anyio
async def test_a_taken_port_starts_nothing() -> None:
    events: list[str] = []
    with bind("127.0.0.1", 0) as taken, pytest.raises(PortInUseError):
        await serve(app_with(events), "127.0.0.1", taken.getsockname()[1])
    assert events == []


@pytest.mark.anyio
async def test_a_client_that_says_nonsense_harms_nobody() -> None:
    async with anyio.create_task_group() as tasks:
        urls: list[str] = []
        ready = anyio.Event()

        def announce(url: str) -> None:
            urls.append(url)
            ready.set()

        tasks.start_soon(serve, app_with([]), "127.0.0.1", 0, announce)
        await ready.wait()
        port = int(urls[0].rpartition(":")[2])
        for nonsense in (b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/9.9\r\n\r\n", b"x" * 100_000, b""):
            async with await anyio.connect_tcp("127.0.0.1", port) as stream:
                await stream.send(nonsense)
                await stream.send_eof()
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
            assert (await client.get(f"{urls[0]}/nothing")).status_code == 404
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("127.0.0.1:8080", HostPort("127.0.0.1", 8080)),
        ("LOCALHOST", HostPort("localhost", None)),
        ("calls.example.", HostPort("calls.example", None)),
        ("[::1]:8080", HostPort("::1", 8080)),
        ("", None),
        ("a:b", None),
        ("a:99999", None),
        ("user@a", None),
        ("a/b", None),
        ("a?b", None),
        ("[::1", None),
    ],
)
def test_hosts_are_parsed(header: str, expected: HostPort | None) -> None:
    assert parse_host(header) == expected


@pytest.mark.parametrize(
    "name", ["127.0.0.1:1", "[::1]", "192.0.2.9", "localhost:5173", "app.localhost", "ours.example"]
)
def test_addresses_local_names_and_ours_are_known(name: str) -> None:
    assert check_host([name], ["ours.example"]).name


@pytest.mark.parametrize(
    "headers", [["evil.example"], ["localhost.evil.example"], ["127.0.0.1.evil.example"], [], ["a", "a"]]
)
def test_other_names_are_not(headers: list[str]) -> None:
    with pytest.raises(HostError):
        check_host(headers, ["ours.example"])
    if len(headers) == 1:
        assert check_host(headers, ["*"])


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://localhost:8080", "localhost:8080"),
        ("https://calls.example", "calls.example"),
        ("https://calls.example", "calls.example:443"),
        ("https://calls.example:443", "calls.example"),
        ("http://[::1]:8080", "[::1]:8080"),
    ],
)
def test_our_own_origin_passes(origin: str, host: str) -> None:
    parsed = parse_host(host)
    assert parsed is not None
    check_origin([origin], parsed)


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "http://localhost:8081",
        "http://localhost",
        "ftp://localhost:8080",
        "http://localhost:8080/x",
        "http://[",
        "localhost:8080",
    ],
)
def test_any_other_origin_does_not(origin: str) -> None:
    with pytest.raises(OriginError):
        check_origin([origin], HostPort("localhost", 8080))


def test_two_origins_are_one_too_many() -> None:
    ours = "http://localhost:8080"
    with pytest.raises(OriginError):
        check_origin([ours, ours], HostPort("localhost", 8080))


def test_sockets_are_closed_where_binding_fails() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(PortInUseError):
            bind("127.0.0.1", taken.getsockname()[1])
