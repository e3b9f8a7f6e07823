"""What `warmline serve` does: opens everything in order, says where it is, and closes it again in reverse."""

from __future__ import annotations

import logging
import resource
import secrets
import signal
from typing import Final

import anyio
import httpx
from anyio.to_thread import run_sync
from rich.console import Console as Terminal
from rich.panel import Panel

from agent_console.app import create_app
from agent_console.auth.accounts import Accounts, Role
from agent_console.demo import FIRST_CALL, call_in
from agent_console.server import serve
from agent_console.settings import Settings
from agent_console.wiring import open_console
from voice.contracts.errors import WarmlineError

MOST_FILES: Final = 65_536
"""A telephone call holds two sockets, a browser's one; many machines let a process begin with 1024 open files."""

_log = logging.getLogger(__name__)


async def serve_until_stopped(settings: Settings, terminal: Terminal, *, demo: bool) -> None:
    """Serve until the process is told to stop (Ctrl-C, SIGTERM); live calls are ended and seen through first.

    Raises:
        PortInUseError: the address is taken.
        DataFolderError: the data folder cannot be created or written.
        ModelError: recognition cannot be loaded.
        PolicyError: the policy file is not valid.
    """
    allow_many_files()
    terminal.print("Loading models …")
    async with open_console(settings) as opened:
        password = await run_sync(_make_first_account, opened.accounts)
        terminal.print(f"Recognition: {opened.recognition}")
        async with anyio.create_task_group() as tasks:

            def announce(url: str) -> None:
                terminal.print(_welcome(url, password))
                if demo:
                    tasks.start_soon(_show_first_call, url, terminal, name="demo call")

            tasks.start_soon(_stop_on_signal, tasks, name="signals")
            await serve(create_app(opened.console), settings.host, settings.port, on_ready=announce)
            tasks.cancel_scope.cancel()
    terminal.print("Stopped; every call is journalled to its end.")


def allow_many_files() -> None:
    """Let this process have as many open files as the machine allows it, up to `MOST_FILES`."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if most == resource.RLIM_INFINITY else min(most, MOST_FILES)
    if now != resource.RLIM_INFINITY and now < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


async def _stop_on_signal(tasks: anyio.abc.TaskGroup) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            tasks.cancel_scope.cancel()
            return


def _make_first_account(accounts: Accounts) -> str | None:
    """Where nobody may sign in yet, make an administrator; answers the password, which is shown once."""
    if accounts.all():
        return None
    password = secrets.token_urlsafe(12)
    accounts.add("admin", password, Role.ADMIN)
    return password


def _welcome(url: str, password: str | None) -> Panel:
    if password:
        sign_in = f"admin / [bold]{password}[/]   [dim](shown once; change it: warmline users passwd admin)[/]"
    else:
        sign_in = "with your account   [dim](forgotten? warmline users passwd NAME)[/]"
    lines = (
        f"来电 Call         [link]{url}/call[/link]",
        f"坐席 Console      [link]{url}/[/link]",
        f"质检 Recordings   [link]{url}/qa[/link]",
        f"登录 Sign in      {sign_in}",
    )
    return Panel("\n".join(lines), title="Warmline", subtitle="Ctrl-C stops", expand=False)


async def _show_first_call(url: str, terminal: Terminal) -> None:
    terminal.print(f"A first call is coming in: the sample {FIRST_CALL}, over WebRTC. Watch it on the console.")
    try:
        await call_in(url)
    except (WarmlineError, httpx.HTTPError) as error:  # the demo may fail; serving goes on
        _log.warning("the demo call failed: %s", error)
    else:
        terminal.print("The first call is over; it can be replayed under Recordings.")
